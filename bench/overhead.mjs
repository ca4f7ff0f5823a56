import { createActor } from 'xstate'
import { breakerMachine, breakerState } from 'synchart/machines'
import { createEvents } from '../dist/src/engine/events.js'
import { createAlerts } from '../dist/src/engine/alerts.js'
import { createMetrics } from '../dist/src/engine/metrics.js'
import { createStatistics } from '../dist/src/engine/statistics.js'
import { DEFAULTS } from '../dist/src/core/options.js'
import { interleaved } from './support.mjs'

const CALLS = 300_000
const clock = { now: () => Date.now(), monotonic: () => performance.now(), schedule: () => () => {} }
const operation = { id: 'o', enqueuedAt: Date.now() - 40 }
const event = { type: 'sync:completed', operation, at: Date.now() }

/** What the parts beside an operation's way cost it. */
export async function benchOverhead(rounds) {
  const breaker = createActor(breakerMachine, {
    input: { failureThreshold: 10, windowMs: 60_000, cooldownMs: 60_000, halfOpenProbes: 1, probeTimeoutMs: 30_000 },
  }).start()
  const events = createEvents(clock)
  const closed = () => ({ state: 'closed', trips: 0, remainingMs: 0 })
  const metrics = createMetrics({ breaker: closed, lock: () => ({ owner: true, epoch: 1 }) })
  const statistics = createStatistics({ user: 'u', owner: 'o' }, clock, {}, () => {})
  const sources = { isOwner: () => true, pauses: () => [], breaker: closed, failed: () => {} }
  const alerts = createAlerts(DEFAULTS, clock, {}, events, sources)
  const result = await interleaved(rounds, {
    check: () => perCall(() => breakerState(breaker.getSnapshot()) === 'open'),
    record: () => perCall(() => metrics.record(event)),
    count: () => perCall(() => statistics.record(event)),
    watch: () => perCall(() => alerts.record(event)),
    emit: () => perCall(() => events.emit(event)),
  })
  breaker.stop()
  return [
    { what: 'breaker check', value: result.check, unit: 'µs', limit: 1 },
    { what: 'metrics record', value: result.record, unit: 'µs', limit: 2 },
    { what: 'statistics record', value: result.count, unit: 'µs', limit: 2 },
    { what: 'alerts record', value: result.watch, unit: 'µs', limit: 1 },
    { what: 'event without subscribers', value: result.emit, unit: 'µs', limit: 1 },
  ]
}

function perCall(run) {
  const start = performance.now()
  for (let i = 0; i < CALLS; i++) run()
  return (1000 * (performance.now() - start)) / CALLS
}
