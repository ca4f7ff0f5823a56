/**
 * A hybrid logical clock (Kulkarni et al. 2014): as near to wall-clock time as that allows, yet never before anything it has seen. `count`
 * orders what falls into one millisecond, `node` what two devices wrote at once.
 */
export interface Hlc {
  readonly ms: number
  readonly count: number
  readonly node: string
}

/** A stamp that is further ahead of the reader's clock than this is not believed: its writer would win for as long as it is ahead. */
export const MAX_DRIFT_MS = 300_000

const MAX_MS = 999_999_999_999_999
const MAX_COUNT = 36 ** 4 - 1
const MS_DIGITS = 15
const COUNT_DIGITS = 4
const STAMP = /^(\d{15})-([\da-z]{4})-([\w.!~*'()%-]{1,192})$/

/** The stamp of something that happens here now. */
export function tick({ ms, count, node }: Hlc, nowMs: number): Hlc {
  return counted(Math.max(ms, whole(nowMs)), ms, count, node)
}

export type Received = { readonly type: 'received'; readonly hlc: Hlc } | { readonly type: 'refused'; readonly aheadMs: number }

/** What the clock is after it has seen another's stamp; one that is too far ahead is refused, and leaves the clock as it is. */
export function receive(last: Hlc, remote: Hlc, nowMs: number, maxDriftMs = MAX_DRIFT_MS): Received {
  const now = whole(nowMs)
  if (remote.ms - now > maxDriftMs) return { type: 'refused', aheadMs: remote.ms - now }
  const seen = compareHlc(last, remote) > 0 ? last : remote
  return { type: 'received', hlc: counted(Math.max(seen.ms, now), seen.ms, seen.count, last.node) }
}

/** Negative if `a` was before `b`. */
export function compareHlc(a: Hlc, b: Hlc): number {
  return a.ms - b.ms || a.count - b.count || (a.node === b.node ? 0 : a.node < b.node ? -1 : 1)
}

/** Texts sort as their stamps do, node and all. */
export function encodeHlc({ ms, count, node }: Hlc): string {
  return `${String(ms).padStart(MS_DIGITS, '0')}-${count.toString(36).padStart(COUNT_DIGITS, '0')}-${node}`
}

/** Undefined if the text is no stamp. */
export function decodeHlc(text: string): Hlc | undefined {
  const [, ms, count, node] = STAMP.exec(text) ?? []
  if (ms === undefined || count === undefined || node === undefined) return undefined
  return { ms: Number(ms), count: Number.parseInt(count, 36), node }
}

/** A clock that has seen nothing yet. Ids of any kind will do as nodes. */
export function newClock(id: string): Hlc {
  return { ms: 0, count: 0, node: encodeURIComponent(id.replaceAll(/\p{Cs}/gu, '')).slice(0, 64) || '-' }
}

/** Where the count is used up, the next millisecond begins early. */
function counted(ms: number, lastMs: number, lastCount: number, node: string): Hlc {
  if (ms > lastMs) return { ms, count: 0, node }
  return lastCount < MAX_COUNT ? { ms, count: lastCount + 1, node } : { ms: Math.min(ms + 1, MAX_MS), count: 0, node }
}

function whole(ms: number): number {
  return Math.min(Math.max(0, Math.trunc(ms)), MAX_MS)
}
