import { expect, it } from 'vitest'
import { encryptedStorage, type KeyRing } from '../../../src/adapters/encrypted/index.ts'
import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import { createSyncEngine, StorageKeyError, type Storage } from '../../../src/index.ts'
import { systemClock } from '../../../src/adapters/system-clock.ts'
import { transportOver } from '../../../src/adapters/http/transport.ts'
import { createSimulatedServer } from '../../../src/testing/index.ts'
import { describeStorage } from '../../adapters/storage-contract.ts'
import { readAll, schema } from '../../adapters/storage-world.ts'
import { encryptedWorld, newKeys } from '../../adapters/support/encrypted-world.ts'
import { indexedDbWorld } from './indexeddb-world.ts'
import { localforageWorld } from './localforage-world.ts'

const SECRET = 'secret-7c1e'

describeStorage('E7 encrypted, over IndexedDB', () => encryptedWorld(() => indexedDbWorld()))
describeStorage('E7 encrypted, over localforage', () => encryptedWorld(() => localforageWorld('INDEXEDDB')))

/** All that stands in the database. */
async function textOf(name: string): Promise<string> {
  const db = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(name)
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
  const rows = await Promise.all(
    [...db.objectStoreNames].map(
      (store) =>
        new Promise((resolve, reject) => {
          const request = db.transaction(store).objectStore(store).getAll()
          request.onsuccess = () => resolve(request.result)
          request.onerror = () => reject(request.error)
        }),
    ),
  )
  db.close()
  return JSON.stringify(rows)
}

it('E7 S1 S4 an engine in Chromium keeps what was enqueued over a restart, drains it, pulls, and leaves nothing secret in IndexedDB', async () => {
  const name = `encrypted-${crypto.randomUUID()}`
  const keys = await newKeys('k1', 'k2')
  const server = createSimulatedServer()
  const storage = (given: KeyRing): Storage => encryptedStorage({ storage: indexedDbStorage({ name }), keys: given })
  const engineOn = (given: KeyRing) =>
    createSyncEngine({
      storage: storage(given),
      transport: transportOver({ wire: server.wire, clock: systemClock }, { baseURL: server.baseURL }),
      entities: { note: {} },
    })

  const first = engineOn({ ...keys, current: 'k1' })
  await first.start()
  first.pause('test')
  await first.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: { title: SECRET } })
  await first.stop()
  expect(await textOf(name)).not.toContain(SECRET)
  await expect(indexedDbStorage({ name }).open(schema)).rejects.toBeInstanceOf(StorageKeyError)
  await expect(engineOn(await newKeys('k1')).start()).rejects.toBeInstanceOf(StorageKeyError)

  const second = engineOn(keys)
  await second.start()
  await second.flush()
  await second.synchronize()
  expect(server.effects()).toHaveLength(1)
  expect(await second.view('note').get('n1')).toMatchObject({ value: { title: SECRET }, status: 'synced' })
  await second.stop()
  expect(await textOf(name)).not.toContain(SECRET)
  indexedDB.deleteDatabase(name)
})

it('E7 S1 a store in plain text in IndexedDB is sealed at the first open with keys, and rotated to newer ones', async () => {
  const name = `encrypted-${crypto.randomUUID()}`
  const keys = await newKeys('k1', 'k2')
  const plain = indexedDbStorage({ name })
  await plain.open(schema)
  const rows = Array.from({ length: 450 }, (_, n) => ({ id: `n${n}`, tag: 'red', text: SECRET }))
  await plain.commit(rows.map((value) => ({ type: 'put', collection: 'notes', value })))

  const first = encryptedStorage({ storage: indexedDbStorage({ name }), keys: { ...keys, current: 'k1' } })
  await first.open(schema)
  await expect(plain.get('notes', 'n1')).rejects.toBeInstanceOf(StorageKeyError)
  expect(await textOf(name)).not.toContain(SECRET)
  await first.close()
  const storage = encryptedStorage({ storage: indexedDbStorage({ name }), keys })
  await storage.open(schema)
  expect(await storage.rotate()).toEqual({ resealed: 450, unreadable: 0 })
  await storage.close()
  const last = encryptedStorage({ storage: indexedDbStorage({ name }), keys: { current: 'k2', all: { k2: keys.all['k2']! } } })
  await last.open(schema)
  expect((await readAll(last, 'notes')).map(({ value }) => (value as { text: string }).text)).toEqual(rows.map(() => SECRET))
  expect(await last.scan('notes', { index: 'byTag', prefix: ['red'], limit: 1000 })).toHaveLength(450)
  await plain.close()
  await last.close()
  indexedDB.deleteDatabase(name)
})
