import type { JsonObject } from '../../core/json.ts'
import type { Scalar, ServerWishes } from '../../core/ports.ts'
import type { OperationRow } from '../../core/operation.ts'
import type { LeaseRow } from '../../core/schema.ts'
import type { PendingPolicy } from '../../engine/log-out.ts'
import type { ConflictDecision } from '../../engine/conflicts.ts'
import type { EnqueueInput, Settlement, SyncEvent } from '../../engine/types.ts'
import type { FaultKind } from '../faults/kinds.ts'
import type { ServerRequest } from './messages.ts'
import type { Effect } from './model-server.ts'

/** One row that a commit changed; `row` is undefined where it was deleted. */
export interface RowChange {
  readonly seq: number
  readonly before: OperationRow | undefined
  readonly row: OperationRow | undefined
}

/** A row that stands in the index of this field where that would be `wrong`, or that says so itself. */
export interface DecayedRow {
  readonly collection: string
  readonly key: Scalar
  readonly user: string
  readonly field: string
  /** Undefined: missing. */
  readonly wrong: Scalar | undefined
}

export type TabChange = 'starting' | 'started' | 'stopping' | 'stopped' | 'killed' | 'frozen' | 'resumed'

/** A write that a request carries, alone or among others. */
export interface SentWrite extends ServerRequest {
  /** On the wire: the operation's own, or derived from it. */
  readonly key: string
}

/** A request on its way, as its sender and everybody after it knows it. */
export interface Sent extends ServerRequest {
  /** Counts the requests of the world. */
  readonly number: number
  readonly tab: string
  readonly device: string
  /** Whose engine it comes from. */
  readonly user: string
  /** None for a GET. */
  readonly writes: readonly SentWrite[]
}

/**
 * Everything that happens in a world and that somebody may want to know: the trace, the story of a failure, and the invariants are made of
 * these. `at` is virtual time.
 */
export type Fact = { readonly at: number } & FactBody

export type FactBody =
  | {
      readonly type: 'tab'
      readonly tab: string
      readonly device: string
      readonly user: string
      readonly change: TabChange
      /** Of the application; newer ones have a newer schema. */
      readonly build: number
    }
  | { readonly type: 'read'; readonly tab: string; readonly call: string; readonly failed?: string | undefined }
  | {
      readonly type: 'committed'
      readonly tab: string
      readonly device: string
      readonly changes: readonly RowChange[]
      /** Writes of other rows: the lease, entities, counters. */
      readonly others: readonly string[]
      /** The lease, if that was written. */
      readonly lease: LeaseRow | undefined
      /** The epoch under which an owner wrote. */
      readonly epoch: number | undefined
    }
  | { readonly type: 'refused-commit'; readonly tab: string; readonly code: string }
  | { readonly type: 'asked'; readonly tab: string; readonly ticket: number; readonly inputs: readonly EnqueueInput[] }
  | {
      readonly type: 'accepted'
      readonly tab: string
      readonly device: string
      readonly user: string
      readonly ticket: number
      readonly ids: readonly string[]
    }
  | { readonly type: 'declined'; readonly tab: string; readonly device: string; readonly ticket: number; readonly code: string }
  /** Somebody has a store checked; `asked` when he begins to. */
  | {
      readonly type: 'checked'
      /** The same from when it was asked for until it is done. */
      readonly call: object
      readonly tab: string
      readonly device: string
      readonly repair: boolean
      /** It asks the server, too. */
      readonly isCompared: boolean
      /** It could not judge all of it. */
      readonly isUndecided: boolean
      /** Nothing goes on any more, and everything was repaired. */
      readonly isAtRest: boolean
      readonly result: string
      /** Each as code, collection, key and what is wrong. */
      readonly problems: readonly string[]
    }
  /** What the recorder of a tab has kept, and its machines as they are, each with its state. */
  | {
      readonly type: 'recorded'
      readonly tab: string
      readonly device: string
      readonly text: string
      readonly maxBytes: number
      readonly states: readonly string[]
    }
  | { readonly type: 'did'; readonly tab: string; readonly action: string; readonly operation?: string; readonly result: string }
  /** Somebody decides about a conflict; `asked` when he begins to. */
  | {
      readonly type: 'decision'
      readonly tab: string
      readonly operation: string
      readonly conflict: string
      readonly decision: ConflictDecision
      readonly result: string
    }
  /** A function of the application is asked what becomes of a conflict, and what it is about to do. */
  | {
      readonly type: 'consulted'
      readonly tab: string
      readonly operation: string
      /** What it is given as the server's. */
      readonly remote: JsonObject | undefined
      readonly answer: 'said' | 'failed' | 'silent'
    }
  /** Somebody logs out; `asked` when he begins to. What was given up is told at the end. */
  | {
      readonly type: 'log-out'
      readonly tab: string
      readonly device: string
      readonly user: string
      readonly pending: PendingPolicy
      readonly result: string
      readonly givenUp: number
    }
  /** Somebody begins to follow a part of the notes, or ends it; `asked` when he begins to. */
  | {
      readonly type: 'chosen'
      readonly tab: string
      readonly device: string
      readonly user: string
      readonly part: string
      readonly isFollowed: boolean
      readonly result: string
    }
  | {
      readonly type: 'settled'
      readonly tab: string
      readonly device: string
      readonly operation: string
      readonly settlement: Settlement
    }
  | { readonly type: 'event'; readonly tab: string; readonly device: string; readonly event: SyncEvent }
  | {
      readonly type: 'optimistic'
      readonly tab: string
      readonly token: string
      readonly change: 'kept' | 'taken-back'
    }
  /** What a tab shows of an entity from now on; undefined: that it is not there. */
  | {
      readonly type: 'shown'
      readonly tab: string
      readonly device: string
      readonly user: string
      readonly entity: string
      readonly id: string
      readonly value: JsonObject | undefined
      readonly status: string
    }
  /** The realtime line of a tab. `left`: the tab has let go of it. */
  | {
      readonly type: 'line'
      readonly tab: string
      readonly device: string
      readonly user: string
      /** Counts the lines of the world. */
      readonly line: number
      readonly change: 'opening' | 'opened' | 'silent' | 'closed' | 'left'
      /** How long it is to stay away, if the server says so when it closes the line. */
      readonly retryAfterMs?: number | undefined
    }
  | { readonly type: 'pushed'; readonly tab: string; readonly line: number; readonly text: string }
  | { readonly type: 'sent'; readonly request: Sent }
  /** A request that could not leave. */
  | { readonly type: 'unsent'; readonly tab: string }
  | {
      readonly type: 'served'
      readonly request: Sent
      readonly status: number
      readonly effects: readonly Effect[]
      readonly replayed: boolean
      /** Of a pull: the newest version that its page could know of. */
      readonly asOf?: number
    }
  | {
      readonly type: 'answered'
      readonly request: Sent
      readonly answer: string
      readonly retryAfter?: string | undefined
      readonly wishes?: ServerWishes | undefined
    }
  /** `seqs`: the operations of that device whose rows are lost, damaged or older than they were. */
  | {
      readonly type: 'fault'
      /** `logged-out`: what is on the device is about to be removed, or not written any more. */
      readonly kind: FaultKind | 'logged-out'
      readonly where: string
      readonly seqs: readonly number[]
      /** What of them can still be read, and where it is wrong. */
      readonly decayed?: DecayedRow
    }

export type Tell = (fact: FactBody) => void
