import type { Json, JsonObject } from './json.ts'
import { isRecord } from './schema.ts'

/** A deep copy of checked JSON, of which no key is `__proto__`: what is inherited is not copied, as JSON would not have it. */
export function copyJson(json: JsonObject): JsonObject
export function copyJson(json: Json): Json
export function copyJson(json: Json): Json {
  if (Array.isArray(json)) return json.map(copyJson)
  if (!isRecord(json)) return json
  const copy: Record<string, Json> = {}
  for (const key of Object.keys(json)) copy[key] = copyJson(json[key] ?? null)
  return copy
}
