import type { StoredError } from './operation.ts'
import type { Entry } from './ports.ts'
import { isCounter, isOptional, isRecord, isTexts } from './schema.ts'
import { valueOf } from './sealed.ts'

/** How far the changes of one kind of entity, or of a part of it, have been pulled. A row of `meta`. */
export interface PullRow {
  readonly name: string
  /** The part; absent: all of the entity. */
  readonly scope?: string
  /** The entity is pulled in these parts, each with a row of its own: this one only counts the generations of all of them. */
  readonly parts?: readonly string[]
  /** Where the last page ended; absent before the first. */
  readonly cursor?: string
  /** Of the last complete answer. */
  readonly etag?: string
  /** Counts the pulls from the beginning. */
  readonly generation: number
  /** True while one of these is under way: what it has not met by its end is gone. */
  readonly isPartial: boolean
  /** Nothing was there when it began, so at its end nothing can be left that it has not met. */
  readonly wasEmpty?: boolean
  /** How many changes it has brought so far. */
  readonly met: number
  /** How many it will bring in all, if the server has told. */
  readonly total?: number
  /** When the server was last known to have nothing more; milliseconds since 1970. */
  readonly completeAt?: number
  /** The newest request of another tab that it has answered. */
  readonly answers?: number
  /** Why that one was not met yet. */
  readonly lastError?: StoredError
  /** What its pages could not bring: each is asked for alone from `dueAt` on. */
  readonly quarantined?: readonly Quarantined[]
}

export interface Quarantined {
  readonly id: string
  /** How often it was asked for in vain. */
  readonly tries: number
  /** Milliseconds since 1970. */
  readonly dueAt: number
}

export function pullRowName(user: string, entity: string, scope?: string): string {
  const part = scope === undefined ? '' : `/${encodeURIComponent(scope)}`
  return `pull/${encodeURIComponent(user)}/${entity}${part}`
}

export function readPullRow(entry: Entry | undefined): PullRow | undefined {
  const value = valueOf(entry)
  return isPullRow(value) ? value : undefined
}

function isPullRow(value: unknown): value is PullRow {
  return (
    isRecord(value) &&
    typeof value['name'] === 'string' &&
    isPartNamed(value['name'], value['scope']) &&
    isCounter(value['generation']) &&
    (value['answers'] === undefined || isCounter(value['answers'])) &&
    typeof value['isPartial'] === 'boolean' &&
    typeof value['met'] === 'number' &&
    (value['parts'] === undefined || isTexts(value['parts'])) &&
    ['scope', 'cursor', 'etag'].every((field) => isOptional(value[field], 'string')) &&
    isOptional(value['total'], 'number') &&
    (value['quarantined'] === undefined || isQuarantine(value['quarantined']))
  )
}

const LONE_SURROGATE = /\p{Cs}/u

/** Else the row of a part would be taken for that of the whole, or of another. */
function isPartNamed(name: string, scope: unknown): boolean {
  const part = name.split('/')[3]
  return typeof scope === 'string' ? !LONE_SURROGATE.test(scope) && part === encodeURIComponent(scope) : part === scope
}

function isQuarantine(value: unknown): boolean {
  const isOne = (one: unknown): boolean =>
    isRecord(one) && typeof one['id'] === 'string' && typeof one['tries'] === 'number' && typeof one['dueAt'] === 'number'
  return Array.isArray(value) && value.every(isOne)
}
