import { expect, it } from 'vitest'
import { createSyncEngine } from '../../../src/index.ts'
import { memoryStorage } from '../../../src/adapters/memory.ts'
import { createSimulatedNetwork, createSimulatedServer, createSimulatedTime } from '../../../src/testing/index.ts'

it('F6 runs an engine in virtual time in a browser too', async () => {
  const time = createSimulatedTime()
  const server = createSimulatedServer()
  const faults = ({ number }: { number: number }) => (number < 5 ? { type: 'response-lost' as const } : undefined)
  const network = createSimulatedNetwork({ time, wire: server.wire, faults })
  const engine = createSyncEngine({
    storage: memoryStorage(),
    transport: network.transport({ baseURL: server.baseURL }),
    entities: { note: {} },
    retry: { baseMs: 600_000, capMs: 600_000 },
    ports: { ...time.ports, connectivity: network.connectivity },
  })
  await time.runUntil(engine.start())
  const operation = await time.runUntil(engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: {} }))
  expect(await time.runUntil(operation.settled)).toEqual({ status: 'done' })
  expect([network.log().length, server.effects().length]).toEqual([5, 1])
  await time.runUntil(engine.stop())
})
