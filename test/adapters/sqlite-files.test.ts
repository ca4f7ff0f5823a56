import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { StorageCorruptError, StorageNewerError, StorageUnavailableError, ValidationError } from '../../src/core/errors.ts'
import type { Storage, Write } from '../../src/core/ports.ts'
import { laterSchema, schema } from './storage-world.ts'
import { behindItsBack, temporaryFolder } from './support/sqlite-world.ts'
import type { Folder } from './support/sqlite-world.ts'
import { startWorker } from './support/workers.ts'

const put = (value: object): Write => ({ type: 'put', collection: 'notes', value })

function openFilesIn(folder: string): string[] {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return targets.filter((target) => target.startsWith(folder))
}

describe('the file of an SQLite store', () => {
  let folder: Folder
  let path: string
  let storage: Storage
  beforeEach(() => {
    folder = temporaryFolder()
    path = join(folder.path, 'store.db')
    storage = sqliteStorage({ path })
  })
  afterEach(async () => {
    await storage.close()
    folder.remove()
  })

  const refusalAt = (at: string) =>
    sqliteStorage({ path: at })
      .open(schema)
      .catch((error: unknown) => error)

  it('L10 close leaves no file open and nothing beside the database', async () => {
    await storage.open(schema)
    await storage.commit([put({ id: 'n', tag: 1 })])
    await storage.scan('notes', { index: 'byTag', limit: 10 })
    expect(openFilesIn(folder.path)).toContain(path)
    await storage.close()
    expect(openFilesIn(folder.path)).toEqual([])
    expect(readdirSync(folder.path)).toEqual(['store.db'])
  })

  it('L10 an open that fails leaves no file open', async () => {
    writeFileSync(path, 'not a database '.repeat(1000))
    await refusalAt(path)
    expect(openFilesIn(folder.path)).toEqual([])
  })

  it('A12 C6 room that was freed in it is not used any more, though the file is as large as before', async () => {
    const limited = sqliteStorage({ path, maxBytes: 2_000_000 })
    await limited.open(schema)
    const rows = Array.from({ length: 400 }, (_, n) => ({ id: `n${n}`, text: 'x'.repeat(4_000) }))
    await limited.commit(rows.map(put))
    const share = async (): Promise<number> => {
      const { usedBytes, quotaBytes } = await limited.estimate()
      return usedBytes / quotaBytes!
    }
    expect(await share()).toBeGreaterThan(0.8)
    await limited.commit(rows.map(({ id }): Write => ({ type: 'delete', collection: 'notes', key: id })))
    expect(await share()).toBeLessThan(0.2)
    await limited.commit(rows.map(put))
    await limited.close()
  })

  it('C6 a folder as the path is refused with its reason', async () => {
    const refusal = await refusalAt(folder.path)
    expect(refusal).toBeInstanceOf(StorageUnavailableError)
    expect(refusal).toMatchObject({ message: `${folder.path} is a folder. Name a file in it.`, cause: expect.any(Error) })
  })

  it('C6 a path in a folder that does not exist is refused with its reason, and the folder is not made', async () => {
    const missing = join(folder.path, 'missing')
    const refusal = await refusalAt(join(missing, 'store.db'))
    expect(refusal).toBeInstanceOf(StorageUnavailableError)
    expect(refusal).toMatchObject({ message: `The folder ${missing} does not exist. Create it, or choose another path.` })
    expect(existsSync(missing)).toBe(false)
  })

  it('C6 a file that is no database is refused and left as it was', async () => {
    const text = 'dear diary, '.repeat(1000)
    writeFileSync(path, text)
    expect(await refusalAt(path)).toBeInstanceOf(StorageCorruptError)
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  it('C6 a damaged database is refused as damaged', async () => {
    await storage.open(schema)
    await storage.commit(Array.from({ length: 500 }, (_, n) => put({ id: `n${n}`, text: 'x'.repeat(200) })))
    await storage.close()
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.fill(0xaa, 4096))
    await expect(
      (async () => {
        await storage.open(schema)
        await storage.scan('notes', { limit: 1000 })
      })(),
    ).rejects.toBeInstanceOf(StorageCorruptError)
  })

  it('S27 a file of a newer schema is left as it was, byte for byte', async () => {
    await storage.open(laterSchema)
    await storage.close()
    const before = readFileSync(path)
    expect(await refusalAt(path)).toBeInstanceOf(StorageNewerError)
    expect(readFileSync(path).equals(before)).toBe(true)
    expect(readdirSync(folder.path)).toEqual(['store.db'])
  })

  it('S27 an index whose definition changes is made anew', async () => {
    const withTag = (fields: string[], version: number) => ({
      version,
      collections: { notes: { key: 'id', indexes: { main: { fields, unique: true as const } } } },
    })
    await storage.open(withTag(['tag'], 1))
    await storage.commit([put({ id: 'a', tag: 1, colour: 'red' }), put({ id: 'b', tag: 2, colour: 'blue' })])
    await storage.close()
    await storage.open(withTag(['colour'], 2))
    await storage.commit([put({ id: 'c', tag: 1, colour: 'green' })])
    const rows = await storage.scan('notes', { index: 'main', limit: 10 })
    expect(rows.map((row) => row.position)).toEqual([['blue'], ['green'], ['red']])
  })

  it.each(['file', 'folder'])('C6 a %s that may only be read is refused with its own error', async (what) => {
    const inner = join(folder.path, 'inner')
    mkdirSync(inner)
    const file = join(inner, 'store.db')
    if (what === 'file') {
      const owner = sqliteStorage({ path: file })
      await owner.open({ version: 1, collections: { notes: { key: 'id', indexes: {} } } })
      await owner.close()
      chmodSync(file, 0o444)
    }
    chmodSync(folder.path, 0o755)
    chmodSync(inner, what === 'file' ? 0o777 : 0o555)
    const worker = startWorker('open-unprivileged', file)
    let outcome = ''
    for await (const line of worker.lines()) outcome += line
    await worker.ended
    chmodSync(inner, 0o755)
    expect(JSON.parse(outcome || worker.complaints())).toMatchObject({
      name: 'StorageReadOnlyError',
      code: 'storage-read-only',
      caused: true,
    })
    expect(readdirSync(inner)).toEqual(what === 'file' ? ['store.db'] : [])
  })

  it('C6 options that make no sense are refused at once', () => {
    const wrong = [
      { path: '' },
      { path: ':memory:' },
      { path: 'libsql://host/db' },
      { path: 'a\0b' },
      { path, busyTimeoutMs: -1 },
      { path, watchMs: 0 },
      // Node would look every millisecond.
      { path, watchMs: 2 ** 31 },
    ]
    for (const options of wrong) expect(() => sqliteStorage(options)).toThrow(ValidationError)
    expect(() => sqliteStorage({ path, maxBytes: Number.NaN })).toThrow('maxBytes')
  })

  it('C6 a schema whose columns would collide is refused, and nothing is made of it', async () => {
    const colliding = {
      version: 1,
      collections: { ok: { key: 'id', indexes: {} }, bad: { key: 'id', indexes: { x: { fields: ['ID'] } } } },
    }
    await expect(storage.open(colliding)).rejects.toBeInstanceOf(ValidationError)
    const reserved = { version: 1, collections: { bad: { key: 'value', indexes: {} } } }
    await expect(storage.open(reserved)).rejects.toBeInstanceOf(ValidationError)
    await behindItsBack(path, 'CREATE TABLE ok (x)')
  })
})
