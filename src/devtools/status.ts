import type { ConflictInfo } from '../engine/conflicts.ts'
import type { OperationInfo, SyncEngine } from '../engine/types.ts'
import type { ConflictLine, EngineStatus, QueueRow } from './wire.ts'

const ROWS = 50
/** Each is asked for by itself. */
const EXPLAINED = 20
const MAX_TEXT = 2_000

/** Asks an engine how it stands. Rejects while its store is not open. */
export async function statusOf(engine: SyncEngine): Promise<EngineStatus> {
  const [{ summary }, operations, conflicts] = await Promise.all([
    engine.explain(),
    engine.operations.list({ status: 'live', limit: ROWS }),
    engine.conflicts.list({ limit: ROWS }),
  ])
  const queue = await Promise.all(operations.map((operation, place) => queueRow(engine, operation, place < EXPLAINED)))
  return { summary, totals: totalsOf(engine), queue, conflicts: conflicts.map(conflictLine) }
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
  return {
    operation: operationId,
    entity: `${entity}/${entityId}`,
    type,
    severity,
    strategy,
    resolution,
    fields: fields.map(({ path, base, local, remote }) => [path, text(base), text(local), text(remote)] as const),
  }
}

function totalsOf(engine: SyncEngine): EngineStatus['totals'] {
  const { operations, queue, latencyMs, health, breaker, lock, requests } = engine.metrics()
  const { done, rejected, retried, coalesced, conflicts } = operations
  const figures = {
    waiting: queue.depth,
    done,
    rejected,
    retried,
    coalesced,
    conflicts,
    requests,
    'latency p50, ms': latencyMs.p50,
    'latency p95, ms': latencyMs.p95,
  }
  return [
    ...Object.entries(figures).map(([name, value]) => [name, String(Math.round(value))] as const),
    ['health', `${Math.round(health)} %`],
    ['breaker', `${breaker.state}, opened ${breaker.trips} times`],
    ['lease', lock.owner ? `owned, epoch ${lock.epoch}` : `another's`],
  ]
}

function text(value: unknown): string {
  const json = value === undefined ? '' : JSON.stringify(value)
  return json.length > MAX_TEXT ? `${json.slice(0, MAX_TEXT)}…` : json
}
