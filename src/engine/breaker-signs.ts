import { breakerState, type BreakerActor } from '../../machines/breaker.ts'
import {
  CircuitBreakerOpenError,
  NetworkError,
  RateLimitError,
  ServerError,
  TimeoutError,
  type SyncError,
} from '../core/errors.ts'
import { pausedByServer } from '../core/held-back.ts'
import type { Clock } from '../core/ports.ts'

export type BreakerSigns = ReturnType<typeof createBreakerSigns>

/** What every request asks the breaker before it leaves, and tells it afterwards. While it is half-open each is a probe. Nothing leaves while the server wants a pause. */
export function createBreakerSigns(
  { monotonic }: Clock,
  breaker: () => BreakerActor | undefined,
  /** Until the server's pause is over. */
  pausedMs: () => number = () => 0,
  /** Until an open breaker lets a probe through. */
  cooldownMs: () => number = () => 0,
) {
  /** By who asked: after which opening its probe left. */
  const probes = new WeakMap<object, number>()

  function admits(actor: BreakerActor, asker: object): boolean {
    const snapshot = actor.getSnapshot()
    probes.delete(asker)
    const state = breakerState(snapshot)
    if (state !== 'halfOpen') return state === 'closed'
    const { probesInFlight, halfOpenProbes, trips } = snapshot.context
    if (probesInFlight >= halfOpenProbes) return false
    probes.set(asker, trips)
    actor.send({ type: 'PROBE' })
    return true
  }

  return {
    /** Whether a request may leave now. It may have been let through before the breaker opened. */
    admit(asker: object): boolean {
      if (pausedMs() > 0) return false
      const actor = breaker()
      return actor === undefined || admits(actor, asker)
    },
    /** Why it may not. */
    heldBack: (): SyncError => (pausedMs() > 0 ? pausedByServer(pausedMs()) : new CircuitBreakerOpenError(cooldownMs())),
    failed: (): void => breaker()?.send({ type: 'FAILURE', at: monotonic() }),
    succeeded(): void {
      const actor = breaker()
      if (actor !== undefined && breakerState(actor.getSnapshot()) !== 'closed') actor.send({ type: 'SUCCESS' })
    },
    /** A request that the engine itself called off tells nothing. If it is older than the probes that are out, it frees the place of none. */
    abandoned(asker: object): void {
      const actor = breaker()
      if (actor !== undefined && probes.get(asker) === actor.getSnapshot().context.trips) actor.send({ type: 'PROBE_ABANDONED' })
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
