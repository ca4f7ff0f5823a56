import { localforageStorage } from '../../../src/adapters/localforage/index.ts'
import type { StorageWorld } from '../../adapters/storage-world.ts'

export type Driver = 'INDEXEDDB' | 'LOCALSTORAGE'

/** What is under the store: the raw records, and a way to have their writes fail. */
interface Ground {
  read(key: string): Promise<unknown>
  write(key: string, value: unknown): Promise<void>
  drop(): Promise<void>
}

export function groundOf(driver: Driver, name: string): Ground {
  return driver === 'LOCALSTORAGE' ? localStorageGround(name) : indexedDbGround(name)
}

function localStorageGround(name: string): Ground {
  const prefix = `synchart:${name}/rows/`
  return {
    read: async (key) => JSON.parse(localStorage.getItem(prefix + key) ?? 'null'),
    write: async (key, value) => localStorage.setItem(prefix + key, JSON.stringify(value)),
    async drop() {
      for (const key of Object.keys(localStorage)) if (key.startsWith(prefix)) localStorage.removeItem(key)
    },
  }
}

function indexedDbGround(name: string): Ground {
  const database = `synchart:${encodeURIComponent(name)}`
  const use = async <T>(work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    const db = await done(indexedDB.open(database))
    const result = await done(work(db.transaction('rows', 'readwrite').objectStore('rows')))
    db.close()
    return result
  }
  return {
    read: (key) => use((store) => store.get(key) as IDBRequest<unknown>),
    write: async (key, value) => void (await use((store) => store.put(value, key))),
    drop: async () => void (await done(indexedDB.deleteDatabase(database))),
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

type Tamper = (key: string, step: 'write' | 'remove') => void

/** Calls `tamper` before each write or removal of a record in this page; what it throws, that throws. Returns the function that ends this. */
export function tamperWithRecords(driver: Driver, tamper: Tamper): () => void {
  return driver === 'LOCALSTORAGE' ? tamperWithLocalStorage(tamper) : tamperWithIndexedDb(tamper)
}

function tamperWithLocalStorage(tamper: Tamper): () => void {
  const { setItem, removeItem } = Storage.prototype
  const recordOf = (key: string) => key.split('/rows/')[1] ?? ''
  Storage.prototype.setItem = function (key, value) {
    tamper(recordOf(key), 'write')
    setItem.call(this, key, value)
  }
  Storage.prototype.removeItem = function (key) {
    tamper(recordOf(key), 'remove')
    removeItem.call(this, key)
  }
  return () => void Object.assign(Storage.prototype, { setItem, removeItem })
}

const textOf = (key: unknown) => (typeof key === 'string' ? key : '')

function tamperWithIndexedDb(tamper: Tamper): () => void {
  const { put, delete: remove } = IDBObjectStore.prototype
  IDBObjectStore.prototype.put = function (value: unknown, key?: IDBValidKey) {
    tamper(textOf(key), 'write')
    return put.call(this, value, key)
  }
  IDBObjectStore.prototype.delete = function (key) {
    tamper(textOf(key), 'remove')
    return remove.call(this, key)
  }
  return () => void Object.assign(IDBObjectStore.prototype, { put, delete: remove })
}

/** What Chromium gives an origin, keys and values together. */
const LOCAL_STORAGE_CHARACTERS = 5 * 1024 * 1024

/** Fills localStorage so that only this many characters still fit. */
export function fillLocalStorage(spareCharacters: number): () => void {
  const key = `ballast-${crypto.randomUUID()}`
  const used = Object.entries(localStorage).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  localStorage.setItem(key, 'x'.repeat(LOCAL_STORAGE_CHARACTERS - used - key.length - spareCharacters))
  return () => localStorage.removeItem(key)
}

export async function localforageWorld(driver: Driver): Promise<StorageWorld> {
  const name = `world-${crypto.randomUUID()}`
  const ground = groundOf(driver, name)
  const repairs: (() => void)[] = []
  const later = (repair: () => void) => {
    repairs.push(repair)
    return async () => repair()
  }
  return {
    handle: () => localforageStorage({ name, driver }),
    async failWritesOf(collection, key) {
      const end = tamperWithRecords(driver, (written, step) => {
        if (step === 'write' && written === `${collection}/s${key}`) throw new DOMException('injected', 'UnknownError')
      })
      return later(end)
    },
    async fillQuota() {
      if (driver === 'LOCALSTORAGE') return later(fillLocalStorage(128 * 1024))
      const { put } = IDBObjectStore.prototype
      IDBObjectStore.prototype.put = function (value: unknown, key?: IDBValidKey) {
        if (JSON.stringify(value).length >= 256 * 1024) throw new DOMException('injected', 'QuotaExceededError')
        return put.call(this, value, key)
      }
      return later(() => void (IDBObjectStore.prototype.put = put))
    },
    async corruptRow(collection, key) {
      const record = (await ground.read(`${collection}/s${key}`)) as { text: string }
      await ground.write(`${collection}/s${key}`, { ...record, text: record.text.slice(0, -1) })
      const head = (await ground.read('~head')) as { sequence: number }
      // A store that holds its rows in memory looks again only after a commit of somebody else.
      await ground.write('~head', { ...head, sequence: head.sequence + 1 })
    },
    async destroy() {
      for (const repair of repairs) repair()
      await ground.drop()
    },
  }
}
