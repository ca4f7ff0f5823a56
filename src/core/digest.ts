import type { SyncError } from './errors.ts'
import type { Wished } from './server-wishes-port.ts'

/**
 * Fingerprints of sets of entities, by which a client and a server find out where they differ without sending them (docs/wire-protocol.md). Of each entity the
 * text `id`, a line feed, `version`, in UTF-8, is hashed by FNV-1a with 32 bit, twice: from the offsets 811c9dc5 and 9747b28c. The hash of a set is the
 * two sums of these modulo 2³², 8 hex digits each: whatever the order. It finds what went wrong by chance, and is no protection against who wants them to be alike.
 */

/** Ids from one on, and before another, in the order of their code points (that of their UTF-8). */
export interface DigestRange {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

export interface Digest {
  readonly count: number
  /** 16 hex digits. */
  readonly hash: string
}

export interface DigestRequest {
  readonly entity: string
  /** Only the part of it where this holds. */
  readonly scope?: string | undefined
  readonly ranges: readonly DigestRange[]
  /** Also what is in each range, if that is not too much. */
  readonly isListed: boolean
}

export interface RangeDigest extends Digest {
  readonly entries?: readonly (readonly [id: string, version: string])[]
}

/** Digests come in the order of the ranges. */
export type Digested = Wished &
  (
    | { readonly type: 'digests'; readonly digests: readonly RangeDigest[] }
    | { readonly type: 'failed' | 'auth'; readonly error: SyncError }
  )

const PRIME = 0x01000193
const OFFSETS = [0x811c9dc5, 0x9747b28c] as const

/** Adds one entity after the other. */
export function createDigest() {
  let [count, first, second] = [0, 0, 0]

  return {
    add(id: string, version: string): void {
      const bytes = utf8(`${id}\n${version}`)
      count += 1
      first = (first + fnv1a(bytes, OFFSETS[0])) >>> 0
      second = (second + fnv1a(bytes, OFFSETS[1])) >>> 0
    },
    read: (): Digest => ({ count, hash: hex(first) + hex(second) }),
  }
}

function fnv1a(bytes: readonly number[], offset: number): number {
  let hash: number = offset
  for (const byte of bytes) hash = Math.imul(hash ^ byte, PRIME)
  return hash >>> 0
}

function utf8(text: string): readonly number[] {
  const bytes: number[] = []
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if (code < 0x80) bytes.push(code)
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), tail(code))
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), tail(code >> 6), tail(code))
    else bytes.push(0xf0 | (code >> 18), tail(code >> 12), tail(code >> 6), tail(code))
  }
  return bytes
}

function tail(code: number): number {
  return 0x80 | (code & 0x3f)
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}

/** By code points: strings compare by UTF-16, where what is beyond the first plane stands before U+E000. */
export function compareIds(a: string, b: string): number {
  const shared = Math.min(a.length, b.length)
  for (let at = 0; at < shared; at++) {
    const [one, other] = [a.charCodeAt(at), b.charCodeAt(at)]
    if (one !== other) return rank(one) - rank(other)
  }
  return a.length - b.length
}

function rank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800
  return unit >= 0xd800 ? unit + 0x2000 : unit
}

export function isWithin({ from, to }: DigestRange, id: string): boolean {
  return (from === undefined || compareIds(id, from) >= 0) && (to === undefined || compareIds(id, to) < 0)
}

/** The range cut at these ids. */
export function cutAt({ from, to }: DigestRange, ids: readonly string[]): readonly DigestRange[] {
  const inner = [...new Set(ids)].filter((id) => isWithin({ from, to }, id) && id !== from).toSorted(compareIds)
  const starts = [from, ...inner]
  return starts.map((start, at) => rangeOf(start, starts[at + 1] ?? to))
}

function rangeOf(from: string | undefined, to: string | undefined): DigestRange {
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
}
