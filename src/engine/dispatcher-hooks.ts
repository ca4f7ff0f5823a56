import type { BreakerActor } from '../../machines/breaker.ts'
import type { OperationActor } from '../../machines/operation.ts'
import type { SyncError } from '../core/errors.ts'
import type { ConflictRecord, OperationRow } from '../core/operation.ts'
import type { Chooser } from './chooser.ts'
import type { Renamer } from './renamer.ts'
import type { Replica } from './replica.ts'
import type { Store } from './store.ts'
import type { Transactions } from './transactions.ts'

export interface DispatcherHooks {
  breaker(): BreakerActor | undefined
  takeSlot(): OperationActor
  /** How many of what is on its way goes in the request of another. */
  shared(): number
  /** Whether it would leave in a request that leaves anyway. */
  ridesAlong(row: OperationRow): boolean
  /** Stops every slot and request: what they were about stays in doubt. */
  abandon(): void
  started(row: OperationRow): void
  /** The row was written with this status, and what was found to be in conflict with it. */
  recorded(row: OperationRow, conflict: ConflictRecord | undefined): void
  /** What the engine itself enqueued was stored. */
  accepted(rows: readonly OperationRow[]): void
  /** Its transaction failed, and it can't be taken back. */
  left(row: OperationRow): void
  quarantined(sequence: number, error: SyncError): void
  /** The store can't be read or written. */
  failed(error: unknown): void
  /** Nothing is left that could be done now. */
  quiet(): void
}

export interface DispatcherParts {
  readonly store: Store
  readonly replica: Replica
  readonly chooser: Chooser
  readonly transactions: Transactions
  readonly renamer: Renamer
}
