import { Refusal } from './problems.ts'

/** The part of an entity where a field has this value. */
export interface Scope {
  readonly field: string
  /** A text as it is; of a number or a boolean its text. */
  readonly value: string
}

const longest = 256
const form = /^([A-Za-z_][\w-]{0,63}):([^]+)$/

/** @throws Refusal 400 */
export function readScope(text: string): Scope {
  const [, field, value] = text.length <= longest ? (form.exec(text) ?? []) : []
  if (field !== undefined && value !== undefined) return { field, value }
  throw new Refusal('invalid-parameter', `scope must be a field and its value, as project:p1, of at most ${longest} characters.`)
}

/** The value by which a resource is in a scope of this field; undefined if it is in none. */
export function scopeValue(resource: Readonly<Record<string, unknown>>, field: string): string | undefined {
  const value = Object.hasOwn(resource, field) ? resource[field] : undefined
  // Nobody can ask for half a surrogate pair, and SQLite would make another value of it.
  if (typeof value === 'string' && /\p{Cs}/u.test(value)) return undefined
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}
