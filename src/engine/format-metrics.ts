import type { Metrics } from './types.ts'

/** An engine's metrics for people: some lines, in words. */
export function formatMetrics(metrics: Metrics): string {
  const { operations, queue, latencyMs, requests, breaker, lock } = metrics
  const lines: readonly (readonly [string, string])[] = [
    ['queue', `${queue.depth} waiting`],
    ['operations', list(operations, ['enqueued', 'done', 'rejected', 'cancelled', 'coalesced', 'retried'])],
    ['requests', `${requests}, ${(100 * metrics.successRate).toFixed(1)} % of operations succeeded`],
    ['pulls', `${metrics.pulls}, with ${metrics.pulledChanges} changes`],
    ['conflicts', `${metrics.conflicts}, ${metrics.conflictsResolved} resolved`],
    ['latency', latencyMs.histogram.count === 0 ? 'nothing is done yet' : list(mapped(latencyMs), ['mean', 'p50', 'p95', 'p99'])],
    ['health', `${metrics.health} of 100`],
    [
      'breaker',
      `${BREAKER[breaker.state]}${breaker.state === 'open' ? ` for ${breaker.remainingMs} ms` : ''}, ${breaker.trips} trips`,
    ],
    ['lease', `${lock.owner ? `owned, epoch ${lock.epoch}` : 'not owned'}, ${lock.takeovers} takeovers`],
  ]
  return lines.map(([name, text]) => `${name.padEnd(12)}${text}`).join('\n')
}

const BREAKER = { closed: 'closed', open: 'open', halfOpen: 'half-open' }

function list<Name extends string>(values: Readonly<Record<Name, number | string>>, names: readonly Name[]): string {
  return names.map((name) => `${values[name]} ${name}`).join(', ')
}

function mapped({ mean, p50, p95, p99 }: Metrics['latencyMs']): Record<'mean' | 'p50' | 'p95' | 'p99', string> {
  return { mean: duration(mean), p50: duration(p50), p95: duration(p95), p99: duration(p99) }
}

function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}
