import { jsonBytes } from './json-bytes.ts'
import type { Json } from './json.ts'
import { applyMergePatch, composeMergePatches } from './merge-patch.ts'
import { PRIORITIES, type OperationRow, type Priority } from './operation.ts'
import { isObject } from './own.ts'

export interface CoalesceOptions {
  /** Rows are not merged into a payload with more UTF-8 bytes of JSON than this. */
  readonly maxPayloadBytes: number
}

export interface Coalesced {
  /** What is to be sent next: the newest row of the head's group, with what it took over; the row itself if it took over nothing. */
  readonly survivor: OperationRow | undefined
  /** Older rows whose effect the survivor has taken over. */
  readonly superseded: OperationRow[]
  /** Rows whose effects undo each other: a create, its delete, and what was between. */
  readonly cancelled: OperationRow[]
  /** The rows after the survivor, untouched. */
  readonly rest: OperationRow[]
}

/** What the rows of a group amount to. */
interface Content {
  readonly type: string
  readonly payload: Json
  /** At least as much as the payload has. */
  readonly bytesAtMost: number
}

/**
 * Merges the operations at the head of one lane (in order, head first) into one that leaves the server in the same state (S16).
 * Only what was never attempted is merged, and nothing across another type, a dependency, a user or a transaction (S17). A head that
 * can't be merged is the survivor as it is. If the head's group was cancelled and the next row can't be merged, there is no survivor:
 * whether that row may go is for the caller to look at.
 */
export function coalesceLane(rows: readonly OperationRow[], options: CoalesceOptions): Coalesced {
  if (rows.length === 1) return ended(rows[0], [], [], [])
  const cancelled: OperationRow[] = []
  let from = 0
  for (let head = rows[0]; head !== undefined; head = rows[from]) {
    if (!isMergeable(head))
      return from === 0 ? ended(head, [], cancelled, rows.slice(1)) : ended(undefined, [], cancelled, rows.slice(from))
    const { content, end } = mergeGroup(rows, from, head, options)
    const group = rows.slice(from, end)
    if (content !== undefined) return ended(survivorOf(group, content), group.slice(0, -1), cancelled, rows.slice(end))
    for (const row of group) cancelled.push(row)
    from = end
  }
  return ended(undefined, [], cancelled, [])
}

function ended(
  survivor: OperationRow | undefined,
  superseded: OperationRow[],
  cancelled: OperationRow[],
  rest: OperationRow[],
): Coalesced {
  return { survivor, superseded, cancelled, rest }
}

/** The group that starts at `from` reaches up to `end` (exclusive). Without content it cancels itself out. */
function mergeGroup(
  rows: readonly OperationRow[],
  from: number,
  head: OperationRow,
  options: CoalesceOptions,
): { content: Content | undefined; end: number } {
  let content = contentOf(head)
  let end = from + 1
  for (let next = rows[end]; next !== undefined && isMergeable(next) && belongTogether(head, next); next = rows[end]) {
    if (content.type === 'create' && next.type === 'delete') return { content: undefined, end: end + 1 }
    const merged = merge(content, contentOf(next), options)
    if (merged === undefined) break
    content = merged
    end++
  }
  return { content, end }
}

function isMergeable(row: OperationRow): boolean {
  return (
    isUntouched(row) &&
    (row.dependsOn?.length ?? 0) === 0 &&
    row.depended === undefined &&
    row.transaction === undefined &&
    (row.type === 'delete' || (hasContent(row.type) && isObject(row.payload)))
  )
}

function isUntouched(row: OperationRow): boolean {
  return (
    row.status === 'queued' &&
    row.attempts === 0 &&
    row.unknownAttempts === 0 &&
    row.reconciliations === 0 &&
    row.request === undefined
  )
}

function hasContent(type: string): boolean {
  return type === 'create' || type === 'update' || type === 'replace'
}

function belongTogether(a: OperationRow, b: OperationRow): boolean {
  return a.user === b.user && a.token === b.token && a.entity === b.entity && a.entityId === b.entityId
}

function contentOf(row: OperationRow): Content {
  return { type: row.type, payload: row.payload, bytesAtMost: jsonBytes(row.payload) }
}

/** One operation with the effect of both, or undefined if there is none (or it would be too large). */
function merge(older: Content, newer: Content, options: CoalesceOptions): Content | undefined {
  if (older.type === 'delete' || newer.type === 'create') return undefined
  if (newer.type === 'delete') return newer
  if (newer.type === 'replace') return { ...newer, type: older.type === 'create' ? 'create' : 'replace' }
  const payload =
    older.type === 'update' ? composeMergePatches(older.payload, newer.payload) : applyMergePatch(older.payload, newer.payload)
  return payload === undefined
    ? undefined
    : fitting({ type: older.type, payload, bytesAtMost: older.bytesAtMost + newer.bytesAtMost }, options)
}

/** Merging never adds bytes to the sum of both, so the exact size matters only once that sum is too large. */
function fitting(content: Content, { maxPayloadBytes }: CoalesceOptions): Content | undefined {
  if (content.bytesAtMost <= maxPayloadBytes) return content
  const bytesAtMost = jsonBytes(content.payload)
  return bytesAtMost <= maxPayloadBytes ? { ...content, bytesAtMost } : undefined
}

function survivorOf(group: readonly OperationRow[], { type, payload }: Content): OperationRow | undefined {
  const oldest = group[0]
  const newest = group.at(-1)
  if (oldest === undefined || newest === undefined || oldest === newest) return newest
  const { baseVersion: _baseVersion, base: _base, rank: _rank, ...own } = newest
  const rank = group.map((row) => row.rank).reduce(lower)
  return {
    ...own,
    type,
    payload,
    priority: group.map((row) => row.priority).reduce(higher),
    ...(oldest.baseVersion !== undefined && { baseVersion: oldest.baseVersion }),
    ...(oldest.base !== undefined && { base: oldest.base }),
    ...(rank !== undefined && { rank }),
  }
}

function higher(a: Priority, b: Priority): Priority {
  return PRIORITIES.indexOf(a) < PRIORITIES.indexOf(b) ? a : b
}

function lower(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
}
