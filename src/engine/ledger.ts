import type { OperationActor, OperationEvent } from '../../machines/operation.ts'
import { conflictRow, isNews } from '../core/conflict-row.ts'
import { SyncOperationError } from '../core/errors.ts'
import type { ConflictRecord, OperationRow } from '../core/operation.ts'
import type { Write } from '../core/ports.ts'
import { park } from '../core/rows.ts'
import { CONFLICTS } from '../core/schema.ts'
import type { Part } from '../core/transaction.ts'
import { confirmedAs } from '../core/undo.ts'
import { toldBy, valueOf, type Confirmation } from './confirmation.ts'
import { putOperation, updateOperation, type Store } from './store.ts'

/** A row that waits to be written, and what the server said of its entity meanwhile. */
export interface LedgerEntry {
  /** Who waits for the write; undefined if the slot is gone. */
  readonly slot: OperationActor | undefined
  readonly row: OperationRow
  readonly writes: readonly Write[]
  readonly confirmation?: Confirmation | undefined
  /** What this step found to be in conflict, or how it settled what had been. */
  readonly conflict?: ConflictRecord | undefined
  /** What was said of each member of the transaction that is played with it. */
  readonly parts?: readonly Part[] | undefined
}

/** What a step of an operation writes: its row, and what is now known of the entity. */
export function ledgerEntry(
  slot: OperationActor,
  row: OperationRow,
  was: OperationRow | undefined,
  event: OperationEvent,
): LedgerEntry {
  const conflict = isNews(row, was) ? conflictRow(row, 'at' in event ? event.at : row.enqueuedAt) : undefined
  const confirmation = confirmationOf(row, event)
  const now = confirmation === undefined || row.status !== 'done' ? row : confirmedAs(row, valueOf(confirmation))
  const writes: Write[] = [was === undefined ? putOperation(now) : updateOperation(now, was)]
  const entry = { slot, row: now, confirmation, parts: 'parts' in event ? event.parts : undefined }
  if (conflict === undefined) return { ...entry, writes }
  return { ...entry, writes: [...writes, { type: 'put', collection: CONFLICTS, value: conflict }], conflict: row.conflict }
}

/** Of an operation whose actor died. */
export function parkedEntry(row: OperationRow, cause: unknown): LedgerEntry {
  const message = `The actor of operation ${row.id} failed; retry or discard it.`
  const parked = park(row, new SyncOperationError(row.id, 'actor-failed', message, { cause }))
  return { slot: undefined, row: parked, writes: [updateOperation(parked, row)] }
}

/**
 * Of entries whose commit failed, those that it did not write after all: a failure can hide a success, and what was written may have
 * been edited by now. Only an owner may rely on it, for the next owner's writes look the same: so it is followed by a commit, be it an empty one.
 */
export async function unwritten(store: Store, entries: readonly LedgerEntry[]): Promise<ReadonlySet<LedgerEntry>> {
  if (entries.length === 0) return NONE
  const revisions = await store.revisions(entries.map(({ row }) => row.seq))
  return new Set(entries.filter(({ row }, at) => (revisions[at] ?? 0) < row.rev))
}

const NONE: ReadonlySet<LedgerEntry> = new Set()

/** What the server confirmed of the entity, if this event tells. */
function confirmationOf(operation: OperationRow, event: OperationEvent): Confirmation | undefined {
  if (operation.transaction?.isMet) return undefined
  if (event.type === 'OUTCOME' && event.outcome.type === 'applied') {
    const { version, value, id } = event.outcome
    return { operation, version, value, appliedTo: operation.baseVersion, wasLookedAt: operation.reconciliations > 0, id }
  }
  return event.type === 'RECONCILED' ? toldBy(operation, event.decision) : undefined
}
