import type { Conflict, EntityOptions, Severity } from './conflict.ts'
import { mergeRules } from './field-rules.ts'
import type { Json, JsonObject } from './json.ts'
import { merge3, type MergeResult } from './merge.ts'
import type { ConflictRecord, FieldConflict, OperationRow } from './operation.ts'
import { getOwn, isObject } from './own.ts'
import { compareClocks, increment, readClock, type Order } from './vector-clock.ts'

/** The three sides of an entity in conflict. */
export interface Sides {
  /** The server's value that the operation was made on, if it is known. */
  readonly base: Json | undefined
  /** What the operation wants; undefined for a delete. */
  readonly local: Json | undefined
  /** What the server has; undefined if it has nothing. */
  readonly remote: JsonObject | undefined
  readonly version: string | undefined
}

/** Names what is in conflict, and how much it matters. */
export function conflictOf(
  row: OperationRow,
  type: ConflictRecord['type'],
  { version, ...sides }: Sides,
  rules: EntityOptions,
  merged = mergeOf(row, sides, rules, 'local'),
): Conflict {
  const fields = merged?.type === 'conflicted' ? merged.conflicts : []
  const severity = severityOf(type, fields)
  const { id: operationId, entity, entityId } = row
  return { operationId, entity, entityId, type, severity, ...sides, remoteVersion: version, fields, merged: merged?.value }
}

/** Local and remote merged by field; `side` stands for what no rule decides. Undefined where one of them is missing. */
export function mergeOf(
  { type }: OperationRow,
  { base, local, remote }: Omit<Sides, 'version'>,
  rules: EntityOptions,
  side: 'local' | 'remote',
): MergeResult | undefined {
  if (local === undefined || remote === undefined) return undefined
  return merge3({ base, local, remote, isBaseUnknown: type === 'update' && base === undefined }, mergeRules(rules, side))
}

/** `high`: a deletion stands against a change, or a person is to decide about a field. `low`: each field has a rule that merges it. */
function severityOf(type: ConflictRecord['type'], fields: readonly FieldConflict[]): Severity {
  if (type.includes('delete') || fields.some(({ rule }) => rule === 'manual')) return 'high'
  return fields.length > 0 && fields.every(({ rule }) => rule !== undefined) ? 'low' : 'medium'
}

/**
 * How the operation stands to what the server has, by the vector clocks of the values, where they have some. An operation whose payload
 * has no clock of its own is one event more than what it was made on.
 */
export function causalOrder(
  row: OperationRow,
  { base, remote }: Omit<Sides, 'version'>,
  rules: EntityOptions,
): Order | undefined {
  const { vectorClock: field } = rules
  if (field === undefined) return undefined
  const [ours, before, theirs] = [row.payload, base, remote].map((value) =>
    isObject(value) ? readClock(getOwn(value, field)) : undefined,
  )
  const local = ours ?? (before && increment(before, row.id))
  return local && theirs && compareClocks(local, theirs)
}
