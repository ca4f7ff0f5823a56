import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AUDIT } from '../../src/core/audit-collection.ts'
import { encryptedStorage, generateKey } from '../../src/adapters/encrypted/index.ts'
import { memoryDisk, memoryStorage } from '../../src/adapters/memory.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { OPERATIONS, STORE_SCHEMA } from '../../src/core/schema.ts'
import { createAuditWriter } from '../../src/engine/audit-writer.ts'
import { settingsOf } from '../../src/core/options.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { openDriver } from '../../src/adapters/sqlite/driver.ts'
import { StorageUnavailableError, type SyncEngine } from '../../src/index.ts'
import { created, patch } from '../support/conflicts.ts'
import { faultyStorage } from '../support/faulty-storage.ts'
import { sqlOn } from '../support/sql.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'
import { version2 } from '../adapters/version-2.ts'
import { version1Operation } from '../adapters/version-1.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const audited = { audit: {} }
const numbersOf = async (engine: SyncEngine) =>
  (await engine.audit.list({ first: 'oldest', limit: 1_000 })).entries.map(({ number }) => number)

describe('S26 an audit that can not do what it should', () => {
  it('S26 says so where changes can not be worked out, and makes no commit fail', () => {
    const settings = settingsOf({
      storage: memoryStorage({ disk: memoryDisk() }),
      transport: httpTransport({ baseURL: world.url }),
      entities: { note: {} },
      ...audited,
    })
    const writer = createAuditWriter(
      settings,
      () => 1,
      () => 'here',
    )
    const payload = {
      get title(): string {
        throw new Error('not now')
      },
    }
    const row = { ...version1Operation('one'), payload }
    const [write] = writer.entriesOf([{ type: 'append', collection: OPERATIONS, value: row }], 'call')
    expect(write).toMatchObject({
      type: 'append',
      collection: AUDIT,
      value: { action: 'enqueued', operation: 'one', changes: [], problem: expect.stringContaining('could not be worked out') },
    })
  })

  it('S26 E8 a full disk refuses the enqueue as ever, and leaves neither an operation nor an entry', async () => {
    const disk = memoryDisk()
    const engine = await world.started({ ...audited, storage: memoryStorage({ disk }) })
    engine.pause('test')
    await engine.enqueue(patch({ title: 'one' }))
    disk.quotaBytes = disk.usedBytes + 10
    await expect(engine.enqueue(patch({ title: 'two' }))).rejects.toMatchObject({ code: 'storage-quota' })
    disk.quotaBytes = undefined
    await engine.enqueue(patch({ title: 'three' }))
    expect(await engine.operations.count('live')).toBe(2)
    expect(await numbersOf(engine)).toEqual([1, 2])
  })

  it('S26 an entry that can not be read is named, and the others are told', async () => {
    const engine = await world.started(audited)
    await created(engine, { title: 'one' })
    await engine.stop()
    const driver = await openDriver(world.path)
    driver.exec("UPDATE audit SET value = '{' WHERE number = 1")
    await driver.close()
    const next = await world.started(audited)
    const page = await next.audit.list()
    expect(page.unreadable).toEqual([1])
    expect(page.entries.map(({ number }) => number)).toEqual([2])
  })

  it.each(['newest', 'oldest'] as const)(
    'S26 a page that is full of what can not be read ends no list, the %s first',
    async (first) => {
      const engine = await world.started(audited)
      await created(engine, { title: 'one' })
      await (
        await engine.enqueue(patch({ title: 'two' }))
      ).settled
      await engine.stop()
      await sqlOn(world.path, "UPDATE audit SET value = '{' WHERE number IN (1, 4)")
      const next = await world.started(audited)
      const pages = [await next.audit.list({ first, limit: 1 })]
      while (pages.at(-1)?.next !== undefined) pages.push(await next.audit.list({ first, limit: 1, after: pages.at(-1)!.next }))
      expect(pages.flatMap(({ entries }) => entries.map(({ number }) => number)).toSorted((a, b) => a - b)).toEqual([2, 3])
      expect(pages.flatMap(({ unreadable }) => unreadable).toSorted((a, b) => a - b)).toEqual([1, 4])
    },
  )

  it('S26 L9 a clean-up that fails is told of, harms no operation, and is made up for by the next', async () => {
    const storage = faultyStorage(world.storage())
    const engine = await world.started({ audit: { keepCount: 10 }, storage })
    await eventOf(engine, 'lock:acquired')
    const fault = new StorageUnavailableError('Not now.')
    storage.failReads((_, collection) => (collection === AUDIT ? fault : undefined))
    const told = eventOf(engine, 'storage:error', (event) => 'error' in event && event.error === fault)
    for (let n = 0; n < 15; n++) await created(engine, { n })
    await told
    storage.failReads(undefined)
    await engine.enqueue(patch({ title: 'last' }))
    await vi.waitFor(async () => expect((await numbersOf(engine)).length).toBeLessThanOrEqual(11))
    expect(world.notes()).toMatchObject({ a: {} })
  })

  it('S26 no token is in it, nor in the file that holds it', async () => {
    const transport = httpTransport({ baseURL: world.url, auth: { token: async () => 'canary-token', refresh: async () => {} } })
    const engine = await world.started({ ...audited, transport })
    await created(engine, { title: 'one' })
    await (
      await engine.enqueue({ type: 'update', entity: 'note', id: 'absent', payload: {} })
    ).settled
    const { entries } = await engine.audit.list()
    expect(entries.length).toBeGreaterThan(4)
    expect(JSON.stringify(entries)).not.toMatch(/canary|authorization|bearer/i)
  })

  it('S26 E7 in an encrypted store what changed is sealed, and found as in any other', async () => {
    const keys = { current: 'k', all: { k: await generateKey() } }
    const sealed = () => encryptedStorage({ storage: sqliteStorage({ path: world.path }), keys })
    const engine = await world.started({ ...audited, storage: sealed() })
    await created(engine, { title: 'canary-title' })
    const { entries } = await engine.audit.list({ entity: 'note', id: 'a', first: 'oldest' })
    expect(entries.map(({ changes }) => changes[0])).toEqual([
      { path: 'title', to: 'canary-title' },
      { path: 'title', to: 'canary-title' },
    ])
    await engine.stop()
    const driver = await openDriver(world.path)
    const rows = driver.prepare('SELECT value FROM audit').rows([])
    await driver.close()
    expect(rows).toHaveLength(2)
    expect(JSON.stringify(rows)).not.toMatch(/canary|enqueued|client/)
  })

  it('S26 S27 begins in a store that an older build has made, with the operations in it', async () => {
    const old = sqliteStorage({ path: world.path })
    await old.open(version2)
    await old.commit([{ type: 'append', collection: OPERATIONS, value: { ...version1Operation('one'), type: 'create' } }])
    await old.close()
    const engine = await world.started(audited)
    await engine.operations.handle('one').settled
    expect((await engine.audit.list()).entries).toMatchObject([{ number: 1, action: 'ended', outcome: 'done', operation: 'one' }])
    expect(STORE_SCHEMA.version).toBeGreaterThan(version2.version)
  })
})
