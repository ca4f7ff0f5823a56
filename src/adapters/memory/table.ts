import type { CollectionSchema, CountQuery, Entry, IndexKey, Scalar, ScanQuery } from '../../core/ports.ts'
import { StorageConflictError, StorageCorruptError } from '../../core/errors.ts'
import { comparePositions, indexIn, isRow, positionOf } from '../rows.ts'
import type { Row } from '../rows.ts'

/** A place in a sorted list: the position in the index, then the key, so that equal positions have an order. */
interface Place {
  readonly position: IndexKey
  readonly key: Scalar
}

interface SortedIndex {
  readonly fields: readonly string[]
  readonly unique: boolean
  readonly places: Place[]
}

interface Stored {
  /** JSON: a copy that nobody else holds, and the same limits on values as on a real disk. */
  readonly text: string
  readonly positions: ReadonlyMap<string, IndexKey>
}

/** One collection: its rows by key, and its indexes as sorted lists. */
export interface Table {
  readonly rows: Map<Scalar, Stored>
  readonly byKey: Place[]
  readonly indexes: Map<string, SortedIndex>
  lastKey: number
}

export function createTable(): Table {
  return { rows: new Map(), byKey: [], indexes: new Map(), lastKey: 0 }
}

function comparePlaces(left: Place, right: Place): number {
  return comparePositions(left.position, right.position) || comparePositions([left.key], [right.key])
}

/** How many places at the start of the list satisfy `before`; the list is sorted so that they all come first. */
function countWhile(places: readonly Place[], before: (place: Place) => boolean): number {
  let [low, high] = [0, places.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const place = places[middle]
    if (place && before(place)) low = middle + 1
    else high = middle
  }
  return low
}

function insertPlace(places: Place[], place: Place): void {
  const last = places.at(-1)
  if (!last || comparePlaces(last, place) < 0) places.push(place)
  else
    places.splice(
      countWhile(places, (other) => comparePlaces(other, place) < 0),
      0,
      place,
    )
}

function removePlace(places: Place[], place: Place): void {
  places.splice(
    countWhile(places, (other) => comparePlaces(other, place) < 0),
    1,
  )
}

function checkUnique(index: SortedIndex, name: string, { position, key }: Place): void {
  if (!index.unique) return
  const holder = index.places[countWhile(index.places, (other) => comparePositions(other.position, position) < 0)]
  if (!holder || holder.key === key || comparePositions(holder.position, position) !== 0) return
  throw new StorageConflictError(`Another row already has ${JSON.stringify(position)} in the unique index "${name}".`, {
    index: name,
  })
}

function positionsOf(table: Table, row: Row, key: Scalar): Map<string, IndexKey> {
  const positions = new Map<string, IndexKey>()
  for (const [name, index] of table.indexes) {
    const position = positionOf(row, index.fields)
    if (!position) continue
    checkUnique(index, name, { position, key })
    positions.set(name, position)
  }
  return positions
}

function link(table: Table, key: Scalar, stored: Stored): void {
  table.rows.set(key, stored)
  insertPlace(table.byKey, { position: [key], key })
  for (const [name, position] of stored.positions) {
    const index = table.indexes.get(name)
    if (index) insertPlace(index.places, { position, key })
  }
}

function unlink(table: Table, key: Scalar, stored: Stored): void {
  table.rows.delete(key)
  removePlace(table.byKey, { position: [key], key })
  for (const [name, position] of stored.positions) {
    const index = table.indexes.get(name)
    if (index) removePlace(index.places, { position, key })
  }
}

/** A write that was made: by how many bytes it changed the table, and how it is undone. */
export interface Change {
  readonly bytes: number
  undo(): void
}

export function putRow(table: Table, key: Scalar, row: Row, text: string): Change {
  const stored = { text, positions: positionsOf(table, row, key) }
  const previous = table.rows.get(key)
  if (previous) unlink(table, key, previous)
  link(table, key, stored)
  const undo = () => {
    unlink(table, key, stored)
    if (previous) link(table, key, previous)
  }
  return { bytes: text.length - (previous?.text.length ?? 0), undo }
}

export function deleteRow(table: Table, key: Scalar): Change {
  const previous = table.rows.get(key)
  if (!previous) return { bytes: 0, undo: () => {} }
  unlink(table, key, previous)
  return { bytes: -previous.text.length, undo: () => link(table, key, previous) }
}

/** Adds the indexes that the table lacks, with the rows that are there. */
export function addIndexes(table: Table, { indexes }: CollectionSchema): void {
  const missing = Object.entries(indexes).filter(([name]) => !table.indexes.has(name))
  if (missing.length === 0) return
  for (const [name, { fields, unique = false }] of missing) table.indexes.set(name, { fields, unique, places: [] })
  try {
    for (const [key, stored] of [...table.rows]) placeAgain(table, key, stored)
  } catch (error) {
    for (const [name] of missing) table.indexes.delete(name)
    throw error
  }
}

function placeAgain(table: Table, key: Scalar, stored: Stored): void {
  const value = entryOf(table, key, [key])?.value
  if (!isRow(value)) return
  const positions = positionsOf(table, value, key)
  unlink(table, key, stored)
  link(table, key, { text: stored.text, positions })
}

export function entryOf(table: Table, key: Scalar, position: IndexKey): Entry | undefined {
  const stored = table.rows.get(key)
  if (!stored) return undefined
  try {
    return { key, position, value: JSON.parse(stored.text) }
  } catch (cause) {
    return {
      key,
      position,
      value: undefined,
      raw: stored.text,
      corrupt: new StorageCorruptError(`The row ${JSON.stringify(key)} can't be decoded.`, { cause }),
    }
  }
}

export function countRows(table: Table, collection: CollectionSchema, { index, prefix }: CountQuery): number {
  indexIn(collection, index)
  const places = table.indexes.get(index)?.places ?? []
  const head = (place: Place) => comparePositions(place.position.slice(0, prefix.length), prefix)
  return countWhile(places, (place) => head(place) <= 0) - countWhile(places, (place) => head(place) < 0)
}

export function scanTable(table: Table, collection: CollectionSchema, query: ScanQuery): Entry[] {
  const { index: name, prefix = [], gt, lt, limit, reverse = false } = query
  if (name !== undefined) indexIn(collection, name)
  const places = (name === undefined ? table.byKey : table.indexes.get(name)?.places) ?? []
  const head = (place: Place) => comparePositions(place.position.slice(0, prefix.length), prefix)
  const start = countWhile(places, (place) => head(place) < 0 || (gt !== undefined && comparePositions(place.position, gt) <= 0))
  const end = countWhile(places, (place) => head(place) <= 0 && (lt === undefined || comparePositions(place.position, lt) < 0))
  if (end <= start) return []
  const hits = reverse
    ? places.slice(Math.max(start, end - limit), end).reverse()
    : places.slice(start, Math.min(end, start + limit))
  return hits.flatMap(({ key, position }) => entryOf(table, key, position) ?? [])
}

/** Damages a row where it lies. */
export function corruptText(table: Table, key: Scalar): void {
  const stored = table.rows.get(key)
  if (stored) table.rows.set(key, { ...stored, text: `${stored.text.slice(0, -1)}\u0000` })
}
