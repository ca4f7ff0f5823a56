import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/core/errors.ts'
import { jsonBytes } from '../../src/core/json-bytes.ts'
import type { Json } from '../../src/core/json.ts'
import { checkJson } from '../../src/core/validate-json.ts'
import { anyJson } from './json-arbitrary.ts'

const limits = { maxBytes: 10_000, maxDepth: 8 }

function refusalOf(value: unknown, given = limits): ValidationError {
  try {
    checkJson(value, 'payload', given)
  } catch (error) {
    if (error instanceof ValidationError) return error
    throw error
  }
  throw new Error('It was accepted.')
}

function nested(levels: number): Json {
  return levels === 0 ? 1 : levels % 2 === 0 ? { a: nested(levels - 1) } : [nested(levels - 1)]
}

class Money {
  readonly amount = 1
}

class Lines extends Array<number> {}

/** [what it is, the value, the path of what is wrong, words of the message] */
const REFUSED: readonly (readonly [string, unknown, string, string])[] = [
  ['undefined itself', undefined, 'payload', 'undefined'],
  ['a field that is undefined', { a: { b: undefined } }, 'payload.a.b', 'undefined'],
  ['undefined in an array', { a: [1, undefined] }, 'payload.a[1]', 'undefined'],
  ['a hole in an array', { a: Object.assign([1], { 2: 3 }) }, 'payload.a[1]', 'hole'],
  ['an array with named fields', { a: /b/.exec('b') }, 'payload.a', 'named fields'],
  ['a function', { a: () => 1 }, 'payload.a', 'function'],
  ['a symbol', [Symbol('s')], 'payload[0]', 'symbol'],
  ['a key that is a symbol', { a: { [Symbol('s')]: 1 } }, 'payload.a', 'symbol'],
  ['a bigint', { 'my key': 1n }, 'payload["my key"]', 'bigint'],
  ['NaN', { a: Number.NaN }, 'payload.a', 'NaN'],
  ['an infinity', [[-Infinity]], 'payload[0][0]', '-Infinity'],
  ['a Date', { at: new Date(0) }, 'payload.at', 'instance of Date with toJSON()'],
  ['a URL', { at: new URL('http://localhost/') }, 'payload.at', 'instance of URL with toJSON()'],
  ['an object that changes itself', { a: { toJSON: () => 1 } }, 'payload.a', 'with toJSON()'],
  ['an array that changes itself', { a: Object.assign([], { toJSON: () => 1 }) }, 'payload.a', 'with toJSON()'],
  ['an inherited toJSON', Object.create(Object.assign(Object.create(null), { toJSON: () => 1 })), 'payload', 'with toJSON()'],
  ['a Map', { a: new Map() }, 'payload.a', 'instance of Map'],
  ['a typed array', { a: new Uint8Array(1) }, 'payload.a', 'instance of Uint8Array'],
  ['an instance of a class', { price: new Money() }, 'payload.price', 'instance of Money'],
  ['an instance of a kind of array', { lines: new Lines() }, 'payload.lines', 'instance of Lines'],
  ['an array without a prototype', { a: Object.setPrototypeOf([], null) }, 'payload.a', 'an object'],
  ['a boxed string', { a: Object('s') }, 'payload.a', 'instance of String'],
  ['an error', { a: new Error('e') }, 'payload.a', 'instance of Error'],
  ['a Date of another realm', { a: runInNewContext('new Map()') }, 'payload.a', 'instance of Map'],
  ['the first half of a pair', { a: '\ud83d' }, 'payload.a', 'surrogate'],
  ['the second half of a pair', { a: 'x\ude00y' }, 'payload.a', 'surrogate'],
  ['halves in the wrong order', { a: '\ude00\ud83d' }, 'payload.a', 'surrogate'],
  ['half of a pair in a key', { '\ud83d': 1 }, 'payload["\\ud83d"]', 'surrogate'],
  ['too many levels', nested(9), `payload${'[0].a'.repeat(4)}`, 'deeper than 8'],
]

describe('a payload that JSON would change', () => {
  it.each(REFUSED)('B16 is refused with its path: %s', (_what, value, path, words) => {
    const error = refusalOf(value)
    expect(error.path).toBe(path)
    expect(error.code).toBe('validation')
    expect(error.message).toContain(words)
  })

  it('B16 S29 is refused if it inherits from anything but what every object does', () => {
    const heir = (prototype: object | null): object => Object.assign(Object.create(prototype) as object, { a: 1 })
    const bare = Object.create(null) as object
    for (const prototype of [Object.assign(Object.create(null) as object, { ghost: 1 }), bare, heir(null), { ghost: 1 }])
      expect(refusalOf({ b: heir(prototype) }).path).toBe('payload.b')
    const evil = Object.defineProperty(Object.create(null) as object, '__proto__', { value: { evil: 1 }, enumerable: true })
    expect(refusalOf(heir(evil)).path).toBe('payload')
    for (const prototype of [{}, [1], null]) expect(refusalOf(Object.setPrototypeOf([1], prototype)).path).toBe('payload')
  })

  it('B16 is refused if it contains itself', () => {
    const loop: Record<string, unknown> = {}
    loop['self'] = loop
    expect(refusalOf(loop).path).toBe(`payload${'.self'.repeat(8)}`)
    const wide: unknown[] = []
    wide.push(wide, wide, wide, wide)
    expect(refusalOf(wide, { maxBytes: 1_000, maxDepth: 1_000 }).code).toBe('too-large')
  })

  it('B16 is refused with the cause if it fails while it is read', () => {
    const broken = new Error('broken')
    const error = refusalOf({
      get a(): never {
        throw broken
      },
    })
    expect(error.path).toBe('payload')
    expect(error.cause).toBe(broken)
  })

  it.each(['__proto__', 'constructor', 'prototype'])('S29 is refused where it has the key %s', (key) => {
    const error = refusalOf(JSON.parse(`{"a":[{"${key}":{"polluted":1}}]}`))
    expect(error.path).toBe(`payload.a[0].${key}`)
    expect(error.code).toBe('validation')
  })
})

describe('a payload that JSON keeps', () => {
  it('B16 is accepted as it is, and measured in bytes of UTF-8', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        fc.pre(!/__proto__|constructor|prototype/.test(JSON.stringify(value)) && !/\\ud[89a-f]/.test(JSON.stringify(value)))
        const { json, bytes } = checkJson(value, 'payload', { maxBytes: 1_000_000, maxDepth: 32 })
        expect(json).toBe(value)
        expect(bytes).toBe(Buffer.byteLength(JSON.stringify(value)))
        expect(jsonBytes(value)).toBe(bytes)
      }),
      { numRuns: 500 },
    )
  })

  it('B16 is accepted from another realm and without a prototype', () => {
    const foreign: unknown = runInNewContext('({ a: [1, { b: [] }] })')
    expect(checkJson(foreign, 'payload', limits)).toEqual({ json: foreign, bytes: 18 })
    expect(checkJson(runInNewContext('[[]]'), 'payload', limits).bytes).toBe(4)
    const bare: unknown = Object.assign(Object.create(null), { a: 1 })
    expect(checkJson(bare, 'payload', limits)).toEqual({ json: bare, bytes: 7 })
    expect(checkJson({ toJSON: 'a field like others' }, 'payload', limits).bytes).toBe(32)
  })

  it('B16 may have as many levels as the limit says', () => {
    expect(checkJson(nested(8), 'payload', limits).json).toEqual(nested(8))
    expect(checkJson(1, 'payload', { maxBytes: 1, maxDepth: 0 })).toEqual({ json: 1, bytes: 1 })
  })

  it('B16 has 0 for −0, in a copy', () => {
    const given = { a: [-0, -1], b: 'x' }
    const { json, bytes } = checkJson(given, 'payload', limits)
    expect(json).toStrictEqual({ a: [0, -1], b: 'x' })
    expect(bytes).toBe(Buffer.byteLength(JSON.stringify(given)))
    expect(given.a[0]).toBe(-0)
    expect(checkJson(-0, 'payload', limits)).toStrictEqual({ json: 0, bytes: 1 })
  })
})

describe('a payload of the limit', () => {
  it('E8 is accepted, and with one byte more refused as too large', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const size = Buffer.byteLength(JSON.stringify(value))
        fc.pre(!/__proto__|constructor|prototype/.test(JSON.stringify(value)) && !/\\ud[89a-f]/.test(JSON.stringify(value)))
        expect(checkJson(value, 'payload', { maxBytes: size, maxDepth: 32 }).bytes).toBe(size)
        expect(refusalOf(value, { maxBytes: size - 1, maxDepth: 32 })).toMatchObject({ code: 'too-large', path: 'payload' })
      }),
    )
  })

  it('E8 is measured with escapes, which every control character has', () => {
    const text = Array.from({ length: 0x3000 }, (_, unit) => String.fromCharCode(unit)).join('') + '😀'
    expect(checkJson(text, 'payload', { maxBytes: 1e6, maxDepth: 1 }).bytes).toBe(Buffer.byteLength(JSON.stringify(text)))
    expect(jsonBytes('\ud83d')).toBe(Buffer.byteLength(JSON.stringify('\ud83d')))
  })
})
