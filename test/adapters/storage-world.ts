import type { CollectionSchema, Entry, Storage, StoreSchema } from '../../src/core/ports.ts'

/** One store, the handles on it, and the ways in which it can be hurt. */
export interface StorageWorld {
  /** A new handle on the same store, as another tab or process would have it; not opened yet. */
  handle(): Storage
  /**
   * From now on a commit that writes this row fails at that very row, when what came before it in the commit is already
   * on its way. Resolves with the function that ends this.
   */
  failWritesOf(collection: string, key: string): Promise<() => Promise<void>>
  /** From now on a row of 256 kB no longer fits. Resolves with the function that makes room again. */
  fillQuota(): Promise<() => Promise<void>>
  /** Damages the stored row so that it can't be decoded, and leaves its key and index positions. */
  corruptRow(collection: string, key: string): Promise<void>
  /** Closes what is open and removes the store. */
  destroy(): Promise<void>
}

const operations: CollectionSchema = {
  key: 'seq',
  autoIncrement: true,
  indexes: {
    byId: { fields: ['id'], unique: true },
    byLane: { fields: ['lane', 'seq'] },
    byDue: { fields: ['user', 'rank', 'seq'] },
  },
}

const notes: CollectionSchema = {
  key: 'id',
  compared: ['v', 'count'],
  indexes: {
    byTag: { fields: ['tag'] },
    byTagAndId: { fields: ['tag', 'id'] },
    byPair: { fields: ['a', 'b'] },
    byName: { fields: ['name'], unique: true },
  },
}

const leases: CollectionSchema = { key: 'id', compared: ['epoch'], indexes: {} }

export const schema: StoreSchema = { version: 1, collections: { operations, notes, leases } }

/** The same store a release later: one more collection, one more index over rows that exist. */
export const laterSchema: StoreSchema = {
  version: 2,
  collections: {
    operations,
    notes: { ...notes, indexes: { ...notes.indexes, byColour: { fields: ['colour', 'id'] } } },
    leases,
    extras: { key: 'id', indexes: {} },
  },
}

export const keysOf = (entries: readonly Entry[]) => entries.map((entry) => entry.key)

/** Every row of a collection, page by page. */
export async function readAll(storage: Storage, collection: string): Promise<Entry[]> {
  const all: Entry[] = []
  for (;;) {
    const last = all.at(-1)
    const page = await storage.scan(collection, { limit: 1000, ...(last && { gt: last.position }) })
    all.push(...page)
    if (page.length < 1000) return all
  }
}
