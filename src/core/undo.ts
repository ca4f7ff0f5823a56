import type { Json } from './json.ts'
import { applyMergePatch, diffMergePatch } from './merge-patch.ts'
import type { OperationRow, Undo } from './operation.ts'
import { isObject, withoutOwn } from './own.ts'

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
