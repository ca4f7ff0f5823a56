import { ValidationError } from '../../core/errors.ts'
import { isRecord } from '../../core/schema.ts'

const METHODS: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/** Whether a method writes; only these are sent for operations. */
export function isWriteMethod(method: string): boolean {
  return METHODS.has(method)
}

const PATH = /^\/[\x21-\x22\x24-\x5b\x5d-\x7e]*$/
/** `//`, and the segments `.` and `..`, which URL parsers resolve even when their dots are percent-encoded. */
const LEAVES_ITS_PLACE = /^[^?]*\/(?:\/|(?:\.|%2e){1,2}(?:[/?]|$))/i

/** Whether a path stays below the base URL: one slash at the start, printable ASCII, no scheme, host, fragment or dot segment. */
export function isSafePath(path: string): boolean {
  return PATH.test(path) && !LEAVES_ITS_PLACE.test(path)
}

/** @throws ValidationError */
export function checkPath(where: string, path: unknown): string {
  if (typeof path === 'string' && isSafePath(path)) return path
  throw new ValidationError(
    where,
    'must start with one "/" and stay below the base URL: no host, "//", ".", "..", "\\", "#" or unencoded characters',
  )
}

/** One segment of a path. @throws ValidationError for what no URL can carry. */
export function segment(where: string, text: string): string {
  if (text === '' || text === '.' || text === '..' || /\p{Surrogate}/u.test(text)) {
    throw new ValidationError(where, 'must not be empty, "." or "..", and must be well-formed Unicode: a URL can\'t carry it')
  }
  return encodeURIComponent(text)
}

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const HEADER_VALUE = /^[\x20-\x7e]*$/

export function isHeaderValue(value: string): boolean {
  return HEADER_VALUE.test(value)
}

/** Set by the transport, or by HTTP itself. */
const RESERVED: ReadonlySet<string> = new Set([
  'idempotency-key',
  'synchart-client',
  'synchart-sequence',
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'expect',
  'upgrade',
  'te',
  'trailer',
])
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie'])

/**
 * Headers of a route are stored with its operation: they hold no credentials. Static ones may, unless `auth` supplies them.
 * @throws ValidationError
 */
export function checkHeaders(
  where: string,
  headers: unknown,
  use: 'stored' | 'authenticated' | 'anonymous',
): Readonly<Record<string, string>> {
  if (!isRecord(headers)) throw new ValidationError(where, 'give an object of header names and values')
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, checkHeader(`${where}.${name}`, name, value, use)]),
  )
}

function checkHeader(where: string, name: string, value: unknown, use: 'stored' | 'authenticated' | 'anonymous'): string {
  const lower = name.toLowerCase()
  if (!HEADER_NAME.test(name) || lower === '__proto__') throw new ValidationError(where, 'is no name of an HTTP header')
  if (typeof value !== 'string' || !isHeaderValue(value)) throw new ValidationError(where, 'must be a string of printable ASCII')
  if (RESERVED.has(lower)) throw new ValidationError(where, 'is set by the transport; leave it out')
  if (use === 'stored' && CREDENTIALS.has(lower))
    throw new ValidationError(where, 'would be stored with the operation; give credentials through auth')
  if (use === 'authenticated' && lower === 'authorization')
    throw new ValidationError(where, 'is set from auth.token; leave it out')
  return value
}

/** A structured-field string (RFC 9651 §3.3.3); undefined if the text is not printable ASCII. */
export function quoted(text: string): string | undefined {
  if (!isHeaderValue(text)) return undefined
  return /["\\]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`
}
