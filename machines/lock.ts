import { assign, fromPromise, sendTo, setup, type ActorRef, type Snapshot } from 'xstate'
import type { LockOptions } from '../src/core/options.ts'
import type { LeaseRow } from '../src/core/schema.ts'
import { rejectNotProvided } from './not-provided.ts'

/**
 * Who drains. The lease lies in the store beside the queue: claiming compares and sets it in one transaction and raises the epoch,
 * and every write of the owner is refused once a higher epoch exists. So two owners can at worst overlap for one refused write,
 * however long one of them was stopped. Staleness is judged by the observer's own clock: a lease that shows no beat for `staleMs`.
 */
export interface LockInput extends LockOptions {
  readonly parent: ActorRef<Snapshot<unknown>, LockReport>
}

export type LockReport =
  | { readonly type: 'LOCK.ACQUIRED'; readonly epoch: number; readonly takeover: boolean }
  | { readonly type: 'LOCK.LOST' }
  | { readonly type: 'LOCK.RELEASED' }
  | { readonly type: 'LOCK.FAILED'; readonly error: unknown }

export interface Sighting {
  readonly lease: LeaseRow | undefined
  /** Our own lease: left by a write whose answer was missed, or by an earlier life of this lock. */
  readonly isMine: boolean
  /** Monotonic time of the look. */
  readonly at: number
}

/** `takeover`: the lease was somebody else's and not released. */
export type ClaimResult =
  | { readonly type: 'held'; readonly lease: LeaseRow; readonly takeover: boolean }
  | { readonly type: 'lost' }

export interface LockContext extends LockInput {
  readonly lease: LeaseRow | undefined
  readonly lookedAt: number
  /** How long the lease was seen without a beat. A gap in our own looking counts for two polls at most. */
  readonly unchangedMs: number
}

export type LockEvent =
  /** The store was written by somebody else, perhaps the lease. */
  | { readonly type: 'POKE' }
  /** A write of ours was refused: a newer owner exists. */
  | { readonly type: 'FENCED' }
  | { readonly type: 'RELEASE' }

export const lockMachine = setup({
  types: {
    context: {} as LockContext,
    events: {} as LockEvent,
    input: {} as LockInput,
  },
  actors: {
    look: fromPromise<Sighting>(rejectNotProvided),
    /** Resolves when the lease's holder is certainly gone. */
    awaitGone: fromPromise<void, { lease: LeaseRow | undefined }>(rejectNotProvided),
    claim: fromPromise<ClaimResult, { lease: LeaseRow | undefined }>(rejectNotProvided),
    beat: fromPromise<ClaimResult, { lease: LeaseRow | undefined }>(rejectNotProvided),
    /** Releases the lease if it is ours, by whatever write it became so. */
    release: fromPromise<void>(rejectNotProvided),
  },
  actions: {
    see: assign(({ context }, sighting: Sighting) => seen(context, sighting)),
    hold: assign((_, result: ClaimResult) => (result.type === 'held' ? { lease: result.lease, unchangedMs: 0 } : {})),
    reportAcquired: sendTo(
      ({ context }) => context.parent,
      ({ context }, result: ClaimResult) => ({
        type: 'LOCK.ACQUIRED',
        epoch: context.lease?.epoch ?? 0,
        takeover: result.type === 'held' && result.takeover,
      }),
    ),
    reportLost: sendTo(({ context }) => context.parent, { type: 'LOCK.LOST' }),
    reportReleased: sendTo(({ context }) => context.parent, { type: 'LOCK.RELEASED' }),
    reportFailed: sendTo(
      ({ context }) => context.parent,
      (_, { error }: { error: unknown }) => ({ type: 'LOCK.FAILED', error }),
    ),
  },
  guards: {
    isFree: (_, { lease, isMine }: Sighting) => lease === undefined || lease.owner === '' || isMine,
    isStale: ({ context }, sighting: Sighting) => seen(context, sighting).unchangedMs >= context.staleMs,
    isHeld: (_, result: ClaimResult) => result.type === 'held',
  },
  delays: {
    poll: ({ context }) => context.pollMs,
    heartbeat: ({ context }) => context.heartbeatMs,
    beatRetry: ({ context }) => context.heartbeatMs / 4,
  },
}).createMachine({
  id: 'lock',
  context: ({ input }) => ({ ...input, lease: undefined, lookedAt: 0, unchangedMs: 0 }),
  initial: 'looking',
  on: { RELEASE: '.releasing' },
  states: {
    looking: {
      invoke: {
        src: 'look',
        onDone: [
          {
            guard: { type: 'isFree', params: ({ event }) => event.output },
            target: 'claiming',
            actions: { type: 'see', params: ({ event }) => event.output },
          },
          {
            guard: { type: 'isStale', params: ({ event }) => event.output },
            target: 'claiming',
            actions: { type: 'see', params: ({ event }) => event.output },
          },
          { target: 'following', actions: { type: 'see', params: ({ event }) => event.output } },
        ],
        onError: { target: 'retrying', actions: { type: 'reportFailed', params: ({ event }) => ({ error: event.error }) } },
      },
    },
    following: {
      invoke: {
        src: 'awaitGone',
        input: ({ context }) => ({ lease: context.lease }),
        onDone: 'claiming',
        onError: { actions: { type: 'reportFailed', params: ({ event }) => ({ error: event.error }) } },
      },
      after: { poll: 'looking' },
      on: { POKE: 'looking' },
    },
    claiming: {
      invoke: {
        src: 'claim',
        input: ({ context }) => ({ lease: context.lease }),
        onDone: [
          {
            guard: { type: 'isHeld', params: ({ event }) => event.output },
            target: 'holding',
            actions: [
              { type: 'hold', params: ({ event }) => event.output },
              { type: 'reportAcquired', params: ({ event }) => event.output },
            ],
          },
          { target: 'looking' },
        ],
        onError: { target: 'retrying', actions: { type: 'reportFailed', params: ({ event }) => ({ error: event.error }) } },
      },
    },
    retrying: {
      after: { poll: 'looking' },
    },
    holding: {
      initial: 'resting',
      exit: 'reportLost',
      on: {
        FENCED: 'looking',
      },
      states: {
        resting: {
          after: { heartbeat: 'beating' },
        },
        beating: {
          invoke: {
            src: 'beat',
            input: ({ context }) => ({ lease: context.lease }),
            onDone: [
              {
                guard: { type: 'isHeld', params: ({ event }) => event.output },
                target: 'resting',
                actions: { type: 'hold', params: ({ event }) => event.output },
              },
              { target: '#lock.looking' },
            ],
            onError: { target: 'unsure', actions: { type: 'reportFailed', params: ({ event }) => ({ error: event.error }) } },
          },
        },
        unsure: {
          after: { beatRetry: 'beating' },
        },
      },
    },
    releasing: {
      invoke: {
        src: 'release',
        onDone: 'released',
        onError: { target: 'released', actions: { type: 'reportFailed', params: ({ event }) => ({ error: event.error }) } },
      },
      on: { RELEASE: {} },
    },
    released: {
      type: 'final',
      entry: 'reportReleased',
    },
  },
})

function seen(context: LockContext, { lease, at }: Sighting): Pick<LockContext, 'lease' | 'lookedAt' | 'unchangedMs'> {
  const same = lease !== undefined && context.lease?.rev === lease.rev
  const elapsedMs = Math.min(at - context.lookedAt, 2 * context.pollMs)
  return { lease, lookedAt: at, unchangedMs: same ? context.unchangedMs + elapsedMs : 0 }
}
