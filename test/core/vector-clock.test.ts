import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/core/json.ts'
import { compareClocks, increment, mergeClocks, readClock } from '../../src/core/vector-clock.ts'
import { prototypeNames } from './json-arbitrary.ts'

const clock = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.nat(3), { noNullPrototype: true })
const opposite = { before: 'after', after: 'before', equal: 'equal', concurrent: 'concurrent' } as const

describe('vector clocks', () => {
  it('C1 are before one another one way only', () => {
    fc.assert(
      fc.property(clock, clock, (a, b) => {
        expect(compareClocks(b, a)).toBe(opposite[compareClocks(a, b)])
      }),
    )
  })

  it('C1 are equal if they count the same, and a node that is not named counts 0', () => {
    fc.assert(
      fc.property(clock, (a) => {
        expect(compareClocks(a, { ...a })).toBe('equal')
      }),
    )
    expect(compareClocks({ a: 1, b: 0 }, { a: 1 })).toBe('equal')
  })

  it('C1 are before what has seen them and more, and concurrent with what has not', () => {
    fc.assert(
      fc.property(clock, clock, (a, b) => {
        const next = increment(a, 'a')
        expect(compareClocks(a, next)).toBe('before')
        expect(compareClocks(next, increment(a, 'b'))).toBe('concurrent')
        expect(['before', 'equal']).toContain(compareClocks(a, mergeClocks(a, b)))
      }),
    )
  })

  it('C1 merge to the same, in any order and however often', () => {
    fc.assert(
      fc.property(clock, clock, clock, (a, b, c) => {
        expect(mergeClocks(a, b)).toEqual(mergeClocks(b, a))
        expect(mergeClocks(a, mergeClocks(b, c))).toEqual(mergeClocks(mergeClocks(a, b), c))
        expect(compareClocks(mergeClocks(a, a), a)).toBe('equal')
      }),
    )
  })

  it('S29 nodes may have the names of prototypes', () => {
    fc.assert(
      fc.property(prototypeNames, (names) => {
        const [x = '', y = ''] = names
        const once = increment({}, x)
        expect(compareClocks(increment(once, x), once)).toBe('after')
        expect(compareClocks(once, increment({}, y))).toBe('concurrent')
        expect(Object.getPrototypeOf(once)).toBe(Object.prototype)
      }),
    )
  })

  it.each<[string, Json | undefined]>([
    ['nothing', undefined],
    ['a list', [1]],
    ['a text', 'a'],
    ['a fraction', { a: 0.5 }],
    ['a negative number', { a: -1 }],
    ['another object', { a: { b: 1 } }],
    ['too many nodes', Object.fromEntries(Array.from({ length: 1_025 }, (_, n) => [`n${n}`, 1]))],
  ])('C1 are not read from %s', (_, json) => expect(readClock(json)).toBeUndefined())

  it('C1 are read from an object of whole numbers', () => {
    fc.assert(
      fc.property(clock, (a) => {
        expect(readClock(a)).toEqual(a)
      }),
    )
  })
})
