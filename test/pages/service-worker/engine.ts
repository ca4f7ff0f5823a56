import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import { httpTransport } from '../../../src/adapters/http/index.ts'
import { createSyncEngine, type SyncEngine, type SystemPorts } from '../../../src/index.ts'

export const TAG = 'drain-notes'

/** The same engine for the page and for its worker, but for what it takes for the network. */
export function notesEngine(ports: Partial<SystemPorts> = {}): SyncEngine {
  return createSyncEngine({
    storage: indexedDbStorage({ name: 'notes' }),
    transport: httpTransport({ baseURL: `${location.origin}/api`, timeoutMs: 20_000 }),
    entities: { note: {} },
    ports,
    retry: { strategy: 'constant', baseMs: 1_500 },
  })
}
