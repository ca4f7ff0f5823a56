import * as fc from 'fast-check'
import type { Json, JsonObject } from '../../src/core/json.ts'

/** Documents with so few keys and values that two of them often meet in the same field. */
export function smallJson(depth = 3): fc.Arbitrary<Json> {
  const scalar: fc.Arbitrary<Json> = fc.constantFrom(null, 0, 1, 'x', true, [1], [{ a: null }])
  return depth === 0 ? scalar : fc.oneof({ weight: 2, arbitrary: scalar }, { weight: 3, arbitrary: smallObject(depth - 1) })
}

export function smallObject(depth = 3): fc.Arbitrary<JsonObject> {
  return fc.dictionary(fc.constantFrom('a', 'b', 'c'), smallJson(depth), { maxKeys: 3, noNullPrototype: true })
}

/** Any JSON, with odd strings and numbers. */
export const anyJson: fc.Arbitrary<Json> = fc
  .jsonValue({ maxDepth: 5, stringUnit: 'binary' })
  .map((value): Json => JSON.parse(JSON.stringify(value)))

/** Names that every object seems to have, or that lead to what all objects share; each time three of them. */
export const prototypeNames: fc.Arbitrary<readonly string[]> = fc.shuffledSubarray(
  ['__proto__', 'constructor', 'prototype', 'toString', 'valueOf'],
  { minLength: 3, maxLength: 3 },
)

/** A document of `smallJson` with other names in the place of a, b and c. */
export function renamed<T extends Json | undefined>(value: T, names: readonly string[]): T {
  if (value === undefined) return value
  return JSON.parse(JSON.stringify(value).replace(/"([abc])":/g, (_, key: string) => `"${names['abc'.indexOf(key)]}":`))
}

/** The document without fields that are null, which a merge patch can't set. */
export function withoutNulls(value: Json): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const kept = Object.entries(value).filter(([, field]) => field !== null)
  return Object.fromEntries(kept.map(([key, field]) => [key, withoutNulls(field)]))
}

/** The document itself, in which nothing can be changed any more. */
export function frozen<T extends Json | undefined>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen)
  return value
}
