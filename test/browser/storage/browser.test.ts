import { deleteDB } from 'idb'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { browserStorage } from '../../../src/adapters/browser.ts'
import { StorageBlockedError, StorageClosedError, StorageUnavailableError } from '../../../src/core/errors.ts'
import { schema } from '../../adapters/storage-world.ts'
import { openRaw } from './raw-database.ts'

describe('the choice between the tiers of a browser', () => {
  let name = ''
  beforeEach(() => void (name = `tiers-${crypto.randomUUID()}`))
  afterEach(async () => {
    vi.restoreAllMocks()
    await deleteDB(name)
    localStorage.clear()
  })

  function refuseIndexedDb(): void {
    vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(() => {
      throw new DOMException('refused', 'SecurityError')
    })
  }

  it('C6 where IndexedDB is refused, localforage takes over, and the capabilities say what it promises', async () => {
    refuseIndexedDb()
    const storage = browserStorage({ name })
    await storage.open(schema)
    expect(storage.capabilities).toEqual({ atomicBatch: true, fencing: 'advisory', range: 'scan', durability: 'memory' })
    await storage.commit([{ type: 'put', collection: 'notes', value: { id: 'n' } }])
    expect(await storage.get('notes', 'n')).toMatchObject({ value: { id: 'n' } })
    await storage.close()
  })

  it('S1 a store that began in localforage stays there when IndexedDB opens again, so that its rows are found', async () => {
    refuseIndexedDb()
    const before = browserStorage({ name })
    await before.open(schema)
    await before.commit([{ type: 'put', collection: 'notes', value: { id: 'n' } }])
    await before.close()
    vi.restoreAllMocks()
    const after = browserStorage({ name })
    await after.open(schema)
    expect(after.capabilities.range).toBe('scan')
    expect(await after.get('notes', 'n')).toMatchObject({ value: { id: 'n' } })
    await after.close()
  })

  it('S1 a store that began in IndexedDB is not begun a second time elsewhere while that is refused', async () => {
    const storage = browserStorage({ name })
    await storage.open(schema)
    expect(storage.capabilities.range).toBe('native')
    await storage.commit([{ type: 'put', collection: 'notes', value: { id: 'n' } }])
    await storage.close()
    refuseIndexedDb()
    await expect(storage.open(schema)).rejects.toBeInstanceOf(StorageUnavailableError)
    await expect(storage.get('notes', 'n')).rejects.toBeInstanceOf(StorageClosedError)
    vi.restoreAllMocks()
    await storage.open(schema)
    expect(await storage.get('notes', 'n')).toMatchObject({ value: { id: 'n' } })
    await storage.close()
  })

  it('C6 a database that another tab blocks is no reason to fall over', async () => {
    const old = await openRaw(name, 1)
    const storage = browserStorage({ name, blockedTimeoutMs: 100 })
    await expect(storage.open({ ...schema, version: 2 })).rejects.toBeInstanceOf(StorageBlockedError)
    old.close()
    await storage.open({ ...schema, version: 2 })
    expect(storage.capabilities.range).toBe('native')
    await storage.close()
  })

  it('D5 where neither opens, the error keeps why each of them does not', async () => {
    localStorage.clear()
    refuseIndexedDb()
    vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw new DOMException('refused as well', 'SecurityError')
    })
    const failure: unknown = await browserStorage({ name })
      .open(schema)
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(StorageUnavailableError)
    const [first, second] = ((failure as Error).cause as AggregateError).errors
    expect(first).toMatchObject({ code: 'storage-unavailable', cause: { name: 'SecurityError', message: 'refused' } })
    expect(second).toMatchObject({ code: 'storage-unavailable', cause: { message: 'No available storage method found.' } })
  })

  it('L10 a store that is closed while it opens is closed', async () => {
    const storage = browserStorage({ name })
    const opening = storage.open(schema)
    await storage.close()
    await opening
    await expect(storage.get('notes', 'n')).rejects.toBeInstanceOf(StorageClosedError)
  })

  it('S10 tabs that open at the same time agree on the tier', async () => {
    const handles = Array.from({ length: 5 }, () => browserStorage({ name }))
    let calls = 0
    const { open } = IDBFactory.prototype
    vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(function (this: IDBFactory, ...given) {
      calls += 1
      if (calls === 1) throw new DOMException('refused once', 'UnknownError')
      return open.apply(this, given)
    })
    await Promise.all(handles.map((handle) => handle.open(schema)))
    expect(new Set(handles.map((handle) => handle.capabilities.range))).toEqual(new Set(['scan']))
    await Promise.all(handles.map((handle) => handle.close()))
  })
})
