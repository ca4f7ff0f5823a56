import type { Attributes, BatchObservableResult, Counter, Meter, MetricOptions } from '@opentelemetry/api'
import type { SyncEngine, SyncEvent, SyncEventType } from '../../engine/types.ts'

/** Counted when their event comes. */
const COUNTERS: { readonly [Type in SyncEventType]?: readonly [name: string, unit: string, description: string] } = {
  'sync:queued': ['synchart.operations.enqueued', '{operation}', 'Operations that were stored.'],
  'sync:completed': ['synchart.operations.done', '{operation}', 'Operations that the server confirmed.'],
  'sync:failed': ['synchart.operations.rejected', '{operation}', 'Operations that were refused for good.'],
  'sync:retry': ['synchart.operations.retried', '{attempt}', 'Attempts after which an operation was put off.'],
  'sync:coalesced': ['synchart.operations.coalesced', '{operation}', 'Operations that were merged into another.'],
  'sync:cancelled': ['synchart.operations.cancelled', '{operation}', 'Operations that were cancelled.'],
  'conflict:detected': ['synchart.conflicts.detected', '{conflict}', 'Both sides had changed the same.'],
  'conflict:resolved': ['synchart.conflicts.resolved', '{conflict}', 'Conflicts that were settled.'],
  'pull:completed': ['synchart.pulls', '{pull}', 'Pulls that came to their end.'],
  'pull:failed': ['synchart.pulls.failed', '{pull}', 'Pulls that failed.'],
  'breaker:opened': ['synchart.breaker.trips', '{trip}', 'How often the breaker opened.'],
  'alert:raised': ['synchart.alerts', '{alert}', 'Alerts that were raised.'],
}

const BREAKER_STATES = { closed: 0, halfOpen: 1, open: 2 } as const
/** In seconds, from milliseconds to a day offline. */
const DURATIONS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600, 21_600, 86_400]

/** Feeds a meter with what the engine's events and metrics tell. */
export function measure(engine: SyncEngine, meter: Meter, attributes: Attributes): () => void {
  const counters = new Map<string, Counter>()
  for (const [type, [name, unit, description]] of Object.entries(COUNTERS))
    counters.set(type, meter.createCounter(name, { unit, description }))
  const duration = meter.createHistogram('synchart.operation.duration', {
    unit: 's',
    description: 'From enqueue to done.',
    advice: { explicitBucketBoundaries: DURATIONS_S },
  })
  const changes = meter.createCounter('synchart.pulls.changes', { unit: '{change}', description: 'Changes that were pulled.' })
  const stop = engine.on('*', (event) => {
    counters.get(event.type)?.add(1, { ...attributes, ...detailsOf(event) })
    if (event.type === 'pull:completed') changes.add(event.changes, { ...attributes, ...detailsOf(event) })
    if (event.type !== 'sync:completed') return
    duration.record(Math.max(0, event.at - event.operation.enqueuedAt) / 1_000, { ...attributes, ...detailsOf(event) })
  })
  const unwatch = watch(engine, meter, attributes)
  return () => {
    stop()
    unwatch()
  }
}

/** Few and known values only: each makes a series of its own. */
function detailsOf(event: SyncEvent): Attributes {
  if (event.type === 'alert:raised') return { 'synchart.alert': event.alert }
  if ('operation' in event && event.operation !== undefined) {
    const { entity, lastError } = event.operation
    const error = event.type === 'sync:failed' || event.type === 'sync:retry' ? lastError?.code : undefined
    return { 'synchart.entity': entity, ...(error === undefined ? {} : { 'error.type': error }) }
  }
  if (event.type === 'pull:failed') return { 'synchart.entity': event.entity, 'error.type': event.error.code }
  return 'entity' in event ? { 'synchart.entity': event.entity } : {}
}

/** What stands at a moment is asked for when it is collected. */
function watch(engine: SyncEngine, meter: Meter, attributes: Attributes): () => void {
  const described = (description: string, unit: string): MetricOptions => ({ description, unit })
  const depth = meter.createObservableUpDownCounter(
    'synchart.queue.depth',
    described('Operations that have not ended.', '{operation}'),
  )
  const requests = meter.createObservableCounter('synchart.requests', described('Requests with operations.', '{request}'))
  const takeovers = meter.createObservableCounter(
    'synchart.lock.takeovers',
    described('Leases that were taken over.', '{takeover}'),
  )
  const owner = meter.createObservableGauge('synchart.lock.owner', described('1 while this engine owns the lease, else 0.', '1'))
  const health = meter.createObservableGauge('synchart.health', described('How well the server can be reached, 0 to 100.', '1'))
  const breaker = meter.createObservableGauge('synchart.breaker.state', described('0 closed, 1 half-open, 2 open.', '1'))

  function observe(result: BatchObservableResult): void {
    const now = engine.metrics()
    result.observe(depth, now.queue.depth, attributes)
    result.observe(requests, now.requests, attributes)
    result.observe(takeovers, now.lock.takeovers, attributes)
    result.observe(owner, now.lock.owner ? 1 : 0, attributes)
    result.observe(health, now.health, attributes)
    result.observe(breaker, BREAKER_STATES[now.breaker.state], attributes)
  }

  const observed = [depth, requests, takeovers, owner, health, breaker]
  meter.addBatchObservableCallback(observe, observed)
  return () => meter.removeBatchObservableCallback(observe, observed)
}
