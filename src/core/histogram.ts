import { ValidationError } from './errors.ts'
import { share as checkShare } from './option-checks.ts'
import { isRecord } from './schema.ts'

const SCALE = 3
const PER_DOUBLING = 2 ** SCALE
/** Where 1 lies: each bucket holds its upper bound. */
const FIRST = -1
/** 2 ** 45 ms are a thousand years. */
const LAST = 45 * PER_DOUBLING

/**
 * Durations in whole milliseconds, in buckets that grow: those of OpenTelemetry's exponential histogram at scale 3. A bucket ends 9 % above
 * where it begins, so what is read from it is at most 4.4 % off; an hour takes 175 buckets.
 */
export interface Histogram {
  readonly scale: typeof SCALE
  readonly count: number
  readonly sum: number
  /** Of nothing both are 0. */
  readonly min: number
  readonly max: number
  readonly zeroCount: number
  /** `counts[i]` are those above `2 ** ((offset + i) / 8)` and not above `2 ** ((offset + i + 1) / 8)`. */
  readonly positive: { readonly offset: number; readonly counts: readonly number[] }
}

export const NO_DURATIONS: Histogram = {
  scale: SCALE,
  count: 0,
  sum: 0,
  min: 0,
  max: 0,
  zeroCount: 0,
  positive: { offset: FIRST, counts: [] },
}

/** A histogram that grows. What can't have been, as a clock that was set back makes it, counts as 0. */
export function createHistogram() {
  const counts: number[] = []
  let [count, sum, min, max, zeroCount] = [0, 0, Infinity, 0, 0]

  return {
    record(durationMs: number): void {
      const ms = durationMs > 0 ? Math.round(durationMs) : 0
      count += 1
      sum += ms
      if (ms < min) min = ms
      if (ms > max) max = ms
      if (ms === 0) zeroCount += 1
      else {
        const at = Math.min(LAST, Math.ceil(Math.log2(ms) * PER_DOUBLING))
        while (counts.length <= at) counts.push(0)
        counts[at] = (counts[at] ?? 0) + 1
      }
    },
    read: (): Histogram =>
      count === 0
        ? NO_DURATIONS
        : { scale: SCALE, count, sum, min, max, zeroCount, positive: { offset: FIRST, counts: [...counts] } },
  }
}

/**
 * What both hold.
 * @throws ValidationError for what is no histogram of this scale, as another build may have sent it.
 */
export function mergeHistograms(a: Histogram, b: Histogram): Histogram {
  check('a', a)
  check('b', b)
  if (a.count === 0 || b.count === 0) return a.count === 0 ? b : a
  const offset = Math.min(a.positive.offset, b.positive.offset)
  const counts: number[] = []
  for (const { positive } of [a, b]) {
    const shift = positive.offset - offset
    while (counts.length < shift + positive.counts.length) counts.push(0)
    for (const [at, n] of positive.counts.entries()) counts[shift + at] = (counts[shift + at] ?? 0) + n
  }
  return {
    scale: SCALE,
    count: a.count + b.count,
    sum: a.sum + b.sum,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    zeroCount: a.zeroCount + b.zeroCount,
    positive: { offset, counts },
  }
}

/**
 * The duration that this share (0 to 1) of all did not exceed, at most 4.4 % off; 0 of nothing.
 * @throws ValidationError for what is no histogram of this scale, and for a share beyond that.
 */
export function percentile(histogram: Histogram, share: number): number {
  check('histogram', histogram)
  checkShare('share', share)
  const { count, min, max, zeroCount, positive } = histogram
  // Less what rounding may have added: 0.56 × 25 is more than 14.
  let left = Math.max(1, Math.ceil(share * count * (1 - Number.EPSILON))) - zeroCount
  if (left <= 0) return 0
  for (const [at, n] of positive.counts.entries()) {
    left -= n
    if (left <= 0) return Math.min(max, Math.max(min, middleOf(positive.offset + at)))
  }
  return max
}

/** As far from its lower bound as from the upper one, in proportion. */
function middleOf(bucket: number): number {
  return (2 * 2 ** ((bucket + 1) / PER_DOUBLING)) / (1 + 2 ** (1 / PER_DOUBLING))
}

function check(path: string, value: Histogram): void {
  if (!isHistogram(value))
    throw new ValidationError(
      path,
      'must be a histogram of this scale, as metrics().latencyMs.histogram or statistics.get() tells it.',
    )
}

/** Undefined for what is none, or one of another scale. Buckets that no duration falls into are not to be made room for. */
export function readHistogram(value: unknown): Histogram | undefined {
  return isHistogram(value) ? value : undefined
}

function isHistogram(value: unknown): value is Histogram {
  if (!isRecord(value) || value['scale'] !== SCALE || !isRecord(value['positive'])) return false
  const { offset, counts } = value['positive']
  const numbers = [value['count'], value['sum'], value['min'], value['max'], value['zeroCount']]
  return (
    numbers.every(Number.isFinite) && Array.isArray(counts) && counts.every(Number.isFinite) && isWithin(offset, counts.length)
  )
}

function isWithin(offset: unknown, length: number): boolean {
  return typeof offset === 'number' && Number.isInteger(offset) && offset >= FIRST && offset + length <= LAST
}
