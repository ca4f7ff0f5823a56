import type { Entry, Presence, ScanQuery, Storage, StorageCapabilities, StoreSchema } from '../../core/ports.ts'
import { StorageClosedError } from '../../core/errors.ts'
import { tableOf } from '../memory/commit.ts'
import { countRows, entryOf, scanTable } from '../memory/table.ts'
import { checkLimit, collectionIn, collectionsOf } from '../rows.ts'
import type { Channel } from '../web-channel.ts'
import { toSyncError } from './failures.ts'
import type { KeyValueStore } from './forage.ts'
import type { Head } from './head.ts'
import { readHead, writeHead } from './head.ts'
import { recover } from './journal.ts'
import type { Peers } from './peers.ts'
import type { Replica } from './replica.ts'
import { catchUp, commitThrough, emptyReplica } from './replica.ts'
import type { Turns, WithLock } from './turns.ts'
import { createTurns } from './turns.ts'
import { newerError } from '../store-version.ts'

/** What the tier stands on; nothing of it writes two keys as one. */
export interface TierSurroundings {
  openStore(): Promise<KeyValueStore>
  /** Runs the task while no other handle on the store runs one. */
  readonly withLock: WithLock
  readonly channel: Channel
  readonly presence: Presence | undefined
  /** Who makes sure that each handle sees what the others committed; called while the lock is held. */
  peersOf(store: KeyValueStore, by: string): Peers
  newId(): string
  quotaBytes(store: KeyValueStore): Promise<number | undefined>
  /** Before the store is open nobody knows which it will be. */
  durability(store: KeyValueStore | undefined): StorageCapabilities['durability']
}

interface Session {
  readonly store: KeyValueStore
  readonly peers: Peers
  readonly by: string
  readonly turns: Turns<Present>
}

/** The store as it is at a task's turn. */
interface Present {
  readonly replica: Replica
  readonly head: Head
}

/**
 * A store over keys and values that are written one by one. All rows are also held in memory. A commit is one record that holds all its
 * writes and is then applied; what a crash leaves of that, the next operation finishes.
 */
export function keyValueTier(around: TierSurroundings): Storage {
  const { channel, presence } = around
  let session: Session | undefined
  let opening: Promise<void> | undefined

  async function open(schema: StoreSchema): Promise<void> {
    if (session) return
    try {
      const store = await around.openStore()
      session = await around.withLock(() => begin(store, schema, around))
      channel.open()
    } catch (error) {
      throw toSyncError(error)
    }
  }

  async function operate<T>(task: (present: Present, session: Session) => T | Promise<T>): Promise<T> {
    const mine = opened()
    try {
      return await mine.turns.run((present) => task(present, mine))
    } catch (error) {
      throw toSyncError(error)
    }
  }

  function opened(): Session {
    if (!session) throw new StorageClosedError()
    return session
  }

  return {
    get capabilities() {
      const durability = around.durability(session?.store)
      return { atomicBatch: true, fencing: 'advisory', range: 'scan', durability } as const
    },
    ...(presence && { presence }),
    open: (schema) => (opening ??= open(schema).finally(() => (opening = undefined))),
    get: (collection, key) => operate(({ replica }) => entryOf(tableOf(replica, collection), key, [key])),
    getMany: (collection, keys) =>
      operate(({ replica }) => {
        const table = tableOf(replica, collection)
        return keys.map((key) => entryOf(table, key, [key]))
      }),
    scan: (collection, query) => operate(({ replica }) => scan(replica, collection, query)),
    scanMany: (collection, queries) => operate(({ replica }) => queries.map((query) => scan(replica, collection, query))),
    count: (collection, query) =>
      operate(({ replica }) => countRows(tableOf(replica, collection), collectionIn(replica.schema, collection), query)),
    async commit(writes, commitOptions = {}) {
      const keys = await operate(async ({ replica, head }, { store, by, peers }) => {
        const appended = await commitThrough(store, { replica, head, by, newId: around.newId }, writes, commitOptions)
        if (writes.length > 0) await peers.vouch(replica.sequence)
        return appended
      })
      if (writes.length > 0) channel.post(collectionsOf(writes))
      return keys
    },
    watch(listener) {
      opened()
      return channel.watch(listener)
    },
    estimate: () =>
      operate(async ({ replica }, { store }) => {
        const texts = [...replica.disk.tables.values()].flatMap((table) => [...table.rows.values()].map((row) => row.text.length))
        const usedBytes = texts.reduce((sum, length) => sum + length, 0)
        return { usedBytes, quotaBytes: await around.quotaBytes(store) }
      }),
    async close() {
      await opening?.catch(() => {})
      const ended = session
      session = undefined
      channel.close()
      await ended?.turns.idle()
      ended?.peers.leave()
    },
  }
}

function scan(replica: Replica, collection: string, query: ScanQuery): readonly Entry[] {
  checkLimit(query)
  return scanTable(tableOf(replica, collection), collectionIn(replica.schema, collection), query)
}

async function begin(store: KeyValueStore, schema: StoreSchema, around: TierSurroundings): Promise<Session> {
  const by = around.newId()
  const peers = around.peersOf(store, by)
  const head = await finished(store, await peers.head(store), schema)
  let replica = await catchUp(store, { ...emptyReplica(schema), sequence: -1 }, head)
  if (head.version < schema.version) {
    replica.store ??= around.newId()
    await writeHead(store, { ...head, store: replica.store, version: schema.version })
  }
  await peers.vouch(head.sequence)

  async function prepare(first: boolean): Promise<Present> {
    const latest = await finished(store, first ? await peers.head(store) : await readHead(store), schema)
    replica = await catchUp(store, replica, latest)
    return { replica, head: latest }
  }

  return { store, peers, by, turns: createTurns(around.withLock, prepare) }
}

/** What a newer build has left unfinished is its own affair. */
async function finished(store: KeyValueStore, head: Head, { version }: StoreSchema): Promise<Head> {
  if (head.version > version) throw newerError(head.version, version)
  return recover(store, head)
}
