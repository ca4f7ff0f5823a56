import type { Storage, StoreSchema } from '../../core/ports.ts'
import { StorageClosedError, ValidationError } from '../../core/errors.ts'
import { LONGEST_TIMER_MS } from '../../core/longest-timer.ts'
import { collectionsOf } from '../rows.ts'
import { createChannel } from '../web-channel.ts'
import { estimateOrigin } from '../web-estimate.ts'
import { webPresence } from '../web-presence.ts'
import { commit } from './commit.ts'
import { createConnection } from './connection.ts'
import { count, getMany, scanMany } from './read.ts'

export interface IndexedDbOptions {
  /** The database's name: one for each tenant and user. */
  readonly name: string
  /** How long `open` waits for tabs that keep an older version open, before it fails with `StorageBlockedError`. Default 5,000. */
  readonly blockedTimeoutMs?: number
  /** Asks the browser not to evict this origin's data; only a page can. It may ask the user, so the default is false. */
  readonly persist?: boolean
}

/**
 * A store in IndexedDB, for pages, workers and service workers. Each commit is one transaction with `strict` durability.
 * A connection that the browser drops is opened again when it is next needed; a commit whose outcome that leaves unknown fails
 * with `StorageUnavailableError`. Another tab that upgrades or deletes the database is never kept waiting.
 */
export function indexedDbStorage(options: IndexedDbOptions): Storage {
  const { name, blockedTimeoutMs = 5_000, persist = false } = options
  if (typeof name !== 'string' || name === '') throw new ValidationError('name', 'must be a text that is not empty.')
  if (!(blockedTimeoutMs > 0 && blockedTimeoutMs <= LONGEST_TIMER_MS)) {
    throw new ValidationError('blockedTimeoutMs', `must be above 0 and below 2^31, not ${blockedTimeoutMs}.`)
  }
  const connection = createConnection({ name, blockedTimeoutMs })
  const channel = createChannel(name)
  const presence = webPresence()

  return {
    capabilities: { atomicBatch: true, fencing: 'enforced', range: 'native', durability: 'fsync' },
    ...(presence && { presence }),
    async open(schema: StoreSchema) {
      await connection.open(schema)
      if (!connection.isOpen()) return
      channel.open()
      // Workers have no such method. A page's user may take his time to answer, or never do.
      if (persist) void navigator.storage?.persist?.().catch(() => false)
    },
    get: (collection, key) =>
      connection.use(async (db, schema) => {
        const [entry] = await getMany(db, schema, collection, [key])
        return entry
      }),
    getMany: (collection, keys) => connection.use((db, schema) => getMany(db, schema, collection, keys)),
    scan: (collection, query) =>
      connection.use(async (db, schema) => {
        const [entries = []] = await scanMany(db, schema, collection, [query])
        return entries
      }),
    scanMany: (collection, queries) => connection.use((db, schema) => scanMany(db, schema, collection, queries)),
    count: (collection, query) => connection.use((db, schema) => count(db, schema, collection, query)),
    async commit(writes, commitOptions = {}) {
      const keys = await connection.use(async (db, schema) => commit(db, schema, writes, commitOptions))
      if (writes.length > 0) channel.post(collectionsOf(writes))
      return keys
    },
    watch(listener) {
      if (!connection.isOpen()) throw new StorageClosedError()
      return channel.watch(listener)
    },
    async estimate() {
      if (!connection.isOpen()) throw new StorageClosedError()
      return estimateOrigin()
    },
    async close() {
      channel.close()
      await connection.close()
    },
  }
}
