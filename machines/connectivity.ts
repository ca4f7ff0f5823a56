import { fromPromise, sendTo, setup, type ActorRef, type Snapshot } from 'xstate'
import { rejectNotProvided } from './not-provided.ts'

/**
 * Whether requests can be expected to reach the server. Going offline is believed at once; coming back must last for `settleMs`
 * and, where there is a probe, be confirmed by it, so that a flapping network does not start a storm. A probe that has no answer
 * when the next one is due is given up.
 */
export interface ConnectivityInput {
  readonly parent: ActorRef<Snapshot<unknown>, ConnectivityReport>
  /** What the platform says at the start. */
  readonly online: boolean
  readonly hasProbe: boolean
  readonly settleMs: number
  readonly probeEveryMs: number
}

export type ConnectivityReport = { readonly type: 'NETWORK.ONLINE' } | { readonly type: 'NETWORK.OFFLINE' }

export type ConnectivityEvent =
  | { readonly type: 'CAME_ONLINE' }
  | { readonly type: 'WENT_OFFLINE' }
  /** A request met something that looks like no network: a portal, a proxy. */
  | { readonly type: 'SUSPECTED' }

export const connectivityMachine = setup({
  types: {
    context: {} as ConnectivityInput,
    events: {} as ConnectivityEvent,
    input: {} as ConnectivityInput,
  },
  actors: {
    probe: fromPromise<boolean>(rejectNotProvided),
  },
  actions: {
    reportOnline: sendTo(({ context }) => context.parent, { type: 'NETWORK.ONLINE' }),
    reportOffline: sendTo(({ context }) => context.parent, { type: 'NETWORK.OFFLINE' }),
  },
  guards: {
    isOnline: ({ context }) => context.online,
    hasProbe: ({ context }) => context.hasProbe,
    isReachable: (_, reachable: boolean) => reachable,
  },
  delays: {
    settle: ({ context }) => context.settleMs,
    probeEvery: ({ context }) => context.probeEveryMs,
  },
}).createMachine({
  id: 'connectivity',
  context: ({ input }) => input,
  initial: 'starting',
  states: {
    starting: {
      always: [{ guard: 'isOnline', target: 'online' }, { target: 'offline' }],
    },
    online: {
      entry: 'reportOnline',
      initial: 'trusting',
      on: { WENT_OFFLINE: 'offline' },
      states: {
        trusting: {
          on: { SUSPECTED: { guard: 'hasProbe', target: 'checking' } },
        },
        checking: {
          invoke: {
            src: 'probe',
            onDone: [
              { guard: { type: 'isReachable', params: ({ event }) => event.output }, target: 'trusting' },
              { target: '#connectivity.offline' },
            ],
            onError: '#connectivity.offline',
          },
          after: { probeEvery: '#connectivity.offline' },
        },
      },
    },
    offline: {
      entry: 'reportOffline',
      initial: 'waiting',
      on: { WENT_OFFLINE: '.waiting', CAME_ONLINE: '.settling' },
      states: {
        waiting: {
          after: { probeEvery: { guard: 'hasProbe', target: 'probing' } },
        },
        settling: {
          after: { settle: [{ guard: 'hasProbe', target: 'probing' }, { target: '#connectivity.online' }] },
          on: { CAME_ONLINE: {} },
        },
        probing: {
          invoke: {
            src: 'probe',
            onDone: [
              { guard: { type: 'isReachable', params: ({ event }) => event.output }, target: '#connectivity.online' },
              { target: 'waiting' },
            ],
            onError: 'waiting',
          },
          after: { probeEvery: 'waiting' },
        },
      },
    },
  },
})
