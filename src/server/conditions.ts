import { Refusal } from './problems.ts'

/** The entity tags of `If-Match` or `If-None-Match` (RFC 9110, 13.1): any, or a list of tags as they stand on the wire. */
export type Condition = '*' | readonly string[]

export interface Conditions {
  readonly ifMatch: Condition | undefined
  readonly ifNoneMatch: Condition | undefined
}

/** Gives a header of the request, its name in lower case. */
export type HeaderLookup = (name: string) => string | undefined

const tag = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/y
const separator = /[ \t]*,[ \t]*/y

/** @throws Refusal 400 if one of them is malformed. */
export function readConditions(header: HeaderLookup): Conditions {
  return {
    ifMatch: readCondition('If-Match', header('if-match')),
    ifNoneMatch: readCondition('If-None-Match', header('if-none-match')),
  }
}

function readCondition(name: string, value: string | undefined): Condition | undefined {
  if (value === undefined) return undefined
  const trimmed = value.trim()
  if (trimmed === '*') return '*'
  const tags = readTags(trimmed)
  if (tags === undefined) throw new Refusal('invalid-header', `${name} must be * or entity tags like "5".`)
  return tags
}

function readTags(value: string): readonly string[] | undefined {
  const tags: string[] = []
  let at = 0
  for (;;) {
    tag.lastIndex = at
    const found = tag.exec(value)
    if (found === null) return undefined
    tags.push(found[0])
    if (tag.lastIndex === value.length) return tags
    separator.lastIndex = tag.lastIndex
    if (!separator.test(value)) return undefined
    at = separator.lastIndex
  }
}

/** Whether the conditions of a write hold for the resource with this version (undefined: there is none). */
export function conditionsHold(conditions: Conditions, version: number | undefined): boolean {
  const { ifMatch, ifNoneMatch } = conditions
  if (ifMatch !== undefined && !matches(ifMatch, version, false)) return false
  return ifNoneMatch === undefined || !matches(ifNoneMatch, version, true)
}

/** Whether what the client has, as it says in `If-None-Match`, is what it would be sent now. */
export function isNotModified(conditions: Conditions, etag: string): boolean {
  const { ifNoneMatch } = conditions
  return ifNoneMatch === '*' || (ifNoneMatch !== undefined && hasTag(ifNoneMatch, etag, true))
}

function matches(condition: Condition, version: number | undefined, weak: boolean): boolean {
  if (version === undefined) return false
  return condition === '*' || hasTag(condition, etagOf(version), weak)
}

/** RFC 9110, 8.8.3.2: the weak comparison ignores `W/`, the strong one fails on it. */
function hasTag(tags: readonly string[], etag: string, weak: boolean): boolean {
  return tags.some((candidate) => candidate === etag || (weak && candidate === `W/${etag}`))
}

export function etagOf(version: number): string {
  return `"${version}"`
}
