import { ValidationError } from './errors.ts'
import { fieldPath } from './field-path.ts'
import { containerBytes, numberBytes, stringBytes } from './json-bytes.ts'
import type { Json } from './json.ts'

export interface JsonLimits {
  /** UTF-8 bytes of the JSON. */
  readonly maxBytes: number
  /** Levels of arrays and objects; a scalar has none. */
  readonly maxDepth: number
}

/** Where the walk is; written out only if something is wrong there. */
interface Place {
  readonly parent: Place | undefined
  readonly key: string | number
}

interface Walk {
  readonly limits: JsonLimits
  readonly root: string
  bytes: number
  negativeZero: boolean
}

const LONE_SURROGATE = /\p{Cs}/u

/**
 * Checks that a value is exactly what its JSON says, so that nothing is dropped or changed in silence, and measures it.
 * Returns the value itself (a copy only if it holds −0, which becomes 0) and its bytes of JSON in UTF-8. Serialise it at once: it is not frozen.
 * Throws `ValidationError` with the path of what is wrong: undefined, functions, symbols, bigints, NaN and infinities, anything but
 * plain objects and arrays, holes, surrogates without a partner, the keys `__proto__`, `constructor` and `prototype`, and more
 * levels than `maxDepth` (or a cycle). More than `maxBytes` has the code `too-large`.
 */
export function checkJson(value: unknown, path: string, limits: JsonLimits): { json: Json; bytes: number } {
  const walk: Walk = { limits, root: path, bytes: 0, negativeZero: false }
  assertJson(value, walk)
  if (!walk.negativeZero) return { json: value, bytes: walk.bytes }
  const json: Json = JSON.parse(JSON.stringify(value))
  return { json, bytes: walk.bytes }
}

function assertJson(value: unknown, walk: Walk): asserts value is Json {
  try {
    visit(value, walk, undefined, walk.root, 0)
  } catch (error) {
    if (error instanceof ValidationError) throw error
    throw new ValidationError(walk.root, "can't be read: a getter or a proxy failed. Pass plain data.", { cause: error })
  }
}

function visit(value: unknown, walk: Walk, parent: Place | undefined, key: string | number, depth: number): void {
  switch (typeof value) {
    case 'string':
      return visitString(value, walk, parent, key)
    case 'number':
      return visitNumber(value, walk, parent, key)
    case 'boolean':
      return addBytes(walk, value ? 4 : 5)
    case 'object':
      return value === null ? addBytes(walk, 4) : visitContainer(value, walk, { parent, key }, depth + 1)
    case 'undefined':
      throw refusal({ parent, key }, 'is undefined, which JSON would drop. Leave it out, or use null.')
    case 'bigint':
    case 'function':
    case 'symbol':
      throw refusal({ parent, key }, `is a ${typeof value}, which JSON can't hold. Convert it first.`)
  }
}

function visitString(text: string, walk: Walk, parent: Place | undefined, key: string | number): void {
  const bytes = stringBytes(text)
  addBytes(walk, bytes)
  if (bytes !== text.length + 2 && LONE_SURROGATE.test(text)) {
    throw refusal({ parent, key }, "holds half of a surrogate pair, which UTF-8 can't carry. Cut strings between characters.")
  }
}

function visitNumber(value: number, walk: Walk, parent: Place | undefined, key: string | number): void {
  if (!Number.isFinite(value)) throw refusal({ parent, key }, `is ${value}, which JSON can't hold. Use a finite number or null.`)
  if (Object.is(value, -0)) walk.negativeZero = true
  addBytes(walk, numberBytes(value))
}

function visitContainer(value: object, walk: Walk, place: Place, depth: number): void {
  const { maxDepth } = walk.limits
  if (depth > maxDepth) throw refusal(place, `is nested deeper than ${maxDepth} levels, or contains itself. Flatten it.`)
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    throw refusal(place, `is ${instanceName(value)} with toJSON(), which would change it. Pass what toJSON() returns.`)
  }
  if (Object.getOwnPropertySymbols(value).length > 0) {
    throw refusal(place, 'has a key that is a symbol, which JSON would drop. Use strings as keys.')
  }
  if (Array.isArray(value)) visitArray(value, walk, place, depth)
  else visitObject(value, walk, place, depth)
}

function visitArray(items: readonly unknown[], walk: Walk, place: Place, depth: number): void {
  if (!isPlainArray(items)) throw notPlain(items, place)
  addBytes(walk, containerBytes(items.length))
  for (let at = 0; at < items.length; at++) {
    const item = items[at]
    if (item === undefined && !(at in items))
      throw refusal({ parent: place, key: at }, 'is a hole in the array. Fill it, as with null.')
    visit(item, walk, place, at, depth)
  }
  if (Object.keys(items).length !== items.length) {
    throw refusal(place, 'is an array with named fields, which JSON would drop. Use an object.')
  }
}

function visitObject(value: object, walk: Walk, place: Place, depth: number): void {
  if (!isPlainObject(value)) throw notPlain(value, place)
  const keys = Object.keys(value)
  addBytes(walk, containerBytes(keys.length))
  for (const key of keys) {
    if (key === '__proto__' || key === 'constructor' || key === 'prototype') {
      throw refusal({ parent: place, key }, 'is a key that could reach a prototype. Choose another name.')
    }
    visitString(key, walk, place, key)
    walk.bytes++
    visit(value[key], walk, place, key, depth)
  }
}

/** Every realm has its own `Object.prototype`, which is known by having no prototype itself, and what every object has. */
function isPlainObject(value: object): value is Record<string, unknown> {
  const prototype: object | null = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

/** Its prototype is an `Array.prototype`: an array whose own prototype is an `Object.prototype`. */
function isPlainArray(items: readonly unknown[]): boolean {
  const prototype: object | null = Object.getPrototypeOf(items)
  return prototype === Array.prototype || (Array.isArray(prototype) && isPlainObject(prototype))
}

function addBytes(walk: Walk, bytes: number): void {
  walk.bytes += bytes
  if (walk.bytes <= walk.limits.maxBytes) return
  const problem = `is larger than ${walk.limits.maxBytes} bytes of JSON. Split it, or store large parts elsewhere.`
  throw new ValidationError(walk.root, problem, { code: 'too-large' })
}

function notPlain(value: object, place: Place): ValidationError {
  return refusal(place, `is ${instanceName(value)}; only plain objects and arrays can be stored. Convert it first.`)
}

function instanceName(value: object): string {
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' && name !== 'Object' ? `an instance of ${name}` : 'an object'
}

function refusal(place: Place, problem: string): ValidationError {
  return new ValidationError(pathOf(place), problem)
}

function pathOf({ parent, key }: Place): string {
  return parent === undefined ? String(key) : fieldPath(pathOf(parent), key)
}
