import { StorageCorruptError } from '../../core/errors.ts'
import { isRow } from '../rows.ts'
import type { KeyValueStore } from './forage.ts'
import { HEAD_KEY, type StoredRecord } from './record.ts'

/** A key and what is written under it; null deletes it. */
export type Change = readonly [key: string, record: StoredRecord | null]

interface Batch {
  readonly sequence: number
  readonly keys: readonly string[]
}

/** The one record that decides what is committed: with `redo` in it, the rows are still to be brought to it. */
export interface Head {
  readonly version: number
  /** A name of its own, by which this store is told from one that was emptied and has seen as many commits. */
  readonly store?: string | undefined
  /** How many commits there were. */
  readonly sequence: number
  /** The handle that wrote this. */
  readonly by: string
  /** The last key that each collection assigned. */
  readonly lastKeys: readonly (readonly [collection: string, key: number])[]
  /** Which keys the latest commits changed, so that others need not read everything again. */
  readonly recent: readonly Batch[]
  readonly redo?: readonly Change[]
}

const MAX_RECENT_KEYS = 200

const emptyHead: Head = { version: 0, sequence: 0, by: '', lastKeys: [], recent: [] }

export async function readHead(store: KeyValueStore): Promise<Head> {
  let stored: unknown
  try {
    stored = await store.get(HEAD_KEY)
  } catch (cause) {
    if (cause instanceof SyntaxError) throw damaged(cause)
    throw cause
  }
  if (stored === null || stored === undefined) return emptyHead
  if (!isHead(stored)) throw damaged()
  return stored
}

export function writeHead(store: KeyValueStore, head: Head): Promise<void> {
  return store.set(HEAD_KEY, head)
}

export function withBatch(recent: readonly Batch[], batch: Batch): readonly Batch[] {
  const all = [...recent, batch]
  let keys = 0
  const from = all.findLastIndex((entry) => (keys += entry.keys.length) > MAX_RECENT_KEYS)
  return all.slice(from + 1)
}

function isHead(value: unknown): value is Head {
  if (!isRow(value) || typeof value.version !== 'number' || typeof value.sequence !== 'number' || typeof value.by !== 'string')
    return false
  const { lastKeys, recent, redo, store } = value
  const counted = Array.isArray(lastKeys) && lastKeys.every((pair) => Array.isArray(pair) && typeof pair[1] === 'number')
  const listed = Array.isArray(recent) && recent.every((batch) => isRow(batch) && Array.isArray(batch.keys))
  const named = store === undefined || typeof store === 'string'
  return (
    counted && listed && named && (redo === undefined || (Array.isArray(redo) && redo.every((change) => Array.isArray(change))))
  )
}

function damaged(cause?: unknown): StorageCorruptError {
  return new StorageCorruptError(
    `The record "${HEAD_KEY}" of the store can not be read. Export the rows beside it, then clear the site's data.`,
    { cause },
  )
}
