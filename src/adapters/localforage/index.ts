import { v7 } from 'uuid'
import type { Entry, ScanQuery, Storage, StoreSchema } from '../../core/ports.ts'
import { StorageClosedError, StorageNewerError, ValidationError } from '../../core/errors.ts'
import { tableOf } from '../memory/commit.ts'
import { countRows, entryOf, scanTable } from '../memory/table.ts'
import { checkLimit, collectionIn, collectionsOf } from '../rows.ts'
import { createChannel } from '../web-channel.ts'
import { estimateOrigin } from '../web-estimate.ts'
import { webPresence } from '../web-presence.ts'
import { toSyncError } from './failures.ts'
import type { ForageDriver, KeyValueStore } from './forage.ts'
import { openForage } from './forage.ts'
import type { Head } from './head.ts'
import { readHead, writeHead } from './head.ts'
import { recover } from './journal.ts'
import { withLock } from './lock.ts'
import type { Peers } from './peers.ts'
import { createPeers, nobody } from './peers.ts'
import type { Replica } from './replica.ts'
import { catchUp, commitThrough, emptyReplica } from './replica.ts'
import type { Turns } from './turns.ts'
import { createTurns } from './turns.ts'

export interface LocalforageOptions {
  /** The store's name: one for each tenant and user. */
  readonly name: string
  /** Which of localforage's drivers may be used, in order of preference. Default: INDEXEDDB, WEBSQL, LOCALSTORAGE. */
  readonly driver?: ForageDriver | readonly ForageDriver[]
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
 * The portable tier, for browsers whose IndexedDB can't be used directly. All rows are also held in memory.
 * A commit is one record that holds all its writes and is then applied; what a crash leaves of that, the next operation finishes.
 * The Web Lock `synchart:store:<name>` keeps tabs and workers apart; without Web Locks (pages that are not secure) only this
 * page is guarded: open the application in one tab there.
 * Over localStorage `durability` is `memory`: Chromium writes it to the disk only some seconds later, so that a commit survives
 * its page but not a crash of the whole browser; and all stores of the origin share about 5 million characters.
 * localforage can't close its connection, so that one stays until the page ends.
 */
export function localforageStorage(options: LocalforageOptions): Storage {
  const { name, driver } = options
  if (typeof name !== 'string' || name === '') throw new ValidationError('name', 'must be a text that is not empty.')
  const drivers = driver === undefined ? undefined : [driver].flat()
  const lock = `synchart:store:${name}`
  const channel = createChannel(name)
  const presence = webPresence()
  let session: Session | undefined
  let opening: Promise<void> | undefined

  async function open(schema: StoreSchema): Promise<void> {
    if (session) return
    try {
      const store = await openForage(name, drivers)
      session = await withLock(lock, () => begin(store, schema, { name, lock }))
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
      const lasting = session ? !session.store.lagging : !drivers?.includes('LOCALSTORAGE')
      return { atomicBatch: true, fencing: 'advisory', range: 'scan', durability: lasting ? 'os' : 'memory' } as const
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
        const appended = await commitThrough(store, { replica, head, by }, writes, commitOptions)
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
        return { usedBytes, quotaBytes: store.lagging ? undefined : (await estimateOrigin()).quotaBytes }
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

async function begin(
  store: KeyValueStore,
  schema: StoreSchema,
  { name, lock }: { readonly name: string; readonly lock: string },
): Promise<Session> {
  const by = v7()
  const locks = globalThis.navigator?.locks
  const peers = store.lagging && locks ? createPeers(locks, name, by) : nobody
  const head = await recover(store, await peers.head(store))
  if (head.version > schema.version) throw new StorageNewerError(head.version, schema.version)
  let replica = await catchUp(store, { ...emptyReplica(schema), sequence: -1 }, head)
  if (head.version < schema.version) await writeHead(store, { ...head, version: schema.version })
  await peers.vouch(head.sequence)

  async function prepare(first: boolean): Promise<Present> {
    const latest = await recover(store, first ? await peers.head(store) : await readHead(store))
    replica = await catchUp(store, replica, latest)
    return { replica, head: latest }
  }

  return { store, peers, by, turns: createTurns(lock, prepare) }
}
