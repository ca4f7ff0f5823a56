import { deleteDB } from 'idb'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { cdp } from 'vitest/browser'
import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import {
  StorageBlockedError,
  StorageClosedError,
  StorageCorruptError,
  StorageNewerError,
  StorageQuotaError,
  StorageUnavailableError,
  ValidationError,
} from '../../../src/core/errors.ts'
import type { Storage, Write } from '../../../src/core/ports.ts'
import { keysOf, laterSchema, readAll, schema } from '../../adapters/storage-world.ts'
import { startWithQuota, tamperWithWrites } from './indexeddb-world.ts'
import { openRaw } from './raw-database.ts'

const put = (value: object): Write => ({ type: 'put', collection: 'notes', value })

describe('IndexedDB when things go wrong', () => {
  let name = ''
  let storage: Storage
  beforeEach(() => {
    name = `faults-${crypto.randomUUID()}`
    storage = indexedDbStorage({ name, blockedTimeoutMs: 200 })
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await storage.close()
    await deleteDB(name)
  })

  /** The browser's own connection behind the handle. */
  async function connectionOf(handle: Storage): Promise<IDBDatabase> {
    const seen = vi.spyOn(IDBDatabase.prototype, 'transaction')
    await handle.get('notes', 'any')
    const db = seen.mock.contexts[0]
    seen.mockRestore()
    return db as IDBDatabase
  }

  it('L10 a handle that is closed while it opens a lost connection anew leaves none open', async () => {
    await storage.open(schema)
    const lost = await connectionOf(storage)
    lost.close()
    const seen = vi.spyOn(IDBDatabase.prototype, 'transaction')
    await Promise.all([storage.get('notes', 'any'), storage.close()])
    const used = new Set(seen.mock.contexts as IDBDatabase[])
    seen.mockRestore()
    expect(used.size).toBe(2)
    for (const db of used) expect(() => db.transaction('notes')).toThrow(expect.objectContaining({ name: 'InvalidStateError' }))
  })

  it('S2 a commit that is aborted at any of its writes leaves nothing', async () => {
    await storage.open(schema)
    const writes = ['a', 'b', 'c', 'd'].map((id): Write => ({ type: 'append', collection: 'operations', value: { id } }))
    for (let at = 1; at <= writes.length; at++) {
      let calls = 0
      const repair = tamperWithWrites(() => {
        calls += 1
        if (calls === at) throw new DOMException('injected', 'UnknownError')
      })
      await expect(storage.commit(writes)).rejects.toBeInstanceOf(StorageUnavailableError)
      repair()
      expect(await readAll(storage, 'operations')).toEqual([])
    }
    expect(await storage.commit(writes)).toHaveLength(4)
  })

  it('S3 a value that can not be stored is refused as such, and nothing of its commit is kept', async () => {
    await storage.open(schema)
    const bad = storage.commit([put({ id: 'before' }), put({ id: 'bad', value: () => 1 })])
    await expect(bad).rejects.toMatchObject({
      name: 'ValidationError',
      cause: expect.objectContaining({ name: 'DataCloneError' }),
    })
    await expect(bad).rejects.toBeInstanceOf(ValidationError)
    expect(await readAll(storage, 'notes')).toEqual([])
  })

  it('E8 when the origin has used up its quota, the commit fails with the error that says so', async () => {
    const release = await startWithQuota(300_000)
    try {
      await storage.open(schema)
      await storage.commit([put({ id: 'kept' })])
      const noise = (): string => Array.from(crypto.getRandomValues(new Uint32Array(16_000)), String).join()
      const large = ['a', 'b', 'c', 'd'].map((id) => put({ id, text: noise() }))
      await expect(storage.commit(large)).rejects.toBeInstanceOf(StorageQuotaError)
      expect(keysOf(await readAll(storage, 'notes'))).toEqual(['kept'])
    } finally {
      await release()
    }
  })

  it('C6 an upgrade that an old tab blocks fails in time, and succeeds once that tab is closed', async () => {
    const old = await openRaw(name, 1)
    await expect(storage.open(laterSchema)).rejects.toBeInstanceOf(StorageBlockedError)
    old.close()
    const patient = indexedDbStorage({ name, blockedTimeoutMs: 20_000 })
    await patient.open(laterSchema)
    await patient.commit([{ type: 'put', collection: 'extras', value: { id: 'x' } }])
    expect(await patient.get('extras', 'x')).toBeDefined()
    await patient.close()
  })

  it('C6 a handle in use gives way to an upgrade at once, its commits finish, and it then says that it is outdated', async () => {
    await storage.open(schema)
    const committing = storage.commit([put({ id: 'last', colour: 'red' })])
    const newer = indexedDbStorage({ name, blockedTimeoutMs: 2_000 })
    await newer.open(laterSchema)
    await committing
    expect(keysOf(await newer.scan('notes', { index: 'byColour', limit: 10 }))).toEqual(['last'])
    await expect(storage.commit([put({ id: 'late' })])).rejects.toBeInstanceOf(StorageNewerError)
    await newer.close()
  })

  it('C6 a handle in use gives way to a deletion, and begins anew when it is next used', async () => {
    await storage.open(schema)
    await storage.commit([put({ id: 'gone' })])
    await deleteDB(name)
    expect(await storage.get('notes', 'gone')).toBeUndefined()
    await storage.commit([put({ id: 'new' })])
    expect(keysOf(await readAll(storage, 'notes'))).toEqual(['new'])
  })

  it('L5 a connection that was dropped without a word is opened again for the call that finds out', async () => {
    await storage.open(schema)
    await storage.commit([put({ id: 'a' })])
    for (const call of [
      () => storage.commit([put({ id: 'b' })]),
      () => storage.get('notes', 'a'),
      () => storage.scan('notes', { limit: 9 }),
    ]) {
      const lost = await connectionOf(storage)
      lost.close()
      await call()
      expect(await connectionOf(storage)).not.toBe(lost)
    }
    expect(keysOf(await readAll(storage, 'notes'))).toEqual(['a', 'b'])
  })

  it("L5 after the browser cleared the site's data and closed its connections, the handle works on", async () => {
    await storage.open(schema)
    await storage.commit([put({ id: 'a' })])
    const lost = await connectionOf(storage)
    const closed = new Promise((resolve) => lost.addEventListener('close', resolve))
    await cdp().send('Storage.clearDataForOrigin', { origin: location.origin, storageTypes: 'indexeddb' })
    await closed
    await storage.commit([put({ id: 'b' })])
    expect(keysOf(await readAll(storage, 'notes'))).toEqual(['b'])
    expect(await connectionOf(storage)).not.toBe(lost)
  })

  it('S6 a commit whose connection breaks before the commit is asked for is made once more, and once only', async () => {
    await storage.open(schema)
    await storage.commit([put({ id: 'lease', epoch: 1 })])
    const { get } = IDBObjectStore.prototype
    const abort = vi.spyOn(IDBObjectStore.prototype, 'get').mockImplementationOnce(function (this: IDBObjectStore, key) {
      const request = get.call(this, key)
      request.addEventListener('success', () => this.transaction.abort())
      Object.defineProperty(request, 'onsuccess', { set: () => {} })
      return request
    })
    const expectation = { collection: 'notes', key: 'lease', field: 'epoch', equals: 1 }
    expect(
      await storage.commit([{ type: 'append', collection: 'operations', value: { id: 'o' } }], { expect: [expectation] }),
    ).toHaveLength(1)
    expect(abort).toHaveBeenCalledTimes(2)
    expect(await readAll(storage, 'operations')).toHaveLength(1)
  })

  it('S6 a commit whose connection breaks after the commit was asked for is not made again: its outcome is not known', async () => {
    await storage.open(schema)
    const commit = vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementationOnce(function (this: IDBTransaction) {
      this.abort()
    })
    await expect(storage.commit([put({ id: 'n' })])).rejects.toBeInstanceOf(StorageUnavailableError)
    expect(commit).toHaveBeenCalledTimes(1)
  })

  it('S28 a row that the browser itself can not read keeps its place and hides no other', async () => {
    await storage.open(schema)
    await storage.commit([put({ id: 'a', tag: 1 }), put({ id: 'b', tag: 2 }), put({ id: 'c', tag: 3 })])
    const { get } = IDBObjectStore.prototype
    vi.spyOn(IDBObjectStore.prototype, 'get').mockImplementation(function (this: IDBObjectStore, key) {
      return key === 'b' ? failing(this.getKey('b')) : get.call(this, key)
    })
    vi.spyOn(IDBIndex.prototype, 'getAll').mockImplementation(function (this: IDBIndex) {
      return failing(this.objectStore.getKey('b'))
    })
    for (const reverse of [false, true]) {
      const entries = await storage.scan('notes', { index: 'byTag', limit: 10, reverse })
      expect(keysOf(reverse ? entries.toReversed() : entries)).toEqual(['a', 'b', 'c'])
      expect(entries[1]).toMatchObject({ position: [2], value: undefined, corrupt: expect.any(StorageCorruptError) })
      expect(entries.map((entry) => entry.corrupt === undefined)).toEqual([true, false, true])
    }
    expect(await storage.get('notes', 'b')).toMatchObject({ corrupt: expect.any(StorageCorruptError) })
  })

  it('E8 the browser is asked to keep the data only where the application wants that', async () => {
    const persist = vi.spyOn(StorageManager.prototype, 'persist').mockResolvedValue(true)
    await storage.open(schema)
    expect(persist).not.toHaveBeenCalled()
    const lasting = indexedDbStorage({ name, persist: true })
    await lasting.open(schema)
    expect(persist).toHaveBeenCalledOnce()
    await lasting.close()
  })

  it('E8 L5 a user who leaves the question whether to keep the data unanswered keeps no store from opening', async () => {
    const persist = vi.spyOn(StorageManager.prototype, 'persist').mockReturnValue(new Promise(() => {}))
    const asking = indexedDbStorage({ name, persist: true })
    await asking.open(schema)
    expect(persist).toHaveBeenCalledOnce()
    expect(await asking.commit([put({ id: 'n' })])).toEqual([])
    await asking.close()
  })

  it('E8 E9 a worker, of which the browser takes no such wish, opens the store with the same options as its pages', async () => {
    const url = new URL('./workers/keeper.ts', import.meta.url)
    const worker = new Worker(`${url}${url.search ? '&' : '?'}name=${name}`, { type: 'module' })
    const opened = await new Promise((resolve, failed) => {
      worker.addEventListener('error', (event) => failed(new Error(event.message)))
      worker.addEventListener('message', ({ data }) => resolve(data))
    })
    worker.terminate()
    expect(opened).toBe('opened')
  })

  it('L10 a handle that is closed while it opens is closed', async () => {
    const opening = storage.open(schema)
    await storage.close()
    await opening
    await expect(storage.get('notes', 'n')).rejects.toBeInstanceOf(StorageClosedError)
  })

  /** What nobody handles until a timer that was set now is due: those that were set before, for as long, are due before it. */
  async function unhandledFor(ms: number): Promise<readonly unknown[]> {
    const unhandled: unknown[] = []
    const listener = (event: PromiseRejectionEvent): void => {
      event.preventDefault()
      unhandled.push(event.reason)
    }
    addEventListener('unhandledrejection', listener)
    await new Promise((resolve) => setTimeout(resolve, ms))
    await new Promise((resolve) => setTimeout(resolve))
    removeEventListener('unhandledrejection', listener)
    return unhandled
  }

  it('D5 a browser that refuses IndexedDB is told of once, and nothing is left unhandled when the patience with other tabs ends', async () => {
    vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(() => {
      throw new DOMException('refused', 'SecurityError')
    })
    await expect(storage.open(schema)).rejects.toBeInstanceOf(StorageUnavailableError)
    expect(await unhandledFor(200)).toEqual([])
  })

  it('D5 E8 an upgrade that the browser gives up, as for want of room, is told of once', async () => {
    const create = IDBDatabase.prototype.createObjectStore
    vi.spyOn(IDBDatabase.prototype, 'createObjectStore').mockImplementation(function (this: IDBDatabase, ...given) {
      const store = create.apply(this, given)
      if (this.objectStoreNames.length === 1) queueMicrotask(() => store.transaction.abort())
      return store
    })
    const unhandled = unhandledFor(200)
    await expect(storage.open(schema)).rejects.toBeInstanceOf(StorageUnavailableError)
    expect(await unhandled).toEqual([])
  })

  it('C6 a row that an index can not hold is found by an index that a later schema adds', async () => {
    await storage.open(schema)
    await storage.commit([put({ id: 'n', tag: ['x'], colour: 'red' })])
    await storage.close()
    await storage.open(laterSchema)
    const value = { id: 'n', tag: ['x'], colour: 'red' }
    expect(await storage.scan('notes', { index: 'byColour', limit: 9 })).toEqual([{ key: 'n', position: ['red', 'n'], value }])
    expect(await storage.scan('notes', { index: 'byTag', limit: 9 })).toEqual([])
  })

  it('C6 a database of the same version but another shape is refused, not half used', async () => {
    const foreign = await openRaw(name, 1)
    foreign.close()
    await expect(storage.open(schema)).rejects.toBeInstanceOf(StorageCorruptError)
  })
})

/** A request that fails when the given one succeeds, in the same transaction. */
function failing<T>(request: IDBRequest<T>): IDBRequest {
  const error = new DOMException('Failed to read large IndexedDB value', 'DataError')
  const failed = { error, onsuccess: null, onerror: (_event: Event): void => {} }
  request.onsuccess = () => failed.onerror(new Event('error', { cancelable: true }))
  return failed as unknown as IDBRequest
}
