import type { CollectionSchema, Scalar } from '../../core/ports.ts'
import type { Row } from '../rows.ts'
import { isRow, isScalar } from '../rows.ts'
import type { Table } from '../memory/table.ts'
import { putRow } from '../memory/table.ts'

/** Of the one record that is no row. */
export const HEAD_KEY = '~head'

/** A row as it is kept. `at` repeats its indexed fields, so that a row whose text is damaged keeps its place. */
export interface StoredRecord {
  readonly text: string
  readonly at: Readonly<Record<string, Scalar>>
}

/** `<collection>/<n or s><primary key>` */
export function storageKey(collection: string, key: Scalar): string {
  return `${encodeURIComponent(collection)}/${typeof key === 'number' ? 'n' : 's'}${key}`
}

export function parseStorageKey(text: string): { readonly collection: string; readonly key: Scalar } | undefined {
  const [, collection, kind, key] = /^([^/]+)\/([ns])(.*)$/s.exec(text) ?? []
  if (collection === undefined || key === undefined) return undefined
  return { collection: decodeURIComponent(collection), key: kind === 'n' ? Number(key) : key }
}

/** The record of a row as it is in memory; null if there is none. */
export function recordIn(table: Table, collection: CollectionSchema, key: Scalar): StoredRecord | null {
  const stored = table.rows.get(key)
  if (!stored) return null
  const at = [...stored.positions].flatMap(([index, position]) => {
    const fields = collection.indexes[index]?.fields ?? []
    return fields.map((field, part) => [field, position[part]] as const)
  })
  return { text: stored.text, at: Object.fromEntries(at.filter((pair): pair is [string, Scalar] => isScalar(pair[1]))) }
}

/** Puts what was stored into the table; what can't be decoded keeps its place as a corrupt row. */
export function loadRecord(table: Table, collection: CollectionSchema, key: Scalar, stored: unknown): void {
  const text = isRow(stored) && typeof stored.text === 'string' ? stored.text : ''
  const row = decode(text, collection.key, key)
  if (row && tryPut(table, key, row, text)) return
  const at = isRow(stored) && isRow(stored.at) ? stored.at : {}
  const unreadable = row ? '' : text
  if (tryPut(table, key, { ...at, [collection.key]: key }, unreadable)) return
  tryPut(table, key, { [collection.key]: key }, unreadable)
}

function decode(text: string, field: string, key: Scalar): Row | undefined {
  try {
    const row: unknown = JSON.parse(text)
    return isRow(row) && Object.hasOwn(row, field) && row[field] === key ? row : undefined
  } catch {
    return undefined
  }
}

function tryPut(table: Table, key: Scalar, row: Row, text: string): boolean {
  try {
    putRow(table, key, row, text)
    return true
  } catch {
    // A unique value that another row has too; neither may keep the other from being read.
    return false
  }
}
