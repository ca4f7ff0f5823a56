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
  if (settled) {
    await tiers[settled].open(schema)
    return settled
  }
  const tier = await firstToOpen(tiers, schema)
  remember(name, tier)
  return tier
}

async function firstToOpen({ indexeddb, localforage }: Readonly<Record<Tier, Storage>>, schema: StoreSchema): Promise<Tier> {
  const first = await refusalOf(indexeddb, schema)
  if (!first) return 'indexeddb'
  const second = await refusalOf(localforage, schema)
  if (!second) return 'localforage'
  throw new StorageUnavailableError(
    'The browser opens neither IndexedDB nor localStorage here; the errors of the cause say why. Check its private mode and site settings.',
    { cause: new AggregateError([first, second]) },
  )
}

/** Why it can't be had, if it can't; any other failure is the caller's to know. */
async function refusalOf(storage: Storage, schema: StoreSchema): Promise<StorageUnavailableError | undefined> {
  try {
    await storage.open(schema)
    return undefined
  } catch (error) {
    if (error instanceof StorageUnavailableError) return error
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
