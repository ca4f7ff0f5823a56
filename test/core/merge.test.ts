import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { merge3, type MergeResult } from '../../src/core/merge.ts'
import type { FieldConflict } from '../../src/core/operation.ts'
import { frozen, prototypeNames, renamed, smallJson, smallObject } from './json-arbitrary.ts'

function conflictsOf(result: MergeResult): readonly FieldConflict[] {
  return result.type === 'clean' ? [] : result.conflicts
}

function byPath(conflicts: readonly { readonly path: string }[]): ReadonlyMap<string, object> {
  return new Map(conflicts.map((conflict) => [conflict.path, conflict]))
}

function nested(levels: number, leaf: Json): Json {
  return levels === 0 ? leaf : { a: nested(levels - 1, leaf) }
}

/** The value with the conflicts decided for the other side. The keys in these tests need no quotes. */
function settledForRemote(result: MergeResult): Json {
  return conflictsOf(result).reduce<Json>(
    (value, { path, remote }) => withField(value, path === '' ? [] : path.split('.'), remote) ?? null,
    result.value,
  )
}

function withField(value: Json | undefined, [key, ...deeper]: string[], field: Json | undefined): Json | undefined {
  if (key === undefined) return field
  const { [key]: inner, ...others } = value as JsonObject
  const changed = withField(inner, deeper, field)
  return changed === undefined ? others : { ...others, [key]: changed }
}

describe('merging what two sides made of one value', () => {
  it('S12 takes the side that changed', () => {
    fc.assert(
      fc.property(smallJson(), smallJson(), (base, changed) => {
        expect(merge3({ base, local: changed, remote: base })).toEqual({ type: 'clean', value: changed })
        expect(merge3({ base, local: base, remote: changed })).toEqual({ type: 'clean', value: changed })
      }),
      { numRuns: 300 },
    )
  })

  it('S12 takes a change that both made alike once', () => {
    fc.assert(
      fc.property(fc.option(smallJson(), { nil: undefined }), smallJson(), (base, both) => {
        expect(merge3({ base, local: both, remote: structuredClone(both) })).toEqual({ type: 'clean', value: both })
      }),
      { numRuns: 300 },
    )
  })

  it('S12 keeps the changes of both sides where they touch different fields', () => {
    const changes = (keys: string[]): fc.Arbitrary<Record<string, Json | undefined>> =>
      fc.dictionary(fc.constantFrom(...keys), fc.option(smallJson(1), { nil: undefined }), { noNullPrototype: true })
    const edited = (base: JsonObject, edits: Record<string, Json | undefined>): JsonObject =>
      JSON.parse(JSON.stringify({ ...base, ...edits }))
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), smallJson(1), { noNullPrototype: true }),
        changes(['a', 'b']),
        changes(['c', 'd']),
        (flat, mine, theirs) => {
          for (const wrap of [(value: Json): Json => value, (value: Json): Json => ({ deep: { down: value }, same: 1 })]) {
            const merged = merge3({ base: wrap(flat), local: wrap(edited(flat, mine)), remote: wrap(edited(flat, theirs)) })
            expect(merged).toEqual({ type: 'clean', value: wrap(edited(edited(flat, theirs), mine)) })
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('S12 keeps both values of every conflict recoverable, whatever the sides are', () => {
    fc.assert(
      fc.property(smallObject(), smallObject(), smallObject(), (base, local, remote) => {
        const ours = merge3({ base, local, remote })
        const theirs = merge3({ base, local: remote, remote: local })
        expect(ours.type).toBe(theirs.type)
        expect(settledForRemote(ours)).toEqual(theirs.value)
        expect(
          byPath(conflictsOf(theirs).map(({ path, base: b, local: l, remote: r }) => ({ path, base: b, local: r, remote: l }))),
        ).toEqual(byPath(conflictsOf(ours)))
      }),
      { numRuns: 1_000 },
    )
  })

  it('S12 merges each field by itself, whatever stands beside it', () => {
    const only = (value: JsonObject, key: string): JsonObject => (Object.hasOwn(value, key) ? { [key]: value[key]! } : {})
    fc.assert(
      fc.property(smallObject(), smallObject(), smallObject(), (base, local, remote) => {
        const whole = merge3({ base, local, remote })
        const parts = ['a', 'b', 'c'].map((key) =>
          merge3({ base: only(base, key), local: only(local, key), remote: only(remote, key) }),
        )
        expect(whole.value).toEqual(Object.assign({}, ...parts.map(({ value }) => value)))
        expect(byPath(conflictsOf(whole))).toEqual(byPath(parts.flatMap(conflictsOf)))
      }),
      { numRuns: 300 },
    )
  })

  it('S12 has nothing more to do for what it merged, on either side', () => {
    fc.assert(
      fc.property(fc.option(smallObject(), { nil: undefined }), smallJson(), smallJson(), (base, local, remote) => {
        const merged = merge3({ base, local, remote })
        expect(merge3({ base, local: merged.value, remote })).toEqual(merged)
        expect(merge3({ base, local, remote: merged.value })).toEqual({ type: 'clean', value: merged.value })
      }),
      { numRuns: 500 },
    )
  })

  it('S12 changes nothing that it is given, and gives the same again', () => {
    fc.assert(
      fc.property(smallObject(), smallObject(), smallObject(), (base, local, remote) => {
        const sides = { base: frozen(base), local: frozen(local), remote: frozen(remote) }
        expect(JSON.stringify(merge3(structuredClone(sides)))).toBe(JSON.stringify(merge3(sides)))
      }),
    )
  })

  it('S12 lists base, local and remote of a conflict and takes local', () => {
    const merged = merge3({
      base: { title: 'a', address: { street: 'x', city: 'Bonn' } },
      local: { title: 'b', address: { street: 'y', city: 'Bonn' } },
      remote: { title: 'a', address: { street: 'z', city: 'Köln' } },
    })
    expect(merged).toStrictEqual({
      type: 'conflicted',
      value: { title: 'b', address: { street: 'y', city: 'Köln' } },
      conflicts: [{ path: 'address.street', base: 'x', local: 'y', remote: 'z' }],
    })
  })

  it('S12 tells absent from null', () => {
    expect(merge3({ base: {}, local: { a: null }, remote: {} })).toStrictEqual({ type: 'clean', value: { a: null } })
    expect(merge3({ base: { a: null }, local: {}, remote: { a: null } })).toStrictEqual({ type: 'clean', value: {} })
    expect(merge3({ base: { a: 1 }, local: { a: null }, remote: {} })).toStrictEqual({
      type: 'conflicted',
      value: { a: null },
      conflicts: [{ path: 'a', base: 1, local: null }],
    })
    expect(merge3({ base: { a: 1 }, local: {}, remote: { a: null } })).toStrictEqual({
      type: 'conflicted',
      value: {},
      conflicts: [{ path: 'a', base: 1, remote: null }],
    })
  })

  it('S12 takes arrays as a whole', () => {
    expect(merge3({ base: [1, 2], local: [1, 2, 3], remote: [0, 1, 2] })).toStrictEqual({
      type: 'conflicted',
      value: [1, 2, 3],
      conflicts: [{ path: '', base: [1, 2], local: [1, 2, 3], remote: [0, 1, 2] }],
    })
    expect(merge3({ base: { a: [{ b: 1 }] }, local: { a: [{ b: 2 }] }, remote: { a: [{ b: 1 }] } })).toStrictEqual({
      type: 'clean',
      value: { a: [{ b: 2 }] },
    })
  })

  it('S12 merges by field what both created, but not what both put in place of another value', () => {
    expect(merge3({ local: { a: 1, c: { x: 1 } }, remote: { b: 2, c: { y: 2 } } })).toStrictEqual({
      type: 'clean',
      value: { b: 2, c: { y: 2, x: 1 }, a: 1 },
    })
    expect(merge3({ base: { c: 5 }, local: { c: { x: 1 } }, remote: { c: { y: 2 } } })).toStrictEqual({
      type: 'conflicted',
      value: { c: { x: 1 } },
      conflicts: [{ path: 'c', base: 5, local: { x: 1 }, remote: { y: 2 } }],
    })
  })

  it('S12 orders fields as the remote does, then those that only local has', () => {
    const { value } = merge3({ base: { z: 0, a: 0 }, local: { n: 1, a: 1, m: 1, z: 0 }, remote: { z: 0, r: 2, a: 0 } })
    expect(Object.keys(value as JsonObject)).toEqual(['z', 'r', 'a', 'n', 'm'])
  })

  it('S12 names a field so that its path can be read in one way only', () => {
    const merged = merge3({ base: {}, local: { 'a.b': { 'c d': 1, é_1: 1 } }, remote: { 'a.b': { 'c d': 2, é_1: 2 } } })
    expect(conflictsOf(merged).map(({ path }) => path)).toEqual(['["a.b"]["c d"]', '["a.b"].é_1'])
  })

  it('S12 merges values of 200 levels', () => {
    const merged = merge3({ base: nested(200, { x: 0 }), local: nested(200, { x: 1 }), remote: nested(200, { x: 0, y: 2 }) })
    expect(merged).toEqual({ type: 'clean', value: nested(200, { x: 1, y: 2 }) })
  })
})

describe('merging hostile keys', () => {
  it('S29 is merging any other: no name reaches a prototype, nor is read from one', () => {
    const side = smallJson(2)
    fc.assert(
      fc.property(prototypeNames, fc.option(side, { nil: undefined }), side, side, (names, base, local, remote) => {
        const named = (value: Json | undefined): Json | undefined => renamed(value, names)
        const plain = merge3({ base, local, remote })
        const hostile = merge3({ base: named(base), local: named(local)!, remote: named(remote)! })
        expect(JSON.stringify(hostile.value)).toBe(JSON.stringify(named(plain.value)))
        expect(JSON.stringify(conflictsOf(hostile))).toBe(
          JSON.stringify(
            conflictsOf(plain).map(({ path, ...sides }) => ({
              path: path.replace(/[abc]/g, (key) => names['abc'.indexOf(key)]!),
              ...(named(sides) as object),
            })),
          ),
        )
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
