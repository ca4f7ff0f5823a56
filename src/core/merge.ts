import { fieldPath } from './field-path.ts'
import type { Json, JsonObject } from './json.ts'
import type { FieldConflict } from './operation.ts'
import { getOwn, isObject, setOwn } from './own.ts'
import { sameJson } from './same-json.ts'

export interface MergeSides {
  /** What both sides started from; absent if they have nothing in common (both created it). */
  readonly base?: Json | undefined
  readonly local: Json
  readonly remote: Json
}

export type MergeResult =
  | { readonly type: 'clean'; readonly value: Json }
  /** `value` holds the local side of each conflict; the sides that a conflict lacks were absent. */
  | { readonly type: 'conflicted'; readonly value: Json; readonly conflicts: FieldConflict[] }

/** The three sides of one field. */
interface Sides {
  readonly base: Json | undefined
  readonly local: Json | undefined
  readonly remote: Json | undefined
}

/**
 * Three-way merge by field: what only one side changed is taken from that side, what both changed alike is taken once, and what both
 * changed differently is a conflict. Objects are merged field by field, arrays and scalars as a whole; absent differs from null.
 * The fields come in the order of `remote`, then those that only `local` has. Pure; recurses as deep as the values are nested.
 */
export function merge3({ base, local, remote }: MergeSides): MergeResult {
  const conflicts: FieldConflict[] = []
  const merged = mergeValue('', { base, local, remote }, conflicts)
  const value = merged === undefined ? local : merged
  return conflicts.length === 0 ? { type: 'clean', value } : { type: 'conflicted', value, conflicts }
}

function mergeValue(path: string, sides: Sides, conflicts: FieldConflict[]): Json | undefined {
  const { base, local, remote } = sides
  if (isObject(local) && isObject(remote) && (base === undefined || isObject(base))) {
    return mergeFields(path, base ?? {}, local, remote, conflicts)
  }
  if (sameJson(local, base)) return remote
  if (sameJson(remote, base) || sameJson(local, remote)) return local
  conflicts.push(fieldConflict(path, sides))
  return local
}

function mergeFields(
  path: string,
  base: JsonObject,
  local: JsonObject,
  remote: JsonObject,
  conflicts: FieldConflict[],
): JsonObject {
  const merged: Record<string, Json> = {}
  const onlyLocal = Object.keys(local).filter((key) => !Object.hasOwn(remote, key))
  for (const key of [...Object.keys(remote), ...onlyLocal]) {
    const sides = { base: getOwn(base, key), local: getOwn(local, key), remote: getOwn(remote, key) }
    const value = mergeValue(fieldPath(path, key), sides, conflicts)
    if (value !== undefined) setOwn(merged, key, value)
  }
  return merged
}

function fieldConflict(path: string, { base, local, remote }: Sides): FieldConflict {
  return {
    path,
    ...(base !== undefined && { base }),
    ...(local !== undefined && { local }),
    ...(remote !== undefined && { remote }),
  }
}
