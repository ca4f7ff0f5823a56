import { breakerState, type BreakerActor } from '../../machines/breaker.ts'
import type { BreakerOptions } from '../core/options.ts'
import type { Clock } from '../core/ports.ts'
import type { Events } from './events.ts'
import type { Metrics } from './types.ts'

export type BreakerWatch = ReturnType<typeof createBreakerWatch>

/** Turns what the breaker emits into events, and tells how long it stays open; `changed` is called at each change. */
export function createBreakerWatch(
  breaker: () => BreakerActor | undefined,
  { cooldownMs }: BreakerOptions,
  clock: Clock,
  events: Events,
  changed: () => void,
) {
  let openedAt = 0
  /** The breaker itself begins anew with each start. */
  let trips = 0

  return {
    start(): () => void {
      const subscription = breaker()?.on('*', (event) => {
        if (event.type === 'breaker:opened') {
          openedAt = clock.monotonic()
          trips += 1
          events.emit({ ...event, trips, remainingMs: cooldownMs })
        } else events.emit({ ...event })
        changed()
      })
      return () => subscription?.unsubscribe()
    },
    read(): Metrics['breaker'] {
      const snapshot = breaker()?.getSnapshot()
      const state = snapshot === undefined ? 'closed' : breakerState(snapshot)
      const remainingMs = state === 'open' ? Math.max(0, Math.ceil(openedAt + cooldownMs - clock.monotonic())) : 0
      return { state, trips, remainingMs }
    },
  }
}
