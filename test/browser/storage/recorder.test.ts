import { deleteDB } from 'idb'
import { expect, it } from 'vitest'
import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import { createSyncEngine } from '../../../src/index.ts'
import { createSimulatedNetwork, createSimulatedServer } from '../../../src/testing/index.ts'

it('F3 records an engine over IndexedDB: its transitions and the calls of its store, and no payload', async () => {
  const name = `recorder-${crypto.randomUUID()}`
  const server = createSimulatedServer()
  const network = createSimulatedNetwork({ wire: server.wire })
  const engine = createSyncEngine({
    storage: indexedDbStorage({ name }),
    transport: network.transport({ baseURL: server.baseURL }),
    entities: { note: {} },
    recorder: {},
  })
  await engine.start()
  const { settled } = await engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: { title: 'canary-3f' } })
  expect(await settled).toEqual({ status: 'done' })
  await engine.stop()
  const trace = engine.recorder.export()
  for (const part of [
    '"taken":["operation.sending:OUTCOME:0"]',
    '"port":"storage","call":"commit","ok":true',
    '"event":"engine:stopped"',
  ])
    expect(trace).toContain(part)
  expect(trace).not.toContain('canary-3f')
  await deleteDB(name)
})
