/** Longest wait that a server may ask for, unless the caller says otherwise. */
export const RETRY_AFTER_CAP_MS = 24 * 60 * 60 * 1000

export interface RetryAfterContext {
  /** The response's own `Date` header: a date in `Retry-After` is read by the server's clock, not ours. */
  readonly dateHeader?: string | undefined
  /** Wall-clock time, milliseconds since 1970; used where the response has no valid `Date`. */
  readonly nowMs: number
  /** Default 24 hours. */
  readonly capMs?: number | undefined
}

/**
 * Milliseconds to wait as `Retry-After` says (RFC 9110 §10.2.3): digits or an HTTP date, nothing else. Between 0 and `capMs`;
 * undefined if the header is absent or malformed.
 */
export function parseRetryAfter(value: string | undefined, context: RetryAfterContext): number | undefined {
  if (value === undefined) return undefined
  const capMs = context.capMs ?? RETRY_AFTER_CAP_MS
  if (/^[0-9]+$/.test(value)) return Math.min(Number(value) * 1000, capMs)
  const until = parseHttpDate(value, context.nowMs)
  if (until === undefined) return undefined
  const serverNow = context.dateHeader === undefined ? undefined : parseHttpDate(context.dateHeader, context.nowMs)
  return Math.min(Math.max(0, until - (serverNow ?? context.nowMs)), capMs)
}

/** A wait in milliseconds as a transport or a message gives it, at most a day; undefined if it is none. */
export function usableWaitMs(given: unknown): number | undefined {
  return typeof given === 'number' && Number.isFinite(given) && given >= 0 ? Math.min(given, RETRY_AFTER_CAP_MS) : undefined
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const MONTH = `(?<month>${MONTHS.join('|')})`
const TIME = '(?<hour>[0-9]{2}):(?<minute>[0-9]{2}):(?<second>[0-9]{2})'
const WEEKDAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const LONG_WEEKDAY = '(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)'

const IMF_FIXDATE = new RegExp(`^${WEEKDAY}, (?<day>[0-9]{2}) ${MONTH} (?<year>[0-9]{4}) ${TIME} GMT$`)
const RFC850 = new RegExp(`^${LONG_WEEKDAY}, (?<day>[0-9]{2})-${MONTH}-(?<year>[0-9]{2}) ${TIME} GMT$`)
const ASCTIME = new RegExp(`^${WEEKDAY} ${MONTH} (?<day>[0-9]{2}| [0-9]) ${TIME} (?<year>[0-9]{4})$`)

/** Milliseconds since 1970 of an HTTP date in one of its three forms (RFC 9110 §5.6.7); undefined if it is anything else. */
export function parseHttpDate(value: string, nowMs: number): number | undefined {
  const groups = (IMF_FIXDATE.exec(value) ?? RFC850.exec(value) ?? ASCTIME.exec(value))?.groups
  if (groups === undefined) return undefined
  const { day = '', month = '', year = '', hour = '', minute = '', second = '' } = groups
  const fullYear = year.length === 2 ? centuryOf(Number(year), nowMs) : Number(year)
  return utc(fullYear, MONTHS.indexOf(month), Number(day), Number(hour), Number(minute), Number(second))
}

/** The year with these two digits that is nearest: one that seems more than 50 years ahead is past, and at the end of a century the next one begins. */
function centuryOf(twoDigits: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear()
  const year = thisYear - (thisYear % 100) + twoDigits
  if (year > thisYear + 50) return year - 100
  return year <= thisYear - 50 ? year + 100 : year
}

function utc(year: number, month: number, day: number, hour: number, minute: number, second: number): number | undefined {
  if (hour > 23 || minute > 59 || second > 60) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month, day)
  if (date.getUTCDate() !== day) return undefined
  return date.setUTCHours(hour, minute, second)
}
