import { deleteDB } from 'idb'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import { CONFLICTS, ENTITIES, META, OPERATIONS, STORE_SCHEMA } from '../../../src/core/schema.ts'
import { createSyncEngine, type EnqueueInput, type SyncEngine } from '../../../src/index.ts'
import { createSimulatedNetwork, createSimulatedServer } from '../../../src/testing/index.ts'

const create = (id: string): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: { n: 1 } })

let name: string
let engines: SyncEngine[]
const server = createSimulatedServer()

beforeEach(() => {
  name = `log-out-${crypto.randomUUID()}`
  engines = []
})
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.stop()))
  await deleteDB(name)
})

async function loggedIn(user: string): Promise<SyncEngine> {
  const engine = createSyncEngine({
    user,
    storage: indexedDbStorage({ name }),
    transport: createSimulatedNetwork({ wire: server.wire }).transport({ baseURL: server.baseURL }),
    entities: { note: {} },
  })
  engines.push(engine)
  await engine.start()
  return engine
}

it('E3 over IndexedDB: blocked while anything is pending, then every tab stops and nothing is left but of others', async () => {
  const bob = await loggedIn('bob')
  bob.pause('test')
  await bob.enqueue(create('b'))
  await bob.stop()
  const [alice, other] = [await loggedIn('alice'), await loggedIn('alice')]
  alice.pause('test')
  other.pause('test')
  await other.enqueue(create('a'))
  await expect(alice.logOut()).rejects.toMatchObject({ code: 'pending-operations', count: 1 })
  const left = new Promise<void>((resolve) => other.on('engine:logged-out', () => resolve()))
  expect((await alice.logOut({ pending: 'wipe' })).givenUp).toMatchObject({ count: 1, inDoubt: 0 })
  await left
  await expect(other.enqueue(create('c'))).rejects.toMatchObject({ name: 'SyncError' })
  await other.stop()
  const storage = indexedDbStorage({ name })
  await storage.open(STORE_SCHEMA)
  const rows = await Promise.all([OPERATIONS, ENTITIES, META, CONFLICTS].map((one) => storage.scan(one, { limit: 100 })))
  await storage.close()
  expect(JSON.stringify(rows)).not.toContain('alice')
  expect(rows[0]).toHaveLength(1)
})
