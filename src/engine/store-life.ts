import { StorageError, SyncError } from '../core/errors.ts'
import type { Entry, Storage, StoreListener, SystemPorts } from '../core/ports.ts'
import { STORE_SCHEMA } from '../core/schema.ts'
import type { Events } from './events.ts'
import { every } from './every.ts'
import { idOf, installId } from './install-id.ts'

/** Who wrote the store may have died before anybody was told of it. */
const LOOK_AGAIN_MS = 60_000

export interface StoreLifeHooks {
  /** Who has the store open. */
  readonly owner: string
  /** The object that the application gave. What is called may be another that stands before it, as a recorder's. */
  readonly given: Storage
  /** The store is open: gives the row of the install id, once nothing is left to do before all else. */
  logIn(): Promise<Entry | undefined>
  /** It can be read now. */
  readable(): void
  opened(): void
  /** It was emptied while it was open, and is begun anew: nothing that is known of it holds any more. */
  emptied(): void
  /** It is about to be closed. */
  closing(): Promise<void>
  /** Others have written it, or may have. */
  readonly changed: StoreListener
  platform(online: boolean): void
}

/** Which engine has opened a storage object: if it closes it, that is closed for all. */
const users = new WeakMap<Storage, string>()

/** Opens an engine's store and closes it, with all that listens to it and to the platform meanwhile. */
export function createStoreLife(
  storage: Storage,
  { clock, connectivity, newId }: SystemPorts,
  events: Events,
  hooks: StoreLifeHooks,
) {
  const { owner, given } = hooks
  const closers = new Set<() => void>()
  let opening = Promise.resolve()
  let clientId = owner
  /** Of the store that is open; undefined also while that is begun anew. */
  let installed: string | undefined
  let presence: { readonly holder: string; release(): Promise<void> } | undefined

  /** What it opened is closed again if it fails, and not before it has ended. */
  function open(): Promise<void> {
    if ((users.get(given) ?? owner) !== owner) return Promise.reject(inUse())
    users.set(given, owner)
    opening = openStore().catch(async (error: unknown) => {
      await release().catch((failure: unknown) => events.emit({ type: 'storage:error', error: failure }))
      throw error
    })
    return opening
  }

  async function openStore(): Promise<void> {
    await storage.open(STORE_SCHEMA)
    clientId = await installId(storage, newId, await hooks.logIn())
    hooks.readable()
    presence = await storage.presence?.announce()
    closers.add(storage.watch(hooks.changed))
    closers.add(every(clock, LOOK_AGAIN_MS, () => hooks.changed(undefined)))
    closers.add(connectivity.watch(hooks.platform))
    installed = clientId
    hooks.opened()
  }

  /** The install id, as it was met: where it is gone or another, somebody has cleared the data. One that can't be read tells nothing. */
  function met(install: Entry | undefined): void {
    if (installed === undefined || (install !== undefined && [undefined, installed].includes(idOf(install)))) return
    installed = undefined
    beginAnew(install)
      .catch((error: unknown) => events.emit({ type: 'storage:error', error }))
      .finally(() => {
        if (closers.size > 0) installed = clientId
      })
  }

  async function beginAnew(install: Entry | undefined): Promise<void> {
    clientId = await installId(storage, newId, install)
    if (closers.size === 0) return
    hooks.emptied()
    events.emit({ type: 'storage:error', error: emptied() })
  }

  async function close(): Promise<void> {
    await opening.catch(() => {})
    await release()
  }

  async function release(): Promise<void> {
    if (users.get(given) !== owner) return
    installed = undefined
    for (const stop of closers) stop()
    closers.clear()
    await hooks.closing()
    await presence?.release()
    presence = undefined
    await storage.close().finally(() => users.delete(given))
  }

  /** Opens the store for one task of this engine, which does not run. */
  async function visit<T>(task: () => Promise<T>): Promise<T> {
    if (users.has(given)) throw inUse()
    users.set(given, owner)
    try {
      await storage.open(STORE_SCHEMA)
      return await task()
    } finally {
      await storage.close().finally(() => users.delete(given))
    }
  }

  return {
    open,
    close,
    met,
    visit,
    /** The name of this store towards the server; until it is known, that of the engine. */
    clientId: (): string => clientId,
    /** How others can tell that this engine is gone. */
    holder: (): string | undefined => presence?.holder,
  }
}

function emptied(): SyncError {
  return new StorageError(
    'storage-emptied',
    'The store was emptied while it was open, as where the data of a site is cleared: what was not sent is gone. The engine goes on with what is stored from now on.',
  )
}

function inUse(): SyncError {
  return new SyncError(
    'storage-in-use',
    'Another engine that runs has opened this storage object. Give each engine an object of its own; they may name the same store.',
  )
}
