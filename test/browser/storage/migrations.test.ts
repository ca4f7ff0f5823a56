import { deleteDB } from 'idb'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import { createSyncEngine, type EntityOptions, type Json, type JsonObject, type SyncEngine } from '../../../src/index.ts'
import { createSimulatedNetwork, createSimulatedServer } from '../../../src/testing/index.ts'

const renamed = (json: Json): JsonObject => {
  const { title, bad, ...rest } = json as JsonObject
  if (bad !== undefined) throw new Error('out of order')
  return title === undefined ? rest : { ...rest, name: title }
}

let name: string
const engines: SyncEngine[] = []
const server = createSimulatedServer()

async function started(note: EntityOptions): Promise<SyncEngine> {
  const network = createSimulatedNetwork({ wire: server.wire })
  const engine = createSyncEngine({
    storage: indexedDbStorage({ name }),
    transport: network.transport({ baseURL: server.baseURL }),
    entities: { note },
  })
  engines.push(engine)
  await engine.start()
  return engine
}

beforeEach(() => {
  name = `migrations-${crypto.randomUUID()}`
})
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()))
  await deleteDB(name)
})

it('S27 what an older build has stored in IndexedDB is sent in the new shape, or parked; the older one leaves a newer one’s alone', async () => {
  const older = await started({})
  older.pause('test')
  const [good, bad] = await older.enqueueAll([
    { type: 'create', entity: 'note', id: 'a', payload: { title: 'Hi' } },
    { type: 'create', entity: 'note', id: 'b', payload: { bad: true } },
  ])
  await older.stop()
  const newer = await started({ version: 2, migrations: { 2: { payload: renamed, value: renamed } } })
  expect(await newer.operations.handle(good!.id).settled).toEqual({ status: 'done' })
  await newer.flush()
  expect(await newer.operations.get(bad!.id)).toMatchObject({ status: 'parked', lastError: { code: 'migration-failed' } })
  expect(await newer.view('note').get('a')).toMatchObject({ value: { name: 'Hi' } })
  newer.pause('test')
  const { id } = await newer.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { name: 'Ho' } })
  await newer.stop()
  const again = await started({})
  await again.flush()
  expect(await again.operations.get(id)).toMatchObject({ status: 'queued', ofVersion: 2 })
  await expect(again.operations.discard(id)).rejects.toMatchObject({ code: 'newer-build' })
})
