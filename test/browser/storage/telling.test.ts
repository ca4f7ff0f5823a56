import { deleteDB } from 'idb'
import { it } from 'vitest'
import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import { createSyncEngine } from '../../../src/index.ts'
import { createSimulatedNetwork, createSimulatedServer } from '../../../src/testing/index.ts'
import { tellsOfItself } from '../../support/telling.ts'

it('A12 B10 B17 C4 over IndexedDB: an engine tells of itself by events, log, alert and statistics that outlive it', async () => {
  const name = `telling-${crypto.randomUUID()}`
  const server = createSimulatedServer()
  await tellsOfItself((options) =>
    createSyncEngine({
      storage: indexedDbStorage({ name }),
      transport: createSimulatedNetwork({ wire: server.wire }).transport({ baseURL: server.baseURL }),
      entities: { note: {} },
      ...options,
    }),
  )
  await deleteDB(name)
})
