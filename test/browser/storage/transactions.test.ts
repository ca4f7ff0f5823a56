import { deleteDB } from 'idb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import { createSyncEngine, type EnqueueInput, type SyncEngine } from '../../../src/index.ts'
import { createSimulatedNetwork, createSimulatedServer } from '../../../src/testing/index.ts'

const create = (id: string): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: { n: 1 } })
/** The server has no such note. */
const ghost: EnqueueInput = { type: 'update', entity: 'note', id: 'ghost', payload: { n: 1 } }

describe.each([
  ['an atomic batch', undefined],
  ['none', false],
] as const)('a transaction over IndexedDB, of an API that has %s', (_, batch) => {
  let name: string
  let engine: SyncEngine
  const server = createSimulatedServer()

  beforeEach(async () => {
    name = `transactions-${crypto.randomUUID()}`
    const network = createSimulatedNetwork({ wire: server.wire })
    engine = createSyncEngine({
      storage: indexedDbStorage({ name }),
      transport: network.transport({ baseURL: server.baseURL, ...(batch === undefined ? {} : { batch }) }),
      entities: { note: {} },
    })
    await engine.start()
  })
  afterEach(async () => {
    await engine.stop()
    await deleteDB(name)
  })

  const transact = async (...inputs: readonly EnqueueInput[]) => {
    const { settled } = await engine.transaction((tx) => {
      for (const input of inputs) tx.enqueue(input)
    })
    return settled
  }

  it('B14 is applied as a whole, or put back as a whole', async () => {
    expect(await transact(create('a'), create('b'))).toEqual({ status: 'done' })
    expect(await transact(create('c'), ghost, create('d'))).toMatchObject({ status: 'rejected' })
    await engine.flush()
    expect((await engine.view('note').list()).map(({ id, status }) => [id, status])).toEqual([
      ['a', 'synced'],
      ['b', 'synced'],
    ])
    await engine.synchronize({ full: true })
    expect((await engine.view('note').list()).map(({ id }) => id)).toEqual(['a', 'b'])
  })
})
