import { systemClock } from '../adapters/system-clock.ts'
import type { ConflictInfo } from '../engine/conflicts.ts'
import type { Metrics, OperationInfo, SyncEngine } from '../engine/types.ts'
import type { ConflictLine, EngineStatus, QueueRow } from './wire.ts'

const ROWS = 50
/** Each is asked for by itself. */
const EXPLAINED = 20
const MAX_TEXT = 2_000
/** Of a conflict, with so much of each side: the inspector takes no message that is larger than 16 MiB. */
const FIELDS = 50
const MAX_SIDE = 300

/** Asks an engine how it stands. Rejects while its store is not open. */
export async function statusOf(engine: SyncEngine): Promise<EngineStatus> {
  const [{ summary }, operations, rejected, conflicts] = await Promise.all([
    engine.explain(),
    engine.operations.list({ status: 'live', limit: ROWS }),
    engine.operations.list({ status: 'rejected', limit: ROWS }),
    engine.conflicts.list({ limit: ROWS }),
  ])
  const queue = await Promise.all(operations.map((operation, place) => queueRow(engine, operation, place < EXPLAINED)))
  const deadLetters = await Promise.all(rejected.map((operation) => queueRow(engine, operation, false)))
  const metrics = engine.metrics()
  return {
    summary,
    waiting: metrics.queue.depth,
    health: metrics.health,
    totals: totalsOf(metrics),
    queue,
    deadLetters,
    conflicts: conflicts.map(conflictLine),
  }
}

async function queueRow(engine: SyncEngine, info: OperationInfo, isExplained: boolean): Promise<QueueRow> {
  const { id, entity, entityId, type, status, attempts, payload, lastError } = info
  // It may have ended and be forgotten meanwhile.
  const explained = isExplained ? await engine.explain(id).catch(() => undefined) : undefined
  return {
    operation: id,
    lane: `${entity}/${entityId}`,
    type,
    status,
    attempts,
    waitingFor: explained?.waitingFor ?? [],
    ...(explained?.nextWakeAt === undefined ? {} : { nextWakeAt: explained.nextWakeAt }),
    ...(lastError === undefined ? {} : { lastError: lastError.code }),
    payload: text(payload),
  }
}

function conflictLine({
  operationId,
  entity,
  entityId,
  type,
  severity,
  strategy,
  resolution,
  fields,
}: ConflictInfo): ConflictLine {
  const side = (value: unknown): string => text(value, MAX_SIDE)
  const lines = fields
    .slice(0, FIELDS)
    .map(({ path, base, local, remote }) => [path, side(base), side(local), side(remote)] as const)
  return {
    operation: operationId,
    entity: `${entity}/${entityId}`,
    type,
    severity,
    strategy,
    resolution,
    fields: fields.length > FIELDS ? [...lines, [`… and ${fields.length - FIELDS} more`, '', '', '']] : lines,
  }
}

function totalsOf(metrics: Metrics): EngineStatus['totals'] {
  const { operations, queue, latencyMs, health, breaker, lock, requests, successRate } = metrics
  const { enqueued, done, rejected, retried, coalesced, cancelled } = operations
  const { p50, p95, p99, histogram } = latencyMs
  const counts = { waiting: queue.depth, enqueued, done, rejected, cancelled, coalesced, retries: retried, requests }
  return [
    ...Object.entries(counts).map(([name, value]) => [name, String(value)] as const),
    ['succeeded', `${(100 * successRate).toFixed(1)} %`],
    ['health', `${health} of 100`],
    ['latency', histogram.count === 0 ? 'nothing yet' : `p50 ${ms(p50)}, p95 ${ms(p95)}, p99 ${ms(p99)}`],
    ['breaker', `${breakerText(breaker)}, opened ${times(breaker.trips)}`],
    ['lease', `${lock.owner ? `owned, epoch ${lock.epoch}` : "another's"}, taken over ${times(lock.takeovers)}`],
    ['conflicts', `${operations.conflicts} answered, ${metrics.conflicts} found, ${metrics.conflictsResolved} settled`],
    ['pulls', `${metrics.pulls}, with ${metrics.pulledChanges} changes`],
  ]
}

function breakerText({ state, remainingMs }: Metrics['breaker']): string {
  return state === 'open'
    ? `open, probes at ${timeText(systemClock.now() + remainingMs)}`
    : { closed: 'closed', halfOpen: 'half-open' }[state]
}

/** A time, for it may be looked at when some of what remains has passed. */
const timeText = (at: number): string => new Date(at).toLocaleTimeString('en-GB')

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`)

const ms = (value: number): string => (value < 1_000 ? `${Math.round(value)} ms` : `${(value / 1_000).toFixed(1)} s`)

function text(value: unknown, most = MAX_TEXT): string {
  const json = value === undefined ? '' : JSON.stringify(value)
  return json.length > most ? `${json.slice(0, most)}…` : json
}
