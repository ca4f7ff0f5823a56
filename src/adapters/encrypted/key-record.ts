import { StorageCorruptError, StorageKeyError } from '../../core/errors.ts'
import type { CollectionSchema, Expectation, Storage, StoreSchema, Write } from '../../core/ports.ts'
import { isRow } from '../rows.ts'
import { fromBase64, toBase64 } from './bytes.ts'
import type { Cipher } from './cipher.ts'
import { encode, plainFieldsOf } from './sealed-row.ts'

/** The collection that the wrapper adds to the store, and the only row of it. */
export const ENCRYPTION = 'encryption'
const NAME = 'keys'

export const ENCRYPTION_SCHEMA: CollectionSchema = { key: 'name', indexes: {}, compared: ['rev', 'current'] }

/** What the store says of its own encryption. Nothing in it is secret; the checks vouch for the rest of it. */
export interface KeyRecord {
  /** Grows with each write. */
  readonly rev: number
  /** The only key that seals rows from now on: every commit expects it. */
  readonly current: string
  /** For keys that are made of a passphrase. Base64. */
  readonly salt: string
  /** Which fields of which collection the rows leave readable. */
  readonly layout: string
  /** Until every row that was there in plain text is sealed. From then on a row that is not sealed is corrupt. */
  readonly isSealing: boolean
  /** Every key that rows may be sealed with. */
  readonly ids: readonly string[]
}

interface Stored extends KeyRecord {
  readonly checks: Readonly<Record<string, string>>
}

export function layoutOf({ collections }: StoreSchema): string {
  const fields = Object.entries(collections).map(([name, collection]) => [name, [...plainFieldsOf(collection)].toSorted()])
  return JSON.stringify(fields.toSorted(([left], [right]) => (String(left) < String(right) ? -1 : 1)))
}

/** As it stands in the store, not verified; undefined if there is none yet. */
export async function readRecord(storage: Storage): Promise<Stored | undefined> {
  const entry = await storage.get(ENCRYPTION, NAME)
  if (entry === undefined) return undefined
  if (isStored(entry.value)) return entry.value
  throw new StorageCorruptError(
    `The row "${NAME}" of the collection "${ENCRYPTION}" can't be read. Restore it, or delete it: it is made anew if the keys open the rows.`,
    { cause: entry.corrupt },
  )
}

/** @throws StorageKeyError unless all keys that the store names are there, and are the ones that it was sealed with. */
export async function verify(record: Stored, cipher: Cipher): Promise<void> {
  for (const id of record.ids) {
    if (!cipher.ids.includes(id)) throw missingKey(id)
    const sealed = fromBase64(record.checks[id] ?? '')
    try {
      if (sealed === undefined) throw new Error('There is no check value.')
      await cipher.open(id, sealed, vouched(record, id))
    } catch (cause) {
      throw new StorageKeyError(
        `The key "${id}" is not the one that this store is sealed with (or its row "${NAME}" of "${ENCRYPTION}" was changed). Give the right key or passphrase; no row was touched.`,
        { cause },
      )
    }
  }
}

/** The write of this record, with a check for each key. */
export async function recordWrite(record: KeyRecord, cipher: Cipher): Promise<Write> {
  const check = async (id: string): Promise<[string, string]> => [
    id,
    toBase64(await cipher.seal(id, new Uint8Array(), vouched(record, id))),
  ]
  const checks = Object.fromEntries(await Promise.all(record.ids.map(check)))
  return { type: 'put', collection: ENCRYPTION, value: { name: NAME, ...record, checks } }
}

export function unchanged(record: KeyRecord | undefined): Expectation {
  return record === undefined
    ? { collection: ENCRYPTION, key: NAME, absent: true }
    : { collection: ENCRYPTION, key: NAME, field: 'rev', equals: record.rev }
}

/** Holds as long as rows are to be sealed with this key. */
export function stillCurrent(id: string): Expectation {
  return { collection: ENCRYPTION, key: NAME, field: 'current', equals: id }
}

/** Holds as long as the store was not emptied and begun anew. */
export function stillOfSalt(salt: string): Expectation {
  return { collection: ENCRYPTION, key: NAME, field: 'salt', equals: salt }
}

export function missingKey(id: string): StorageKeyError {
  return new StorageKeyError(
    `Rows of this store are sealed with the key "${id}", which was not given. Give it beside the current one (and rotate() before it is dropped); no row was touched.`,
  )
}

function vouched({ rev, current, salt, layout, isSealing, ids }: KeyRecord, id: string) {
  return encode(NAME, { id, rev, current, salt, layout, isSealing, ids })
}

function isStored(value: unknown): value is Stored {
  return (
    isRow(value) &&
    typeof value['rev'] === 'number' &&
    typeof value['current'] === 'string' &&
    typeof value['salt'] === 'string' &&
    typeof value['layout'] === 'string' &&
    typeof value['isSealing'] === 'boolean' &&
    Array.isArray(value['ids']) &&
    value['ids'].every((id) => typeof id === 'string') &&
    isRow(value['checks'])
  )
}
