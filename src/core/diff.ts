import { sameJson } from './same-json.ts'
import { fieldPath } from './field-path.ts'
import type { JsonObject } from './json.ts'
import { getOwn, isObject } from './own.ts'

/** The paths of the fields that differ, as `address.street`; arrays and scalars count as a whole, absent differs from null. */
export function changedFields(before: JsonObject, after: JsonObject): readonly string[] {
  return fieldsUnder('', before, after)
}

function fieldsUnder(path: string, before: JsonObject, after: JsonObject): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].flatMap((name) => {
    const [one, other, field] = [getOwn(before, name), getOwn(after, name), fieldPath(path, name)]
    if (isObject(one) && isObject(other)) return fieldsUnder(field, one, other)
    return sameJson(one, other) ? [] : [field]
  })
}
