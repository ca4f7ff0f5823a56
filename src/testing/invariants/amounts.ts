import type { JsonObject } from '../../core/json.ts'
import { laneOf, type OperationRow } from '../../core/operation.ts'
import { isObject } from '../../core/own.ts'
import { isRecord } from '../../core/schema.ts'
import { patched } from '../world/patched.ts'

const SHOWN: ReadonlySet<string> = new Set(['queued', 'waiting', 'sending', 'reconciling', 'parked'])

/** What an entity amounts to: what the server confirmed with the live operations of its lane in their order. Told once more, so that the product is not its own judge. */
export function amountOf(base: JsonObject | undefined, lane: Iterable<OperationRow>): JsonObject | undefined {
  let value = base
  const shown = [...lane].filter(({ status }) => SHOWN.has(status)).toSorted((a, b) => a.seq - b.seq)
  for (const { type, payload, entityId } of shown) {
    const given = isObject(payload) ? payload : {}
    if (type === 'delete') value = undefined
    else if (type === 'create' || type === 'replace') value = { ...given, id: entityId }
    else if (value !== undefined) value = { ...patched(value, given), id: entityId }
  }
  return value
}

/** What a view says of it beside its value. */
export function statusOf(lane: readonly OperationRow[]): 'synced' | 'pending' | 'conflict' {
  if (lane.some(({ status, conflict }) => status === 'parked' && conflict !== undefined)) return 'conflict'
  return lane.length === 0 ? 'synced' : 'pending'
}

export function laneIn({ user, entity, entityId }: OperationRow): string {
  return laneOf(user, entity, entityId)
}

/** It was read from JSON. */
export function isJson(value: unknown): value is JsonObject {
  return isRecord(value)
}
