import { copyJson } from '../core/copy-json.ts'
import { contentHash } from '../core/hash.ts'
import type { Json } from '../core/json.ts'
import { keyOfUser, laneOf, type NewOperationRow } from '../core/operation.ts'
import type { LimitOptions, Settings } from '../core/options.ts'
import type { SystemPorts } from '../core/ports.ts'
import { rankOf } from '../core/rows.ts'
import { checkJson } from '../core/validate-json.ts'
import { checkInput } from './check-input.ts'
import type { Stamps } from './stamps.ts'
import type { EnqueueInput } from './types.ts'

/** What is stored as JSON. */
type Content = Pick<NewOperationRow, 'payload' | 'base' | 'undo'>

/**
 * With a copy of what is to be stored, so that what the caller does to its objects afterwards is not. Throws `ValidationError` that names what is wrong; `at` is
 * where in a list of operations it stands.
 */
export function readInput(settings: Settings, input: EnqueueInput, at: string): EnqueueInput & Content {
  checkInput(settings, input, at)
  const { type, payload, base, undo, ...rest } = input
  const jsonAt = (value: unknown, path: string): Json => jsonOf(value, `${at}${path}`, settings.limits)
  return {
    ...rest,
    type,
    payload: payload === undefined || type === 'delete' ? null : jsonAt(payload, 'payload'),
    ...(base === undefined ? {} : { base: jsonAt(base, 'base') }),
    ...(undo === undefined ? {} : { undo: { type: undo.type, payload: jsonAt(undo.payload ?? null, 'undo.payload') } }),
  }
}

/** The row of an enqueued operation. Throws `ValidationError` as `readInput`. */
export function newRow(
  settings: Settings,
  { clock, newId }: SystemPorts,
  stamps: Stamps,
  given: EnqueueInput,
  at: string,
  id: string = newId(),
): NewOperationRow {
  const input = readInput(settings, given, at)
  const { user, ageingMs } = settings
  const { payload, base, undo } = input
  const priority = input.priority ?? 'medium'
  const enqueuedAt = clock.now()
  const hlc = stamps.next(input.entity)
  const row: { -readonly [K in keyof NewOperationRow]: NewOperationRow[K] } = {
    id,
    rev: 1,
    user,
    type: input.type,
    entity: input.entity,
    entityId: input.id,
    payload: stamps.stamped(input.type, input.entity, payload, hlc),
    status: 'queued',
    priority,
    idempotencyKey: input.idempotencyKey ?? id,
    enqueuedAt,
    attempts: 0,
    unknownAttempts: 0,
    reconciliations: 0,
    lane: laneOf(user, input.entity, input.id),
    rank: rankOf({ enqueuedAt, priority }, ageingMs),
  }
  if (hlc !== undefined) row.hlc = hlc
  if (input.notBefore !== undefined && input.notBefore > enqueuedAt) {
    delete row.rank
    Object.assign(row, { status: 'waiting', notBefore: input.notBefore, dueAt: input.notBefore })
  }
  if (input.baseVersion !== undefined) row.baseVersion = input.baseVersion
  if (base !== undefined) row.base = base
  if (input.dependsOn !== undefined && input.dependsOn.length > 0) row.dependsOn = [...input.dependsOn]
  if (undo !== undefined) row.undo = undo
  if (input.optimistic !== undefined) row.token = input.optimistic.token ?? id
  if (input.dedupeKey !== undefined) row.dedupeKey = keyOfUser(user, input.dedupeKey)
  if (input.idempotencyKey !== undefined) {
    row.chosenKey = keyOfUser(user, input.idempotencyKey)
    row.contentHash = contentHash([input.type, input.entity, input.id, payload])
  }
  return row
}

function jsonOf(value: unknown, path: string, { payloadBytes, payloadDepth }: LimitOptions): Json {
  return copyJson(checkJson(value, path, { maxBytes: payloadBytes, maxDepth: payloadDepth }).json)
}
