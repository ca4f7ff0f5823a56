import { ValidationError } from '../core/errors.ts'
import type { CollectionSchema, IndexKey, IndexSchema, Scalar, ScanQuery, StoreSchema, Write } from '../core/ports.ts'

/** What all stores have in common: which values a key may be, in what order they come, and what a query may ask. */

const maxScanLimit = 1000

export type Row = Record<string, unknown>

export function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))
}

/** Numbers before strings; strings by their UTF-16 code units, as IndexedDB has them. */
function compareScalars(left: Scalar, right: Scalar): number {
  if (left === right) return 0
  if (typeof left === typeof right) return left < right ? -1 : 1
  return typeof left === 'number' ? -1 : 1
}

export function comparePositions(left: IndexKey, right: IndexKey): number {
  const shared = Math.min(left.length, right.length)
  for (let at = 0; at < shared; at++) {
    const a = left[at]
    const b = right[at]
    if (a === undefined || b === undefined || a === b) continue
    return compareScalars(a, b)
  }
  return left.length - right.length
}

/** Where the row stands in an index over these fields; undefined if it lacks a usable value in one of them. */
export function positionOf(row: Row, fields: readonly string[]): IndexKey | undefined {
  const position: Scalar[] = []
  for (const field of fields) {
    const value = Object.hasOwn(row, field) ? row[field] : undefined
    if (!isScalar(value)) return undefined
    position.push(value)
  }
  return position
}

export function collectionIn(schema: StoreSchema, name: string): CollectionSchema {
  const collection = Object.hasOwn(schema.collections, name) ? schema.collections[name] : undefined
  if (collection) return collection
  throw new ValidationError('collection', `"${name}" is not in the schema. Declare it, or correct the name.`)
}

export function indexIn(collection: CollectionSchema, name: string): IndexSchema {
  const index = Object.hasOwn(collection.indexes, name) ? collection.indexes[name] : undefined
  if (index) return index
  throw new ValidationError('index', `"${name}" is not an index of the collection. Declare it, or correct the name.`)
}

export function rowOf(value: object, name: string): Row {
  if (isRow(value)) return value
  throw new ValidationError(name, 'A row must be an object.')
}

/** The primary key of a row that is put. */
export function keyOf(row: Row, name: string, collection: CollectionSchema): Scalar {
  const key = Object.hasOwn(row, collection.key) ? row[collection.key] : undefined
  if (!isScalar(key))
    throw new ValidationError(`${name}.${collection.key}`, 'The key of a row must be a string or a finite number.')
  if (!collection.autoIncrement || (Number.isSafeInteger(key) && Number(key) > 0)) return key
  throw new ValidationError(`${name}.${collection.key}`, 'The keys of this collection are positive integers.')
}

export function checkAppendable(name: string, collection: CollectionSchema): void {
  if (collection.autoIncrement) return
  throw new ValidationError(name, 'The collection assigns no keys: put the row under a key of its own.')
}

/** The row as JSON. */
export function encode(row: Row, name: string): string {
  try {
    return JSON.stringify(row)
  } catch (cause) {
    throw new ValidationError(name, 'The row has no form in JSON: remove cycles and values such as BigInt.', { cause })
  }
}

export function checkLimit({ limit }: ScanQuery): void {
  if (Number.isInteger(limit) && limit >= 0 && limit <= maxScanLimit) return
  throw new ValidationError(
    'limit',
    `must be a whole number of rows up to ${maxScanLimit}; read more in pages, with "gt" the last position.`,
  )
}

export function collectionsOf(writes: readonly Write[]): readonly string[] {
  return [...new Set(writes.map(({ collection }) => collection))]
}
