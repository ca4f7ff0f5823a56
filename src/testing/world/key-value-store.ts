import { keyValueTier } from '../../adapters/localforage/tier.ts'
import { nobody } from '../../adapters/localforage/peers.ts'
import { parseStorageKey } from '../../adapters/localforage/record.ts'
import type { Channel } from '../../adapters/web-channel.ts'
import type { OperationRow } from '../../core/operation.ts'
import type { CommitOptions, Storage, Write } from '../../core/ports.ts'
import { isLeaseRow, isOperationRow, isRecord, META, OPERATIONS, type LeaseRow } from '../../core/schema.ts'
import { isOf, type DeviceStore } from './device-store.ts'
import type { RowChange } from './facts.ts'
import { HEAD, keyValuesOf, textAt, type KeyValues } from './key-values.ts'
import { never } from './life.ts'
import { createLockBoard } from './lock-board.ts'
import { createNotices } from './notices.ts'
import type { Scheduler } from './scheduler.ts'
import type { StorageSurroundings } from './storage.ts'
import { codeOf } from './trace.ts'

/**
 * A store that can't write two keys as one. What makes commits whole on it is the product's own portable tier, with its redo record and its
 * repair: a process may die, or a write fail, between any two of its writes.
 */
export function keyValueStore(scheduler: Scheduler): DeviceStore {
  const disk: KeyValues = { values: new Map(), touched: new Set(), tear: undefined }
  const operations = new Map<number, OperationRow>()
  const texts = new Map<string, string>()
  const notices = createNotices()
  const locks = createLockBoard(scheduler)
  let ids = 0

  /** What has changed for whoever has the lock next. */
  function news(): { changes: RowChange[]; others: string[]; lease: LeaseRow | undefined } {
    const changes: RowChange[] = []
    const others: string[] = []
    let lease: LeaseRow | undefined
    for (const key of disk.touched) {
      const text = textAt(disk, key)
      const place = parseStorageKey(key)
      if (key === HEAD || place === undefined || text === texts.get(key)) continue
      if (text === undefined) texts.delete(key)
      else texts.set(key, text)
      const value: unknown = text === undefined ? undefined : JSON.parse(text)
      if (place.collection === OPERATIONS) changes.push(changed(Number(place.key), value))
      else others.push(`${place.collection} ${text ?? `${place.key} removed`}`)
      if (place.collection === META && isLeaseRow(value) && isRecord(value) && value['name'] === 'lease') lease = value
    }
    disk.touched.clear()
    return { changes, others, lease }
  }

  function changed(seq: number, value: unknown): RowChange {
    const before = operations.get(seq)
    const row = isOperationRow(value) ? value : undefined
    if (row === undefined) operations.delete(seq)
    else operations.set(seq, row)
    return { seq, before, row }
  }

  function storageOf(around: StorageSurroundings): Storage {
    const { life, tab, device, tell } = around
    const handle = {}
    /** Of the commits that were asked for, in order, the epoch of each. */
    const epochs: (number | undefined)[] = []

    function told(): void {
      const { changes, others, lease } = news()
      if (changes.length === 0 && others.length === 0) return
      tell({ type: 'committed', tab, device, changes, others, lease, epoch: epochs[0] })
    }

    const tier = keyValueTier({
      openStore: () => openStore(around, () => keyValuesOf(disk, around)),
      withLock: locks.lockOf(life, told),
      channel: channelOf(around, handle),
      presence: around.presence,
      peersOf: () => nobody,
      newId: () => `${tab}/${++ids}`,
      quotaBytes: async () => undefined,
      durability: () => 'os',
    })

    async function commit(writes: readonly Write[], options: CommitOptions = {}): Promise<readonly number[]> {
      epochs.push(options.fence?.epoch)
      try {
        const keys = await tier.commit(writes, options)
        told()
        return keys
      } catch (error) {
        tell({ type: 'refused-commit', tab, code: codeOf(error) })
        throw error
      } finally {
        epochs.shift()
      }
    }

    async function watched<T>(call: string, work: Promise<T>): Promise<T> {
      try {
        const value = await work
        tell({ type: 'read', tab, call })
        return value
      } catch (error) {
        tell({ type: 'read', tab, call, failed: codeOf(error) })
        throw error
      }
    }

    return {
      ...tier,
      capabilities: tier.capabilities,
      open: (schema) => watched('open', tier.open(schema)),
      get: (collection, key) => watched(`get ${collection}`, tier.get(collection, key)),
      getMany: (collection, keys) => watched(`getMany ${collection}`, tier.getMany(collection, keys)),
      scan: (collection, query) => watched(`scan ${collection}`, tier.scan(collection, query)),
      scanMany: (collection, queries) => watched(`scanMany ${collection}`, tier.scanMany(collection, queries)),
      count: (collection, query) => watched(`count ${collection}`, tier.count(collection, query)),
      commit,
    }
  }

  function openStore<T>({ scheduler, life, fault, latencyMs }: StorageSurroundings, made: () => T): Promise<T> {
    if (!life.reaches('open')) return never()
    return new Promise((resolve, reject) => {
      scheduler.after(latencyMs(), () => {
        if (!life.reaches('open')) return
        const error = fault('open')
        life.enter(() => (error === undefined ? resolve(made()) : reject(error)))
      })
    })
  }

  function channelOf(around: StorageSurroundings, handle: object): Channel {
    return {
      open: () => {},
      post: (collections) => notices.post(handle, collections),
      watch: (listener) => notices.watch(handle, around, listener),
      close: () => notices.end(handle),
    }
  }

  return {
    operations,
    damaged: new Set(),
    namesOf: (user) => [...texts].flatMap(([key, text]) => (isOf(user, key, text) ? [key] : [])),
    storageOf,
    evict() {
      disk.values.clear()
      disk.touched.clear()
      operations.clear()
      texts.clear()
    },
    isHeldUp: locks.isHeldByFrozen,
    tear(tear) {
      disk.tear = tear
    },
  }
}
