import { assign, fromCallback, sendTo, setup, stateIn, type ActorRef, type Snapshot } from 'xstate'
import { retryDelayMs } from '../src/core/backoff.ts'
import type { ChannelMessage } from '../src/core/channel-message.ts'
import type { SyncError } from '../src/core/errors.ts'
import type { RealtimeOptions } from '../src/core/options.ts'
import type { ChannelClosed } from '../src/core/channel-port.ts'
import { notProvided } from './not-provided.ts'

/**
 * The realtime line to the server. It only brings hints: while there is none, polling does the same work more slowly. A line that
 * does not answer is dead by its second beat (L6). A lost one is tried again after a backoff, never sooner than the server asks; one that
 * stays away is left alone for `fallbackMs`. A refusal is tried again once, with new credentials, and then waits.
 */
export interface ChannelInput extends RealtimeOptions {
  readonly parent: ActorRef<Snapshot<unknown>, ChannelReport>
}

export type ChannelReport =
  /** Polling may rest: hints come from now on. */
  | { readonly type: 'CHANNEL.CONNECTED' }
  /** Polling must go on. Comes after each CONNECTED, and only then. */
  | { readonly type: 'CHANNEL.DISCONNECTED' }
  | { readonly type: 'CHANNEL.MESSAGE'; readonly message: ChannelMessage }
  | ({ readonly type: 'CHANNEL.HEALTH' } & ChannelHealth)
  /** Credentials are not taken, new ones neither. */
  | { readonly type: 'CHANNEL.UNAUTHORIZED' }
  /** Too many attempts in succession came to nothing. */
  | { readonly type: 'CHANNEL.GAVE_UP' }
  /** The actor that holds the line died. */
  | { readonly type: 'CHANNEL.FAILED'; readonly error: unknown }

export interface ChannelHealth {
  /** From a beat to its answer; undefined before the first one, and where the line can't be asked. */
  readonly latencyMs: number | undefined
  /** Beats without an answer since the machine was started. */
  readonly missedBeats: number
}

export interface ChannelContext extends ChannelInput, ChannelHealth {
  /** Attempts since a line last proved alive. */
  readonly attempts: number
  /** Refusals of credentials since then. */
  readonly refusals: number
  /** The wait that is on, or was last. */
  readonly delayMs: number
  /** What the server asked for when the last line closed. */
  readonly retryAfterMs: number | undefined
  /** Why the last line closed, if that was an error. */
  readonly error: SyncError | undefined
}

/** What the actor that holds the line is told. */
export type ConnectionCommand =
  /** Send a ping that carries a monotonic time. */
  | { readonly type: 'BEAT' }
  /** Close the line and answer with SOCKET.CLOSED at once, whatever the other end does. */
  | { readonly type: 'CUT' }

export type ChannelEvent =
  /** Be connected. Also: try now, for something has changed. */
  | { readonly type: 'CONNECT' }
  | { readonly type: 'DISCONNECT' }
  | { readonly type: 'WENT_OFFLINE' }
  | { readonly type: 'CAME_ONLINE' }
  | { readonly type: 'SOCKET.OPENED' }
  /** `at`: monotonic time, of the clock whose time went out with the beat. */
  | { readonly type: 'SOCKET.MESSAGE'; readonly message: ChannelMessage; readonly at: number }
  /** `random`: uniform in [0, 1), for the jitter of the wait. */
  | ({ readonly type: 'SOCKET.CLOSED'; readonly random: number } & ChannelClosed)

/** Policy (RFC 6455), and what HTTP calls 401 and 403. */
const REFUSED: ReadonlySet<number> = new Set([1008, 4401, 4403])

export const channelMachine = setup({
  types: {
    context: {} as ChannelContext,
    events: {} as ChannelEvent,
    input: {} as ChannelInput,
  },
  actors: {
    /** Opens a line when it starts and lets go of it when it stops; sends the events `SOCKET.*`. */
    connection: fromCallback<ConnectionCommand>(notProvided),
  },
  actions: {
    beat: sendTo('connection', { type: 'BEAT' }),
    cut: sendTo('connection', { type: 'CUT' }),
    clearError: assign({ error: undefined }),
    /** A line that opens and is lost at once has proved nothing: only one that lived for a beat makes the next wait short again. */
    prove: assign({ attempts: 0, refusals: 0 }),
    measure: assign(({ context, event }) => ({ latencyMs: latencyIn(event) ?? context.latencyMs })),
    miss: assign({ missedBeats: ({ context }) => context.missedBeats + 1 }),
    lose: assign(({ context, event }) => (event.type === 'SOCKET.CLOSED' ? lost(context, event) : {})),
    countRefusal: assign({ refusals: ({ context }) => context.refusals + 1 }),
    startAnew: assign({ attempts: 0, refusals: 0, retryAfterMs: undefined }),
    reportConnected: sendTo(({ context }) => context.parent, { type: 'CHANNEL.CONNECTED' }),
    reportDisconnected: sendTo(({ context }) => context.parent, { type: 'CHANNEL.DISCONNECTED' }),
    reportMessage: sendTo(
      ({ context }) => context.parent,
      (_, { message }: { message: ChannelMessage }) => ({ type: 'CHANNEL.MESSAGE', message }),
    ),
    reportHealth: sendTo(
      ({ context }) => context.parent,
      ({ context: { latencyMs, missedBeats } }) => ({ type: 'CHANNEL.HEALTH', latencyMs, missedBeats }),
    ),
    reportUnauthorized: sendTo(({ context }) => context.parent, { type: 'CHANNEL.UNAUTHORIZED' }),
    reportGaveUp: sendTo(({ context }) => context.parent, { type: 'CHANNEL.GAVE_UP' }),
    reportFailed: sendTo(
      ({ context }) => context.parent,
      (_, { error }: { error: unknown }) => ({ type: 'CHANNEL.FAILED', error }),
    ),
  },
  guards: {
    isPong: (_, { message }: { message: ChannelMessage }) => message.type === 'pong',
    isNews: (_, { message }: { message: ChannelMessage }) => message.type !== 'pong',
    /** Who asks to wait is alive, so this is never given up. */
    asksToWait: (_, { retryAfterMs }: ChannelClosed) => retryAfterMs !== undefined,
    isFirstRefusal: ({ context }, { code }: ChannelClosed) => REFUSED.has(code) && context.refusals === 0,
    isRefusal: (_, { code }: ChannelClosed) => REFUSED.has(code),
    isExhausted: ({ context }) => context.attempts + 1 >= context.retry.maxAttempts,
    mayHurry: ({ context }) => context.retryAfterMs === undefined,
    isOffline: stateIn({ waiting: 'offline' }),
  },
  delays: {
    connectTimeout: ({ context }) => context.connectTimeoutMs,
    heartbeat: ({ context }) => context.heartbeatMs,
    backoff: ({ context }) => context.delayMs,
    fallback: ({ context }) => context.fallbackMs,
  },
}).createMachine({
  id: 'channel',
  context: ({ input }) => ({
    ...input,
    attempts: 0,
    refusals: 0,
    delayMs: input.retry.baseMs,
    retryAfterMs: undefined,
    latencyMs: undefined,
    missedBeats: 0,
    error: undefined,
  }),
  initial: 'idle',
  on: { DISCONNECT: '.idle' },
  states: {
    idle: {
      entry: 'startAnew',
      on: { CONNECT: 'live' },
    },
    live: {
      invoke: {
        src: 'connection',
        id: 'connection',
        onError: { target: 'gaveUp', actions: { type: 'reportFailed', params: ({ event }) => ({ error: event.error }) } },
      },
      initial: 'connecting',
      on: {
        WENT_OFFLINE: 'offline',
        'SOCKET.CLOSED': [
          { guard: { type: 'asksToWait', params: ({ event }) => event }, target: 'waiting', actions: 'lose' },
          {
            guard: { type: 'isFirstRefusal', params: ({ event }) => event },
            target: 'live',
            reenter: true,
            actions: ['lose', 'countRefusal'],
          },
          {
            guard: { type: 'isRefusal', params: ({ event }) => event },
            target: 'gaveUp',
            actions: ['lose', 'reportUnauthorized'],
          },
          { guard: 'isExhausted', target: 'gaveUp', actions: ['lose', 'reportGaveUp'] },
          { target: 'waiting', actions: 'lose' },
        ],
      },
      states: {
        connecting: {
          after: { connectTimeout: 'cutting' },
          on: { 'SOCKET.OPENED': { target: 'open', actions: 'clearError' } },
        },
        open: {
          entry: 'reportConnected',
          exit: 'reportDisconnected',
          initial: 'awaitingPong',
          on: {
            'SOCKET.MESSAGE': {
              guard: { type: 'isNews', params: ({ event }) => event },
              actions: { type: 'reportMessage', params: ({ event }) => event },
            },
          },
          states: {
            awaitingPong: {
              entry: 'beat',
              after: { heartbeat: { target: '#channel.live.cutting', actions: ['miss', 'reportHealth'] } },
              on: {
                'SOCKET.MESSAGE': {
                  guard: { type: 'isPong', params: ({ event }) => event },
                  target: 'beating',
                  actions: ['measure', 'reportHealth'],
                },
              },
            },
            beating: {
              after: { heartbeat: { target: 'awaitingPong', actions: 'prove' } },
            },
          },
        },
        cutting: {
          entry: 'cut',
        },
      },
    },
    waiting: {
      initial: 'online',
      after: { backoff: [{ guard: 'isOffline', target: 'offline' }, { target: 'live' }] },
      on: {
        CONNECT: { guard: 'mayHurry', target: 'live' },
        WENT_OFFLINE: [{ guard: 'mayHurry', target: 'offline' }, { target: '.offline' }],
      },
      states: {
        online: {},
        /** The wait that the server asked for goes on, whatever the network does. */
        offline: {
          on: { CAME_ONLINE: 'online' },
        },
      },
    },
    offline: {
      entry: 'startAnew',
      on: { CAME_ONLINE: 'live' },
    },
    gaveUp: {
      entry: 'startAnew',
      after: { fallback: 'live' },
      on: { CONNECT: 'live', CAME_ONLINE: 'live', WENT_OFFLINE: 'offline' },
    },
  },
})

function lost(
  { retry, attempts, delayMs }: ChannelContext,
  { random, retryAfterMs, error }: ChannelClosed & { readonly random: number },
): Pick<ChannelContext, 'attempts' | 'delayMs' | 'retryAfterMs' | 'error'> {
  const attempt = attempts + 1
  return {
    attempts: attempt,
    delayMs: retryDelayMs(retry, { attempt, previousMs: delayMs, random, retryAfterMs }),
    retryAfterMs,
    error,
  }
}

function latencyIn(event: ChannelEvent): number | undefined {
  if (event.type !== 'SOCKET.MESSAGE' || event.message.type !== 'pong' || event.message.at === undefined) return undefined
  return Math.max(0, event.at - event.message.at)
}
