import { deleteDB } from 'idb'
import { expect, it } from 'vitest'
import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import { createSyncEngine, type SyncEngine } from '../../../src/index.ts'
import { createSimulatedNetwork, createSimulatedServer } from '../../../src/testing/index.ts'

it('B7 over IndexedDB: what is not to be sent before a time is kept over a restart, holds its lane, and goes when somebody says so', async () => {
  const name = `schedule-${crypto.randomUUID()}`
  const server = createSimulatedServer()
  const make = (): SyncEngine =>
    createSyncEngine({
      storage: indexedDbStorage({ name }),
      transport: createSimulatedNetwork({ wire: server.wire }).transport({ baseURL: server.baseURL }),
      entities: { note: {} },
    })
  const first = make()
  await first.start()
  const notBefore = Date.now() + 3_600_000
  const later = await first.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { n: 1 }, notBefore })
  await first.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { n: 2 } })
  await first.stop()
  const second = make()
  await second.start()
  await second.flush()
  expect((await second.operations.list()).map(({ status }) => status)).toEqual(['waiting', 'queued'])
  expect(await second.operations.get(later.id)).toMatchObject({ notBefore, nextAttemptAt: notBefore, attempts: 0 })
  await second.operations.retry(later.id)
  expect(await second.operations.handle(later.id).settled).toEqual({ status: 'done' })
  await second.flush()
  expect(await second.view('note').get('a')).toMatchObject({ status: 'synced', value: { n: 2 } })
  await second.stop()
  await deleteDB(name)
})
