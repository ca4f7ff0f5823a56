import type { Clock } from '../core/ports.ts'
import type { Metrics, SyncEvent } from './types.ts'

const SAMPLE_LIMIT = 1_024

type Counts = { -readonly [K in keyof Metrics['operations']]: number }

export interface MetricsSources {
  breaker(): Metrics['breaker']
  lock(): { readonly owner: boolean; readonly epoch: number }
}

/** Counts what the event bus tells; a subscriber like any other. Latency is from enqueue to the confirmed end, over the last 1,024. */
export function createMetrics(clock: Clock, sources: MetricsSources) {
  const counts: Counts = { enqueued: 0, done: 0, rejected: 0, retried: 0, coalesced: 0, cancelled: 0, conflicts: 0, live: 0 }
  const samples: number[] = []
  let next = 0
  let requests = 0
  let takeovers = 0

  function ended(): void {
    counts.live -= 1
  }

  function addLatency(enqueuedAt: number): void {
    samples[next] = Math.max(0, clock.now() - enqueuedAt)
    next = (next + 1) % SAMPLE_LIMIT
  }

  function record(event: SyncEvent): void {
    switch (event.type) {
      case 'sync:queued':
        counts.enqueued += 1
        counts.live += 1
        return
      case 'sync:completed':
        counts.done += 1
        addLatency(event.operation.enqueuedAt)
        return ended()
      case 'sync:failed':
        counts.rejected += 1
        return ended()
      case 'sync:cancelled':
        counts.cancelled += 1
        return ended()
      case 'sync:coalesced':
        counts.coalesced += 1
        return ended()
      case 'sync:retry':
        counts.retried += 1
        return
      case 'sync:conflict':
        counts.conflicts += 1
        return
      case 'lock:acquired':
        if (event.takeover) takeovers += 1
        return
      default:
    }
  }

  return {
    record,
    requested: (): void => void (requests += 1),
    /** What was live in the store before this engine counted. */
    foundLive: (live: number): void => void (counts.live = live),
    read(): Metrics {
      const { done, rejected } = counts
      const breaker = sources.breaker()
      const successRate = done + rejected === 0 ? 1 : done / (done + rejected)
      const answered = done + rejected + counts.retried
      return {
        operations: { ...counts, live: Math.max(0, counts.live) },
        requests,
        queue: { depth: Math.max(0, counts.live) },
        latencyMs: latency(samples),
        successRate,
        health: health(successRate, answered === 0 ? 1 : (done + rejected) / answered, breaker.state),
        breaker,
        lock: { ...sources.lock(), takeovers },
      }
    },
  }
}

/** 100 × success rate × share of attempts that needed no retry; halved while the breaker is half-open, 0 while it is open. */
function health(successRate: number, firstTryRate: number, breaker: Metrics['breaker']['state']): number {
  const factor = { closed: 1, halfOpen: 0.5, open: 0 }[breaker]
  return Math.round(100 * successRate * firstTryRate * factor)
}

function latency(samples: readonly number[]): Metrics['latencyMs'] {
  if (samples.length === 0) return { mean: 0, p50: 0, p95: 0, p99: 0 }
  const sorted = samples.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return { mean: sorted.reduce((sum, sample) => sum + sample, 0) / sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}
