import { describe, expect, it } from 'vitest'
import { createSyncEngine, type SyncEngine } from '../../src/index.ts'
import { memoryDisk, memoryStorage } from '../../src/adapters/memory.ts'
import { createSimulatedNetwork, createSimulatedServer, createSimulatedTime } from '../../src/testing/index.ts'

const time = () => createSimulatedTime({ seed: 11 })

describe('several engines in one simulated time', () => {
  it('E1 F6 are tabs over one store: one sends, and another goes on when it leaves', async () => {
    const shared = time()
    const disk = memoryDisk()
    const server = createSimulatedServer()
    const network = createSimulatedNetwork({ time: shared, wire: server.wire, latencyMs: [100, 100] })
    const tab = (): SyncEngine =>
      createSyncEngine({
        storage: memoryStorage({ disk }),
        transport: network.transport({ baseURL: server.baseURL }),
        entities: { note: {} },
        ports: { ...shared.ports, connectivity: network.connectivity },
      })
    const [first, second] = [tab(), tab()]
    await shared.runUntil(Promise.all([first.start(), second.start()]))
    await shared.runUntil(() => first.metrics().lock.owner)
    const operation = await shared.runUntil(second.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: {} }))
    expect(await shared.runUntil(operation.settled)).toEqual({ status: 'done' })
    expect([first.metrics().lock.owner, second.metrics().lock.owner]).toEqual([true, false])

    await shared.runUntil(first.stop())
    await shared.runUntil(() => second.metrics().lock.owner)
    const later = await shared.runUntil(second.enqueue({ type: 'create', entity: 'note', id: 'n2', payload: {} }))
    expect(await shared.runUntil(later.settled)).toEqual({ status: 'done' })
    expect(server.effects().map(({ id }) => id)).toEqual(['n1', 'n2'])
    await shared.runUntil(second.stop())
  })

  it('F6 are devices with networks of their own: one is offline, and what both changed is merged', async () => {
    const shared = time()
    const server = createSimulatedServer()
    const device = () => {
      const network = createSimulatedNetwork({ time: shared, wire: server.wire })
      const engine = createSyncEngine({
        storage: memoryStorage(),
        transport: network.transport({ baseURL: server.baseURL }),
        entities: { note: { conflict: 'merge' } },
        ports: { ...shared.ports, connectivity: network.connectivity },
      })
      return { network, engine }
    }
    const [phone, laptop] = [device(), device()]
    await shared.runUntil(Promise.all([phone.engine.start(), laptop.engine.start()]))
    server.put('note', 'n1', { title: 'old', colour: 'grey' })

    phone.network.setOnline(false)
    const update = (engine: SyncEngine, payload: { readonly [field: string]: string }) =>
      shared.runUntil(engine.enqueue({ type: 'update', entity: 'note', id: 'n1', payload }))
    const onPhone = await update(phone.engine, { title: 'from the phone' })
    const onLaptop = await update(laptop.engine, { colour: 'red' })
    expect(await shared.runUntil(onLaptop.settled)).toEqual({ status: 'done' })
    await shared.run(3_600_000)
    phone.network.setOnline(true)
    expect(await shared.runUntil(onPhone.settled)).toEqual({ status: 'done' })
    expect(server.get('note', 'n1')).toEqual({ id: 'n1', title: 'from the phone', colour: 'red' })
    await shared.runUntil(Promise.all([phone.engine.stop(), laptop.engine.stop()]))
  })

  it('S1 F6 is an engine that is opened again on what the one before has stored', async () => {
    const shared = time()
    const disk = memoryDisk()
    const server = createSimulatedServer()
    const open = async (online: boolean) => {
      const network = createSimulatedNetwork({ time: shared, wire: server.wire })
      network.setOnline(online)
      const engine = createSyncEngine({
        storage: memoryStorage({ disk }),
        transport: network.transport({ baseURL: server.baseURL }),
        entities: { note: {} },
        ports: { ...shared.ports, connectivity: network.connectivity },
      })
      await shared.runUntil(engine.start())
      return engine
    }
    const before = await open(false)
    const { id } = await shared.runUntil(before.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: {} }))
    await shared.run(60_000)
    await shared.runUntil(before.stop())
    expect(server.effects()).toEqual([])
    const after = await open(true)
    expect(await shared.runUntil(after.operations.handle(id).settled)).toEqual({ status: 'done' })
    expect(server.effects()).toMatchObject([{ id: 'n1' }])
    await shared.runUntil(after.stop())
  })
})
