import { sameJson } from './same-json.ts'
import { fieldPath } from './field-path.ts'
import type { Json, JsonObject } from './json.ts'
import { getOwn, isObject } from './own.ts'

/** A field that differs; without `from` it was not there, without `to` it is not there any more. */
export interface FieldChange {
  readonly path: string
  readonly from?: Json
  readonly to?: Json
}

/** The paths of the fields that differ, as `address.street`; arrays and scalars count as a whole, absent differs from null. */
export function changedFields(before: JsonObject, after: JsonObject): readonly string[] {
  return fieldChanges(before, after).map(({ path }) => path)
}

/** The same, with what they were and are. */
export function fieldChanges(before: JsonObject, after: JsonObject): readonly FieldChange[] {
  return changesUnder('', before, after)
}

function changesUnder(path: string, before: JsonObject, after: JsonObject): FieldChange[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].flatMap((name) => {
    const [one, other, field] = [getOwn(before, name), getOwn(after, name), fieldPath(path, name)]
    if (isObject(one) && isObject(other)) return changesUnder(field, one, other)
    return sameJson(one, other) ? [] : [changeOf(field, one, other)]
  })
}

export function changeOf(path: string, from: Json | undefined, to: Json | undefined): FieldChange {
  if (from === undefined) return to === undefined ? { path } : { path, to }
  return to === undefined ? { path, from } : { path, from, to }
}
