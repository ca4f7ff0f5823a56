import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copyJson } from '../../src/core/copy-json.ts'
import { sameJson } from '../../src/core/same-json.ts'
import { fieldPath } from '../../src/core/field-path.ts'
import { jsonBytes } from '../../src/core/json-bytes.ts'
import type { Json } from '../../src/core/json.ts'
import { keyOfUser, laneOf, wireKey } from '../../src/core/operation.ts'
import { getOwn, isObject, setOwn } from '../../src/core/own.ts'
import { anyJson, frozen, prototypeNames, renamed, smallJson } from './json-arbitrary.ts'

/** Every array and object of a document. */
function containers(value: Json): object[] {
  return typeof value === 'object' && value !== null ? [value, ...Object.values(value).flatMap(containers)] : []
}

/** Code units about where their number of bytes changes, in any order: pairs of surrogates and halves of them. */
const UNITS = [
  0, 8, 11, 13, 14, 0x1f, 0x22, 0x5b, 0x5c, 0x5d, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000,
]
const oddText = fc.array(fc.constantFrom(...UNITS)).map((units) => String.fromCharCode(...units))

/** So many that some would meet if they could. */
const severalOf = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(one, { minLength: 40, maxLength: 60 })

function distinct<T>(things: readonly T[], nameOf: (thing: T) => string): number {
  return new Set(things.map((thing) => nameOf(thing))).size
}

describe('helpers for JSON', () => {
  it('S3 copy a document so that nothing is shared and nothing is different', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        fc.pre(!JSON.stringify(value).includes('"__proto__":'))
        const copy = copyJson(frozen(value))
        expect(JSON.stringify(copy)).toBe(JSON.stringify(value))
        const originals = new Set(containers(value))
        for (const part of containers(copy)) expect(originals).not.toContain(part)
      }),
      { numRuns: 300 },
    )
  })

  it("S3 S29 copy only what is the document's own", () => {
    const inherited = Object.defineProperty({ ghost: 'inherited' }, '__proto__', { value: { evil: 1 }, enumerable: true })
    const heir = Object.assign(Object.create(inherited) as object, { t: 1 })
    const copy = copyJson(heir)
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
    expect(Object.entries(copy as object)).toEqual([['t', 1]])
    expect('ghost' in (copy as object)).toBe(false)
  })

  it('S12 S29 tell documents apart as JSON does, whatever their fields are named', () => {
    const sorted = (value: Json | undefined): unknown =>
      isObject(value)
        ? Object.entries(value)
            .map(([key, field]) => [key, sorted(field)])
            .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1))
        : Array.isArray(value)
          ? { items: value.map(sorted) }
          : value
    const asText = (value: Json): string => JSON.stringify(sorted(value))
    fc.assert(
      fc.property(smallJson(), smallJson(), prototypeNames, (one, other, names) => {
        const [a, b] = [renamed(one, names), renamed(other, names)]
        expect(sameJson(a, renamed(one, names))).toBe(true)
        expect(sameJson(a, b)).toBe(asText(a) === asText(b))
        expect([sameJson(a, undefined), sameJson(undefined, a), sameJson(undefined, undefined)]).toEqual([false, false, true])
      }),
      { numRuns: 1_000 },
    )
    const doc = (text: string): Json => JSON.parse(text)
    expect(sameJson(doc('{"constructor":{"a":1},"b":2}'), doc('{"b":2,"constructor":{"a":1}}'))).toBe(true)
    expect(sameJson(doc('{"a":[]}'), doc('{"a":{}}'))).toBe(false)
    expect(sameJson(doc('{"a":1}'), doc('{"b":1}'))).toBe(false)
  })

  it('E8 measure a document in bytes of UTF-8, half surrogate pairs and hostile keys included', () => {
    fc.assert(
      fc.property(anyJson, oddText, (value, text) => {
        for (const document of [value, text, { [text]: value }])
          expect(jsonBytes(document)).toBe(Buffer.byteLength(JSON.stringify(document)))
      }),
      { numRuns: 1_000 },
    )
  })

  it('S29 set and get own fields as a map does, whatever they are called', () => {
    const name = fc.oneof(fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'a'), fc.string())
    fc.assert(
      fc.property(fc.array(fc.tuple(name, smallJson(1))), name, (fields, other) => {
        const object: Record<string, Json> = {}
        for (const [key, value] of fields) setOwn(object, key, value)
        const model = new Map(fields)
        for (const [key, value] of model) expect(getOwn(object, key)).toBe(value)
        expect(getOwn(object, other)).toBe(model.get(other))
        expect(Object.keys(object).toSorted()).toEqual([...model.keys()].toSorted())
        expect(Object.getPrototypeOf(object)).toBe(Object.prototype)
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it('S12 tell objects from arrays, null and scalars', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(isObject(value)).toBe(JSON.stringify(value).startsWith('{'))
      }),
    )
  })

  it('S12 name no two fields alike', () => {
    const key = fc.constantFrom<string | number>('a', 'b', 'a.b', '', '0', 0, '[0]', '["a"]', 'a b')
    const path = fc.array(key, { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(severalOf(path), (paths) => {
        expect(distinct(paths, (keys) => keys.reduce<string>(fieldPath, ''))).toBe(distinct(paths, JSON.stringify))
      }),
    )
  })
})

describe('the names of lanes and keys', () => {
  /** So few that names which are joined without care are often the same. */
  const name = fc.constantFrom('n', 'n/n', 'n/n/n', '/', 'n%2Fn', '%')

  it("S9 S25 are no two users' nor two entities' the same", () => {
    const entity = fc.tuple(name, fc.constantFrom('n', 'nn'), name)
    fc.assert(
      fc.property(severalOf(entity), (entities) => {
        expect(distinct(entities, (each) => laneOf(...each))).toBe(distinct(entities, JSON.stringify))
        const keys = entities.map(([user, , key]) => [user, key] as const)
        expect(distinct(keys, (each) => keyOfUser(...each))).toBe(distinct(keys, JSON.stringify))
      }),
    )
  })

  it('S4 has another key on the wire after each definite refusal', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.nat(1_000), fc.nat(1_000), (idempotencyKey, one, other) => {
        const [a, b] = [one, other].map((reconciliations) => wireKey({ idempotencyKey, reconciliations }))
        expect(a === b).toBe(one === other)
        expect(wireKey({ idempotencyKey, reconciliations: 0 })).toBe(idempotencyKey)
      }),
    )
  })
})
