import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clampWishes, MIN_POLL_CAP_MS, parseServerWishes, PAUSE_CAP_MS } from '../../src/core/server-wishes.ts'

describe('what an answer asks of its client', () => {
  it('B7 is whole seconds and a number of operations', () => {
    expect(parseServerWishes({ 'synchart-min-poll': '30', 'synchart-max-batch': '5', 'synchart-pause': '2' })).toEqual({
      minPollMs: 30_000,
      maxBatch: 5,
      pauseMs: 2_000,
    })
    expect(parseServerWishes({ 'synchart-min-poll': '0' })).toEqual({ minPollMs: 0 })
    expect(parseServerWishes({})).toBeUndefined()
  })

  it.each(['', ' 5', '5 ', '+5', '-5', '5.5', '1e3', '0x10', '٥', 'Infinity', 'NaN', '5, 6', 'soon'])(
    'B7 malformed as %j is not there',
    (value) => {
      expect(
        parseServerWishes({ 'synchart-min-poll': value, 'synchart-max-batch': value, 'synchart-pause': value }),
      ).toBeUndefined()
    },
  )

  it('B7 is never more than may be asked for, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789'.split('')), minLength: 1, maxLength: 400 }), (digits) => {
        const {
          minPollMs = 0,
          maxBatch = 1,
          pauseMs = 0,
        } = parseServerWishes({
          'synchart-min-poll': digits,
          'synchart-max-batch': digits,
          'synchart-pause': digits,
        }) ?? {}
        expect(minPollMs).toBeLessThanOrEqual(MIN_POLL_CAP_MS)
        expect(pauseMs).toBeLessThanOrEqual(PAUSE_CAP_MS)
        expect(maxBatch).toBeGreaterThanOrEqual(1)
        expect(maxBatch).toBeLessThanOrEqual(1_000)
      }),
    )
  })

  it('B7 of a transport of the application is clamped likewise', () => {
    expect(clampWishes({ minPollMs: Infinity, maxBatch: 0, pauseMs: 1e12 })).toEqual({
      minPollMs: MIN_POLL_CAP_MS,
      maxBatch: 1,
      pauseMs: PAUSE_CAP_MS,
    })
    expect(clampWishes({ minPollMs: NaN, maxBatch: -3, pauseMs: -1 })).toEqual({})
  })
})
