import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseHttpDate, parseRetryAfter, RETRY_AFTER_CAP_MS } from '../../src/core/retry-after.ts'

const nowMs = Date.UTC(2026, 10, 21, 3, 0, 0)
const wait = (value: string | undefined, dateHeader?: string) => parseRetryAfter(value, { nowMs, dateHeader })
/** From 1970 to 9999, whole seconds: what an HTTP date can say. */
const instants = fc.integer({ min: 0, max: 253_402_300_799 }).map((seconds) => seconds * 1000)

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['1', 1000],
    ['120', 120_000],
    ['00120', 120_000],
    ['86400', RETRY_AFTER_CAP_MS],
    ['86401', RETRY_AFTER_CAP_MS],
    ['9'.repeat(400), RETRY_AFTER_CAP_MS],
  ])('A9 reads %s as seconds, at most a day', (value, expected) => {
    expect(wait(value)).toBe(expected)
  })

  it.each(['Sat, 21 Nov 2026 03:01:40 GMT', 'Saturday, 21-Nov-26 03:01:40 GMT', 'Sat Nov 21 03:01:40 2026'])(
    'A9 reads the HTTP date %s',
    (value) => {
      expect(wait(value)).toBe(100_000)
    },
  )

  it.each([
    undefined,
    '',
    ' ',
    '-5',
    '+5',
    '1.5',
    '1, 2',
    '0x10',
    '1e3',
    '5s',
    ' 5',
    '5 ',
    '٣',
    'tomorrow',
    '2026-11-21T03:01:40Z',
    'Sat, 21 Nov 2026 03:01:40',
    'Sat, 21 Nov 2026 03:01:40 UTC',
    'Sat, 21 Nov 2026 03:01:40 +0000',
    'Sat, 21 nov 2026 03:01:40 GMT',
    'Sat, 1 Nov 2026 03:01:40 GMT',
    'Sat, 31 Nov 2026 03:01:40 GMT',
    'Sat, 00 Nov 2026 03:01:40 GMT',
    'Sat, 21 Nov 2026 24:01:40 GMT',
    'Sat, 21 Nov 2026 03:60:40 GMT',
    'Sat, 21 Nov 2026 03:01:61 GMT',
    'Sat, 21 Nov 26 03:01:40 GMT',
    'Sat, 29 Feb 2025 03:01:40 GMT',
    'Sat, 21 Nov 2026 03:01:40 GMT\n',
    'Sat Nov 1 03:01:40 2026',
    'Sat, 21-Nov-26 03:01:40 GMT',
  ])('A9 takes %j for no answer to how long', (value) => {
    expect(wait(value)).toBeUndefined()
  })

  it("S22 reads a date by the server's clock where the answer has one", () => {
    expect(wait('Sat, 21 Nov 2026 09:00:30 GMT', 'Sat, 21 Nov 2026 09:00:00 GMT')).toBe(30_000)
    expect(wait('Fri, 20 Nov 2026 03:00:30 GMT', 'Fri, 20 Nov 2026 03:00:00 GMT')).toBe(30_000)
    expect(wait('Sat, 21 Nov 2026 03:00:30 GMT', 'yesterday')).toBe(30_000)
  })

  it('A9 takes a date that has passed for no wait', () => {
    expect(wait('Sun, 06 Nov 1994 08:49:37 GMT')).toBe(0)
  })

  it('A9 keeps to the cap that it is given', () => {
    expect(parseRetryAfter('120', { nowMs, capMs: 5000 })).toBe(5000)
    expect(parseRetryAfter('Sat, 21 Nov 2026 03:01:40 GMT', { nowMs, capMs: 5000 })).toBe(5000)
  })

  it('A9 takes a two-digit year more than 50 years ahead for the past', () => {
    expect(parseHttpDate('Sunday, 06-Nov-94 08:49:37 GMT', nowMs)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37))
    expect(parseHttpDate('Friday, 06-Nov-76 08:49:37 GMT', nowMs)).toBe(Date.UTC(2076, 10, 6, 8, 49, 37))
    expect(parseHttpDate('Saturday, 06-Nov-77 08:49:37 GMT', nowMs)).toBe(Date.UTC(1977, 10, 6, 8, 49, 37))
  })

  it('A9 reads every date that the platform writes', () => {
    fc.assert(fc.property(instants, (ms) => parseHttpDate(new Date(ms).toUTCString(), nowMs) === ms))
  })

  it('S22 never throws, and its waits lie between 0 and the cap, whatever the header says', () => {
    const almost = fc.stringMatching(/^[A-Za-z0-9 ,:+-]{0,32}$/)
    const dates = instants.map((ms) => new Date(ms).toUTCString())
    const value = fc.oneof(fc.string(), almost, dates, fc.nat().map(String))
    fc.assert(
      fc.property(value, fc.option(value, { nil: undefined }), fc.nat(RETRY_AFTER_CAP_MS), (header, dateHeader, capMs) => {
        const ms = parseRetryAfter(header, { nowMs, dateHeader, capMs })
        if (ms !== undefined) expect(ms >= 0 && ms <= capMs).toBe(true)
        const grammatical = /^[0-9]+$/.test(header) || parseHttpDate(header, nowMs) !== undefined
        expect(ms !== undefined).toBe(grammatical)
      }),
    )
  })
})
