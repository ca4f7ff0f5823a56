import { percentile } from '../core/histogram.ts'
import { createCounts } from './counts.ts'
import type { Metrics, SyncEvent } from './types.ts'

/** How much each answer moves the picture of the network: with this, about the last 20 make it. */
const WEIGHT = 0.05

export type MetricsCounter = ReturnType<typeof createMetrics>

export interface MetricsSources {
  breaker(): Metrics['breaker']
  lock(): { readonly owner: boolean; readonly epoch: number }
}

/** Counts what the event bus tells, a subscriber like any other; and how the server answers. */
export function createMetrics(sources: MetricsSources) {
  const counted = createCounts()
  const { counts } = counted
  let live = 0
  /** How often that has changed by what this engine did. */
  let moves = 0
  /** The share of recent requests that were answered: moved by each, by the later ones most. */
  let answered = 1

  /** What other tabs enqueue is not told here, and may end here before it is counted. */
  function moved(by: 1 | -1): void {
    live = Math.max(0, live + by)
    moves += 1
  }

  function attempted(share: 0 | 1): void {
    answered += WEIGHT * (share - answered)
  }

  return {
    record(event: SyncEvent): void {
      counted.record(event)
      switch (event.type) {
        case 'sync:queued':
          return moved(1)
        case 'sync:completed':
        case 'sync:failed':
        case 'sync:cancelled':
        case 'sync:coalesced':
          return moved(-1)
        default:
      }
    },
    requested: counted.requested,
    /** A request with operations had no answer of the server, or one that says that it fails. */
    failed: (): void => attempted(0),
    succeeded: (): void => attempted(1),
    /** Takes what is live in the store. False if what this engine did meanwhile may be among it, or not. */
    async recount(count: () => Promise<number>): Promise<boolean> {
      const before = moves
      const found = await count()
      if (moves === before) live = found
      return moves === before
    },
    read(): Metrics {
      const { enqueued, done, rejected, retried, coalesced, cancelled, refused, conflicts, conflictsResolved } = counts
      const breaker = sources.breaker()
      return {
        operations: { enqueued, done, rejected, retried, coalesced, cancelled, conflicts: refused, live },
        requests: counts.requests,
        queue: { depth: live },
        latencyMs: latency(counted.read().latencyMs),
        successRate: done + rejected === 0 ? 1 : done / (done + rejected),
        health: Math.round(100 * answered * { closed: 1, halfOpen: 0.5, open: 0 }[breaker.state]),
        conflicts,
        conflictsResolved,
        pulls: counts.pulls,
        pulledChanges: counts.pulledChanges,
        breaker,
        lock: { ...sources.lock(), takeovers: counts.takeovers },
      }
    },
  }
}

function latency(histogram: Metrics['latencyMs']['histogram']): Metrics['latencyMs'] {
  const { count, sum } = histogram
  const at = (share: number): number => percentile(histogram, share)
  return { mean: count === 0 ? 0 : sum / count, p50: at(0.5), p95: at(0.95), p99: at(0.99), histogram }
}
