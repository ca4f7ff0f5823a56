import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { applyMergePatch, composeMergePatches, diffMergePatch } from '../../src/core/merge-patch.ts'
import { frozen, prototypeNames, renamed, smallJson, withoutNulls } from './json-arbitrary.ts'

/** Appendix A of RFC 7396: target, patch, result. */
const APPENDIX: readonly (readonly [Json, Json, Json])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
]

/** Patches with the keys a and b, on two levels. That targets have a third key tells replacing from merging. */
const LEAVES: readonly Json[] = [null, 1, [2]]
const FLAT = objectsOf(LEAVES)
const NESTED = objectsOf([null, 1, { a: 1 }, { b: null }, {}])
const EVERYTHING: readonly Json[] = [...LEAVES, ...NESTED]

function objectsOf(values: readonly Json[]): JsonObject[] {
  const fields = (key: string): JsonObject[] => [{}, ...values.map((value) => ({ [key]: value }))]
  return fields('a').flatMap((a) => fields('b').map((b) => ({ ...a, ...b })))
}

describe('a merge patch', () => {
  it('S16 does what RFC 7396 shows in its appendix', () => {
    for (const [target, patch, result] of APPENDIX) expect(applyMergePatch(target, patch)).toStrictEqual(result)
  })

  it('S16 leaves the target and the patch as they are', () => {
    fc.assert(
      fc.property(smallJson(), smallJson(), (target, patch) => {
        applyMergePatch(frozen(target), frozen(patch))
        composeMergePatches(target, patch)
        diffMergePatch(target, patch)
      }),
    )
  })

  it('S16 creates what was absent, without the nulls that mean removal', () => {
    expect(applyMergePatch(undefined, { a: { b: null, c: 1 }, d: null })).toStrictEqual({ a: { c: 1 } })
  })
})

describe('two merge patches in one', () => {
  it('S16 do to any target what they do one after the other', () => {
    fc.assert(
      fc.property(smallJson(), smallJson(), fc.array(smallJson(), { minLength: 5, maxLength: 10 }), (first, second, targets) => {
        const both = composeMergePatches(first, second)
        fc.pre(both !== undefined)
        for (const target of [...targets, {}]) {
          expect(applyMergePatch(target, both)).toEqual(applyMergePatch(applyMergePatch(target, first), second))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('S16 are refused exactly where no patch does the same to every target', () => {
    const targets: readonly Json[] = [1, ...NESTED, { c: 1 }, { a: { c: 1 } }, { b: { c: 1 } }]
    const effects = new Set(EVERYTHING.map((patch) => effectOf([patch], targets)))
    for (const first of [1, null, ...NESTED]) {
      for (const second of FLAT.concat(NESTED)) {
        const both = composeMergePatches(first, second)
        const wanted = effectOf([first, second], targets)
        if (both === undefined) expect(effects, JSON.stringify([first, second])).not.toContain(wanted)
        else expect(effectOf([both], targets), JSON.stringify([first, second])).toBe(wanted)
      }
    }
  })

  it('S16 are refused where the second opens an object that the first has removed or replaced', () => {
    expect(composeMergePatches({ a: null }, { a: { b: 1 } })).toBeUndefined()
    expect(composeMergePatches({ a: 1 }, { a: {} })).toBeUndefined()
    expect(composeMergePatches({ a: { b: [1] } }, { a: { b: { c: 1 } } })).toBeUndefined()
    expect(composeMergePatches({ a: { b: 1 } }, { a: null })).toStrictEqual({ a: null })
    expect(composeMergePatches({ a: { b: 1 } }, { a: { c: null } })).toStrictEqual({ a: { b: 1, c: null } })
  })
})

function effectOf(patches: readonly Json[], targets: readonly Json[]): string {
  return JSON.stringify(
    targets.map((target) => sorted(patches.reduce<Json>((value, patch) => applyMergePatch(value, patch), target))),
  )
}

function sorted(value: Json): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, field]) => [key, sorted(field)]))
}

describe('the merge patch between two values', () => {
  it('S16 turns the one into the other', () => {
    fc.assert(
      fc.property(fc.option(smallJson(), { nil: undefined }), smallJson(), (from, to) => {
        const wanted = withoutNulls(to)
        expect(applyMergePatch(from, diffMergePatch(from, wanted))).toEqual(wanted)
      }),
      { numRuns: 500 },
    )
  })

  it('S16 holds only what differs, and keeps the nulls that are in both', () => {
    const from = { title: 'a', note: null, tags: [1], place: { city: 'x', zip: 1, since: null } }
    const to = { ...from, title: 'b', place: { city: 'x', since: null } }
    const patch = diffMergePatch(from, to)
    expect(patch).toStrictEqual({ title: 'b', place: { zip: null } })
    expect(applyMergePatch(from, patch)).toStrictEqual(to)
    expect(diffMergePatch(from, from)).toStrictEqual({})
  })

  it('S16 can not set a field to null, so it removes it', () => {
    expect(applyMergePatch({ a: 1 }, diffMergePatch({ a: 1 }, { a: null, b: null }))).toStrictEqual({})
  })
})

describe('hostile keys in merge patches', () => {
  it('S29 are keys like any other: none reaches a prototype, nor is read from one', () => {
    const functions = [applyMergePatch, composeMergePatches, diffMergePatch]
    fc.assert(
      fc.property(fc.constantFrom(...functions), prototypeNames, smallJson(), smallJson(), (combine, names, first, second) => {
        const plain = combine(first, second)
        const hostile = combine(renamed(first, names), renamed(second, names))
        expect(JSON.stringify(hostile)).toBe(JSON.stringify(renamed(plain, names)))
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it('S29 are not read from a prototype that somebody else has polluted', () => {
    const prototype: object = Object.getPrototypeOf({})
    Object.defineProperty(prototype, 'inherited', { value: { a: 1 }, configurable: true })
    try {
      expect(applyMergePatch({}, { inherited: { b: 2 } })).toStrictEqual({ inherited: { b: 2 } })
      expect(diffMergePatch({}, { inherited: { a: 1 } })).toStrictEqual({ inherited: { a: 1 } })
    } finally {
      Reflect.deleteProperty(prototype, 'inherited')
    }
  })
})
