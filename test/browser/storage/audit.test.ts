import { deleteDB } from 'idb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import { localforageStorage } from '../../../src/adapters/localforage/index.ts'
import { createSyncEngine, type Storage, type SyncEngine } from '../../../src/index.ts'
import { createSimulatedNetwork, createSimulatedServer } from '../../../src/testing/index.ts'

const STORES: readonly (readonly [string, (name: string) => Storage])[] = [
  ['IndexedDB', (name) => indexedDbStorage({ name })],
  ['localforage', (name) => localforageStorage({ name })],
]

describe.each(STORES)('an audit over %s', (_, storageOf) => {
  let name: string
  const server = createSimulatedServer()
  const engines: SyncEngine[] = []

  async function started(): Promise<SyncEngine> {
    const engine = createSyncEngine({
      storage: storageOf(name),
      transport: createSimulatedNetwork({ wire: server.wire }).transport({ baseURL: server.baseURL }),
      entities: { note: {} },
      audit: {},
    })
    engines.push(engine)
    await engine.start()
    return engine
  }

  beforeEach(() => {
    name = `audit-${crypto.randomUUID()}`
  })
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.stop()
    await deleteDB(name)
  })

  it('C7 S26 tells what both tabs did, in one order without a gap, by entity, operation and time', async () => {
    const [one, two] = [await started(), await started()]
    const id = crypto.randomUUID()
    const create = await one.enqueue({ type: 'create', entity: 'note', id, payload: { title: 'old' } })
    await create.settled
    const update = await two.enqueue({ type: 'update', entity: 'note', id, payload: { title: 'new' } })
    await update.settled
    const { entries } = await two.audit.list({ first: 'oldest' })
    expect(entries.map(({ number, action, operation }) => [number, action, operation])).toEqual([
      [1, 'enqueued', create.id],
      [2, 'ended', create.id],
      [3, 'enqueued', update.id],
      [4, 'ended', update.id],
    ])
    const change = { changes: [{ path: 'title', from: 'old', to: 'new' }] }
    expect((await one.audit.list({ operation: update.id })).entries).toMatchObject([change, change])
    expect((await one.audit.list({ entity: 'note', id, limit: 1 })).entries).toMatchObject([{ number: 4 }])
    expect((await one.audit.list({ since: entries[3]!.at + 1 })).entries).toEqual([])
  })
})
