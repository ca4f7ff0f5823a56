import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  encryptedStorage,
  keyFromPassphrase,
  type EncryptedStorage,
  type KeyRing,
  type KeySource,
} from '../../src/adapters/encrypted/index.ts'
import { memoryDisk, memoryStorage, type MemoryDisk } from '../../src/adapters/memory.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { StorageCorruptError, StorageKeyError, ValidationError } from '../../src/core/errors.ts'
import type { Storage, StoreSchema, Write } from '../../src/core/ports.ts'
import { readAll, schema } from './storage-world.ts'
import { newKeys } from './support/encrypted-world.ts'
import { temporaryFolder } from './support/sqlite-world.ts'
import { startWorker } from './support/workers.ts'

const put = (id: string, v = 0): Write => ({ type: 'put', collection: 'notes', value: { id, v, tag: 'red', text: `text ${v}` } })

let disk: MemoryDisk
let both: KeyRing
let older: KeyRing
const opened: Storage[] = []
beforeEach(async () => {
  disk = memoryDisk()
  both = await newKeys('k1', 'k2')
  older = { ...both, current: 'k1' }
})
afterEach(async () => {
  for (const storage of opened.splice(0)) await storage.close()
})

const only = (id: string): KeyRing => ({ current: id, all: { [id]: both.all[id]! } })

async function open(keys: KeyRing, inner: Storage = memoryStorage({ disk })): Promise<EncryptedStorage> {
  const storage = encryptedStorage({ storage: inner, keys })
  opened.push(storage)
  await storage.open(schema)
  return storage
}

/** How many rows each key has sealed. */
async function sealedBy(): Promise<Record<string, number>> {
  const raw = memoryStorage({ disk })
  await raw.open({ version: disk.version, collections: { notes: { key: 'id', indexes: {} } } })
  const counts: Record<string, number> = {}
  for (const { value } of await readAll(raw, 'notes')) {
    const id = (value as { sealed: string }).sealed.split('.')[1]!
    counts[id] = (counts[id] ?? 0) + 1
  }
  return counts
}

async function filled(count = 500): Promise<void> {
  const storage = await open(older)
  await storage.commit(Array.from({ length: count }, (_, n) => put(`n${n}`)))
  await storage.commit([{ type: 'append', collection: 'operations', value: { id: 'o1', lane: 'l', payload: 1 } }])
  await storage.close()
}

/** What never ends fails here. */
function patient(inner: Storage, scans: { left: number }): Storage {
  return {
    ...inner,
    async scan(collection, query) {
      if (scans.left-- === 0) throw new Error('There is no end to it.')
      return inner.scan(collection, query)
    },
  }
}

it('E7 new rows are sealed with the current key, older ones are read with theirs', async () => {
  await filled(3)
  const storage = await open(both)
  await storage.commit([put('new')])
  expect(await sealedBy()).toEqual({ k1: 3, k2: 1 })
  expect((await readAll(storage, 'notes')).map(({ value }) => (value as { text: string }).text)).toEqual(Array(4).fill('text 0'))
  await expect(open(only('k2'))).rejects.toThrow(/"k1".*rotate\(\)/)
})

it('E7 after the rotation the older key may be dropped, and its progress was told batch by batch', async () => {
  await filled()
  const storage = await open(both)
  const told: number[] = []
  expect(await storage.rotate({ batchSize: 100, onProgress: ({ resealed }) => told.push(resealed) })).toEqual({
    resealed: 501,
    unreadable: 0,
  })
  expect(told).toEqual([1, 101, 201, 301, 401, 501])
  expect(await sealedBy()).toEqual({ k2: 500 })
  await storage.close()
  await expect(open(only('k1'))).rejects.toBeInstanceOf(StorageKeyError)
  const last = await open(only('k2'))
  expect((await readAll(last, 'notes')).filter(({ corrupt }) => corrupt)).toEqual([])
  expect((await last.scan('operations', { index: 'byLane', prefix: ['l'], limit: 5 }))[0]?.value).toMatchObject({
    id: 'o1',
    payload: 1,
  })
  expect(await last.rotate()).toEqual({ resealed: 0, unreadable: 0 })
  await expect(last.rotate({ batchSize: 0 })).rejects.toBeInstanceOf(ValidationError)
})

it('E7 S2 a row that is written between the read and the write of a batch is not overwritten', async () => {
  await filled(20)
  const writer = await open(both)
  const inner = memoryStorage({ disk })
  const written: string[] = []
  const commit: Storage['commit'] = async (writes, options) => {
    const [first] = writes
    if (writes.length > 1 && first?.type === 'put' && first.collection === 'notes' && written.length < 5) {
      const id = `n${written.length}`
      written.push(id)
      await writer.commit([put(id, 7)], { expect: [{ collection: 'notes', key: id, field: 'v', equals: 0 }] })
      if (id === 'n4') await writer.commit([{ type: 'delete', collection: 'notes', key: 'n9' }])
    }
    return inner.commit(writes, options)
  }
  const storage = await open(both, { ...inner, commit })
  await storage.rotate()
  const rows = await storage.getMany('notes', [...written, 'n5', 'n9'])
  expect(rows.map((row) => (row?.value as { v: number } | undefined)?.v)).toEqual([7, 7, 7, 7, 7, 0, undefined])
  expect(await sealedBy()).toEqual({ k2: 19 })
})

it('E7 a handle that seals with the older key takes the newer one as soon as another does, if it has it', async () => {
  await filled(3)
  const [old, stranger] = [await open(older), await open(only('k1'))]
  await old.commit([put('n0', 1)])
  const storage = await open(both)
  await old.commit([put('n1', 1)], { expect: [{ collection: 'notes', key: 'n1', field: 'v', equals: 0 }] })
  expect(await sealedBy()).toEqual({ k1: 2, k2: 1 })
  await expect(stranger.commit([put('n2', 1)])).rejects.toThrow(/"k2"/)
  await expect(stranger.get('notes', 'n1')).rejects.toBeInstanceOf(StorageKeyError)
  expect((await stranger.get('notes', 'n0'))?.value).toMatchObject({ v: 1 })
  await storage.rotate()
  await old.commit([put('n3', 1)])
  expect(await sealedBy()).toEqual({ k2: 4 })
})

it('E7 a rotation beside handles that go back to the older key does not end before all is sealed with one', async () => {
  await filled(200)
  const storage = await open(both)
  let opens = 0
  const rotation = storage.rotate({
    batchSize: 10,
    onProgress: ({ resealed }) => {
      if (resealed % 50 !== 0 || opens++ > 2) return
      void open(older).then((other) => other.commit([put(`n${resealed % 200}`, resealed)]))
    },
  })
  await rotation
  await storage.commit([put('last')])
  expect(Object.keys(await sealedBy())).toHaveLength(1)
})

it('E7 L7 handles that rotate to one key at once all come to an end', async () => {
  await filled(300)
  const scans = { left: 200 }
  const handles = [
    await open(both, patient(memoryStorage({ disk }), scans)),
    await open(both, patient(memoryStorage({ disk }), scans)),
  ]
  const rotations = await Promise.all(handles.map((handle) => handle.rotate({ batchSize: 50 })))
  expect(rotations.reduce((sum, { resealed }) => sum + resealed, 0)).toBe(301)
  expect(await readAll(await open(only('k2')), 'notes')).toHaveLength(300)
})

it('E7 L7 handles that rotate to different keys at once come to an end, and lose nothing', async () => {
  await filled(300)
  const scans = { left: 2_000 }
  const handles = [
    await open(both, patient(memoryStorage({ disk }), scans)),
    await open(older, patient(memoryStorage({ disk }), scans)),
  ]
  for (const rotation of await Promise.allSettled(handles.map((handle) => handle.rotate({ batchSize: 50 }))))
    if (rotation.status === 'rejected')
      expect(rotation.reason).toMatchObject({ code: 'storage-conflict', message: /current key/ })
  const storage = await open(both)
  await storage.rotate()
  expect((await readAll(storage, 'notes')).map(({ corrupt }) => corrupt)).toEqual(Array(300).fill(undefined))
})

it('E7 S28 rows that no key opens stay as they are and are counted', async () => {
  await filled(5)
  const raw = memoryStorage({ disk })
  await raw.open({ version: disk.version, collections: { notes: { key: 'id', indexes: {} } } })
  await raw.commit([{ type: 'put', collection: 'notes', value: { id: 'n2', sealed: '1p.k1.AAAA' } }])
  disk.corrupt('notes', 'n3')
  const storage = await open(both)
  expect(await storage.rotate()).toEqual({ resealed: 4, unreadable: 2 })
  expect((await storage.getMany('notes', ['n2', 'n3'])).map((entry) => entry?.corrupt)).toEqual([
    expect.any(StorageCorruptError),
    expect.any(StorageCorruptError),
  ])
})

it('E7 a rotation that is ended early goes on when it is called again', async () => {
  await filled()
  const storage = await open(both)
  const stop = new AbortController()
  const rotation = storage.rotate({
    batchSize: 50,
    signal: stop.signal,
    onProgress: ({ resealed }) => resealed === 151 && stop.abort(),
  })
  await expect(rotation).rejects.toThrow(/abort/i)
  expect(await sealedBy()).toEqual({ k1: 350, k2: 150 })
  await expect(open(only('k2'))).rejects.toBeInstanceOf(StorageKeyError)
  expect((await storage.rotate()).resealed).toBe(350)
})

it('E7 S1 rotations killed in their midst beside a writer lose nothing, and the next one brings it to an end', async () => {
  const folder = temporaryFolder()
  const path = join(folder.path, 'store.db')
  const rows: StoreSchema = {
    version: 1,
    collections: { rows: { key: 'id', compared: ['rev'], indexes: { byTag: { fields: ['tag'] } } } },
  }
  const source =
    (current: string, ...others: string[]): KeySource =>
    async ({ salt }) => {
      const derive = async (id: string) => [id, await keyFromPassphrase(id, { salt, iterations: 1_000 })] as const
      return { current, all: Object.fromEntries(await Promise.all([current, ...others].map(derive))) }
    }
  const at = (keys: KeySource) => encryptedStorage({ storage: sqliteStorage({ path }), keys })
  const first = at(source('p0'))
  await first.open(rows)
  const row = (n: number): Write => ({
    type: 'put',
    collection: 'rows',
    value: { id: `r${n}`, rev: 0, tag: 't', text: 'written 0' },
  })
  await first.commit(Array.from({ length: 300 }, (_, n) => row(n)))
  await first.close()

  const acknowledged = new Map<string, number>()
  let kills = 0
  for (let round = 1; round <= 3; round++) {
    for (let turn = 0; ; turn++) {
      const worker = startWorker('rotate', path, `p${round}`, `p${round - 1}`)
      let batches = 0
      let isDone = false
      for await (const line of worker.lines()) {
        const [what = '', rev] = line.split(' ')
        if (line === 'done') isDone = true
        else if (what !== 'resealed') acknowledged.set(what, Number(rev))
        else if (++batches === 5 + turn && turn < 3) worker.process.kill('SIGKILL')
      }
      const signal = await worker.ended
      if (isDone) break
      expect(signal, worker.complaints()).toBe('SIGKILL')
      kills += 1
    }
  }
  expect(kills).toBeGreaterThan(5)
  const last = at(source('p3'))
  await last.open(rows)
  const found = await readAll(last, 'rows')
  expect([found.length, found.filter(({ corrupt }) => corrupt).length]).toEqual([300, 0])
  const lost = found.filter(({ key, value }) => {
    const { rev, text } = value as { rev: number; text: string }
    return rev < (acknowledged.get(String(key)) ?? 0) || text !== `written ${rev}`
  })
  expect(lost).toEqual([])
  expect(await last.scan('rows', { index: 'byTag', prefix: ['t'], limit: 1000 })).toHaveLength(300)
  await last.close()
  folder.remove()
}, 60_000)
