import type { CollectionSchema, Scalar } from '../../core/ports.ts'
import { isRow } from '../rows.ts'

/**
 * IndexedDB takes an array, a date or a buffer for a key, but no index of ours may hold one. A row with such a value in an
 * indexed field is therefore stored whole in this field, beside copies of the fields that may stand in an index.
 */
const WHOLE = '~row'

const indexedFields = new WeakMap<CollectionSchema, readonly string[]>()

/** The row's own field; never one of a prototype. */
export function fieldOf(row: unknown, name: string): unknown {
  return isRow(row) && Object.hasOwn(row, name) ? row[name] : undefined
}

export function encodeRow(collection: CollectionSchema, row: object): object {
  const fields = fieldsOf(collection)
  if (!Object.hasOwn(row, WHOLE) && !fields.some((field) => isObject(fieldOf(row, field)))) return row
  const kept = Object.entries(row).filter(([, value]) => !isObject(value))
  return { ...Object.fromEntries(kept), [WHOLE]: row }
}

/** The row that the record stands for; undefined if it stands for none. */
export function decodeRow(record: unknown, field: string, key: Scalar): object | undefined {
  if (!isRow(record) || fieldOf(record, field) !== key) return undefined
  if (!Object.hasOwn(record, WHOLE)) return record
  const row = fieldOf(record, WHOLE)
  return isRow(row) ? { ...row, [field]: key } : undefined
}

function fieldsOf(collection: CollectionSchema): readonly string[] {
  const known = indexedFields.get(collection)
  if (known) return known
  const fields = [...new Set([collection.key, ...Object.values(collection.indexes).flatMap((index) => index.fields)])]
  indexedFields.set(collection, fields)
  return fields
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
