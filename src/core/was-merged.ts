import type { Conflict, EntityOptions } from './conflict.ts'
import { stampField } from './field-rules.ts'
import type { Json } from './json.ts'
import type { OperationRow } from './operation.ts'
import { sameJson } from './same-json.ts'
import { isRecord } from './schema.ts'

/** It was sent with what the rules left of it, one answer was lost, and that is there (S13). What was refused each time made nothing of what is there. */
export function wasMerged(row: OperationRow, { base, remote }: Conflict, rules: EntityOptions): boolean {
  const { payload, reconciliations, wasInDoubt } = row
  if (reconciliations === 0 || wasInDoubt !== true || !isRecord(payload) || !isRecord(remote)) return false
  const before = isRecord(base) ? base : {}
  return Object.entries(payload).some(
    ([field, value]) =>
      isTelling(row, field, value, rules) && sameJson(remote[field] ?? null, value) && !sameJson(before[field] ?? null, value),
  )
}

/** Where the entity was deleted meanwhile, what is there was made anew: that a field is missing in it says nothing. */
function isTelling({ conflict: seen }: OperationRow, field: string, value: Json | undefined, rules: EntityOptions): boolean {
  if (field === 'id' || field === stampField(rules)) return false
  return value !== null || seen?.type !== 'update-delete'
}

/** When something was written, if nothing else of it is left, is no change of its own. */
export function unstamped(value: Json, rules: EntityOptions): Json {
  const stamp = stampField(rules)
  if (stamp === undefined || !isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([field]) => field !== stamp))
}
