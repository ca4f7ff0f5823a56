import { changeOf, fieldChanges, type FieldChange } from './diff.ts'
import { fieldPath, isBelow } from './field-path.ts'
import { jsonBytes } from './json-bytes.ts'
import type { Json, JsonObject } from './json.ts'
import type { OperationRow } from './operation.ts'
import { getOwn, isObject } from './own.ts'
import { sameJson } from './same-json.ts'

/** A change of a field as an entry holds it: a value that is too large is left out and named here. */
export interface AuditedChange extends FieldChange {
  readonly tooLarge?: readonly ('from' | 'to')[]
}

export interface AuditedChanges {
  readonly changes: readonly AuditedChange[]
  /** How many more there were than an entry holds. */
  readonly more?: number
}

/** So that one entry stays small, whatever the application stores. Bytes of JSON. */
const LIMITS = { fields: 100, valueBytes: 1_024, bytes: 16_384, pathLength: 200 }

/** Paths that are left out, with all that is below them. */
export type Unaudited = ReadonlySet<string>

/** What became of an entity; undefined where it is not there. */
export function changesBetween(
  before: JsonObject | undefined,
  after: JsonObject | undefined,
  unaudited: Unaudited,
): AuditedChanges {
  return bounded(fieldChanges(contentOf(before, unaudited), contentOf(after, unaudited)).filter(isContent))
}

/** What an operation wants; `before` is the entity that it was made on, where that is known. */
export function changesAsked(
  { type, payload }: Pick<OperationRow, 'type' | 'payload'>,
  before: JsonObject | undefined,
  unaudited: Unaudited,
): AuditedChanges {
  const [held, asked] = [contentOf(before, unaudited), audited(payload, '', unaudited)]
  if (type === 'delete') return bounded(fieldChanges(held, {}).filter(isContent))
  if (type === 'update') return bounded(patchChanges('', held, asked))
  const isWhole = type === 'create' || type === 'replace'
  if (isObject(asked)) return bounded(isWhole ? fieldChanges(held, asked).filter(isContent) : fieldChanges({}, asked))
  return bounded(asked === null ? [] : [changeOf('', undefined, asked)])
}

/** Between two payloads of one operation. */
export function changesOfPayload(before: Json, after: Json, unaudited: Unaudited): AuditedChanges {
  const [one, other] = [audited(before, '', unaudited), audited(after, '', unaudited)]
  return bounded(isObject(one) && isObject(other) ? fieldChanges(one, other) : [changeOf('', one, other)])
}

export function isAudited(path: string, unaudited: Unaudited): boolean {
  for (const hidden of unaudited) {
    if (path === hidden || isBelow(path, hidden)) return false
  }
  return true
}

function contentOf(value: JsonObject | undefined, unaudited: Unaudited): JsonObject {
  const content = value === undefined ? undefined : audited(value, '', unaudited)
  return isObject(content) ? content : {}
}

/** Not what the server adds to every entity. */
function isContent({ path }: FieldChange): boolean {
  return path !== 'id' && path !== 'version'
}

/** The value without what is left out. In an array each item is looked at as if it stood there itself. */
function audited(value: Json, path: string, unaudited: Unaudited): Json {
  if (unaudited.size === 0) return value
  if (Array.isArray(value)) return value.map((item) => audited(item, path, unaudited))
  if (!isObject(value)) return value
  const kept = Object.entries(value).flatMap(([key, member]): [string, Json][] => {
    const field = fieldPath(path, key)
    return unaudited.has(field) ? [] : [[key, audited(member, field, unaudited)]]
  })
  return Object.fromEntries(kept)
}

/** What a merge patch does to each field that it names: null removes it. */
function patchChanges(path: string, before: Json | undefined, patch: Json): FieldChange[] {
  if (!isObject(patch)) return [changeOf(path, before, patch)]
  return Object.entries(patch).flatMap(([key, wanted]) => {
    const [field, from] = [fieldPath(path, key), isObject(before) ? getOwn(before, key) : undefined]
    if (isObject(wanted) && Object.keys(wanted).length > 0) return patchChanges(field, from, wanted)
    return from !== undefined && sameJson(from, wanted) ? [] : [changeOf(field, from, wanted ?? undefined)]
  })
}

function bounded(changes: readonly FieldChange[]): AuditedChanges {
  const kept: AuditedChange[] = []
  let bytes = 0
  for (const change of changes) {
    const { from, to } = change
    const [before, after] = [bytesOf(from), bytesOf(to)]
    bytes += change.path.length + sizeOf(before) + sizeOf(after)
    if (kept.length === LIMITS.fields || bytes > LIMITS.bytes) return { changes: kept, more: changes.length - kept.length }
    const isSmall = before <= LIMITS.valueBytes && after <= LIMITS.valueBytes && change.path.length <= LIMITS.pathLength
    kept.push(isSmall ? change : shortened(change, before > LIMITS.valueBytes, after > LIMITS.valueBytes))
  }
  return { changes: kept }
}

function shortened({ path, from, to }: FieldChange, withoutFrom: boolean, withoutTo: boolean): AuditedChange {
  const short = path.length > LIMITS.pathLength ? `${path.slice(0, LIMITS.pathLength)}…` : path
  const kept = changeOf(short, withoutFrom ? undefined : from, withoutTo ? undefined : to)
  const tooLarge = [...(withoutFrom ? (['from'] as const) : []), ...(withoutTo ? (['to'] as const) : [])]
  return tooLarge.length === 0 ? kept : { ...kept, tooLarge }
}

/** A long text need not be looked through to be known as too large. */
function bytesOf(value: Json | undefined): number {
  if (value === undefined) return 0
  return typeof value === 'string' && value.length > LIMITS.valueBytes ? value.length : jsonBytes(value)
}

/** What is too large is left out. */
function sizeOf(bytes: number): number {
  return bytes > LIMITS.valueBytes ? 0 : bytes
}
