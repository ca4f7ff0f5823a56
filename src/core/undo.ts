import type { Json, JsonObject } from './json.ts'
import { applyMergePatch, diffMergePatch } from './merge-patch.ts'
import { isMutation, type OperationRow, type Undo } from './operation.ts'
import { getOwn, isObject, withoutOwn } from './own.ts'

/**
 * A member of a transaction, with what will take it back on the server should another member be refused after it; `base` is what it is made on. What the
 * application itself said stays. An action of its own can't be taken back otherwise, nor what is made on an entity that this device has never seen.
 */
export function undoable(row: OperationRow, base: Json | undefined): OperationRow {
  if (row.undo !== undefined) return row
  const undo = undoOf(row, base)
  return undo === undefined ? row : { ...row, undo }
}

function undoOf({ type, payload }: OperationRow, base: Json | undefined): Undo | undefined {
  if (type === 'create') return { type: 'delete', payload: null }
  if (!isObject(base)) return type === 'replace' ? { type: 'delete', payload: null } : undefined
  if (type === 'delete') return { type: 'create', payload: withoutOwn(base) }
  if (type === 'replace') return { type: 'replace', payload: withoutOwn(base) }
  return type === 'update' ? { type: 'update', payload: diffMergePatch(applyMergePatch(base, payload), base) } : undefined
}

/** What takes it back and leaves what `later` operations on its entity do; undefined if these leave nothing of it. */
export function undoUnder({ undo }: OperationRow, later: readonly OperationRow[]): Undo | undefined {
  if (undo === undefined || !isMutation(undo.type)) return undo
  if (later.some(({ type }) => type !== 'update' && isMutation(type))) return undefined
  const patches = later.flatMap(({ type, payload }) => (type === 'update' && isObject(payload) ? [payload] : []))
  const { type, payload } = undo
  if (type === 'replace') return { type, payload: patches.reduce<Json>(applyMergePatch, payload) }
  if (type !== 'update' || !isObject(payload)) return undo
  const left = patches.reduce(without, payload)
  return Object.keys(left).length === 0 ? undefined : { type, payload: left }
}

/** A merge patch without what another sets. */
function without(patch: JsonObject, other: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(patch).flatMap(([key, value]) => {
      const set = getOwn(other, key)
      if (set === undefined) return [[key, value]]
      if (!isObject(value) || !isObject(set)) return []
      const left = without(value, set)
      return Object.keys(left).length === 0 ? [] : [[key, left]]
    }),
  )
}
