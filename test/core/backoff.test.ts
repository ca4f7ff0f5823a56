import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs, retryDelayMs, type BackoffInput, type BackoffStrategy, type RetryOptions } from '../../src/core/backoff.ts'

const options: RetryOptions = { strategy: 'exponential', baseMs: 500, capMs: 60_000, maxAttempts: 20, maxAgeMs: 86_400_000 }
const almostOne = 1 - Number.EPSILON

function delays(strategy: BackoffStrategy, random: number, attempts: readonly number[]): number[] {
  return attempts.map((attempt) => backoffMs({ ...options, strategy }, { attempt, random }))
}

const anyStrategy = fc.constantFrom<BackoffStrategy>(
  'exponential',
  'linear',
  'constant',
  'decorrelated',
  (attempt) => attempt * 7,
)
const anyOptions = fc.record({
  strategy: anyStrategy,
  baseMs: fc.nat(100_000),
  capMs: fc.nat(1_000_000),
  maxAttempts: fc.constant(20),
  maxAgeMs: fc.constant(1),
})
const draw = fc.double({ min: 0, max: almostOne, noNaN: true })
const anyInput = fc.record({
  attempt: fc.oneof(
    fc.integer({ min: 1, max: 50 }),
    fc.integer({ min: 1, max: 1_000_000 }),
    fc.constantFrom(1_074, 2 ** 31, Number.MAX_SAFE_INTEGER),
  ),
  previousMs: fc.option(fc.oneof(fc.nat(), fc.constantFrom(Infinity, Number.NaN)), { nil: undefined }),
  random: draw,
})

/** The least and the most that the strategy may give, as its source has it; without limit to the size of numbers. */
function windowOf({ strategy, baseMs, capMs }: RetryOptions, { attempt, previousMs }: BackoffInput): [number, number] {
  const atMost = (ms: bigint): number => (ms < capMs ? Number(ms) : capMs)
  if (strategy === 'exponential') return [0, atMost(BigInt(baseMs) << BigInt(Math.min(attempt - 1, 100)))]
  if (strategy === 'linear') return [0, atMost(BigInt(baseMs) * BigInt(attempt))]
  if (strategy === 'constant') return [Math.min(baseMs, capMs), Math.min(baseMs, capMs)]
  if (strategy !== 'decorrelated') return [Math.min(attempt * 7, capMs), Math.min(attempt * 7, capMs)]
  const previous = previousMs ?? baseMs
  return [Math.min(baseMs, capMs), Number.isNaN(previous) ? capMs : Math.min(capMs, Math.max(baseMs, 3 * previous))]
}

describe('the delay before a retry', () => {
  it('D3 doubles the window of an exponential backoff up to the cap', () => {
    expect(delays('exponential', almostOne, [1, 2, 3, 7, 8, 9])).toEqual([499, 999, 1_999, 31_999, 59_999, 59_999])
  })

  it('D3 does not overflow, not even with a window of nothing', () => {
    const late = { attempt: 2_000, random: 0.5 }
    expect(backoffMs(options, late)).toBe(30_000)
    expect(backoffMs({ ...options, baseMs: 0 }, late)).toBe(0)
  })

  it('D3 spreads exponential and linear delays over the whole window down to zero', () => {
    expect(delays('exponential', 0, [1, 5])).toEqual([0, 0])
    expect(delays('linear', 0, [1, 5])).toEqual([0, 0])
    expect(delays('exponential', 0.5, [1, 2, 3])).toEqual([250, 500, 1_000])
    expect(delays('linear', 0.5, [1, 2, 3])).toEqual([250, 500, 750])
  })

  it('D3 spreads over the whole window at the cap, too: those that fail together do not all come back after the longest wait', () => {
    expect(delays('exponential', 0.5, [8, 20])).toEqual([30_000, 30_000])
    expect(delays('linear', 0.5, [120, 1_000])).toEqual([30_000, 30_000])
  })

  it('D3 waits the base each time when constant, and the cap if that is less', () => {
    expect(delays('constant', 0.3, [1, 2, 50])).toEqual([500, 500, 500])
    expect(backoffMs({ ...options, strategy: 'constant', capMs: 200 }, { attempt: 1, random: 0.3 })).toBe(200)
  })

  it('D3 draws a decorrelated delay between the base and three times the previous one', () => {
    const decorrelated: RetryOptions = { ...options, strategy: 'decorrelated' }
    expect(backoffMs(decorrelated, { attempt: 9, previousMs: 2_000, random: 0 })).toBe(500)
    expect(backoffMs(decorrelated, { attempt: 9, previousMs: 2_000, random: 0.5 })).toBe(3_250)
    expect(backoffMs(decorrelated, { attempt: 9, previousMs: 2_000, random: almostOne })).toBe(5_999)
    expect(backoffMs(decorrelated, { attempt: 1, random: almostOne })).toBe(1_499)
    expect(backoffMs(decorrelated, { attempt: 1, previousMs: 0, random: almostOne })).toBe(500)
    expect(backoffMs(decorrelated, { attempt: 9, previousMs: 3_600_000, random: 0.5 })).toBe(60_000)
  })

  it('D3 gives a custom strategy the number of the retry and clamps what it answers', () => {
    expect(delays((attempt) => attempt * 10, 0.3, [1, 2, 3])).toEqual([10, 20, 30])
    expect(delays(() => -5, 0.3, [1])).toEqual([0])
    expect(delays(() => Infinity, 0.3, [1])).toEqual([60_000])
    expect(delays(() => Number.NaN, 0.3, [1])).toEqual([60_000])
  })

  it('B6 is a whole number of milliseconds in the window of its strategy, however often it was tried', () => {
    fc.assert(
      fc.property(anyOptions, anyInput, (given, input) => {
        const delayMs = backoffMs(given, input)
        const [fromMs, toMs] = windowOf(given, input)
        expect(Number.isInteger(delayMs)).toBe(true)
        expect(delayMs).toBeGreaterThanOrEqual(fromMs)
        expect(delayMs).toBeLessThanOrEqual(toMs)
      }),
      { numRuns: 1_000 },
    )
  })

  it('B6 grows with the draw, and never with the cap alone', () => {
    fc.assert(
      fc.property(anyOptions, anyInput, draw, fc.nat(1_000_000), (given, input, other, otherCapMs) => {
        const [low, high] = [Math.min(input.random, other), Math.max(input.random, other)]
        expect(backoffMs(given, { ...input, random: low })).toBeLessThanOrEqual(backoffMs(given, { ...input, random: high }))
        expect(backoffMs({ ...given, capMs: otherCapMs }, input)).toBeLessThanOrEqual(otherCapMs)
      }),
    )
  })

  it('D3 keeps a decorrelated delay between the base and the cap, each drawn from the one before', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(draw),
        (baseMs, times, draws) => {
          const given: RetryOptions = { ...options, strategy: 'decorrelated', baseMs, capMs: baseMs * times }
          let previousMs: number | undefined
          for (const random of draws) {
            const delayMs = backoffMs(given, { attempt: 1, previousMs, random })
            expect(delayMs).toBeGreaterThanOrEqual(baseMs)
            expect(delayMs).toBeLessThanOrEqual(Math.min(given.capMs, 3 * (previousMs ?? baseMs)))
            previousMs = delayMs
          }
        },
      ),
    )
  })

  it('B6 is uniform over the window, not bunched', () => {
    const runs = 1_000
    const total = Array.from({ length: runs }, (_, run) => backoffMs(options, { attempt: 5, random: run / runs }))
    expect(total.reduce((sum, delayMs) => sum + delayMs, 0) / runs).toBeCloseTo(4_000, -2)
    expect(new Set(total).size).toBe(runs)
  })
})

describe('the delay that a server asked for', () => {
  it('S22 is never undercut, by any strategy, and spread by no more than the window of the strategy', () => {
    const retryAfterMs = fc.oneof(fc.nat(10_000_000), fc.double({ min: 0, max: 1e9, noNaN: true }))
    fc.assert(
      fc.property(anyOptions, anyInput, retryAfterMs, (given, input, floorMs) => {
        const delayMs = retryDelayMs(given, { ...input, retryAfterMs: floorMs })
        expect(delayMs).toBeGreaterThanOrEqual(floorMs)
        expect(delayMs).toBeLessThanOrEqual(Math.ceil(floorMs) + windowOf(given, input)[1])
      }),
      { numRuns: 1_000 },
    )
  })

  it('A9 is longer than the cap if the server says so, and spread by the window of the strategy', () => {
    const asked = { retryAfterMs: 3_600_000, attempt: 2 }
    expect(retryDelayMs(options, { ...asked, random: 0 })).toBe(3_600_000)
    expect(retryDelayMs(options, { ...asked, random: 0.5 })).toBe(3_600_500)
    expect(retryDelayMs({ ...options, strategy: 'linear' }, { ...asked, random: 0.5 })).toBe(3_600_500)
    expect(retryDelayMs({ ...options, strategy: 'constant' }, { ...asked, random: 0.5 })).toBe(3_600_250)
    expect(retryDelayMs({ ...options, strategy: () => 100 }, { ...asked, random: 0.5 })).toBe(3_600_050)
    expect(retryDelayMs({ ...options, strategy: 'decorrelated' }, { ...asked, previousMs: 1_000, random: 0.5 })).toBe(3_601_500)
  })

  it('A9 without a usable time from the server is the plain backoff', () => {
    const input = { attempt: 3, random: 0.5 }
    expect(retryDelayMs(options, input)).toBe(backoffMs(options, input))
    expect(retryDelayMs(options, { ...input, retryAfterMs: undefined })).toBe(1_000)
    expect(retryDelayMs(options, { ...input, retryAfterMs: Number.NaN })).toBe(1_000)
    expect(retryDelayMs(options, { ...input, retryAfterMs: Infinity })).toBe(1_000)
    expect(retryDelayMs(options, { ...input, retryAfterMs: -5 })).toBe(1_000)
  })
})
