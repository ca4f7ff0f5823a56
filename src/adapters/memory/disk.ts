import type { Scalar, StoreListener, StoreSchema } from '../../core/ports.ts'
import { addIndexes, corruptText, createTable } from './table.ts'
import type { Table } from './table.ts'
import { newerError } from '../store-version.ts'

/** What the handles on one store share, with the faults that tests and simulations give it. */
export interface MemoryDisk {
  readonly tables: Map<string, Table>
  readonly listeners: Map<object, Set<StoreListener>>
  version: number
  usedBytes: number
  /** Characters of JSON that fit on the disk; undefined means no limit. */
  quotaBytes: number | undefined
  /** Called before each row is written or deleted. What it throws aborts the commit, as a failing disk would. */
  beforeWrite: ((collection: string, key: Scalar) => void) | undefined
  /** Damages the row so that it can't be decoded. */
  corrupt(collection: string, key: Scalar): void
}

/** An empty store in memory, to be shared by several `memoryStorage({ disk })`. It lasts as long as it is referenced. */
export function memoryDisk(options: { readonly quotaBytes?: number } = {}): MemoryDisk {
  const tables = new Map<string, Table>()
  return {
    tables,
    listeners: new Map(),
    version: 0,
    usedBytes: 0,
    quotaBytes: options.quotaBytes,
    beforeWrite: undefined,
    corrupt(collection, key) {
      const table = tables.get(collection)
      if (table) corruptText(table, key)
    },
  }
}

export function prepareDisk(disk: MemoryDisk, schema: StoreSchema): void {
  if (disk.version > schema.version) throw newerError(disk.version, schema.version)
  for (const [name, collection] of Object.entries(schema.collections)) {
    const table = disk.tables.get(name) ?? createTable()
    addIndexes(table, collection)
    disk.tables.set(name, table)
  }
  disk.version = schema.version
}

/** Tells the other handles, later, that something was committed. */
export function announceCommit(disk: MemoryDisk, by: object, collections: readonly string[]): void {
  for (const [handle, listeners] of disk.listeners) {
    if (handle === by) continue
    for (const listener of listeners) {
      queueMicrotask(() => {
        if (listeners.has(listener)) listener(collections)
      })
    }
  }
}
