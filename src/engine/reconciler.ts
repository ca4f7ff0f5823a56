import type { OperationActor, PreparedDecision } from '../../machines/operation.ts'
import { copyJson } from '../core/copy-json.ts'
import { ConflictError, SyncError, SyncOperationError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { unsendable } from './chooser.ts'
import { laneOf, type OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import { isObject } from '../core/own.ts'
import type { SystemPorts, Transport } from '../core/ports.ts'
import { examine, resolve, wasDecided, type Conflict, type Decision, type Resolution } from '../core/reconcile.ts'
import { isRecord } from '../core/schema.ts'
import { checkJson } from '../core/validate-json.ts'
import type { Store } from './store.ts'

/** Looks at the server's state after a definite refusal and decides how the operation goes on. */
export function createReconciler(settings: Settings, ports: SystemPorts, transport: Transport, store: Store) {
  const controllers = new Map<OperationActor, AbortController>()

  async function decide(row: OperationRow, signal: AbortSignal): Promise<Decision> {
    const fetched = await transport.fetch(row.entity, row.entityId, { signal })
    const examination = examine(row, await baseOf(row), fetched)
    return examination.type === 'conflict' ? settle(row, examination.conflict) : examination
  }

  async function settle(row: OperationRow, conflict: Conflict): Promise<Decision> {
    const strategy = settings.entities[row.entity]?.conflict ?? 'merge'
    if (strategy === 'localWins') return resolve(row, conflict, 'local')
    if (strategy === 'remoteWins') return resolve(row, conflict, 'remote')
    if (strategy === 'merge') return resolve(row, conflict, strategy)
    try {
      const resolution = strategy === 'manual' ? strategy : checkResolution(settings, row, await strategy(conflict))
      return resolve(row, conflict, resolution === 'manual' && wasDecided(row, conflict) ? 'local' : resolution)
    } catch (cause) {
      return parkFor(row, conflict, cause)
    }
  }

  /** The value that the operation was made on: what the application said, else what the server last confirmed at that version. */
  async function baseOf(row: OperationRow): Promise<Json | undefined> {
    if (row.base !== undefined) return row.base
    const entity = await store.entity(laneOf(row.user, row.entity, row.entityId))
    return entity !== undefined && entity.version === row.baseVersion ? entity.value : undefined
  }

  /** A request that can't be made ends the operation: it was refused, so nothing of it was applied. */
  function prepared(row: OperationRow, decision: Decision): PreparedDecision {
    if (decision.type !== 'resend') return decision
    const { as: type, payload, version: baseVersion } = decision
    try {
      return { ...decision, request: transport.prepare({ ...row, type, payload, baseVersion }) }
    } catch (cause) {
      return { type: 'refuse', error: unsendable(row, cause) }
    }
  }

  function answer(slot: OperationActor, row: OperationRow, decision: Decision): void {
    slot.send({
      type: 'RECONCILED',
      operationId: row.id,
      attempt: row.attempts,
      decision: prepared(row, decision),
      at: ports.clock.now(),
      random: ports.random(),
    })
  }

  async function run(slot: OperationActor, row: OperationRow, controller: AbortController): Promise<void> {
    const decision = await decide(row, controller.signal).catch((cause: unknown): Decision => ({
      type: 'failed',
      error: asSyncError(cause),
    }))
    if (controllers.get(slot) !== controller) return
    controllers.delete(slot)
    answer(slot, row, decision)
  }

  return {
    reconcile(slot: OperationActor, row: OperationRow): void {
      const controller = new AbortController()
      controllers.set(slot, controller)
      void run(slot, row, controller)
    },
    expire(slot: OperationActor, row: OperationRow): void {
      answer(slot, row, {
        type: 'failed',
        error: new SyncError(
          'timeout',
          `Looking at the server took more than ${settings.sendTimeoutMs} ms (sendTimeoutMs); it is tried again.`,
          { retryable: true },
        ),
      })
    },
    abort(slot: OperationActor): void {
      controllers.get(slot)?.abort()
      controllers.delete(slot)
    },
    abortAll(): void {
      for (const controller of controllers.values()) controller.abort()
      controllers.clear()
    },
  }
}

function checkResolution({ limits }: Settings, row: OperationRow, resolution: Resolution): Resolution {
  if (resolution === 'local' || resolution === 'remote' || resolution === 'manual') return resolution
  if (isRecord(resolution)) {
    const { json } = checkJson(resolution.value, 'value', { maxBytes: limits.payloadBytes, maxDepth: limits.payloadDepth })
    const value = copyJson(json)
    if (isObject(value)) return { value }
  }
  throw new SyncOperationError(
    row.id,
    'bad-resolution',
    "A conflict function must return 'local', 'remote', 'manual' or { value }.",
  )
}

function parkFor(row: OperationRow, conflict: Conflict, cause: unknown): Decision {
  const parked = resolve(row, conflict, 'manual')
  const error = new ConflictError(
    `The conflict function of ${row.entity} failed. Mend it and retry the operation, or discard it.`,
    { cause },
  )
  return parked.type === 'park' ? { ...parked, error } : { type: 'failed', error }
}

function asSyncError(cause: unknown): SyncError {
  if (cause instanceof SyncError) return cause
  return new SyncError('reconcile-failed', 'Looking at the server failed; it is tried again.', { cause, retryable: true })
}
