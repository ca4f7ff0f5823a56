import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { encryptedStorage, type KeyRing } from '../../src/adapters/encrypted/index.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { StorageCorruptError, StorageKeyError, StorageUnavailableError } from '../../src/core/errors.ts'
import type { Storage, Write } from '../../src/core/ports.ts'
import { readAll, schema } from './storage-world.ts'
import { newKeys } from './support/encrypted-world.ts'
import { behindItsBack, temporaryFolder, type Folder } from './support/sqlite-world.ts'

const CANARY = 'canary-5f2b'
const put = (id: string, text = CANARY): Write => ({ type: 'put', collection: 'notes', value: { id, tag: 'red', text } })
const append = (id: string): Write => ({
  type: 'append',
  collection: 'operations',
  value: { id, lane: 'l', payload: { text: CANARY } },
})

let folder: Folder
let path: string
let keys: KeyRing
beforeEach(async () => {
  folder = temporaryFolder()
  path = join(folder.path, 'store.db')
  keys = await newKeys('k1')
})
afterEach(() => folder.remove())

const plain = (): Storage => sqliteStorage({ path, watchMs: 10 })
const encrypted = (given: KeyRing = keys, inner: Storage = plain()) => encryptedStorage({ storage: inner, keys: given })

/** The database, its log, and whatever lies beside them. */
function bytes(): string {
  return readdirSync(folder.path)
    .map((name) => readFileSync(join(folder.path, name), 'latin1'))
    .join('\n')
}

async function withStore<T>(storage: Storage, work: (storage: Storage) => Promise<T>): Promise<T> {
  await storage.open(schema)
  try {
    return await work(storage)
  } finally {
    await storage.close()
  }
}

it('E7 nothing that is sealed stands in the file or its log, neither while it is open nor after', async () => {
  await withStore(encrypted(), async (storage) => {
    for (let n = 0; n < 50; n++) await storage.commit([put(`n${n}`), append(`o${n}`)])
    await storage.commit([put('n1', `${CANARY} again`), { type: 'delete', collection: 'notes', key: 'n2' }])
    expect(bytes()).not.toContain(CANARY)
    expect(bytes()).toContain('red')
  })
  expect(bytes()).not.toContain(CANARY)
})

it('E7 a wrong key touches no byte of the file', async () => {
  await withStore(encrypted(), (storage) => storage.commit([put('n1')]))
  const before = readFileSync(path)
  await expect(encrypted(await newKeys('k1')).open(schema)).rejects.toBeInstanceOf(StorageKeyError)
  expect(readFileSync(path).equals(before)).toBe(true)
  expect(readdirSync(folder.path).filter((name) => name !== 'store.db')).toEqual([])
})

it('E7 an encrypted store that is opened without keys is refused, says why, and is left as it was', async () => {
  await withStore(encrypted(), (storage) => storage.commit([put('n1')]))
  const before = readFileSync(path)
  await expect(plain().open(schema)).rejects.toThrow(/encrypted.*encryptedStorage/)
  await expect(plain().open(schema)).rejects.toBeInstanceOf(StorageKeyError)
  expect(readFileSync(path).equals(before)).toBe(true)
})

it('E7 S1 a store in plain text is sealed when it is first opened with keys, and nothing of it stays readable', async () => {
  await withStore(plain(), async (storage) => {
    for (let n = 0; n < 500; n++) await storage.commit([put(`n${n}`), append(`o${n}`)], { durability: 'relaxed' })
  })
  expect(bytes()).toContain(CANARY)
  const rows = await withStore(encrypted(), async (storage) => {
    expect(bytes()).not.toContain(CANARY)
    return [await readAll(storage, 'notes'), await readAll(storage, 'operations')]
  })
  expect(rows.map((found) => found.length)).toEqual([500, 500])
  expect(
    rows
      .flat()
      .map(({ value }) => JSON.stringify(value))
      .every((text) => text.includes(CANARY)),
  ).toBe(true)
  await withStore(encrypted(), async (storage) => {
    expect(await storage.commit([append('next')])).toEqual([501])
    expect(await storage.scan('notes', { index: 'byTag', prefix: ['red'], limit: 1000 })).toHaveLength(500)
  })
})

it('E7 S1 the sealing of a store in plain text that fails in the midst goes on at the next open', async () => {
  await withStore(plain(), async (storage) => {
    for (let n = 0; n < 700; n++) await storage.commit([put(`n${n}`)], { durability: 'relaxed' })
  })
  for (const failing of [1, 1, 2]) {
    const inner = plain()
    let commits = 0
    const commit: Storage['commit'] = async (...given) => {
      if (++commits > failing) throw new StorageUnavailableError('Not now.')
      return inner.commit(...given)
    }
    await expect(encrypted(keys, { ...inner, commit }).open(schema)).rejects.toBeInstanceOf(StorageUnavailableError)
    await expect(plain().open(schema)).rejects.toBeInstanceOf(StorageKeyError)
  }
  await withStore(encrypted(), async (storage) => {
    const rows = await readAll(storage, 'notes')
    expect([rows.length, rows.filter(({ corrupt }) => corrupt)]).toEqual([700, []])
    expect(bytes()).not.toContain(CANARY)
  })
})

it('E7 S2 a handle without keys that is open meanwhile writes no more', async () => {
  const old = plain()
  await old.open(schema)
  await old.commit([put('n1')])
  await withStore(encrypted(), async (storage) => {
    await expect(old.commit([put('n2')])).rejects.toBeInstanceOf(StorageKeyError)
    expect(await readAll(storage, 'notes')).toMatchObject([{ key: 'n1', value: { text: CANARY } }])
  })
  await old.close()
})

it('E7 S1 handles that open a store in plain text at once seal it once, and lose nothing that either writes then', async () => {
  await withStore(plain(), async (storage) => {
    for (let n = 0; n < 450; n++) await storage.commit([put(`n${n}`, 'old')], { durability: 'relaxed' })
  })
  const handles = [encrypted(), encrypted(), encrypted()]
  await Promise.all(
    handles.map(async (storage, at) => {
      await storage.open(schema)
      for (let n = 0; n < 450; n += 50) await storage.commit([put(`n${n + at}`, `new ${at}`)])
    }),
  )
  const rows = await readAll(handles[0]!, 'notes')
  expect(rows.filter(({ value }) => (value as { text: string }).text.startsWith('new'))).toHaveLength(27)
  expect(rows).toHaveLength(450)
  for (const storage of handles) await storage.close()
})

it('E7 a store in plain text is refused and left as it was, if that is wanted', async () => {
  await withStore(plain(), (storage) => storage.commit([put('n1')]))
  const strict = encryptedStorage({ storage: plain(), keys, plaintext: 'refuse' })
  await expect(strict.open(schema)).rejects.toThrow(/plain text/)
  await withStore(encrypted(), async (storage) => expect(await readAll(storage, 'notes')).toHaveLength(1))
  await withStore(strict, async (storage) => expect(await readAll(storage, 'notes')).toHaveLength(1))
})

it('S28 E7 a row whose index was changed alone is corrupt where the index finds it', async () => {
  await withStore(encrypted(), (storage) => storage.commit([put('n1')]))
  await behindItsBack(path, "UPDATE notes SET tag = 'blue'")
  await withStore(encrypted(), async (storage) => {
    const [entry] = await storage.scan('notes', { index: 'byTag', prefix: ['blue'], limit: 1 })
    expect(entry).toMatchObject({ key: 'n1', position: ['blue'], corrupt: expect.any(StorageCorruptError) })
  })
})

it('E7 an update that knows the row as it was spares the indexes that stay the same, as without encryption', async () => {
  await withStore(encrypted(), async (storage) => {
    await storage.commit([put('n1')])
    await behindItsBack(
      path,
      `CREATE TRIGGER spared BEFORE UPDATE OF tag ON notes BEGIN SELECT RAISE(ABORT, 'the index was written'); END`,
    )
    const [value, was] = [
      { id: 'n1', tag: 'red', text: 'new' },
      { id: 'n1', tag: 'red', text: CANARY },
    ]
    await expect(storage.commit([{ type: 'put', collection: 'notes', value }])).rejects.toThrow()
    await storage.commit([{ type: 'put', collection: 'notes', value, was }])
    expect((await storage.get('notes', 'n1'))?.value).toEqual(value)
  })
})
