import type { CollectionSchema, CountQuery, Entry, IndexKey, Scalar, ScanQuery, StoreSchema } from '../../core/ports.ts'
import { StorageCorruptError } from '../../core/errors.ts'
import { checkLimit, collectionIn, indexIn } from '../rows.ts'
import { begin } from './connection.ts'
import { ConnectionLost, nameOf } from './failures.ts'
import { indexRange, primaryRange } from './range.ts'
import { decodeRow, fieldOf } from './record.ts'
import { result } from './request.ts'

type Rows = readonly (Entry | undefined)[]

export async function getMany(db: IDBDatabase, schema: StoreSchema, collection: string, keys: readonly Scalar[]): Promise<Rows> {
  const { key: field } = collectionIn(schema, collection)
  if (keys.length === 0) return []
  const store = begin(db, [collection], 'readonly').objectStore(collection)
  return Promise.all(keys.map((key) => readRow(store, { key, position: [key], field })))
}

/** The scans of one transaction. */
export async function scanMany(
  db: IDBDatabase,
  schema: StoreSchema,
  name: string,
  queries: readonly ScanQuery[],
): Promise<readonly (readonly Entry[])[]> {
  const collection = collectionIn(schema, name)
  queries.forEach(checkLimit)
  if (queries.length === 0) return []
  const store = begin(db, [name], 'readonly').objectStore(name)
  return Promise.all(queries.map((query) => scan(store, collection, query)))
}

/** Takes all rows in one request; only if that fails, because one of them can't be read, row by row. */
async function scan(store: IDBObjectStore, collection: CollectionSchema, query: ScanQuery): Promise<readonly Entry[]> {
  const fields = query.index === undefined ? [collection.key] : indexIn(collection, query.index).fields
  const range = query.index === undefined ? primaryRange(query) : indexRange(query)
  if (range === 'none' || query.limit === 0) return []
  const within: Within = {
    store,
    source: query.index === undefined ? store : store.index(query.index),
    range: range === 'all' ? undefined : range,
    limit: query.limit,
    field: collection.key,
  }
  if (query.reverse) return scanByCursor(within, 'prev')
  const records = await result<unknown[]>(within.source.getAll(within.range, within.limit)).catch(orLost)
  if (!records) return scanByCursor(within, 'next')
  return records.map((record) => toEntry(record, placeOf(record, collection.key, fields)))
}

/** Takes time with the number of rows: not for a hot path. */
export async function count(db: IDBDatabase, schema: StoreSchema, name: string, { index, prefix }: CountQuery): Promise<number> {
  indexIn(collectionIn(schema, name), index)
  const range = indexRange({ prefix, limit: 0 })
  if (range === 'none') return 0
  return result<number>(
    begin(db, [name], 'readonly')
      .objectStore(name)
      .index(index)
      .count(range === 'all' ? undefined : range),
  )
}

interface Within {
  readonly store: IDBObjectStore
  readonly source: IDBObjectStore | IDBIndex
  readonly range: IDBKeyRange | undefined
  readonly limit: number
  readonly field: string
}

/** Where a row is, and in which field its key should be. */
interface Place {
  readonly key: Scalar
  readonly position: IndexKey
  readonly field: string
}

async function scanByCursor(
  { store, source, range, limit, field }: Within,
  direction: IDBCursorDirection,
): Promise<readonly Entry[]> {
  const places = await walkKeys(source.openKeyCursor(range, direction), limit, field)
  const entries = await Promise.all(places.map((place) => readRow(store, place)))
  return entries.filter((entry) => entry !== undefined)
}

function walkKeys(request: IDBRequest<IDBCursor | null>, limit: number, field: string): Promise<Place[]> {
  const places: Place[] = []
  return new Promise((resolve, reject) => {
    request.onerror = () => reject(lostOr(request.error))
    request.onsuccess = () => {
      const cursor = request.result
      if (!cursor) return resolve(places)
      places.push({ key: scalar(cursor.primaryKey), position: [cursor.key].flat().map(scalar), field })
      if (places.length === limit) return resolve(places)
      cursor.continue()
    }
  })
}

async function readRow(store: IDBObjectStore, place: Place): Promise<Entry | undefined> {
  try {
    const record = await result<unknown>(store.get(place.key))
    return record === undefined ? undefined : toEntry(record, place)
  } catch (cause) {
    // If its key can be read, it is this row that is broken and not the connection.
    const found = await result(store.getKey(place.key)).catch((error: unknown) => Promise.reject(lostOr(error)))
    return found === undefined ? undefined : corrupt(place, 'can not be read', cause)
  }
}

function toEntry(record: unknown, place: Place): Entry {
  const { key, position, field } = place
  const value = decodeRow(record, field, key)
  if (value) return { key, position, value }
  const raw = textOf(record)
  return { ...corrupt(place, `is not an object with its key in "${field}"`), ...(raw === undefined ? {} : { raw }) }
}

/** IndexedDB holds more than JSON can say. */
function textOf(record: unknown): string | undefined {
  try {
    return JSON.stringify(record)
  } catch {
    return undefined
  }
}

function corrupt({ key, position }: Place, what: string, cause?: unknown): Entry {
  const error = new StorageCorruptError(`The row ${key} ${what}. Inspect it, then replace or delete it.`, { cause })
  return { key, position, value: undefined, corrupt: error }
}

function placeOf(record: unknown, field: string, fields: readonly string[]): Place {
  return { key: scalar(fieldOf(record, field)), position: fields.map((name) => scalar(fieldOf(record, name))), field }
}

/** Only numbers and strings get into the store through this adapter; another kind of key can only be shown. */
function scalar(value: unknown): Scalar {
  return typeof value === 'number' || typeof value === 'string' ? value : String(value)
}

function lostOr(error: unknown): unknown {
  const lost = ['AbortError', 'UnknownError', 'InvalidStateError', 'TransactionInactiveError'].includes(nameOf(error))
  return lost ? new ConnectionLost('The connection broke while reading.', { cause: error }) : error
}

function orLost(error: unknown): undefined {
  if (nameOf(error) === 'AbortError') throw lostOr(error)
}
