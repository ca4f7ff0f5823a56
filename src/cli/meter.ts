import { LEASE, META, readLease, type LeaseRow } from '../core/schema.ts'
import type { Store } from '../engine/store.ts'
import type { EngineState, Metrics, SyncEngine } from '../engine/types.ts'
import type { PushState } from './progress.ts'

/** How far the push is, told by the engine's own events and, now and then, by the store: another process may be the one that sends. */
export interface Meter {
  state(stored: number): PushState
  /** Looks into the store, if it is time for that. */
  calibrate(): Promise<void>
  readonly engine: EngineState
  end(): void
}

const CALIBRATE_MS = 250
/** Counting takes longer the more there is: at most this share of the time goes into it. */
const SHARE = 1 / 20
const QUIET_MS = 3_000

export function createMeter(engine: SyncEngine, store: Store, user: string, total: number): Meter {
  let state: EngineState = { phase: 'stopped', pauses: [], error: undefined }
  let known = { live: 0, enqueued: 0, ended: 0 }
  let lease: LeaseRow | undefined
  let isOwnedElsewhere = false
  let nextAt = 0
  let lastError: string | undefined
  let movedAt = performance.now()

  const stops = [
    engine.on('sync:retry', (event) => {
      if (event.type === 'sync:retry') lastError = event.operation.lastError?.message
    }),
    engine.on('storage:error', (event) => {
      if (event.type === 'storage:error') lastError = event.error instanceof Error ? event.error.message : String(event.error)
    }),
  ]
  const subscription = engine.state$.subscribe((next) => (state = next))

  function liveNow(metrics: Metrics): number {
    return Math.max(0, known.live + (metrics.operations.enqueued - known.enqueued) - (endedIn(metrics) - known.ended))
  }

  /** An owner is there once its heart was seen to beat: what the last one left behind looks the same at first. */
  async function lookAtLease(): Promise<void> {
    const before = lease
    lease = readLease(await store.storage.get(META, LEASE))
    if (lease?.owner !== before?.owner) isOwnedElsewhere = false
    else if (lease !== undefined && lease.owner !== '' && lease.beat !== before?.beat) isOwnedElsewhere = true
  }

  function waitingFor(metrics: Metrics): string | undefined {
    const { breaker } = metrics
    if (state.pauses.includes('network')) return 'the network is down'
    if (breaker.state === 'open') return `the server fails; next try in ${(breaker.remainingMs / 1000).toFixed(1)} s`
    return performance.now() - movedAt > QUIET_MS && lastError !== undefined ? lastError : undefined
  }

  return {
    state(stored) {
      const metrics = engine.metrics()
      const live = liveNow(metrics)
      const { retried, conflicts } = metrics.operations
      const waiting = waitingFor(metrics)
      return {
        stored,
        ended: Math.max(0, stored - live),
        total,
        live,
        requests: metrics.requests,
        retries: retried,
        conflicts,
        takeovers: metrics.lock.takeovers,
        role: metrics.lock.owner ? 'owner' : isOwnedElsewhere ? 'follower' : 'waiting',
        ...(waiting === undefined ? {} : { waitingFor: waiting }),
      }
    },
    async calibrate() {
      const from = performance.now()
      if (from < nextAt) return
      await lookAtLease()
      const before = engine.metrics()
      const live = await store.countLive(user)
      const after = engine.metrics()
      if (live !== known.live) movedAt = performance.now()
      if (endedIn(before) === endedIn(after) && before.operations.enqueued === after.operations.enqueued) {
        known = { live, enqueued: after.operations.enqueued, ended: endedIn(after) }
      }
      nextAt = performance.now() + Math.max(CALIBRATE_MS, (performance.now() - from) / SHARE)
    },
    get engine() {
      return state
    },
    end() {
      for (const stop of stops) stop()
      subscription.unsubscribe()
    },
  }
}

function endedIn({ operations }: Metrics): number {
  return operations.done + operations.rejected + operations.cancelled + operations.coalesced
}
