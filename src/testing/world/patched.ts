import type { Json, JsonObject } from '../../core/json.ts'
import { isObject } from '../../core/own.ts'

/** RFC 7396, told once more so that the product is not its own judge. */
export function patched(value: Json | undefined, patch: JsonObject): JsonObject {
  const fields = new Map(Object.entries(value !== undefined && isObject(value) ? value : {}))
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) fields.delete(name)
    else fields.set(name, isObject(change) ? patched(fields.get(name), change) : change)
  }
  return Object.fromEntries(fields)
}
