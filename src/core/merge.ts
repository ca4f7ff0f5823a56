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
  /** Nobody knows who changed what: each of the remote's fields that local has otherwise, or lacks, is a conflict. */
  readonly isBaseUnknown?: boolean
}

export type MergeResult =
  | { readonly type: 'clean'; readonly value: Json }
  /** `value` holds what the rules made of each conflict, else the local side; the sides that a conflict lacks were absent. */
  | { readonly type: 'conflicted'; readonly value: Json; readonly conflicts: FieldConflict[] }

/** What is done about the fields that both sides changed. */
export interface MergeRules {
  /** The field is not merged field by field, though it is an object. */
  isWhole(path: string): boolean
  settle(field: FieldConflict): Settled
}

export interface Settled {
  /** Absent: the field is removed. */
  readonly value: Json | undefined
  /** The rule of this very field that decided. */
  readonly rule?: string
  /** Not the application's own data: no conflict to tell of. */
  readonly isSilent?: boolean
}

/** The local side stands for each conflict. */
const KEEP_LOCAL: MergeRules = { isWhole: () => false, settle: ({ local }) => ({ value: local }) }

/** The three sides of one field. */
interface Sides {
  readonly base: Json | undefined
  readonly local: Json | undefined
  readonly remote: Json | undefined
}

interface Merge {
  readonly rules: MergeRules
  readonly isBaseUnknown: boolean
  readonly conflicts: FieldConflict[]
}

/**
 * Three-way merge by field: what only one side changed is taken from that side, what both changed alike is taken once, and what both
 * changed differently is a conflict. Objects are merged field by field, arrays and scalars as a whole; absent differs from null.
 * The fields come in the order of `remote`, then those that only `local` has. Pure; recurses as deep as the values are nested.
 */
export function merge3({ base, local, remote, isBaseUnknown = false }: MergeSides, rules = KEEP_LOCAL): MergeResult {
  const merge: Merge = { rules, isBaseUnknown, conflicts: [] }
  const merged = mergeValue(merge, '', { base, local, remote })
  const value = merged === undefined ? local : merged
  return merge.conflicts.length === 0 ? { type: 'clean', value } : { type: 'conflicted', value, conflicts: merge.conflicts }
}

function mergeValue(merge: Merge, path: string, sides: Sides): Json | undefined {
  const { base, local, remote } = sides
  if (isObject(local) && isObject(remote) && (base === undefined || isObject(base)) && !merge.rules.isWhole(path)) {
    return mergeFields(merge, path, base ?? {}, local, remote)
  }
  if (merge.isBaseUnknown ? remote === undefined : sameJson(remote, base)) return local
  if (sameJson(local, remote)) return local
  if (!merge.isBaseUnknown && sameJson(local, base)) return remote
  return settled(merge, path, sides)
}

function mergeFields(merge: Merge, path: string, base: JsonObject, local: JsonObject, remote: JsonObject): JsonObject {
  const merged: Record<string, Json> = {}
  const onlyLocal = Object.keys(local).filter((key) => !Object.hasOwn(remote, key))
  for (const key of [...Object.keys(remote), ...onlyLocal]) {
    const sides = { base: getOwn(base, key), local: getOwn(local, key), remote: getOwn(remote, key) }
    const value = mergeValue(merge, fieldPath(path, key), sides)
    if (value !== undefined) setOwn(merged, key, value)
  }
  return merged
}

function settled({ rules, conflicts }: Merge, path: string, { base, local, remote }: Sides): Json | undefined {
  const field: FieldConflict = {
    path,
    ...(base !== undefined && { base }),
    ...(local !== undefined && { local }),
    ...(remote !== undefined && { remote }),
  }
  const { value, rule, isSilent } = rules.settle(field)
  if (!isSilent) conflicts.push(rule === undefined ? field : { ...field, rule })
  return value
}
