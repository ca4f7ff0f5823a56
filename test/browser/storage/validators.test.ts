import { deleteDB } from 'idb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import { createSyncEngine, type SyncEngine } from '../../../src/index.ts'
import { createSimulatedNetwork, createSimulatedServer } from '../../../src/testing/index.ts'
import { LIBRARIES } from '../../support/schemas.ts'

describe.each(LIBRARIES)('a schema of %s over IndexedDB', (_, { note, publish }) => {
  let name: string
  let engine: SyncEngine
  const server = createSimulatedServer()

  beforeEach(async () => {
    name = `validators-${crypto.randomUUID()}`
    engine = createSyncEngine({
      storage: indexedDbStorage({ name }),
      transport: createSimulatedNetwork({ wire: server.wire }).transport({ baseURL: server.baseURL }),
      entities: { note: { schema: note, payloads: { publish } } },
    })
    await engine.start()
  })
  afterEach(async () => {
    await engine.stop()
    await deleteDB(name)
  })

  it('B16 refuses what fails before it is stored, and leaves out what comes so from the server', async () => {
    server.put('note', 'good', { title: 'one', count: 1 })
    server.put('note', 'bad', { title: 1 })
    const { pulled } = await engine.synchronize()
    expect(pulled).toMatchObject([{ isComplete: true }])
    expect(await engine.view('note').list()).toMatchObject([{ id: 'good', value: { title: 'one' } }])
    expect(engine.history().filter(({ type }) => type === 'pull:quarantined')).toMatchObject([
      { id: 'bad', error: { issues: [{ path: 'value.title' }] } },
    ])
    engine.pause('test')
    const update = (payload: object): Promise<unknown> => engine.enqueue({ type: 'update', entity: 'note', id: 'good', payload })
    const settled = await Promise.allSettled([
      update({ count: 2 }),
      update({ count: -1 }),
      update({ title: null }),
      update({ x: 1 }),
    ])
    expect(settled).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'invalid', issues: [{ path: 'payload.count' }] } },
      { status: 'rejected', reason: { code: 'invalid', issues: [{ path: 'payload.title' }] } },
      { status: 'fulfilled' },
    ])
    expect((await engine.operations.list()).map(({ payload }) => payload)).toEqual([{ count: 2 }, { x: 1 }])
  })
})
