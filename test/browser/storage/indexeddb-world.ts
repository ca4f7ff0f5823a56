/// <reference types="@vitest/browser-playwright" />
import { deleteDB, openDB } from 'idb'
import { cdp } from 'vitest/browser'
import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import type { Storage } from '../../../src/core/ports.ts'
import type { StorageWorld } from '../../adapters/storage-world.ts'

type Tamper = (store: IDBObjectStore, row: unknown) => void

/** Calls `tamper` before each put and add of this page; what it throws, the call throws. Returns the function that ends this. */
export function tamperWithWrites(tamper: Tamper): () => void {
  const { put, add } = IDBObjectStore.prototype
  IDBObjectStore.prototype.put = function (value: unknown, ...rest) {
    tamper(this, value)
    return put.call(this, value, ...rest)
  }
  IDBObjectStore.prototype.add = function (value: unknown, ...rest) {
    tamper(this, value)
    return add.call(this, value, ...rest)
  }
  return () => Object.assign(IDBObjectStore.prototype, { put, add })
}

/** Empties this origin and gives it so much room, for real. Chromium measures an open database's room only now and then. */
export async function startWithQuota(bytes: number): Promise<() => Promise<void>> {
  const { origin } = location
  await cdp().send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' })
  await cdp().send('Storage.overrideQuotaForOrigin', { origin, quotaSize: bytes })
  return async () => {
    await cdp().send('Storage.overrideQuotaForOrigin', { origin })
  }
}

/** Keeps the key and the index positions of a row, and nothing that could be decoded. */
async function damageRecord(database: string, collection: string, key: string): Promise<void> {
  const db = await openDB(database)
  const row: unknown = await db.get(collection, key)
  await db.put(collection, { ...(row as object), '~row': 'damaged' })
  db.close()
}

export async function indexedDbWorld(
  make: (name: string) => Storage = (name) => indexedDbStorage({ name }),
): Promise<StorageWorld> {
  const name = `world-${crypto.randomUUID()}`
  const repairs: (() => void)[] = []
  return {
    handle: () => make(name),
    async failWritesOf(collection, key) {
      const end = tamperWithWrites((store, row) => {
        const hit = store.name === collection && Reflect.get(row as object, String(store.keyPath)) === key
        if (hit) throw new DOMException('injected', 'UnknownError')
      })
      repairs.push(end)
      return async () => end()
    },
    // Chromium measures the room of an open database only now and then, so that a smaller quota would be noticed too late.
    async fillQuota() {
      const end = tamperWithWrites((_store, row) => {
        if (JSON.stringify(row).length >= 256 * 1024) throw new DOMException('injected', 'QuotaExceededError')
      })
      repairs.push(end)
      return async () => end()
    },
    corruptRow: (collection, key) => damageRecord(name, collection, key),
    async destroy() {
      for (const repair of repairs) repair()
      await deleteDB(name)
    },
  }
}
