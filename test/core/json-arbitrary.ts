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
