import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseHttpDate, parseRetryAfter, RETRY_AFTER_CAP_MS, usableWaitMs } from '../../src/core/retry-after.ts'

const nowMs = Date.UTC(2026, 10, 21, 3, 0, 0)
const wait = (value: string | undefined, dateHeader?: string) => parseRetryAfter(value, { nowMs, dateHeader })
/** From 1970 to 9999, whole seconds: what an HTTP date can say. */
const LAST_MS = 253_402_300_799_000
const instants = fc.integer({ min: 0, max: LAST_MS / 1000 }).map((seconds) => seconds * 1000)

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

const imfFixdate = (ms: number): string => new Date(ms).toUTCString()

/** The same date as RFC 850 and as C's asctime() had it. */
function rfc850(ms: number): string {
  const [, day, month, year, time] = imfFixdate(ms).split(' ')
  return `${WEEKDAYS[new Date(ms).getUTCDay()]}, ${day}-${month}-${year!.slice(-2)} ${time} GMT`
}

function asctime(ms: number): string {
  const [weekday, day, month, year, time] = imfFixdate(ms).split(' ')
  return `${weekday!.slice(0, 3)} ${month} ${day!.replace(/^0/, ' ')} ${time} ${year}`
}

/** The grammar lets the day have a zero in the place of a space. */
const asctimeWithZeros = (ms: number): string => asctime(ms).replace(/  (\d) /, ' 0$1 ')

const FORMS = [imfFixdate, rfc850, asctime, asctimeWithZeros]

/** Whether the text is that date in that form; that its weekday is another one does not matter, as the leap second does not. */
function sameDate(text: string, form: (ms: number) => string, ms: number): boolean {
  const bare = (date: string): string => date.replace(/^[A-Z][a-z]+/, '')
  const weekdays = form === rfc850 ? WEEKDAYS : WEEKDAYS.map((day) => day.slice(0, 3))
  const isLeap = text.includes(':60') && bare(form(ms - 1000)).replace(':59 ', ':60 ') === bare(text)
  return weekdays.some((day) => text === day + bare(text)) && (bare(text) === bare(form(ms)) || isLeap)
}

/** Dates and numbers in which one or two characters were replaced, left out or added. */
const nearly = fc
  .tuple(
    fc.oneof(
      { weight: 5, arbitrary: fc.tuple(instants, fc.constantFrom(...FORMS)).map(([ms, form]) => form(ms)) },
      { weight: 1, arbitrary: fc.nat().map(String) },
    ),
    fc.array(
      fc.record({
        at: fc.nat(40),
        gone: fc.nat(1),
        added: fc.constantFrom('', '', '', '', ...' 0123456789,:-+.GMTeSun\t'.split('')),
      }),
      { maxLength: 2 },
    ),
  )
  .map(([text, changes]) =>
    changes.reduce((given, { at, gone, added }) => {
      const from = at % (given.length + 1)
      return given.slice(0, from) + added + given.slice(from + gone)
    }, text),
  )

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['1', 1000],
    ['120', 120_000],
    ['00120', 120_000],
    ['86400', 86_400_000],
    ['86401', 86_400_000],
    ['9'.repeat(400), 86_400_000],
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

  it('A9 reads a leap second', () => {
    expect(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT', nowMs)).toBe(Date.UTC(2017, 0, 1))
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

  it('A9 takes a two-digit year at the turn of a century for the next one', () => {
    const newYearsEve = Date.UTC(2099, 11, 31, 23, 59, 50)
    expect(parseRetryAfter('Friday, 01-Jan-00 00:00:10 GMT', { nowMs: newYearsEve })).toBe(20_000)
    expect(parseHttpDate('Thursday, 31-Dec-99 23:59:50 GMT', Date.UTC(2100, 0, 1))).toBe(newYearsEve)
  })

  it('A9 reads every instant in each of the three forms, and the third with a zero too', () => {
    fc.assert(
      fc.property(instants, fc.constantFrom(...FORMS), fc.integer({ min: -49, max: 49 }), (ms, form, years) => {
        const now = new Date(ms)
        now.setUTCFullYear(now.getUTCFullYear() - years)
        expect(parseHttpDate(form(ms), now.getTime())).toBe(ms)
      }),
      { numRuns: 500 },
    )
  })

  it('A9 reads nothing but digits and dates in these forms: what is a little different is no answer', () => {
    fc.assert(
      fc.property(nearly, (text) => {
        const ms = parseHttpDate(text, nowMs)
        const read = ms !== undefined && FORMS.some((form) => sameDate(text, form, ms))
        expect(ms !== undefined).toBe(read)
        expect(wait(text) !== undefined).toBe(read || /^[0-9]+$/.test(text))
      }),
      { numRuns: 2_000 },
    )
  })

  it("S22 waits until the date by the server's own clock, whatever ours says, and never longer than the cap", () => {
    const seconds = fc.integer({ min: -1_000, max: 200_000 })
    fc.assert(
      fc.property(instants, instants, seconds, fc.nat(RETRY_AFTER_CAP_MS), (serverMs, ourMs, later, capMs) => {
        const [dateHeader, until] = [imfFixdate(serverMs), imfFixdate(Math.max(0, serverMs + later * 1000))]
        fc.pre(serverMs + later * 1000 >= 0 && serverMs + later * 1000 <= LAST_MS)
        const wanted = Math.min(capMs, Math.max(0, later * 1000))
        expect(parseRetryAfter(until, { nowMs: ourMs, dateHeader, capMs })).toBe(wanted)
        expect(parseRetryAfter(until, { nowMs: serverMs, capMs })).toBe(wanted)
        expect(parseRetryAfter(String(Math.max(0, later)), { nowMs: ourMs, dateHeader, capMs })).toBe(wanted)
      }),
    )
  })

  it('S22 never throws, and its waits lie between 0 and the cap, whatever the header says', () => {
    const value = fc.oneof(fc.string(), nearly)
    fc.assert(
      fc.property(value, fc.option(value, { nil: undefined }), fc.nat(RETRY_AFTER_CAP_MS), (header, dateHeader, capMs) => {
        const ms = parseRetryAfter(header, { nowMs, dateHeader, capMs })
        if (ms !== undefined) expect(ms >= 0 && ms <= capMs).toBe(true)
      }),
    )
  })

  it('S22 of what a transport gives only a number of milliseconds is a wait, and at most a day', () => {
    expect([0, 1.5, 1e15].map(usableWaitMs)).toEqual([0, 1.5, RETRY_AFTER_CAP_MS])
    for (const none of [undefined, null, -1, Number.NaN, Infinity, '60', {}, [1]]) expect(usableWaitMs(none)).toBeUndefined()
  })
})
