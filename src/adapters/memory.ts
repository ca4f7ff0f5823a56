import { StorageClosedError } from '../core/errors.ts'
import type { Entry, ScanQuery, Storage, StorageCapabilities, StoreListener, StoreSchema } from '../core/ports.ts'
import { commitTo, tableOf } from './memory/commit.ts'
import type { View } from './memory/commit.ts'
import { announceCommit, memoryDisk, prepareDisk } from './memory/disk.ts'
import type { MemoryDisk } from './memory/disk.ts'
import { countRows, entryOf, scanTable } from './memory/table.ts'
import { checkLimit, collectionIn, collectionsOf } from './rows.ts'

export { memoryDisk }
export type { MemoryDisk }

const capabilities: StorageCapabilities = { atomicBatch: true, fencing: 'enforced', range: 'native', durability: 'memory' }

const namedDisks = new Map<string, MemoryDisk>()

function diskNamed(name: string): MemoryDisk {
  const disk = namedDisks.get(name) ?? memoryDisk()
  namedDisks.set(name, disk)
  return disk
}

export interface MemoryStorageOptions {
  /** Handles with the same name share one store for the life of this process. Default: a store of its own. */
  readonly name?: string
  /** The store itself, if several handles are to share it. */
  readonly disk?: MemoryDisk
}

/** A store that lives as long as the process: for tests, simulations, and where nothing may be written. Rows are kept as JSON. */
export function memoryStorage(options: MemoryStorageOptions = {}): Storage {
  const disk = options.disk ?? (options.name === undefined ? memoryDisk() : diskNamed(options.name))
  const handle = {}
  let schema: StoreSchema | undefined

  function view(): View {
    if (!schema) throw new StorageClosedError()
    return { disk, schema }
  }

  function scan(collection: string, query: ScanQuery): readonly Entry[] {
    const seen = view()
    checkLimit(query)
    return scanTable(tableOf(seen, collection), collectionIn(seen.schema, collection), query)
  }

  return {
    capabilities,
    async open(wanted) {
      prepareDisk(disk, wanted)
      schema = wanted
    },
    async get(collection, key) {
      return entryOf(tableOf(view(), collection), key, [key])
    },
    async getMany(collection, keys) {
      const table = tableOf(view(), collection)
      return keys.map((key) => entryOf(table, key, [key]))
    },
    scan: async (collection, query) => scan(collection, query),
    scanMany: async (collection, queries) => queries.map((query) => scan(collection, query)),
    async count(collection, query) {
      const seen = view()
      return countRows(tableOf(seen, collection), collectionIn(seen.schema, collection), query)
    },
    async commit(writes, commitOptions = {}) {
      const keys = commitTo(view(), writes, commitOptions)
      if (writes.length > 0) announceCommit(disk, handle, collectionsOf(writes))
      return keys
    },
    watch(listener) {
      view()
      const listeners = disk.listeners.get(handle) ?? new Set()
      disk.listeners.set(handle, listeners)
      const own: StoreListener = (collections) => listener(collections)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    async estimate() {
      view()
      return { usedBytes: disk.usedBytes, quotaBytes: disk.quotaBytes }
    },
    async close() {
      schema = undefined
      disk.listeners.get(handle)?.clear()
      disk.listeners.delete(handle)
    },
  }
}
