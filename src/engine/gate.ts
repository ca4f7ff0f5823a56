import { breakerState, type BreakerActor } from '../../machines/breaker.ts'
import type { Settings } from '../core/options.ts'

const MIN_AHEAD = 64

/** How many requests may leave, and how many operations to claim ahead of that, as the breaker allows. */
export function createGate({ concurrency, batchSize }: Settings, breaker: () => BreakerActor | undefined) {
  const limit = concurrency * batchSize
  const ahead = Math.max(MIN_AHEAD, limit)

  function state(): 'closed' | 'open' | 'halfOpen' {
    const actor = breaker()
    return actor === undefined ? 'open' : breakerState(actor.getSnapshot())
  }

  function permits(requests: number): number {
    if (state() !== 'halfOpen') return concurrency - requests
    const { halfOpenProbes = 0, probesInFlight = 0 } = breaker()?.getSnapshot().context ?? {}
    return Math.max(0, halfOpenProbes - probesInFlight)
  }

  const isLow = (ready: number): boolean => ready <= ahead / 2

  return {
    ahead,
    permits,
    isLow,
    isClosed: (): boolean => state() === 'open',
    /** While probes are out, what else is claimed waits for their result. */
    isProbing: (): boolean => state() === 'halfOpen',
    /** How many more operations to claim. */
    room(inFlight: number, ready: number): number {
      if (state() === 'halfOpen') return Math.max(0, permits(0) - ready)
      return isLow(ready) ? limit + ahead - inFlight - ready : 0
    },
  }
}
