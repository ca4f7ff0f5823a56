import type { Json, JsonObject } from './json.ts'
import { applyMergePatch } from './merge-patch.ts'
import type { OperationRow } from './operation.ts'
import { withoutOwn } from './own.ts'
import { sameJson } from './same-json.ts'
import { isRecord } from './schema.ts'

/** True if the server has all that the operation wanted, be it by an earlier attempt. */
export function isThere(row: OperationRow, remote: JsonObject): boolean {
  const { type, payload } = row
  if (type === 'update') return sameJson(applyMergePatch(remote, payload), remote)
  // The version in it is that of what it was made from.
  if (type === 'delete' || !contains(remote, withoutOwn(payload))) return false
  return (type === 'create' && !isInsteadOf(row, remote)) || contains(payload, withoutOwn(remote))
}

/** A value that a person wants in the place of what he has seen: nothing of that stays by itself. */
function isInsteadOf({ conflict, wasInDoubt }: OperationRow, remote: JsonObject): boolean {
  if (conflict?.resolution !== 'value' || conflict.strategy === 'function') return false
  return wasInDoubt !== true || sameJson(conflict.remote, remote)
}

/** True if `whole` has every field of `part`, however deep; what the server added of its own does not matter. */
function contains(whole: Json, part: Json): boolean {
  if (!isRecord(whole) || !isRecord(part)) return sameJson(whole, part)
  return Object.entries(part).every(([key, value]) => Object.hasOwn(whole, key) && contains(whole[key] ?? null, value))
}
