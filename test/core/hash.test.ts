import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, contentHash } from '../../src/core/hash.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { anyJson, smallJson } from './json-arbitrary.ts'

function turned(value: Json): Json {
  if (Array.isArray(value)) return value.map(turned)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value as JsonObject)
      .toReversed()
      .map(([key, field]) => [key, turned(field)]),
  )
}

function bitsThatDiffer(a: string, b: string): number {
  return a.split('').reduce((sum, digit, at) => {
    const difference = Number.parseInt(digit, 16) ^ Number.parseInt(b[at]!, 16)
    return sum + difference.toString(2).replaceAll('0', '').length
  }, 0)
}

describe('the fingerprint of a content', () => {
  it('B15 does not depend on the order of keys', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(contentHash(turned(value))).toBe(contentHash(value))
        expect(JSON.parse(canonicalJson(value))).toEqual(value)
      }),
    )
  })

  it('B15 differs where the content differs', () => {
    fc.assert(
      fc.property(smallJson(), smallJson(), (a, b) => {
        expect(contentHash(a) === contentHash(b)).toBe(canonicalJson(a) === canonicalJson(b))
      }),
      { numRuns: 1_000 },
    )
    const close: readonly Json[] = [
      null,
      'null',
      0,
      '0',
      '',
      [],
      {},
      [null],
      [[]],
      { a: null },
      { a: [] },
      ['a'],
      'a',
      ['a', 'b'],
      ['ab'],
      false,
      'false',
    ]
    expect(new Set(close.map(contentHash)).size).toBe(close.length)
  })

  it('B15 meets no other of 100,000 that are much alike, not even in a quarter of it by more than chance', () => {
    const hashes = Array.from({ length: 100_000 }, (_, n) => contentHash({ title: 'note', count: n }))
    expect(new Set(hashes).size).toBe(hashes.length)
    for (const quarter of [0, 8, 16, 24]) {
      const parts = new Set(hashes.map((hash) => hash.slice(quarter, quarter + 8)))
      expect(hashes.length - parts.size).toBeLessThan(10)
    }
  })

  it('B15 changes half of its bits with one character, wherever that is', () => {
    const text = 'a text of more than two blocks, so that a tail is in it too'
    for (let at = 0; at < text.length; at++) {
      const changed = `${text.slice(0, at)}~${text.slice(at + 1)}`
      const bits = bitsThatDiffer(contentHash(text), contentHash(changed))
      expect(bits).toBeGreaterThan(32)
      expect(bits).toBeLessThan(96)
    }
  })

  it('B15 is the same in every build, for it is stored, and as other implementations have it', () => {
    expect(canonicalJson({ b: [1, 'é', null], a: { d: -0, c: true } })).toBe('{"a":{"c":true,"d":0},"b":[1,"é",null]}')
    expect(contentHash({ b: [1, 'é', null], a: { d: -0, c: true } })).toBe('fe89c1e9aafc33f8588754c1e17c3771')
    expect(contentHash({})).toBe('957ff6752034a48c2034a48c2034a48c')
    expect(contentHash('12345')).toBe('ccc85ac7ec278bdacd1a6d4bb362289d')
  })

  it('S29 covers the keys that prototypes have', () => {
    const hostile: JsonObject = JSON.parse('{"__proto__":{"a":1},"constructor":2}')
    expect(canonicalJson(hostile)).toBe('{"__proto__":{"a":1},"constructor":2}')
  })
})
