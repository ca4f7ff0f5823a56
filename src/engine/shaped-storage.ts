import { readConflict } from '../core/conflict-row.ts'
import type { NewOperationRow } from '../core/operation.ts'
import type { Entry, Storage, Write } from '../core/ports.ts'
import { CONFLICTS, ENTITIES, OPERATIONS, isRecord, readEntity, readOperation } from '../core/schema.ts'
import type { Shapes } from '../core/shapes.ts'

/** What the engine does with rows, once the store is open. */
export type RowStorage = Pick<Storage, 'get' | 'getMany' | 'scan' | 'scanMany' | 'count' | 'commit' | 'estimate'>

/**
 * The store as this build of the application uses it: rows come in its own shape, or with what can't be used set aside, and are written with the version
 * that they are of. Lazily, for so a start costs nothing, however much is stored.
 */
export function shapedStorage(storage: RowStorage, shapes: Shapes): RowStorage {
  function shaped(collection: string, entry: Entry): Entry {
    const value = shapedValue(collection, entry)
    return value === undefined || value === entry.value ? entry : { ...entry, value }
  }

  function shapedValue(collection: string, entry: Entry): object | undefined {
    if (collection === OPERATIONS) {
      const row = isCurrent(entry.value) ? undefined : readOperation(entry)
      return row === undefined ? undefined : shapes.operation(row)
    }
    if (collection === ENTITIES) {
      const row = readEntity(entry)
      return row === undefined ? undefined : shapes.entityRow(row)
    }
    const row = readConflict(entry)
    return row === undefined ? undefined : shapes.conflictRow(row)
  }

  /** Most are, and need no closer look. */
  function isCurrent(value: unknown): boolean {
    if (!isRecord(value) || typeof value['entity'] !== 'string') return false
    return (value['shape'] ?? 1) === shapes.versionOf(value['entity'])
  }

  function stored(write: Write): Write {
    if (write.type === 'delete' || !SHAPED.has(write.collection)) return write
    const value = storedValue(write.collection, write.value)
    return value === write.value ? write : { ...write, value }
  }

  function storedValue(collection: string, value: object): object {
    if (collection === OPERATIONS) return isOperation(value) ? shapes.storedOperation(value) : value
    const entry = { key: '', position: [], value }
    if (collection === ENTITIES) {
      const row = readEntity(entry)
      return row === undefined ? value : shapes.storedEntity(row)
    }
    const row = readConflict(entry)
    return row === undefined ? value : shapes.storedConflict(row)
  }

  return {
    count: (collection, query) => storage.count(collection, query),
    estimate: () => storage.estimate(),
    async get(collection, key) {
      const entry = await storage.get(collection, key)
      return entry === undefined || !SHAPED.has(collection) ? entry : shaped(collection, entry)
    },
    async getMany(collection, keys) {
      const entries = await storage.getMany(collection, keys)
      return SHAPED.has(collection) ? entries.map((entry) => entry && shaped(collection, entry)) : entries
    },
    async scan(collection, query) {
      const entries = await storage.scan(collection, query)
      return SHAPED.has(collection) ? entries.map((entry) => shaped(collection, entry)) : entries
    },
    async scanMany(collection, queries) {
      const pages = await storage.scanMany(collection, queries)
      return SHAPED.has(collection) ? pages.map((page) => page.map((entry) => shaped(collection, entry))) : pages
    },
    commit: (writes, options) => storage.commit(writes.map(stored), options),
  }
}

function isOperation(value: object): value is NewOperationRow {
  return 'entity' in value && 'payload' in value
}

const SHAPED: ReadonlySet<string> = new Set([OPERATIONS, ENTITIES, CONFLICTS])
