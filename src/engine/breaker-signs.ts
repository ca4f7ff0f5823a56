import { breakerState, type BreakerActor } from '../../machines/breaker.ts'
import { NetworkError, RateLimitError, ServerError, TimeoutError, type SyncError } from '../core/errors.ts'
import type { Clock } from '../core/ports.ts'

export type BreakerSigns = ReturnType<typeof createBreakerSigns>

/** What every request asks the breaker before it leaves, and tells it afterwards. While it is half-open each is a probe. */
export function createBreakerSigns({ monotonic }: Clock, breaker: () => BreakerActor | undefined) {
  function admits(actor: BreakerActor): boolean {
    const snapshot = actor.getSnapshot()
    const state = breakerState(snapshot)
    if (state !== 'halfOpen') return state === 'closed'
    const { probesInFlight, halfOpenProbes } = snapshot.context
    if (probesInFlight >= halfOpenProbes) return false
    actor.send({ type: 'PROBE' })
    return true
  }

  return {
    /** Whether a request may leave now. It may have been let through before the breaker opened. */
    admit(): boolean {
      const actor = breaker()
      return actor === undefined || admits(actor)
    },
    failed: (): void => breaker()?.send({ type: 'FAILURE', at: monotonic() }),
    succeeded(): void {
      const actor = breaker()
      if (actor !== undefined && breakerState(actor.getSnapshot()) !== 'closed') actor.send({ type: 'SUCCESS' })
    },
    /** Requests that the engine itself called off tell nothing. */
    abandoned(count: number): void {
      for (let i = 0; i < count; i++) breaker()?.send({ type: 'PROBE_ABANDONED' })
    },
  }
}

/** Whether an error is one of the server or the network: validation, auth, conflicts and being too quick never count (S23). */
export function isServerFailure(error: SyncError): boolean {
  if (error instanceof RateLimitError) return false
  return (
    (error instanceof NetworkError || error instanceof TimeoutError || error instanceof ServerError) &&
    error.code !== 'idempotency-in-progress'
  )
}
