import localforage from 'localforage'
import { StorageUnavailableError } from '../../core/errors.ts'
import { readValue } from './read.ts'

export type ForageDriver = 'INDEXEDDB' | 'WEBSQL' | 'LOCALSTORAGE'

/** What this adapter uses of localforage, so that its global types stay out of our declarations. */
export interface KeyValueStore {
  /** True if processes see each other's writes late: localStorage is copied into each. */
  readonly lagging: boolean
  get(key: string): Promise<unknown>
  set(key: string, value: unknown): Promise<void>
  remove(key: string): Promise<void>
  /** Everything there is; undefined for what can't be read. */
  entries(): Promise<Map<string, unknown>>
}

const opened = new Map<string, Promise<KeyValueStore>>()

/** One instance for each database, kept for the life of the page: localforage can't close one, and two of one name may hang. */
export function openForage(name: string, drivers: readonly ForageDriver[] | undefined): Promise<KeyValueStore> {
  const id = JSON.stringify([name, drivers])
  const known = opened.get(id)
  if (known) return known
  const opening = create(name, drivers)
  opened.set(id, opening)
  opening.catch(() => opened.delete(id))
  return opening
}

async function create(name: string, drivers: readonly ForageDriver[] | undefined): Promise<KeyValueStore> {
  const instance = localforage.createInstance({
    name: `synchart:${encodeURIComponent(name)}`,
    storeName: 'rows',
    ...(drivers && { driver: drivers.map((driver) => localforage[driver]) }),
  })
  try {
    await instance.ready()
  } catch (cause) {
    throw new StorageUnavailableError(
      'The browser refuses every kind of storage to this page. Check its private mode and site settings.',
      { cause },
    )
  }
  const get = (key: string): Promise<unknown> => instance.getItem<unknown>(key)

  async function entries(): Promise<Map<string, unknown>> {
    const found = new Map<string, unknown>()
    try {
      await instance.iterate<unknown, void>((value, key) => void found.set(key, value))
    } catch {
      // One that can't be decoded ends the iteration; the others are still there.
      found.clear()
      for (const key of await instance.keys()) found.set(key, await readValue(get, key))
    }
    return found
  }

  return {
    lagging: instance.driver() === localforage.LOCALSTORAGE,
    get,
    set: (key, value) => instance.setItem(key, value).then(() => undefined),
    remove: (key) => instance.removeItem(key),
    entries,
  }
}
