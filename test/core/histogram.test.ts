import { array, assert, integer, oneof, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createHistogram, mergeHistograms, percentile, readHistogram, type Histogram } from '../../src/core/histogram.ts'

const durations = array(oneof(integer({ min: 0, max: 50 }), integer({ min: 0, max: 3_000_000_000 })), {
  maxLength: 60,
})

function histogramOf(values: readonly number[]): Histogram {
  const histogram = createHistogram()
  for (const value of values) histogram.record(value)
  return histogram.read()
}

/** By the nearest rank. */
function exact(values: readonly number[], perMille: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil((perMille * values.length) / 1_000)) - 1] ?? 0
}

describe('the histogram', () => {
  it('A6 tells every percentile with at most 5 % error', () => {
    assert(
      property(durations, integer({ min: 0, max: 1_000 }), (values, perMille) => {
        const [told, true_] = [percentile(histogramOf(values), perMille / 1_000), exact(values, perMille)]
        expect(Math.abs(told - true_)).toBeLessThanOrEqual(0.05 * true_)
      }),
    )
  })

  it('A6 tells the percentile of a share that binary fractions do not hold: 56 % of 25 are 14', () => {
    const histogram = histogramOf(Array.from({ length: 25 }, (_, n) => (n < 14 ? 10 : 10_000)))
    expect([0.56, 0.57].map((share) => Math.round(percentile(histogram, share)))).toEqual([10, 10_000])
  })

  it('A6 merged is what one histogram of both would be', () => {
    assert(
      property(durations, durations, (some, others) => {
        const merged = mergeHistograms(histogramOf(some), histogramOf(others))
        expect(merged).toEqual(histogramOf([...some, ...others]))
      }),
    )
  })

  it('A6 merges what another implementation stored with an offset', () => {
    const [one, other] = [histogramOf([1, 2]), histogramOf([40, 50, 60])]
    const { counts } = other.positive
    const from = counts.findIndex((n) => n > 0)
    const moved = { ...other, positive: { offset: other.positive.offset + from, counts: counts.slice(from) } }
    for (const merged of [mergeHistograms(one, moved), mergeHistograms(moved, one)])
      expect(merged).toEqual(histogramOf([1, 2, 40, 50, 60]))
  })

  it('A6 is read from what was stored of any duration, and from nothing that has buckets beyond those', () => {
    const longest = histogramOf([0, 1, Number.MAX_SAFE_INTEGER])
    expect(readHistogram(longest)).toEqual(longest)
    for (const offset of [-2, 0.5, 1e9, -1e9]) {
      expect(readHistogram({ ...longest, positive: { ...longest.positive, offset } })).toBeUndefined()
    }
  })

  it.each([
    ['of another scale', { ...histogramOf([5]), scale: 4 }],
    ['that is none', undefined],
    ['with buckets that are no numbers', { ...histogramOf([5]), positive: { offset: 0, counts: ['1'] } }],
  ])('A6 refuses to be merged with, and to be read from, one %s', (_, wrong) => {
    // As a program without types would, with what it was sent.
    const other = wrong as unknown as Histogram
    expect(() => mergeHistograms(histogramOf([7]), other)).toThrow(/^b: must be a histogram/)
    expect(() => mergeHistograms(other, histogramOf([7]))).toThrow(/^a: must be a histogram/)
    expect(() => percentile(other, 0.5)).toThrow(/^histogram: must be a histogram/)
  })

  it('A6 refuses a share that is none', () => {
    expect(() => percentile(histogramOf([7]), 50)).toThrow(/^share: must be a number from 0 to 1/)
  })

  it('A6 lays its buckets as OpenTelemetry does at scale 3: each holds its upper bound', () => {
    const { positive } = histogramOf([1, 2, 3, 4, 1_024, 1_025])
    const bucketOf = (ms: number): number => Math.ceil(Math.log2(ms) * 8) - 1
    for (const ms of [1, 2, 3, 4, 1_024, 1_025]) expect(positive.counts[bucketOf(ms) - positive.offset]).toBe(1)
    expect(2 ** ((bucketOf(1_025) + 1) / 8)).toBeGreaterThanOrEqual(1_025)
    expect(2 ** (bucketOf(1_025) / 8)).toBeLessThan(1_025)
  })

  it('A6 takes what a clock that was set back makes of a duration, and any length', () => {
    expect(histogramOf([-5, NaN, 0.2])).toMatchObject({ count: 3, zeroCount: 3, min: 0, max: 0, sum: 0 })
    const longest = histogramOf([Number.MAX_SAFE_INTEGER, 1e300])
    expect(longest.count).toBe(2)
    expect(longest.positive.counts.length).toBeLessThan(400)
  })
})
