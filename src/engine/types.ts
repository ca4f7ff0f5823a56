import type { Observable } from 'rxjs'
import type { SyncError } from '../core/errors.ts'
import type { ChangedMessage } from '../core/channel-message.ts'
import type { CheckOptions, CheckResult } from './integrity/types.ts'
import type { ScopeChoice } from './scopes.ts'
import type { EntityView, RealtimeState, SyncProgress, SyncQuery, SyncResult } from './read-types.ts'
import type { Transaction, TransactionHandle } from './transaction-types.ts'
import type { EventsMatching, SyncEvent } from './event-types.ts'
import type { AuditLog } from './audit-log.ts'
import type { ConflictInbox } from './conflicts.ts'
import type { LoggedOut, LogOutOptions } from './log-out.ts'
import type { Recorder } from './recorder/recorder.ts'
import type { PeriodicInput, Schedule, ScheduleInput } from './schedules.ts'
import type { StatisticsStore } from './statistics.ts'
import type { Histogram } from '../core/histogram.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { ConflictRecord, OperationStatus, Priority, StoredError } from '../core/operation.ts'

export type { AlertName, EventsMatching, SyncEvent, SyncEventBody, SyncEventType } from './event-types.ts'

export interface OptimisticHandlers {
  /** The state to go back to; handed to `rollback`. */
  readonly original?: unknown
  /** Undoes the optimistic change. Awaited; if it fails, the failure is an event and the operation ends all the same. */
  readonly rollback?: (original: unknown, error: SyncError) => void | Promise<void>
  readonly onSuccess?: () => void
  readonly onError?: (error: SyncError) => void
}

export interface EnqueueInput {
  /** `create`, `update` (a merge patch), `replace`, `delete`, or any name that the transport routes. */
  readonly type: string
  readonly entity: string
  readonly id: string
  /** JSON: an object for `create`, `update` and `replace`, left out for `delete`. Other types need one too: null if there is nothing to say. */
  readonly payload?: unknown
  /** Default `medium`. */
  readonly priority?: Priority | undefined
  /** Ids of operations that must be done first. */
  readonly dependsOn?: readonly string[] | undefined
  /** One operation for ever: enqueueing again with the same key returns the one that exists. */
  readonly idempotencyKey?: string | undefined
  /** One operation while it is queued: enqueueing again with the same key returns the one that waits. */
  readonly dedupeKey?: string | undefined
  /**
   * Not sent before this time, milliseconds since 1970 by the clock of the device that sends. It shows in the view at once, and what is enqueued later on the
   * same entity waits behind it. Not in a transaction.
   */
  readonly notBefore?: number | undefined
  /** The server's version that the change was made on. Default: the last one the server confirmed to this store. */
  readonly baseVersion?: string | undefined
  /** The server's value that the change was made on, for a merge by field. */
  readonly base?: unknown
  readonly optimistic?: (OptimisticHandlers & { readonly token?: string | undefined }) | undefined
  /**
   * What takes it back on the server, if a later operation of its transaction is refused where the API has no atomic batch. Default: the opposite
   * of a create, update, replace or delete, as far as this device knows what was there before.
   */
  readonly undo?: { readonly type: string; readonly payload?: unknown } | undefined
}

/**
 * What became of an operation. `superseded` names the one it was merged into; `forgotten` is one that the store does not have: it ended
 * longer ago than `retention` keeps, or never was.
 */
export type Settlement =
  | { readonly status: 'done' }
  | { readonly status: 'rejected'; readonly error: StoredError | undefined }
  | { readonly status: 'cancelled' }
  | { readonly status: 'superseded'; readonly by: string }
  | { readonly status: 'forgotten' }

export interface Operation {
  readonly id: string
  status(): Promise<OperationStatus>
  /** Resolves when the operation has ended; never rejects. */
  readonly settled: Promise<Settlement>
}

/** An operation as the application sees it. */
export interface OperationInfo {
  readonly id: string
  readonly sequence: number
  readonly type: string
  readonly entity: string
  readonly entityId: string
  readonly payload: Json
  readonly status: OperationStatus
  readonly priority: Priority
  readonly idempotencyKey: string
  readonly enqueuedAt: number
  readonly attempts: number
  readonly nextAttemptAt?: number
  readonly notBefore?: number
  readonly dependsOn?: readonly string[]
  /** The id of its transaction. */
  readonly transaction?: string
  readonly lastError?: StoredError
  readonly conflict?: ConflictRecord
  readonly supersededBy?: string
  /** Where the payload has the shape of another version of its entity than this build's: which. A newer build wrote it, or it can't be migrated. */
  readonly ofVersion?: number
}

export interface Reason {
  readonly id: string
  readonly entity: string
  readonly entityId: string
  readonly status: OperationStatus
  readonly error?: StoredError
}

/** What one drain did. */
export interface DrainSummary {
  readonly succeeded: number
  /** Rejected for good. */
  readonly failed: number
  /** Put off: waiting for a retry, a decision or a dependency, or left alone because sending is paused. */
  readonly deferred: number
  /** Met a conflict, however it was settled. */
  readonly conflicted: number
  readonly superseded: number
  readonly cancelled: number
  /** Of the failed and deferred ones; at most 100. */
  readonly reasons: readonly Reason[]
  /** Why sending is paused, if it is. */
  readonly held: readonly string[]
}

/** Where the engine is, in words that stay the same over versions. */
export interface EngineState {
  readonly phase: 'stopped' | 'starting' | 'following' | 'draining' | 'paused' | 'stopping' | 'restarting' | 'failed'
  readonly pauses: readonly string[]
  readonly error: unknown
}

export interface Metrics {
  readonly operations: {
    readonly enqueued: number
    readonly done: number
    readonly rejected: number
    readonly retried: number
    readonly coalesced: number
    readonly cancelled: number
    /** Answers that the server has another state (409, 412), whatever came of it. */
    readonly conflicts: number
    readonly live: number
  }
  readonly requests: number
  readonly queue: { readonly depth: number }
  /** From enqueue to done. */
  readonly latencyMs: {
    readonly mean: number
    readonly p50: number
    readonly p95: number
    readonly p99: number
    readonly histogram: Histogram
  }
  /** The share of done ones among the operations that ended as done or rejected. */
  readonly successRate: number
  /** How well the server can be reached, 0–100: the share of recent requests that it answered; half of it while the breaker is half-open, 0 while it is open. */
  readonly health: number
  /** Both sides had changed the same; and what of that was settled. */
  readonly conflicts: number
  readonly conflictsResolved: number
  readonly pulls: number
  readonly pulledChanges: number
  readonly breaker: { readonly state: 'closed' | 'open' | 'halfOpen'; readonly trips: number; readonly remainingMs: number }
  readonly lock: { readonly owner: boolean; readonly epoch: number; readonly takeovers: number }
}

export interface Explanation {
  /** A sentence for people. */
  readonly summary: string
  /** The engine's states, from the outermost. */
  readonly state: readonly string[]
  readonly waitingFor: readonly string[]
  /** Wall-clock time of the next thing that happens by itself. */
  readonly nextWakeAt?: number
  readonly lastError?: StoredError
  readonly operation?: OperationInfo
}

export interface ListQuery {
  /** One status, several, or `live` (all that have not ended). Default `live`. */
  readonly status?: OperationStatus | 'live' | readonly OperationStatus[] | undefined
  /** Default 100, at most 1,000. Of more than that: what has not ended, by entity, and then what was last to end. */
  readonly limit?: number | undefined
}

export interface SyncEngine {
  /** Opens the store and resolves when this engine follows or owns it. Rejects with the typed error if the store can't be opened. */
  start(): Promise<void>
  /** Finishes what is in flight, releases the lease and closes the store. */
  stop(): Promise<void>
  /**
   * Ends the log-in of the user on this store, in all tabs, and stops. What is pending: `block` (default) refuses to as long as there is any, and then does as
   * `wipe`; `wipe` removes all that is of the user, and tells what was given up; `keep` leaves all for the next log-in of the same user. What is in flight is
   * settled first. A wipe that was interrupted is finished by the next start of this user. @throws PendingOperationsError
   */
  logOut(options?: LogOutOptions): Promise<LoggedOut>
  /** Sends nothing until `resume` with the same reason; what is enqueued is kept. */
  pause(reason: string): void
  resume(reason: string): void
  /** Durable when it resolves. Rejects with `ValidationError` or a `StorageError`; then nothing was stored. */
  enqueue(input: EnqueueInput): Promise<Operation>
  /** All or none, in order. */
  enqueueAll(inputs: readonly EnqueueInput[]): Promise<readonly Operation[]>
  /**
   * Stores what the body enqueues in one commit, or nothing if the body fails. On the server all of it is applied or nothing: by an atomic batch, or, where
   * the API has none, one by one, and what was applied is undone if a later one is refused.
   */
  transaction(body: (tx: Transaction) => void | Promise<void>): Promise<TransactionHandle>
  /** Sends what is due now and tells what became of it. */
  flush(): Promise<DrainSummary>
  /** Sends what is due, then brings what the server has that is new, up to this call or later. In every tab; the one that owns the lease does it. */
  synchronize(query?: SyncQuery): Promise<SyncResult>
  /**
   * Synchronises once, at a time. Schedules live as long as this engine runs: after `stop()` they are gone. What is to be sent later, whatever happens meanwhile, is
   * enqueued with `notBefore`. @throws ValidationError
   */
  schedule(input: ScheduleInput): Schedule
  /** Synchronises again and again, in addition to `pull.everyMs`. One that fails is told of by `engine:error` and does not end it. @throws ValidationError */
  schedulePeriodic(input: PeriodicInput): Schedule
  /** False if nothing of this id is scheduled. */
  cancel(id: string): boolean
  /** Where a synchronisation by this engine stands. */
  readonly progress$: Observable<SyncProgress>
  /** The parts that are followed of an entity whose options have `scopes`, in all tabs and after a restart. @throws ValidationError for other entities */
  readonly scopes: ScopeChoice
  /** Opens the realtime line, from now on whenever this engine owns the lease. @throws SyncError if the engine was given no channel. */
  enableRealtime(): void
  disableRealtime(): void
  /** How the realtime line stands, in the engine that holds it. */
  readonly realtime$: Observable<RealtimeState>
  /** What the server told over it. */
  readonly messages$: Observable<ChangedMessage>
  readonly operations: {
    list(query?: ListQuery): Promise<readonly OperationInfo[]>
    get(id: string): Promise<OperationInfo | undefined>
    /** The handle of an operation enqueued earlier, here or elsewhere. */
    handle(id: string): Operation
    /** A parked or waiting operation goes on now; a rejected one is enqueued anew, and the new one is returned. */
    retry(id: string): Promise<Operation>
    /** Gives an operation that is not being sent another payload; a rejected one is enqueued anew with it. */
    edit(id: string, payload: unknown): Promise<Operation>
    /** Cancels what was not sent, gives up what is parked, forgets a dead letter. */
    discard(id: string): Promise<void>
    count(status: OperationStatus | 'live'): Promise<number>
    /** The list now and after each change, whichever tab makes it. Waits for the engine to start. */
    watch(query?: ListQuery): Observable<readonly OperationInfo[]>
    /** How many there are, now and after each change. */
    watchCount(status: OperationStatus | 'live'): Observable<number>
  }
  readonly conflicts: ConflictInbox
  /** What happened: every change with who made it, what it changed and how it ended, where the option `audit` is set. */
  readonly audit: AuditLog
  readonly optimistic: {
    register(token: string, handlers: OptimisticHandlers): void
    commit(token: string): void
    rollback(token: string, error: SyncError): Promise<void>
    rollbackBatch(tokens: readonly string[], error: SyncError): Promise<void>
  }
  /** What the application sees of one kind of entity. @throws ValidationError if there is none of this name. */
  view<T extends object = JsonObject>(entity: string): EntityView<T>
  /** What this engine has counted since it was made, and how it stands. */
  metrics(): Metrics
  /** The flight recorder of an engine with the option `recorder`. */
  readonly recorder: Recorder
  /** Totals of every engine on the store, kept over restarts. */
  readonly statistics: StatisticsStore
  /** What an operation, or without an id the engine, waits for, and what went wrong last. */
  explain(id?: string): Promise<Explanation>
  /**
   * Looks at every row of the store, and with `repair` mends what follows from the rest, while the engine works. In any tab; what only the owner of the
   * lease writes is repaired in that. @throws ValidationError, or a StorageError
   */
  check(options?: CheckOptions): Promise<CheckResult>
  /** `*` and a trailing `*` are wildcards (`sync:*`). Returns the function that ends it. */
  on<const Pattern extends string>(pattern: Pattern, handler: (event: EventsMatching<Pattern>) => void): () => void
  readonly events$: Observable<SyncEvent>
  readonly state$: Observable<EngineState>
  /** The last 100 events, oldest first. */
  history(): readonly SyncEvent[]
}
