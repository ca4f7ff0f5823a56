import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate as turnOfOthers, setTimeout as sleep } from 'node:timers/promises'
import { StorageBlockedError, StorageClosedError } from '../../core/errors.ts'
import type { Storage, StorageCapabilities, StoreSchema } from '../../core/ports.ts'
import { commitNow } from './commit.ts'
import { adopt, connect, disconnect, readTogether, tableIn } from './connection.ts'
import type { Connection } from './connection.ts'
import { storageError } from './errors.ts'
import { checkOptions } from './options.ts'
import type { SqliteStorageOptions } from './options.ts'
import { processPresence } from './presence.ts'
import { countRows } from './count.ts'
import { scanTable } from './scan.ts'
import { isExactInJson, read, readMany } from './table.ts'
import { createWatchers } from './watch.ts'

export type { SqliteStorageOptions }

const capabilities: StorageCapabilities = { atomicBatch: true, fencing: 'enforced', range: 'native', durability: 'fsync' }

/** Fewer keys than these are cheaper looked up one by one. */
const askedInOne = 8
const retryMs = 5
const longestTurnMs = 10

/** Does the work, again and again if another process holds the file, for at most `busyTimeoutMs`. */
async function patiently<T>(busyTimeoutMs: number, work: () => T | Promise<T>): Promise<T> {
  const deadline = performance.now() + busyTimeoutMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const typed = storageError(error)
      if (!(typed instanceof StorageBlockedError) || performance.now() >= deadline) throw typed
    }
    await sleep(retryMs)
  }
}

/** SQLite works without leaving the thread: who commits again and again would keep timers and the network from their turn. */
function createYielding(): <T>(work: Promise<T>) => Promise<T> {
  let yieldedAt = 0
  return async (work) => {
    try {
      return await work
    } finally {
      if (performance.now() - yieldedAt >= longestTurnMs) {
        await turnOfOthers()
        yieldedAt = performance.now()
      }
    }
  }
}

async function diskSpace(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(dirname(path))
    return bavail * bsize
  } catch {
    return undefined
  }
}

/**
 * A store in one SQLite file, shared by any number of processes of one machine. Each strict commit is synced to the disk.
 * Uses `node:sqlite` where Node has it, else libsql.
 * @throws ValidationError if the options are not what they must be. `open` fails with Unavailable, ReadOnly, Corrupt, Newer or Blocked.
 */
export function sqliteStorage(options: SqliteStorageOptions): Storage {
  const { path, busyTimeoutMs, watchMs, maxBytes } = checkOptions(options)
  const watchers = createWatchers(watchMs)
  const yielding = createYielding()
  let connection: Connection | undefined
  let turn: Promise<unknown> = Promise.resolve()

  function connected(): Connection {
    if (connection) return connection
    throw new StorageClosedError()
  }

  /** Opening and closing take turns. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const done = turn.then(work)
    turn = done.catch(() => {})
    return done
  }

  async function close(): Promise<void> {
    const closing = connection
    connection = undefined
    watchers.clear()
    if (closing) await disconnect(closing)
  }

  async function open(schema: StoreSchema): Promise<void> {
    const current = connection
    connection = await patiently(busyTimeoutMs, () => (current ? adopt(current, schema) : connect(path, schema, maxBytes)))
  }

  async function reading<T>(work: (from: Connection) => T): Promise<T> {
    return patiently(busyTimeoutMs, () => work(connected()))
  }

  return {
    capabilities,
    presence: processPresence(),
    open: (schema) => inTurn(() => open(schema)),
    close: () => inTurn(close),
    get: (collection, key) => reading((from) => read(from.driver, tableIn(from, collection), key)),
    getMany: (collection, keys) =>
      reading((from) => {
        const table = tableIn(from, collection)
        if (keys.length >= askedInOne && keys.every(isExactInJson)) return readMany(from.driver, table, keys)
        return readTogether(from.driver, () => keys.map((key) => read(from.driver, table, key)))
      }),
    scan: (collection, query) => reading((from) => scanTable(from.driver, tableIn(from, collection), query)),
    scanMany: (collection, queries) =>
      reading((from) => {
        const table = tableIn(from, collection)
        return readTogether(from.driver, () => queries.map((query) => scanTable(from.driver, table, query)))
      }),
    count: (collection, query) => reading((from) => countRows(from.driver, tableIn(from, collection), query)),
    commit: (writes, commitOptions = {}) =>
      yielding(patiently(busyTimeoutMs, () => commitNow(connected(), writes, commitOptions))),
    watch: (listener) => watchers.add(listener, connected()),
    compact: () => reading(compact),
    async estimate() {
      const { fileBytes, usedBytes } = await reading(sizeOf)
      const free = await diskSpace(path)
      const limits = [maxBytes, free === undefined ? undefined : fileBytes + free].filter((limit) => limit !== undefined)
      return { usedBytes, quotaBytes: limits.length > 0 ? Math.max(usedBytes, Math.min(...limits)) : undefined }
    },
  }
}

/** What was replaced stays in free pages and in the log until both are written anew. */
function compact({ driver }: Connection): void {
  driver.exec('VACUUM')
  const isBusy = driver.prepare('PRAGMA wal_checkpoint(TRUNCATE)').row([])?.[0] !== 0
  if (isBusy) throw new StorageBlockedError('Another process is reading the database, so its log can not be emptied. Try again.')
}

/** A file does not shrink: pages of what was deleted are taken again before it grows. */
function sizeOf({ driver }: Connection): { readonly fileBytes: number; readonly usedBytes: number } {
  const [pages = 0, freePages = 0, pageBytes = 0] = readTogether(driver, () =>
    ['page_count', 'freelist_count', 'page_size'].map((name) => Number(driver.prepare(`PRAGMA ${name}`).row([])?.[0])),
  )
  return { fileBytes: pages * pageBytes, usedBytes: (pages - freePages) * pageBytes }
}
