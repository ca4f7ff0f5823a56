import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changedFields } from '../../src/core/diff.ts'
import { smallObject } from './json-arbitrary.ts'

describe('the fields that differ', () => {
  it('C2 are named by their paths, arrays and scalars as a whole', () => {
    const before = { title: 'a', tags: [1, 2], address: { street: 'one', city: 'x' }, gone: 1 }
    const after = { title: 'b', tags: [2, 1], address: { street: 'two', city: 'x' }, come: null }
    expect(changedFields(before, after).toSorted()).toEqual(['address.street', 'come', 'gone', 'tags', 'title'])
  })

  it('C2 absent is not null, and an object is not a scalar', () => {
    expect(changedFields({ a: null }, {})).toEqual(['a'])
    expect(changedFields({ a: { b: 1 } }, { a: 1 })).toEqual(['a'])
    expect(changedFields({ a: {} }, { a: { b: 1 } })).toEqual(['a.b'])
    expect(changedFields({ a: {} }, { a: [] })).toEqual(['a'])
  })

  it('C2 are none exactly where both are equal, and the same both ways', () => {
    fc.assert(
      fc.property(smallObject(), smallObject(), (one, other) => {
        const fields = changedFields(one, other)
        expect(changedFields(other, one).toSorted()).toEqual(fields.toSorted())
        expect(changedFields(one, structuredClone(one))).toEqual([])
        if (JSON.stringify(sorted(one)) !== JSON.stringify(sorted(other))) expect(fields.length).toBeGreaterThan(0)
        expect(new Set(fields).size).toBe(fields.length)
      }),
    )
  })

  it('S29 sees names that every object seems to have as any other', () => {
    const odd: unknown = JSON.parse('{"__proto__":{"a":1},"constructor":2}')
    expect(changedFields({}, odd as never).toSorted()).toEqual(['__proto__', 'constructor'])
    expect(changedFields({ constructor: 2 }, {})).toEqual(['constructor'])
  })
})

/** With the keys of every object in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, sorted(field)]),
  )
}
