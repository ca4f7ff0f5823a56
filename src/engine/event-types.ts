import type { SyncError, ValidationError } from '../core/errors.ts'
import type { ConflictRecord } from '../core/operation.ts'
import type { CheckResult } from './integrity/types.ts'
import type { PullProgress } from './read-types.ts'
import type { DrainSummary, OperationInfo } from './types.ts'
import type { Wiped } from './wipe.ts'

type OfOperation = { readonly operation: OperationInfo }
/** `scope`: the part, where only parts of the entity are followed. */
type OfPart = { readonly entity: string; readonly scope?: string }

/**
 * What somebody should see to. `breaker-open`: the server fails; `dead-letter`: an operation was refused for good; `stuck-operation`: one has
 * not ended for `alerts.stuckMs`; `no-owner`: operations wait and nobody sends them; `quota-near`: the store is almost full.
 */
export type AlertName = 'breaker-open' | 'dead-letter' | 'stuck-operation' | 'no-owner' | 'quota-near'

export type SyncEventBody =
  | { readonly type: 'engine:started' | 'engine:stopped' }
  /** The user has logged out, here or in another tab: the engine stops. */
  | { readonly type: 'engine:logged-out' }
  /** A start has finished what a log-out had begun: nothing of the user was left before it went on. */
  | { readonly type: 'engine:wiped'; readonly wiped: Wiped }
  | { readonly type: 'engine:paused' | 'engine:resumed'; readonly reason: string }
  | { readonly type: 'engine:error'; readonly part: string; readonly error: unknown }
  | ({ readonly type: 'sync:queued' | 'sync:started' | 'sync:completed' | 'sync:cancelled' } & OfOperation)
  | ({ readonly type: 'sync:retry'; readonly nextAttemptAt: number } & OfOperation)
  | ({ readonly type: 'sync:coalesced'; readonly into: string } & OfOperation)
  | ({ readonly type: 'sync:conflict' | 'sync:failed' | 'sync:parked' } & OfOperation)
  | ({ readonly type: 'conflict:detected' | 'conflict:resolved'; readonly conflict: ConflictRecord } & OfOperation)
  | { readonly type: 'transaction:completed' | 'transaction:failed'; readonly transaction: string }
  /** It was applied before its transaction failed, and nothing is known that takes it back. */
  | ({ readonly type: 'transaction:left' } & OfOperation)
  /** It is done; the value that the server answered fails the schema and was not taken. */
  | ({ readonly type: 'sync:invalid'; readonly error: ValidationError } & OfOperation)
  | { readonly type: 'sync:quarantined'; readonly sequence: number; readonly error: SyncError }
  | { readonly type: 'drain:completed'; readonly summary: DrainSummary }
  | { readonly type: 'lock:acquired'; readonly epoch: number; readonly takeover: boolean }
  | { readonly type: 'lock:lost' }
  | { readonly type: 'lock:failed'; readonly error: unknown }
  | { readonly type: 'breaker:opened'; readonly trips: number; readonly remainingMs: number }
  | { readonly type: 'breaker:halfOpened' | 'breaker:closed' }
  | { readonly type: 'network:online' | 'network:offline' }
  | { readonly type: 'realtime:connected' | 'realtime:disconnected' | 'realtime:unauthorized' }
  /** `done`: what the run had brought before, where it goes on after a restart. */
  | ({ readonly type: 'pull:started'; readonly full: boolean; readonly done: number } & OfPart)
  | ({ readonly type: 'pull:progress' } & OfPart & PullProgress)
  | ({ readonly type: 'pull:completed'; readonly changes: number } & OfPart)
  | ({ readonly type: 'pull:failed'; readonly error: SyncError } & OfPart)
  | ({ readonly type: 'pull:quarantined'; readonly id?: string; readonly error: SyncError } & OfPart)
  | {
      /** Of what is seen in a view that is in use. */
      readonly type: 'entity:created' | 'entity:updated' | 'entity:deleted' | 'entity:renamed'
      readonly entity: string
      readonly id: string
      /** Of `entity:renamed`: the temporary id by which it was known. */
      readonly formerId?: string
      readonly fields: readonly string[]
      readonly version?: string
    }
  | { readonly type: 'storage:error'; readonly error: unknown }
  | ({ readonly type: 'integrity:checked' } & Omit<CheckResult, 'problems' | 'undecided'>)
  /** `operation`: one of those that it is about. */
  | { readonly type: 'alert:raised'; readonly alert: AlertName; readonly message: string; readonly operation?: OperationInfo }
  | { readonly type: 'alert:cleared'; readonly alert: AlertName }

export type SyncEvent = SyncEventBody & { readonly at: number }
export type SyncEventType = SyncEventBody['type']

type TypesMatching<Pattern extends string> = Pattern extends '*'
  ? string
  : Pattern extends `${infer Head}*`
    ? `${Head}${string}`
    : Pattern

type Matching<Event, Types extends string> = Event extends { readonly type: infer Type }
  ? Extract<Type, Types> extends never
    ? never
    : Event & { readonly type: Extract<Type, Types> }
  : never

/** The events that a handler of this pattern gets. */
export type EventsMatching<Pattern extends string> = Matching<SyncEvent, TypesMatching<Pattern>>
