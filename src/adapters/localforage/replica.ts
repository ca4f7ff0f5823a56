import type { CommitOptions, Scalar, StoreSchema, Write } from '../../core/ports.ts'
import { commitTo } from '../memory/commit.ts'
import type { MemoryDisk } from '../memory/disk.ts'
import { memoryDisk, prepareDisk } from '../memory/disk.ts'
import type { Table } from '../memory/table.ts'
import { createTable, deleteRow } from '../memory/table.ts'
import { collectionIn, isScalar } from '../rows.ts'
import type { KeyValueStore } from './forage.ts'
import type { Change, Head } from './head.ts'
import { withBatch } from './head.ts'
import { persist } from './journal.ts'
import { readValue } from './read.ts'
import { loadRecord, parseStorageKey, recordIn, storageKey } from './record.ts'
import { newerError } from '../store-version.ts'

/** The rows as they are in memory: sorted and indexed, valid for one sequence of the head of one store. */
export interface Replica {
  readonly disk: MemoryDisk
  readonly schema: StoreSchema
  store: string | undefined
  sequence: number
}

export function emptyReplica(schema: StoreSchema): Replica {
  const disk = memoryDisk()
  prepareDisk(disk, schema)
  return { disk, schema, store: undefined, sequence: 0 }
}

/** The replica as of this head: the same one with what others changed since, or a new one if they changed too much, or emptied the store and began anew. */
export async function catchUp(store: KeyValueStore, replica: Replica, head: Head): Promise<Replica> {
  if (head.version > replica.schema.version) throw newerError(head.version, replica.schema.version)
  const isSame = replica.store === head.store
  if (isSame && replica.sequence === head.sequence) return replica
  const missed = head.recent.filter((batch) => batch.sequence > replica.sequence)
  const complete = isSame && replica.sequence >= 0 && missed.length === head.sequence - replica.sequence
  const caughtUp = complete
    ? await patch(store, replica, new Set(missed.flatMap((batch) => batch.keys)))
    : await load(store, replica.schema)
  for (const [name, key] of head.lastKeys) tableIn(caughtUp.disk, name).lastKey = key
  caughtUp.store = head.store
  caughtUp.sequence = head.sequence
  return caughtUp
}

/** Checks and makes the writes in memory, then in the store. If that fails, the replica is no longer valid. */
export async function commitThrough(
  store: KeyValueStore,
  { replica, head, by, newId }: { readonly replica: Replica; readonly head: Head; readonly by: string; newId(): string },
  writes: readonly Write[],
  options: CommitOptions,
): Promise<readonly number[]> {
  const { disk, schema } = replica
  const given = writes.flatMap((write) => placeOf(schema, write))
  const imagesOfGiven = changesOf(replica, given)
  const appended = commitTo(replica, writes, options)
  if (writes.length === 0) return appended
  const added = writes
    .filter((write) => write.type === 'append')
    .map(({ collection }, at) => ({ collection, key: appended[at] ?? 0 }))
  const changes = changesOf(replica, [...given, ...added])
  const images = [...imagesOfGiven, ...added.map(({ collection, key }): Change => [storageKey(collection, key), null])]
  const sequence = head.sequence + 1
  const after: Head = {
    version: head.version,
    store: head.store ?? newId(),
    sequence,
    by,
    lastKeys: [...disk.tables].filter(([, table]) => table.lastKey > 0).map(([name, table]) => [name, table.lastKey]),
    recent: withBatch(head.recent, { sequence, keys: changes.map(([key]) => key) }),
  }
  replica.sequence = -1
  await persist(store, { before: head, after, changes, images })
  replica.store = after.store
  replica.sequence = sequence
  return appended
}

interface Place {
  readonly collection: string
  readonly key: Scalar
}

/** The rows that exist under a key of the writer's choice. What is not a key the commit itself refuses. */
function placeOf(schema: StoreSchema, write: Write): Place[] {
  const { collection } = write
  if (write.type === 'append') return []
  if (write.type === 'delete') return [{ collection, key: write.key }]
  const key: unknown = Reflect.get(write.value, collectionIn(schema, collection).key)
  return isScalar(key) ? [{ collection, key }] : []
}

/** What the rows are in memory now, each once. */
function changesOf({ disk, schema }: Replica, places: readonly Place[]): Change[] {
  const changes = places.map(({ collection, key }): Change => {
    const table = disk.tables.get(collection)
    const record = table ? recordIn(table, collectionIn(schema, collection), key) : null
    return [storageKey(collection, key), record]
  })
  return [...new Map(changes.map((change) => [change[0], change])).values()]
}

async function patch(store: KeyValueStore, replica: Replica, keys: ReadonlySet<string>): Promise<Replica> {
  const records = await Promise.all([...keys].map(async (key) => [key, await readValue(store.get, key)] as const))
  // All go before any comes, so that a unique value may pass from one row to another.
  for (const key of keys) {
    const place = parseStorageKey(key)
    if (place) deleteRow(tableIn(replica.disk, place.collection), place.key)
  }
  for (const [key, record] of records) loadInto(replica, key, record)
  return replica
}

async function load(store: KeyValueStore, schema: StoreSchema): Promise<Replica> {
  const replica = emptyReplica(schema)
  for (const [key, record] of await store.entries()) loadInto(replica, key, record)
  return replica
}

/** Null means that the row was deleted, undefined that it can't be read. */
function loadInto({ disk, schema }: Replica, key: string, record: unknown): void {
  const place = parseStorageKey(key)
  if (!place || record === null || !Object.hasOwn(schema.collections, place.collection)) return
  loadRecord(tableIn(disk, place.collection), collectionIn(schema, place.collection), place.key, record)
}

function tableIn(disk: MemoryDisk, name: string): Table {
  const table = disk.tables.get(name) ?? createTable()
  disk.tables.set(name, table)
  return table
}
