import type { Json, JsonObject } from './json.ts'

/**
 * Fingerprint of a value's content: 32 hex digits, the same for any order of keys, over builds and machines (it is stored).
 * MurmurHash3_x86_128 (Austin Appleby, public domain; seed 0) of the canonical JSON in UTF-16LE. With 128 bits two contents never meet
 * by chance, so a different content under a used key is refused and an equal one is not. It is no protection against somebody who
 * wants them to meet: that would be the application deceiving itself.
 */
export function contentHash(value: Json): string {
  return murmur128(canonicalJson(value))
}

/** JSON without spaces, with keys sorted by UTF-16 code units (as RFC 8785 §3.2.3). */
export function canonicalJson(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  return `{${Object.keys(value)
    .toSorted()
    .map((key) => member(value, key))
    .join(',')}}`
}

function member(object: JsonObject, key: string): string {
  return `${JSON.stringify(key)}:${canonicalJson(object[key] ?? null)}`
}

/** `Array.isArray` does not narrow readonly arrays. */
function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

const C1 = 0x239b961b
const C2 = 0xab0e9789
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93

function murmur128(text: string): string {
  let [h1, h2, h3, h4] = [0, 0, 0, 0]
  const tail = text.length - (text.length % 8)
  for (let at = 0; at < tail; at += 8) {
    h1 = step(h1 ^ scramble(word(text, at), C1, 15, C2), 19, h2, 0x561ccd1b)
    h2 = step(h2 ^ scramble(word(text, at + 2), C2, 16, C3), 17, h3, 0x0bcaa747)
    h3 = step(h3 ^ scramble(word(text, at + 4), C3, 17, C4), 15, h4, 0x96cd1c35)
    h4 = step(h4 ^ scramble(word(text, at + 6), C4, 18, C1), 13, h1, 0x32ac3b17)
  }
  const bytes = text.length * 2
  h1 ^= scramble(word(text, tail), C1, 15, C2) ^ bytes
  h2 ^= scramble(word(text, tail + 2), C2, 16, C3) ^ bytes
  h3 ^= scramble(word(text, tail + 4), C3, 17, C4) ^ bytes
  h4 ^= scramble(word(text, tail + 6), C4, 18, C1) ^ bytes
  const [a, b, c, d] = blend([h1, h2, h3, h4])
  return blend([avalanche(a), avalanche(b), avalanche(c), avalanche(d)])
    .map(hex)
    .join('')
}

/** Two code units; past the end they are NaN, which counts as 0 here. */
function word(text: string, at: number): number {
  return text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16)
}

function scramble(value: number, first: number, turn: number, second: number): number {
  return Math.imul(rotate(Math.imul(value, first), turn), second)
}

function step(lane: number, turn: number, neighbour: number, constant: number): number {
  return (Math.imul((rotate(lane, turn) + neighbour) | 0, 5) + constant) | 0
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by))
}

type Lanes = [number, number, number, number]

/** Lets every lane depend on all four. */
function blend([h1, h2, h3, h4]: Lanes): Lanes {
  const sum = (h1 + h2 + h3 + h4) | 0
  return [sum, (h2 + sum) | 0, (h3 + sum) | 0, (h4 + sum) | 0]
}

function avalanche(lane: number): number {
  let mixed = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

function hex(lane: number): string {
  return (lane >>> 0).toString(16).padStart(8, '0')
}
