import type { Json } from './json.ts'
import { isRecord } from './schema.ts'

/** A deep copy of checked JSON: no key of it is `__proto__`. */
export function copyJson(json: Json): Json {
  if (Array.isArray(json)) return json.map(copyJson)
  if (!isRecord(json)) return json
  const copy: Record<string, Json> = {}
  for (const key in json) copy[key] = copyJson(json[key] ?? null)
  return copy
}
