import { ValidationError } from './errors.ts'
import type { Entry } from './ports.ts'
import { isCounter, isRecord, isTexts } from './schema.ts'
import { valueOf } from './sealed.ts'

const MOST = 100
const LONGEST = 256
const FIELD_AND_VALUE = /^[^:]+:[^]+$/
/** Scopes stand encoded in names and URLs. */
const LONE_SURROGATE = /\p{Cs}/u

/** The parts of an entity that are to be followed. @throws ValidationError */
export function checkScopes(path: string, scopes: unknown): readonly string[] {
  if (!Array.isArray(scopes) || scopes.length > MOST)
    throw new ValidationError(path, `must be a list of at most ${MOST} scopes, as ["project:p1"]; [] pulls nothing.`)
  const known = new Set<string>()
  return scopes.map((scope: unknown, at) => {
    const one = checkScope(`${path}.${at}`, scope)
    if (known.has(one)) throw new ValidationError(`${path}.${at}`, 'is there twice: name each scope once.')
    known.add(one)
    return one
  })
}

function checkScope(path: string, scope: unknown): string {
  if (typeof scope !== 'string' || !FIELD_AND_VALUE.test(scope))
    throw new ValidationError(path, 'must be a field and its value, as "project:p1".')
  if (scope.length > LONGEST || LONE_SURROGATE.test(scope))
    throw new ValidationError(path, `must have at most ${LONGEST} characters, and no half surrogate pairs.`)
  return scope
}

/** The parts that applications chose to follow at run time. A row of `meta`. */
export interface ScopesRow {
  readonly name: string
  /** Counts the changes. */
  readonly rev: number
  readonly scopes: Readonly<Record<string, readonly string[]>>
}

export function scopesRowName(user: string): string {
  return `scopes/${encodeURIComponent(user)}`
}

export function readScopes(entry: Entry | undefined): ScopesRow | undefined {
  const value = valueOf(entry)
  return isScopesRow(value) ? value : undefined
}

function isScopesRow(value: unknown): value is ScopesRow {
  if (!isRecord(value) || !isCounter(value['rev']) || !isRecord(value['scopes'])) return false
  return Object.values(value['scopes']).every(isTexts)
}
