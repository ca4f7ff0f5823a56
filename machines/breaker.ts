import { assign, emit, setup, type ActorRefFrom } from 'xstate'
import type { BreakerOptions } from '../src/core/options.ts'

/**
 * Keeps a failing server from being hammered: opens after `failureThreshold` failures within `windowMs`, lets probes through after
 * `cooldownMs`, closes when one succeeds. Only failures of the server or the network are reported to it: validation, auth and
 * conflicts never count (S23).
 */
export interface BreakerContext extends BreakerOptions {
  /** Monotonic times of the failures within the window. */
  readonly failuresAt: readonly number[]
  readonly probesInFlight: number
  readonly trips: number
}

export type BreakerEvent =
  | { readonly type: 'FAILURE'; readonly at: number }
  | { readonly type: 'SUCCESS' }
  /** A request leaves as a probe. */
  | { readonly type: 'PROBE' }
  /** A probe ended without telling anything about the server. */
  | { readonly type: 'PROBE_ABANDONED' }
  | { readonly type: 'RESET' }

export type BreakerEmitted =
  | { readonly type: 'breaker:opened'; readonly trips: number }
  | { readonly type: 'breaker:halfOpened' }
  | { readonly type: 'breaker:closed' }

export type BreakerActor = ActorRefFrom<typeof breakerMachine>

export const breakerMachine = setup({
  types: {
    context: {} as BreakerContext,
    events: {} as BreakerEvent,
    input: {} as BreakerOptions,
    emitted: {} as BreakerEmitted,
  },
  actions: {
    count: assign(({ context, event }) =>
      event.type === 'FAILURE' ? { failuresAt: [...recent(context, event.at), event.at] } : {},
    ),
    trip: assign({ trips: ({ context }) => context.trips + 1, failuresAt: [] }),
    forget: assign({ failuresAt: [] }),
    addProbe: assign({ probesInFlight: ({ context }) => context.probesInFlight + 1 }),
    dropProbe: assign({ probesInFlight: ({ context }) => Math.max(0, context.probesInFlight - 1) }),
    clearProbes: assign({ probesInFlight: 0 }),
    emitOpened: emit(({ context }) => ({ type: 'breaker:opened', trips: context.trips }) as const),
    emitHalfOpened: emit({ type: 'breaker:halfOpened' }),
    emitClosed: emit({ type: 'breaker:closed' }),
  },
  guards: {
    reachesThreshold: ({ context, event }) =>
      event.type === 'FAILURE' && recent(context, event.at).length + 1 >= context.failureThreshold,
    isLastProbe: ({ context }) => context.probesInFlight <= 1,
  },
  delays: {
    cooldown: ({ context }) => context.cooldownMs,
    probeTimeout: ({ context }) => context.probeTimeoutMs,
  },
}).createMachine({
  id: 'breaker',
  context: ({ input }) => ({ ...input, failuresAt: [], probesInFlight: 0, trips: 0 }),
  initial: 'closed',
  states: {
    closed: {
      on: {
        FAILURE: [{ guard: 'reachesThreshold', target: 'open', actions: 'trip' }, { actions: 'count' }],
        RESET: { actions: 'forget' },
      },
    },
    open: {
      entry: 'emitOpened',
      after: { cooldown: 'halfOpen' },
      on: { RESET: { target: 'closed', actions: 'emitClosed' } },
    },
    halfOpen: {
      entry: ['clearProbes', 'emitHalfOpened'],
      initial: 'waiting',
      on: {
        SUCCESS: { target: 'closed', actions: 'emitClosed' },
        FAILURE: { target: 'open', actions: 'trip' },
        RESET: { target: 'closed', actions: 'emitClosed' },
      },
      states: {
        waiting: {
          on: { PROBE: { target: 'probing', actions: 'addProbe' } },
        },
        probing: {
          on: {
            PROBE: { actions: 'addProbe' },
            PROBE_ABANDONED: [{ guard: 'isLastProbe', target: 'waiting', actions: 'dropProbe' }, { actions: 'dropProbe' }],
          },
          after: { probeTimeout: { target: '#breaker.open', actions: 'trip' } },
        },
      },
    },
  },
})

/** The state in one word, without the cost of `matches`: it is asked before every request. */
export function breakerState({
  value,
}: {
  readonly value: 'closed' | 'open' | { readonly halfOpen: string }
}): 'closed' | 'open' | 'halfOpen' {
  return typeof value === 'string' ? value : 'halfOpen'
}

function recent({ failuresAt, windowMs }: BreakerContext, at: number): readonly number[] {
  return failuresAt.filter((failureAt) => at - failureAt < windowMs)
}
