import { deleteDB, openDB } from 'idb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import { createSyncEngine, type SyncEngine } from '../../../src/index.ts'
import { createSimulatedNetwork, createSimulatedServer } from '../../../src/testing/index.ts'

describe('the consistency checker over IndexedDB', () => {
  let name: string
  let engine: SyncEngine
  const server = createSimulatedServer()

  beforeEach(async () => {
    name = `check-${crypto.randomUUID()}`
    engine = createSyncEngine({
      storage: indexedDbStorage({ name }),
      transport: createSimulatedNetwork({ wire: server.wire }).transport({ baseURL: server.baseURL }),
      entities: { note: {} },
    })
    await engine.start()
  })
  afterEach(async () => {
    await engine.stop()
    await deleteDB(name)
  })

  /** Changes a record behind everybody's back. */
  async function change(store: string, key: IDBValidKey, made: (record: object) => object): Promise<void> {
    const database = await openDB(name)
    await database.put(store, made((await database.get(store, key)) as object))
    database.close()
  }

  it('B13 finds nothing in a sound store, mends an operation, and has a broken entity pulled anew', async () => {
    server.put('note', 'n1', { title: 'one' })
    server.put('note', 'n2', { title: 'two' })
    await engine.synchronize()
    engine.pause('test')
    const operation = await engine.enqueue({ type: 'update', entity: 'note', id: 'n2', payload: { title: 'ours' } })
    expect(await engine.check()).toMatchObject({ isSound: true, checked: { operations: 1, entities: 2 } })
    await change('operations', 1, (record) => ({ ...record, rank: 'never', lane: 'default/note/other' }))
    await change('entities', 'default/note/n1', () => ({ key: 'default/note/n1', version: 1 }))
    const { problems } = await engine.check({ repair: true })
    expect(problems.map(({ code, key, repaired }) => [code, key, repaired])).toEqual([
      ['field', 1, 'mended'],
      ['field', 1, 'mended'],
      ['unreadable', 'default/note/n1', 'quarantined'],
    ])
    expect(await engine.check()).toMatchObject({ isSound: true, total: 0 })
    engine.resume('test')
    expect(await operation.settled).toEqual({ status: 'done' })
    await engine.synchronize()
    expect(await engine.view('note').get('n1')).toMatchObject({ value: { title: 'one' } })
  })
})
