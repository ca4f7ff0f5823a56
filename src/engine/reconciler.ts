import type { OperationActor, PreparedDecision } from '../../machines/operation.ts'
import { copyJson } from '../core/copy-json.ts'
import { CircuitBreakerOpenError, ConflictError, SyncError, SyncOperationError } from '../core/errors.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { isServerFailure, type BreakerSigns } from './breaker-signs.ts'
import { unsendable } from './chooser.ts'
import { laneOf, type OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import { isObject } from '../core/own.ts'
import type { Fetched, SystemPorts, Transport } from '../core/ports.ts'
import { examine, resolve, wasDecided, type Conflict, type Decision, type Resolution } from '../core/reconcile.ts'
import { isRecord } from '../core/schema.ts'
import { checkJson } from '../core/validate-json.ts'
import type { Store } from './store.ts'

/** Looks at the server's state after a definite refusal and decides how the operation goes on. */
export function createReconciler(
  settings: Settings,
  ports: SystemPorts,
  transport: Transport,
  store: Store,
  signs: BreakerSigns,
) {
  const controllers = new Map<OperationActor, AbortController>()
  /** Those whose request has no answer yet. */
  const asking = new Set<OperationActor>()

  async function decide(slot: OperationActor, row: OperationRow, signal: AbortSignal): Promise<Decision> {
    const fetched = await look(slot, row, signal)
    const base = await baseOf(row)
    const examination = examine(row, base, fetched)
    const decision = examination.type === 'conflict' ? await settle(row, examination.conflict) : examination
    return decision.type === 'resend' ? { ...decision, base: base ?? valueOf(fetched) } : decision
  }

  async function look(slot: OperationActor, row: OperationRow, signal: AbortSignal): Promise<Fetched> {
    asking.add(slot)
    const fetched = await transport.fetch(row.entity, row.entityId, { signal }).catch((cause: unknown): Fetched => ({
      type: 'failed',
      error: asSyncError(cause),
    }))
    if (signal.aborted) return fetched
    asking.delete(slot)
    if (fetched.type === 'failed' && isServerFailure(fetched.error)) signs.failed()
    else signs.succeeded()
    return fetched
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
    const decision = await decide(slot, row, controller.signal).catch((cause: unknown): Decision => ({
      type: 'failed',
      error: asSyncError(cause),
    }))
    if (controllers.get(slot) !== controller) return
    controllers.delete(slot)
    answer(slot, row, decision)
  }

  return {
    reconcile(slot: OperationActor, row: OperationRow): void {
      if (!signs.admit())
        return answer(slot, row, { type: 'heldBack', error: new CircuitBreakerOpenError(settings.breaker.cooldownMs) })
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
    /** The slot waits no longer: if the server had not answered, its time is up. */
    abort(slot: OperationActor): void {
      controllers.get(slot)?.abort()
      controllers.delete(slot)
      if (asking.delete(slot)) signs.failed()
    },
    abortAll(): void {
      for (const controller of controllers.values()) controller.abort()
      controllers.clear()
      signs.abandoned(asking.size)
      asking.clear()
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

function valueOf(fetched: Fetched): JsonObject | undefined {
  return fetched.type === 'found' ? fetched.value : undefined
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
