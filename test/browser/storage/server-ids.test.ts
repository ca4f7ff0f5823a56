import { deleteDB } from 'idb'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import { createSyncEngine, type SyncEngine } from '../../../src/index.ts'
import { createSimulatedNetwork, createSimulatedServer } from '../../../src/testing/index.ts'

let name: string
let engines: SyncEngine[]
const server = createSimulatedServer({ assignedIds: ['note'] })

async function opened(): Promise<SyncEngine> {
  const engine = createSyncEngine({
    storage: indexedDbStorage({ name }),
    transport: createSimulatedNetwork({ wire: server.wire }).transport({ baseURL: server.baseURL }),
    entities: { note: { ids: 'server' }, comment: { references: { noteId: 'note' } } },
  })
  engines.push(engine)
  await engine.start()
  return engine
}

beforeEach(() => {
  name = `server-ids-${crypto.randomUUID()}`
  engines = []
})
afterEach(async () => {
  for (const engine of engines) await engine.stop()
  await deleteDB(name)
})

it('B8 S9 over IndexedDB the id of the server takes the place of the temporary one, in every tab and after a restart', async () => {
  const [owner, other] = [await opened(), await opened()]
  const lists: string[] = []
  owner
    .view('note')
    .watch()
    .subscribe((list) => lists.push(list.map(({ id }) => id).join()))
  await owner.view('note').list()
  owner.pause('test')
  const made = await owner.enqueueAll([
    { type: 'create', entity: 'note', id: 'temp-1', payload: { title: 'one' } },
    { type: 'create', entity: 'comment', id: 'c1', payload: { noteId: 'temp-1' } },
    { type: 'update', entity: 'note', id: 'temp-1', payload: { title: 'two' } },
  ])
  owner.resume('test')
  for (const { settled } of made) expect(await settled).toEqual({ status: 'done' })
  const [{ id }] = server.list('note') as unknown as [{ id: string }]
  expect(server.list('note')).toMatchObject([{ title: 'two' }])
  expect(server.list('comment')).toMatchObject([{ id: 'c1', noteId: id }])
  expect(new Set(lists)).toEqual(new Set(['', 'temp-1', id]))
  const later = await other.enqueue({ type: 'create', entity: 'comment', id: 'c2', payload: { noteId: 'temp-1' } })
  expect(await other.operations.get(later.id)).toMatchObject({ payload: { noteId: id } })
  expect(await other.view('note').get('temp-1')).toMatchObject({ id })
  for (const engine of engines.splice(0)) await engine.stop()
  const again = await opened()
  expect(await again.view('note').get('temp-1')).toMatchObject({ id, value: { title: 'two' } })
})
