import { v7 } from 'uuid'
import type { Storage } from '../../core/ports.ts'
import { ValidationError } from '../../core/errors.ts'
import { createChannel } from '../web-channel.ts'
import { estimateOrigin } from '../web-estimate.ts'
import { webPresence } from '../web-presence.ts'
import type { ForageDriver } from './forage.ts'
import { openForage } from './forage.ts'
import { withLock } from './lock.ts'
import { createPeers, nobody } from './peers.ts'
import { keyValueTier } from './tier.ts'

export interface LocalforageOptions {
  /** The store's name: one for each tenant and user. */
  readonly name: string
  /** Which of localforage's drivers may be used, in order of preference. Default: INDEXEDDB, WEBSQL, LOCALSTORAGE. */
  readonly driver?: ForageDriver | readonly ForageDriver[]
}

/**
 * The portable tier, for browsers whose IndexedDB can't be used directly.
 * The Web Lock `synchart:store:<name>` keeps tabs and workers apart; without Web Locks (pages that are not secure) only this
 * page is guarded: open the application in one tab there.
 * Over localStorage `durability` is `memory`: Chromium writes it to the disk only some seconds later, so that a commit survives
 * its page but not a crash of the whole browser; and all stores of the origin share about 5 million characters.
 * localforage can't close its connection, so that one stays until the page ends.
 */
export function localforageStorage(options: LocalforageOptions): Storage {
  const { name, driver } = options
  if (typeof name !== 'string' || name === '') throw new ValidationError('name', 'must be a text that is not empty.')
  const drivers = driver === undefined ? undefined : [driver].flat()
  const lock = `synchart:store:${name}`
  const locks = globalThis.navigator?.locks

  return keyValueTier({
    openStore: () => openForage(name, drivers),
    withLock: (task) => withLock(lock, task),
    channel: createChannel(name),
    presence: webPresence(),
    peersOf: (store, by) => (store.lagging && locks ? createPeers(locks, name, by) : nobody),
    newId: v7,
    quotaBytes: async (store) => (store.lagging ? undefined : (await estimateOrigin()).quotaBytes),
    durability: (store) => ((store ? !store.lagging : !drivers?.includes('LOCALSTORAGE')) ? 'os' : 'memory'),
  })
}
