import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SyncError, ValidationError, type EngineOptions, type SyncEngine } from '../../src/index.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { createWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

describe('what can not be meant', () => {
  it.each<[string, Partial<EngineOptions>]>([
    ['', {}],
    [', also where both record', { recorder: {} }],
  ])(
    'D5 a storage object in two engines%s: the second is told, and neither closes the store of the other',
    async (_, options) => {
      const storage = world.storage()
      const first = await world.started({ ...options, storage })
      const second = world.engine({ ...options, storage })
      await expect(second.start()).rejects.toMatchObject({ code: 'storage-in-use' })
      await second.stop()
      const operation = await first.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
      expect(await operation.settled).toEqual({ status: 'done' })
      await first.stop()
      await second.start()
      expect(await second.operations.handle(operation.id).settled).toEqual({ status: 'done' })
    },
  )

  it('D5 starting an engine that runs changes nothing and tells nothing anew', async () => {
    const engine = await world.started()
    await engine.start()
    expect(engine.history().filter(({ type }) => type === 'engine:started')).toHaveLength(1)
  })

  it('D5 stopping it twice at once tells of one end', async () => {
    const engine = await world.started()
    await Promise.all([engine.stop(), engine.stop()])
    expect(engine.history().filter(({ type }) => type === 'engine:stopped')).toHaveLength(1)
  })

  it.each<[string, () => unknown]>([
    ['storage options that are none', () => sqliteStorage(undefined as never)],
    ['an inspection that is no function', () => world.engine({ inspect: 3 as never })],
    ['a pattern that is no text', () => world.engine().on(5 as never, () => {})],
    ['a handler that is no function', () => world.engine().on('*', 3 as never)],
  ])('D5 %s: the error says so', (_, misuse) => {
    expect(misuse).toThrow(ValidationError)
  })

  it('D5 a status that does not exist can not be counted', async () => {
    const engine = await world.started()
    await expect(engine.operations.count('bogus' as never)).rejects.toThrow(ValidationError)
    await expect(engine.operations.count(null as never)).rejects.toThrow(ValidationError)
    await expect(engine.operations.list({ status: [Symbol('s')] as never })).rejects.toThrow(ValidationError)
  })

  it.each<[string, (engine: SyncEngine) => unknown]>([
    ['operations.get', ({ operations }) => operations.get(true as never)],
    ['operations.handle', ({ operations }) => operations.handle(true as never)],
    ['operations.retry', ({ operations }) => operations.retry(undefined as never)],
    ['operations.edit', ({ operations }) => operations.edit(true as never, {})],
    ['operations.discard', ({ operations }) => operations.discard(7 as never)],
    ['conflicts.get', ({ conflicts }) => conflicts.get(true as never)],
    ['conflicts.resolve', ({ conflicts }) => conflicts.resolve(true as never, 'local')],
    ['explain', (engine) => engine.explain(true as never)],
    ['view.get', (engine) => engine.view('note').get(undefined as never)],
    ['view.watch', (engine) => engine.view('note').watch(null as never)],
    ['audit.list of an entity', ({ audit }) => audit.list({ entity: true as never })],
    ['audit.list of an id', ({ audit }) => audit.list({ entity: 'note', id: true as never })],
    ['audit.list of an operation', ({ audit }) => audit.list({ operation: true as never })],
    ['optimistic.register', ({ optimistic }) => optimistic.register(true as never, {})],
  ])('D5 %s with an id that is no text: the error says so, and the process lives on (SQLite)', async (_, misuse) => {
    const onDisk = await createWorld()
    try {
      const engine = await onDisk.started({ audit: {} })
      await expect((async () => misuse(engine))()).rejects.toThrow(ValidationError)
    } finally {
      await onDisk.close()
    }
  })

  it.each<[string, (engine: SyncEngine) => unknown]>([
    ['operations.list', ({ operations }) => operations.list(null as never)],
    ['operations.list with a limit of another name', ({ operations }) => operations.list({ max: 5 } as never)],
    ['conflicts.list', ({ conflicts }) => conflicts.list(null as never)],
    ['audit.list', ({ audit }) => audit.list('note' as never)],
    ['audit.list with a user', ({ audit }) => audit.list({ user: 'u1' } as never)],
    ['audit.list with an id of no entity', ({ audit }) => audit.list({ id: 'a' })],
    ['audit.list with no limit', ({ audit }) => audit.list({ limit: 0 })],
    ['audit.list with too high a limit', ({ audit }) => audit.list({ limit: 1_001 })],
    ['audit.list with an order that is none', ({ audit }) => audit.list({ first: 'best' as never })],
    ['audit.list since no time', ({ audit }) => audit.list({ since: NaN })],
    ['synchronize', (engine) => engine.synchronize('note' as never)],
    ['synchronize with null', (engine) => engine.synchronize(null as never)],
    ['schedule', (engine) => engine.schedule(60_000 as never)],
    ['schedulePeriodic', (engine) => engine.schedulePeriodic(60_000 as never)],
    ['pause in the name of the server', (engine) => engine.pause('server')],
    ['pause in the name of the network', (engine) => engine.pause('network')],
    ['pause in the name of the log-in', (engine) => engine.pause('auth')],
    ['resume in the name of the server', (engine) => engine.resume('server')],
    ['optimistic.rollbackBatch', ({ optimistic }) => optimistic.rollbackBatch('form-7' as never, new SyncError('left', 'Left.'))],
    ['optimistic.register', ({ optimistic }) => optimistic.register('form-7', { rollback: 'x' } as never)],
    ['view.list', (engine) => engine.view('note').list('open' as never)],
  ])('D5 %s with what it does not take: the error says so', async (_, misuse) => {
    const engine = await world.started({ audit: {} })
    await expect((async () => misuse(engine))()).rejects.toThrow(ValidationError)
  })
})
