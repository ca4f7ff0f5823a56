import { assign, cancel, fromCallback, fromPromise, or, raise, sendTo, setup, stateIn, type ActorRefFrom } from 'xstate'
import { SyncError } from '../src/core/errors.ts'
import type { BreakerOptions, LockOptions } from '../src/core/options.ts'
import { breakerMachine } from './breaker.ts'
import { connectivityMachine, type ConnectivityReport } from './connectivity.ts'
import { lockMachine, type LockReport } from './lock.ts'
import { pullMachine, type PullReport, type PullTarget } from './pull.ts'
import { notProvided, rejectNotProvided } from './not-provided.ts'

/**
 * The engine's lifecycle, and the supervisor of its parts. It opens the store, follows or owns the lease, drains while it owns it
 * and nothing pauses it, and leaves in order. A part that dies is reported and all parts are started anew: the engine never goes quiet.
 */
export interface EngineInput {
  readonly lock: LockOptions
  readonly breaker: BreakerOptions
  readonly online: boolean
  readonly hasProbe: boolean
  readonly settleMs: number
  readonly probeEveryMs: number
  readonly authPauseMs: number
  readonly stopTimeoutMs: number
  readonly restartMs: number
  /** What is pulled by itself. */
  readonly pulled: readonly string[]
}

export interface EngineContext extends EngineInput {
  /** Named reasons not to send. `network` and `auth` are the engine's own. */
  readonly pauses: readonly string[]
  readonly epoch: number
  readonly error: unknown
}

/** What the drain is told. */
export type DrainCommand =
  | { readonly type: 'OWN'; readonly epoch: number }
  | { readonly type: 'DISOWN' }
  | { readonly type: 'DRAIN' }
  | { readonly type: 'HOLD' }
  /** Finish what is in flight, then answer with DRAIN.QUIET. */
  | { readonly type: 'QUIESCE' }

/** What the drain tells. */
export type DrainReport =
  | { readonly type: 'DRAIN.FENCED' }
  | { readonly type: 'DRAIN.AUTH_NEEDED' }
  | { readonly type: 'DRAIN.NETWORK_SUSPECTED' }
  | { readonly type: 'DRAIN.QUIET' }

/** A store that is still not closed after this is left behind. */
const CLOSE_TIMEOUT_MS = 10_000

type PartId = 'lock' | 'breaker' | 'connectivity' | 'drain' | 'pull'

export type EngineEvent =
  | { readonly type: 'START' }
  | { readonly type: 'STOP' }
  | { readonly type: 'PAUSE'; readonly reason: string }
  | { readonly type: 'RESUME'; readonly reason: string }
  | { readonly type: 'PLATFORM.ONLINE' }
  | { readonly type: 'PLATFORM.OFFLINE' }
  /** Another handle wrote the store. */
  | { readonly type: 'STORE.CHANGED' }
  | { readonly type: 'PULL.WANTED'; readonly targets: readonly PullTarget[] }
  | LockReport
  | ConnectivityReport
  | DrainReport
  | PullReport

export type EngineActor = ActorRefFrom<typeof engineMachine>

export const engineMachine = setup({
  types: {
    context: {} as EngineContext,
    events: {} as EngineEvent,
    input: {} as EngineInput,
    children: {} as { lock: 'lock'; breaker: 'breaker'; connectivity: 'connectivity'; drain: 'drain'; pull: 'pull' },
  },
  actors: {
    open: fromPromise<void>(rejectNotProvided),
    close: fromPromise<void>(rejectNotProvided),
    /** Chooses, claims and hands out operations. */
    drain: fromCallback<DrainCommand>(notProvided),
    lock: lockMachine,
    breaker: breakerMachine,
    connectivity: connectivityMachine,
    pull: pullMachine,
  },
  actions: {
    pause: assign(({ context }, { reason }: { reason: string }) => ({
      pauses: [...context.pauses.filter((other) => other !== reason), reason],
    })),
    resume: assign(({ context }, { reason }: { reason: string }) => ({
      pauses: context.pauses.filter((other) => other !== reason),
    })),
    fail: assign((_, { error }: { error: unknown }) => ({ error })),
    clearError: assign({ error: undefined }),
    acquire: assign((_, { epoch }: { epoch: number }) => ({ epoch })),
    resumeAuthLater: raise({ type: 'RESUME', reason: 'auth' }, { id: 'resume-auth', delay: 'authPause' }),
    cancelResumeAuth: cancel('resume-auth'),
    tellDrainOwn: sendTo('drain', ({ context }) => ({ type: 'OWN', epoch: context.epoch })),
    tellDrainDisown: sendTo('drain', { type: 'DISOWN' }),
    tellDrain: sendTo('drain', { type: 'DRAIN' }),
    tellHold: sendTo('drain', { type: 'HOLD' }),
    tellQuiesce: sendTo('drain', { type: 'QUIESCE' }),
    tellPullGo: sendTo('pull', { type: 'GO' }),
    tellPullHold: sendTo('pull', { type: 'HOLD' }),
    tellPullWanted: sendTo('pull', (_, { targets }: { targets: readonly PullTarget[] }) => ({ type: 'PULL', targets })),
    tellFenced: sendTo('lock', { type: 'FENCED' }),
    tellRelease: sendTo('lock', { type: 'RELEASE' }),
    tellPoke: sendTo('lock', { type: 'POKE' }),
    tellOnline: sendTo('connectivity', { type: 'CAME_ONLINE' }),
    tellOffline: sendTo('connectivity', { type: 'WENT_OFFLINE' }),
    tellSuspected: sendTo('connectivity', { type: 'SUSPECTED' }),
    /** Observes: the engine turns these into events for the application. */
    reportFailure: (_, _params: { part: PartId | 'store'; error: unknown }) => {},
    reportLock: (_, _params: { report: LockReport }) => {},
    reportNetwork: (_, _params: { online: boolean }) => {},
  },
  guards: {
    isPaused: ({ context }) => context.pauses.length > 0,
    isNotPaused: ({ context }) => context.pauses.length === 0,
    isLeaving: or([stateIn({ running: 'leaving' }), stateIn({ running: 'releasing' })]),
    isRetryable: ({ context }) => context.error instanceof SyncError && context.error.retryable,
  },
  delays: {
    authPause: ({ context }) => context.authPauseMs,
    stopTimeout: ({ context }) => context.stopTimeoutMs,
    closeTimeout: CLOSE_TIMEOUT_MS,
    restart: ({ context }) => context.restartMs,
  },
}).createMachine({
  id: 'engine',
  context: ({ input }) => ({ ...input, pauses: [], epoch: 0, error: undefined }),
  initial: 'stopped',
  on: {
    PAUSE: { actions: { type: 'pause', params: ({ event }) => event } },
    RESUME: { actions: { type: 'resume', params: ({ event }) => event } },
  },
  states: {
    stopped: {
      on: { START: 'opening' },
    },
    opening: {
      entry: 'clearError',
      invoke: {
        src: 'open',
        onDone: 'running',
        onError: { target: 'failed', actions: { type: 'fail', params: ({ event }) => ({ error: event.error }) } },
      },
      on: { STOP: 'closing' },
    },
    running: {
      initial: 'following',
      invoke: [
        {
          src: 'breaker',
          id: 'breaker',
          input: ({ context }) => context.breaker,
          onError: whenDied('breaker'),
        },
        {
          src: 'drain',
          id: 'drain',
          onError: whenDied('drain'),
        },
        {
          src: 'lock',
          id: 'lock',
          input: ({ context, self }) => ({ ...context.lock, parent: self }),
          onError: whenDied('lock'),
        },
        {
          src: 'connectivity',
          id: 'connectivity',
          input: ({ context, self }) => ({ ...context, parent: self }),
          onError: whenDied('connectivity'),
        },
        {
          src: 'pull',
          id: 'pull',
          input: ({ context, self }) => ({ parent: self, entities: context.pulled }),
          onError: whenDied('pull'),
        },
      ],
      on: {
        STOP: '.leaving',
        'NETWORK.OFFLINE': {
          actions: [
            { type: 'pause', params: { reason: 'network' } },
            { type: 'reportNetwork', params: { online: false } },
          ],
        },
        'NETWORK.ONLINE': {
          actions: [
            { type: 'resume', params: { reason: 'network' } },
            { type: 'reportNetwork', params: { online: true } },
          ],
        },
        'PLATFORM.ONLINE': { actions: 'tellOnline' },
        'PLATFORM.OFFLINE': { actions: 'tellOffline' },
        'STORE.CHANGED': { actions: 'tellPoke' },
        'LOCK.FAILED': { actions: { type: 'reportLock', params: ({ event }) => ({ report: event }) } },
        'DRAIN.AUTH_NEEDED': { actions: [{ type: 'pause', params: { reason: 'auth' } }, 'cancelResumeAuth', 'resumeAuthLater'] },
        'PULL.AUTH_NEEDED': { actions: [{ type: 'pause', params: { reason: 'auth' } }, 'cancelResumeAuth', 'resumeAuthLater'] },
        'PULL.WANTED': { actions: { type: 'tellPullWanted', params: ({ event }) => event } },
        'DRAIN.NETWORK_SUSPECTED': { actions: 'tellSuspected' },
      },
      states: {
        following: {
          on: {
            'LOCK.ACQUIRED': {
              target: 'owning',
              actions: [
                { type: 'acquire', params: ({ event }) => event },
                { type: 'reportLock', params: ({ event }) => ({ report: event }) },
              ],
            },
          },
        },
        owning: {
          entry: 'tellDrainOwn',
          exit: 'tellPullHold',
          initial: 'draining',
          on: {
            'LOCK.LOST': {
              target: 'following',
              actions: ['tellDrainDisown', { type: 'reportLock', params: ({ event }) => ({ report: event }) }],
            },
            'DRAIN.FENCED': { actions: 'tellFenced' },
            'PULL.FENCED': { actions: 'tellFenced' },
          },
          states: {
            draining: {
              entry: ['tellDrain', 'tellPullGo'],
              always: { guard: 'isPaused', target: 'paused' },
            },
            paused: {
              entry: ['tellHold', 'tellPullHold'],
              always: { guard: 'isNotPaused', target: 'draining' },
            },
          },
        },
        leaving: {
          entry: 'tellQuiesce',
          on: { 'DRAIN.QUIET': 'releasing', 'DRAIN.FENCED': 'releasing', 'LOCK.LOST': 'releasing', STOP: {} },
          after: { stopTimeout: 'releasing' },
        },
        releasing: {
          entry: ['tellDrainDisown', 'tellRelease'],
          on: { 'LOCK.RELEASED': '#engine.closing', STOP: {} },
          after: { stopTimeout: '#engine.closing' },
        },
      },
    },
    restarting: {
      after: { restart: 'running' },
      on: { STOP: 'closing' },
    },
    closing: {
      entry: ['cancelResumeAuth', { type: 'resume', params: { reason: 'auth' } }],
      invoke: {
        src: 'close',
        onDone: 'stopped',
        onError: {
          target: 'stopped',
          actions: { type: 'reportFailure', params: ({ event }) => ({ part: 'store', error: event.error }) },
        },
      },
      after: {
        closeTimeout: {
          target: 'stopped',
          actions: { type: 'reportFailure', params: () => ({ part: 'store', error: notClosed() }) },
        },
      },
    },
    failed: {
      after: { restart: { guard: 'isRetryable', target: 'opening' } },
      on: { START: 'opening', STOP: 'closing' },
    },
  },
})

function notClosed(): SyncError {
  return new SyncError('not-closed', `The store did not close within ${CLOSE_TIMEOUT_MS} ms; it is left behind.`)
}

function died(part: PartId) {
  return { type: 'reportFailure', params: ({ event }: { event: { error: unknown } }) => ({ part, error: event.error }) } as const
}

/** All parts are started anew, unless the engine is about to leave. */
function whenDied(part: PartId) {
  return [
    { guard: 'isLeaving', target: 'closing', actions: died(part) },
    { target: 'restarting', actions: died(part) },
  ] as const
}
