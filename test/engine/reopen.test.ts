import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { INSTALL, isRecord } from '../../src/core/schema.ts'
import { NetworkError, StorageUnavailableError, type SyncEngine } from '../../src/index.ts'
import { faultyStorage } from '../support/faulty-storage.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'
import { rowsOf } from '../support/rows.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

async function pausedWith(count: number): Promise<{ engine: SyncEngine; ids: string[] }> {
  const engine = world.engine()
  engine.pause('test')
  await engine.start()
  const operations = await engine.enqueueAll(
    Array.from({ length: count }, (_, i) => ({ type: 'create', entity: 'note', id: `n${i}`, payload: { i } })),
  )
  return { engine, ids: operations.map(({ id }) => id) }
}

describe('an engine that is opened again', () => {
  it('S1 A11 settles what an engine before it accepted, in a fresh engine on the same store', async () => {
    const { engine, ids } = await pausedWith(5)
    await engine.stop()
    expect((await rowsOf(world.storage())).map(({ id, status }) => [id, status])).toEqual(ids.map((id) => [id, 'queued']))
    expect(world.attempts).toEqual([])

    const next = await world.started()
    expect(await Promise.all(ids.map((id) => next.operations.handle(id).settled))).toEqual(ids.map(() => ({ status: 'done' })))
    expect(Object.keys(world.notes()).toSorted()).toEqual(['n0', 'n1', 'n2', 'n3', 'n4'])
    expect(world.server.ledger()).toHaveLength(5)
  })

  it('S1 settles what it accepted itself after stop and start', async () => {
    const { engine, ids } = await pausedWith(3)
    const held = ids.map((id) => engine.operations.handle(id).settled)
    await engine.stop()
    engine.resume('test')
    await engine.start()
    expect(await Promise.all(held)).toEqual(ids.map(() => ({ status: 'done' })))
  })

  it('S1 settles a handle for what another engine finished while this one was stopped', async () => {
    const { engine, ids } = await pausedWith(1)
    const settled = engine.operations.handle(ids[0]!).settled
    await engine.stop()
    const other = await world.started()
    await other.operations.handle(ids[0]!).settled
    await other.stop()
    await engine.start()
    expect(await settled).toEqual({ status: 'done' })
  })

  it('S1 settles a handle that was asked for before start', async () => {
    const { engine, ids } = await pausedWith(1)
    engine.resume('test')
    await engine.operations.handle(ids[0]!).settled
    await engine.stop()
    const next = world.engine()
    const settled = next.operations.handle(ids[0]!).settled
    await next.start()
    expect(await settled).toEqual({ status: 'done' })
  })

  it('A11 keeps attempts, last error and the time of the next attempt over a restart', async () => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: 3_600_000, capMs: 3_600_000 } })
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('No network.') }))
    const { id } = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    await eventOf(engine, 'sync:retry')
    const before = await engine.operations.get(id)
    await engine.stop()

    const next = await world.started()
    await next.flush()
    expect(world.attempts).toHaveLength(1)
    expect(await next.operations.get(id)).toEqual(before)
    expect(before).toMatchObject({ status: 'waiting', attempts: 1, lastError: { name: 'NetworkError' } })
    expect(before!.nextAttemptAt! - before!.enqueuedAt).toBeGreaterThan(3_000_000)
  })

  it('A11 sends again, under the same key, what was in flight when the engine was stopped without an answer', async () => {
    const engine = await world.started({ stopTimeoutMs: 0 })
    world.intercept(async (_, send) => {
      await send()
      return new Promise(() => {})
    })
    const { id } = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    await eventOf(engine, 'sync:started')
    await engine.stop()
    expect(await rowsOf(world.storage())).toMatchObject([{ id, status: 'sending', attempts: 1, unknownAttempts: 1 }])

    world.intercept(undefined)
    const next = await world.started()
    expect(await next.operations.handle(id).settled).toEqual({ status: 'done' })
    expect(new Set(world.attempts.map(({ context }) => context.idempotencyKey)).size).toBe(1)
    expect(world.server.ledger()).toHaveLength(1)
  })
})

describe('starting and stopping', () => {
  it('L10 resolves stop for all who ask for it, and starts again after', async () => {
    const engine = await world.started()
    await Promise.all([engine.stop(), engine.stop()])
    await engine.start()
    expect(await (await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })).settled).toEqual({
      status: 'done',
    })
  })

  it('L10 starts again when start is called while it still stops', async () => {
    const engine = await world.started()
    const stopped = engine.stop()
    await engine.start()
    await stopped
    expect(await (await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })).settled).toEqual({
      status: 'done',
    })
  })

  it('L10 rejects a start that is overtaken by stop, and leaves no handle open', async () => {
    const storage = world.storage()
    const open = new Set<string>()
    let stop = (): void => {}
    const askedToStop = new Promise<void>((resolve) => (stop = resolve))
    const engine = world.engine({
      storage: {
        ...storage,
        async open(schema) {
          await askedToStop
          await new Promise<void>((resolve) => setImmediate(resolve))
          await storage.open(schema)
          open.add('store')
        },
        watch(listener) {
          const unwatch = storage.watch(listener)
          open.add('watch')
          return () => {
            unwatch()
            open.delete('watch')
          }
        },
        async close() {
          await storage.close()
          open.delete('store')
        },
      },
    })
    const started = engine.start()
    const stopped = engine.stop()
    stop()
    const [outcome] = await Promise.allSettled([started, stopped])
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'not-started' } })
    expect([...open]).toEqual([])
  })

  it('L10 resolves a flush that is under way when the engine stops', async () => {
    const engine = await world.started({ stopTimeoutMs: 0 })
    world.intercept(() => new Promise(() => {}))
    await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    await eventOf(engine, 'sync:started')
    const flushed = engine.flush()
    await engine.stop()
    expect(await flushed).toMatchObject({ succeeded: 0, failed: 0 })
  })
})

describe('a start that meets a store that fails', () => {
  const fault = new StorageUnavailableError('Not now.')

  it('D5 says why, tells too if the store can not be closed either, and the next one succeeds', async () => {
    const storage = faultyStorage(world.storage())
    const stuck = new StorageUnavailableError('It can not be closed.')
    let isStuck = true
    const close = async (): Promise<void> => {
      await storage.close()
      if (isStuck) throw stuck
    }
    const engine = world.engine({ storage: { ...storage, close } })
    storage.failReads((method) => (method === 'getMany' ? fault : undefined))
    await expect(engine.start()).rejects.toBe(fault)
    expect(engine.history().flatMap((event) => (event.type === 'storage:error' ? [event.error] : []))).toContain(stuck)
    storage.failReads(undefined)
    isStuck = false
    await engine.start()
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    expect(await operation.settled).toEqual({ status: 'done' })
  })

  it('S4 takes the install id that is there, where the answer to its own was lost', async () => {
    const storage = faultyStorage(world.storage())
    storage.loseAnswers((writes) =>
      writes.some((write) => 'value' in write && isRecord(write.value) && write.value['name'] === INSTALL) ? fault : undefined,
    )
    const engine = await world.started({ storage })
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    expect(await operation.settled).toEqual({ status: 'done' })
    await engine.stop()
    const next = await world.started()
    await (
      await next.enqueue({ type: 'create', entity: 'note', id: 'b', payload: {} })
    ).settled
    expect(new Set(world.attempts.map(({ context }) => context.clientId)).size).toBe(1)
  })

  it('D5 does not start where its install id can be neither stored nor found, and says why', async () => {
    const storage = faultyStorage(world.storage())
    storage.failCommits(() => fault)
    await expect(world.engine({ storage }).start()).rejects.toBe(fault)
  })

  it('B10 starts though what lives can not be counted, and tells of that', async () => {
    const { engine, ids } = await pausedWith(2)
    await engine.stop()
    const storage = faultyStorage(world.storage())
    storage.failReads((method) => (method === 'count' ? fault : undefined))
    const next = await world.started({ storage })
    expect(await eventOf(next, 'storage:error')).toMatchObject({ error: fault })
    storage.failReads(undefined)
    for (const id of ids) expect(await next.operations.handle(id).settled).toEqual({ status: 'done' })
  })

  it('D5 L10 a start that is overtaken by a stop, while it waits for the one before, says so', async () => {
    const engine = await world.started()
    const first = engine.stop()
    const started = engine.start()
    const second = engine.stop()
    await expect(started).rejects.toMatchObject({
      code: 'not-started',
      message: expect.stringContaining('Call start() again') as string,
    })
    await Promise.all([first, second])
    await engine.start()
  })
})
