import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encryptedStorage, type EncryptedStorage, type KeyRing } from '../../src/adapters/encrypted/index.ts'
import { STORE_SCHEMA } from '../../src/core/schema.ts'
import { openDatabase } from '../../src/server/database.ts'
import { StorageCorruptError, StorageKeyError, type EngineOptions, type SyncEngine } from '../../src/index.ts'
import { newKeys } from '../adapters/support/encrypted-world.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

const SECRET = 'secret-7c1e'
let world: World
let keys: KeyRing
beforeEach(async () => {
  world = await createWorld()
  keys = await newKeys('k1', 'k2')
})
afterEach(() => world.close())

const encrypted = (given: KeyRing = keys): EncryptedStorage => encryptedStorage({ storage: world.storage(), keys: given })
const started = (options: Partial<EngineOptions> = {}): Promise<SyncEngine> => world.started({ storage: encrypted(), ...options })

async function fileBytes(): Promise<string> {
  const folder = dirname(world.path)
  const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'latin1')))
  return files.join('\n')
}

describe('an engine on an encrypted store', () => {
  it('E7 S1 S4 keeps what was enqueued over a restart, drains it in order, pulls, and leaves nothing secret in the file', async () => {
    const first = await started()
    first.pause('test')
    await first.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: { title: SECRET } })
    await first.enqueue({ type: 'update', entity: 'note', id: 'n1', payload: { body: SECRET }, dedupeKey: 'd', priority: 'high' })
    expect(await first.view('note').get('n1')).toMatchObject({ value: { title: SECRET, body: SECRET }, status: 'pending' })
    await first.stop()
    expect(await fileBytes()).not.toContain(SECRET)

    const second = await started()
    expect(await second.flush()).toMatchObject({ failed: 0 })
    expect(world.notes()).toEqual({ n1: { id: 'n1', title: SECRET, body: SECRET } })
    await fetch(`${world.url}/note`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': '"other"' },
      body: JSON.stringify({ id: 'n2', title: SECRET }),
    })
    await second.synchronize()
    expect(await second.view('note').list()).toMatchObject([
      { id: 'n1', status: 'synced' },
      { id: 'n2', value: { title: SECRET } },
    ])
    expect(await fileBytes()).not.toContain(SECRET)
    await second.stop()

    const third = await started()
    expect(await third.view('note').get('n2')).toMatchObject({ value: { title: SECRET }, status: 'synced' })
    expect(await third.operations.list({ status: 'done' })).not.toEqual([])
    await third.stop()
    expect(await fileBytes()).not.toContain(SECRET)
  })

  it('E7 S10 S14 two engines share it: one sends, both see', async () => {
    const [one, two] = [await started(), await started()]
    const operation = await two.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: { title: 'x' } })
    expect(await operation.settled).toMatchObject({ status: 'done' })
    const seen = await one.view('note').get('n1')
    expect(seen).toMatchObject({ value: { title: 'x' }, status: 'synced' })
    expect([one.metrics().lock.owner, two.metrics().lock.owner].filter(Boolean)).toHaveLength(1)
  })

  it('E7 refuses to start without keys, and with a wrong one, and says so', async () => {
    await (await started()).stop()
    await expect(world.started()).rejects.toBeInstanceOf(StorageKeyError)
    await expect(started({ storage: encrypted(await newKeys('k1', 'k2')) })).rejects.toMatchObject({ code: 'storage-key' })
  })

  it('E7 S32 B13 a check finds and mends a row that an index has where it does not belong', async () => {
    const engine = await started()
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    ).settled
    const database = await openDatabase(world.path)
    database.prepare(`UPDATE operations SET lane = 'default/note/a' WHERE seq = 1`).run()
    database.close()
    expect((await engine.check()).problems).toMatchObject([{ code: 'place', key: 1, repaired: 'none' }])
    expect((await engine.check({ repair: true })).problems).toMatchObject([{ code: 'place', key: 1, repaired: 'mended' }])
    expect(await engine.check()).toMatchObject({ total: 0 })
  })

  it('E7 S28 a row that was tampered with is quarantined, blocks its own lane only, and can be discarded', async () => {
    const first = await started()
    first.pause('test')
    const [bad] = await first.enqueueAll(['a', 'b'].map((id) => ({ type: 'create', entity: 'note', id, payload: {} }) as const))
    await first.stop()
    const database = await openDatabase(world.path)
    database.prepare("UPDATE operations SET value = json_set(value, '$.status', 'done') WHERE seq = 1").run()
    database.close()

    const second = await started()
    const { sequence, error } = (await eventOf(second, 'sync:quarantined')) as { sequence?: number; error?: unknown }
    expect([sequence, error]).toEqual([1, expect.any(StorageCorruptError)])
    await eventOf(second, 'sync:completed', (event) => 'operation' in event && event.operation?.entityId === 'b')
    expect(Object.keys(world.notes())).toEqual(['b'])
    await second.operations.discard('#1')
    expect(await second.operations.get(bad!.id)).toBeUndefined()
  })

  it('E7 S28 an engine without keys that was open before takes no sealed row for a damaged or a forgotten one', async () => {
    const plain = await world.started()
    plain.pause('test')
    const operation = await plain.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: { title: SECRET } })
    const quarantined: unknown[] = []
    plain.on('sync:quarantined', (event) => void quarantined.push(event))
    let settlement: unknown
    void operation.settled.then((end) => (settlement = end))
    const storage = encrypted()
    await storage.open(STORE_SCHEMA)
    await expect(plain.operations.get(operation.id)).rejects.toBeInstanceOf(StorageKeyError)
    await expect(plain.view('note').get('n1')).rejects.toBeInstanceOf(StorageKeyError)
    await expect(plain.enqueue({ type: 'create', entity: 'note', id: 'n2', payload: {} })).rejects.toBeInstanceOf(StorageKeyError)
    await storage.close()
    await plain.stop()
    expect([quarantined, settlement]).toEqual([[], undefined])
    const second = await started()
    expect(await second.operations.handle(operation.id).settled).toMatchObject({ status: 'done' })
  })

  it('E7 keys are rotated while it works, and it goes on with the new one alone', async () => {
    const first = await started({ storage: encrypted({ ...keys, current: 'k1' }) })
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => first.enqueue({ type: 'create', entity: 'note', id: `n${n}`, payload: { n } })),
    )
    await first.flush()
    const storage = encrypted()
    const second = await started({ storage })
    const writes = Array.from({ length: 50 }, (_, n) =>
      second.enqueue({ type: 'update', entity: 'note', id: `n${n}`, payload: { n: -n } }),
    )
    const { resealed } = await storage.rotate({ batchSize: 20 })
    expect(resealed).toBeGreaterThan(100)
    await Promise.all((await Promise.all(writes)).map(({ settled }) => settled))
    await Promise.all([first.stop(), second.stop()])
    const last = await started({ storage: encrypted({ current: 'k2', all: { k2: keys.all['k2']! } }) })
    const notes = await last.view('note').list()
    expect(notes.filter(({ status, value }) => status === 'synced' && (value as { n: number }).n <= 0)).toHaveLength(50)
    expect(notes).toHaveLength(100)
    expect(Object.keys(world.notes())).toHaveLength(100)
  })

  it('E7 S1 a store of an engine in plain text goes on under encryption with all that it held', async () => {
    const first = await world.started()
    first.pause('test')
    await first.enqueueAll(['a', 'b'].map((id) => ({ type: 'create', entity: 'note', id, payload: { title: SECRET } }) as const))
    await first.stop()
    expect(await fileBytes()).toContain(SECRET)
    const second = await started()
    await second.flush()
    expect(Object.keys(world.notes())).toEqual(['a', 'b'])
    await second.stop()
    expect(await fileBytes()).not.toContain(SECRET)
  })
})
