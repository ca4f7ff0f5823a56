import type { Storage, StoreSchema } from '../core/ports.ts'
import { StorageClosedError, StorageUnavailableError } from '../core/errors.ts'
import type { IndexedDbOptions } from './indexeddb/index.ts'
import { indexedDbStorage } from './indexeddb/index.ts'
import { toSyncError } from './localforage/failures.ts'
import { localforageStorage } from './localforage/index.ts'
import { withLock } from './localforage/lock.ts'
import { webPresence } from './web-presence.ts'

export type BrowserStorageOptions = IndexedDbOptions

type Tier = 'indexeddb' | 'localforage'

/**
 * The default store of a browser: IndexedDB or, where that can't be opened, localforage over localStorage.
 * The first `open` that succeeds settles the tier for good (until the site's data is cleared): rows are never moved, because a
 * tab that still works on the one tier while another moves to the other would leave operations behind. If IndexedDB was the
 * tier and can't be opened now, `open` fails with `StorageUnavailableError` rather than begin a second queue.
 * `capabilities` are those of the tier in use. Workers have no localStorage, so there it is IndexedDB or nothing.
 */
export function browserStorage(options: BrowserStorageOptions): Storage {
  const tiers: Record<Tier, Storage> = {
    indexeddb: indexedDbStorage(options),
    localforage: localforageStorage({ name: options.name, driver: 'LOCALSTORAGE' }),
  }
  const presence = webPresence()
  let tier: Tier | undefined
  let opening: Promise<void> | undefined

  async function open(schema: StoreSchema): Promise<void> {
    try {
      tier ??= await withLock(`synchart:tier:${options.name}`, () => openTier(tiers, options.name, schema))
    } catch (error) {
      // A frame without an origin is refused the lock.
      throw toSyncError(error)
    }
  }

  function used(): Storage {
    if (!tier) throw new StorageClosedError()
    return tiers[tier]
  }

  return {
    get capabilities() {
      return tiers[tier ?? 'indexeddb'].capabilities
    },
    ...(presence && { presence }),
    open: (schema) => (opening ??= open(schema).finally(() => (opening = undefined))),
    get: async (collection, key) => used().get(collection, key),
    getMany: async (collection, keys) => used().getMany(collection, keys),
    scan: async (collection, query) => used().scan(collection, query),
    scanMany: async (collection, queries) => used().scanMany(collection, queries),
    count: async (collection, query) => used().count(collection, query),
    commit: async (writes, commitOptions) => used().commit(writes, commitOptions),
    watch: (listener) => used().watch(listener),
    estimate: async () => used().estimate(),
    async close() {
      await opening?.catch(() => {})
      const ended = tier
      tier = undefined
      if (ended) await tiers[ended].close()
    },
  }
}

async function openTier(tiers: Readonly<Record<Tier, Storage>>, name: string, schema: StoreSchema): Promise<Tier> {
  const settled = recall(name)
  const tier = settled ?? ((await opens(tiers.indexeddb, schema)) ? 'indexeddb' : 'localforage')
  await tiers[tier].open(schema)
  if (!settled) remember(name, tier)
  return tier
}

/** False if there is no IndexedDB to be had; any other failure is the caller's to know. */
async function opens(storage: Storage, schema: StoreSchema): Promise<boolean> {
  try {
    await storage.open(schema)
    return true
  } catch (error) {
    if (error instanceof StorageUnavailableError) return false
    throw error
  }
}

const keyOf = (name: string): string => `synchart:tier:${name}`

function recall(name: string): Tier | undefined {
  try {
    const tier = localStorage.getItem(keyOf(name))
    return tier === 'indexeddb' || tier === 'localforage' ? tier : undefined
  } catch {
    return undefined
  }
}

function remember(name: string, tier: Tier): void {
  try {
    localStorage.setItem(keyOf(name), tier)
  } catch {
    // Where there is no localStorage (workers, or it is full or refused), there is no second tier to fall over to either.
  }
}
