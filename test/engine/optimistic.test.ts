import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ClientError,
  NetworkError,
  SyncError,
  type EnqueueInput,
  type OptimisticHandlers,
  type SyncEngine,
  type SyncEvent,
} from '../../src/index.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
let calls: unknown[]
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
  calls = []
})
afterEach(() => world.close())

const create = (id: string): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: {} })
const refused = (id: string): EnqueueInput => ({ type: 'update', entity: 'note', id, payload: {} })

/** Handlers that write down what they are called with. */
const noted = (name: string, original?: unknown): OptimisticHandlers => ({
  ...(original === undefined ? {} : { original }),
  rollback: (given, error) => void calls.push([name, 'rollback', given, error.code]),
  onSuccess: () => void calls.push([name, 'success']),
  onError: (error) => void calls.push([name, 'error', error.code]),
})

const failure = new SyncError('test', 'Told to.')

describe('an optimistic change of one operation', () => {
  it('A4 is committed, once, when the server has confirmed it', async () => {
    const engine = await world.started()
    const operation = await engine.enqueue({ ...create('a'), optimistic: noted('a') })
    await operation.settled
    await engine.flush()
    expect(calls).toEqual([['a', 'success']])
    await engine.optimistic.rollback(operation.id, failure)
    expect(calls).toEqual([['a', 'success']])
  })

  it('S15 is rolled back to the very original, once, with the error, before the operation has ended', async () => {
    const engine = await world.started()
    const original = { title: 'old' }
    const operation = await engine.enqueue({ ...refused('a'), optimistic: noted('a', original) })
    expect(await operation.settled).toMatchObject({ status: 'rejected' })
    expect(calls).toEqual([
      ['a', 'rollback', original, 'client'],
      ['a', 'error', 'client'],
    ])
    expect((calls[0] as unknown[])[2]).toBe(original)
    await engine.optimistic.rollback(operation.id, failure)
    expect(calls).toHaveLength(2)
  })

  it('S15 tells absent from null', async () => {
    const engine = await world.started()
    await (
      await engine.enqueue({ ...refused('a'), optimistic: noted('absent') })
    ).settled
    await (
      await engine.enqueue({ ...refused('b'), optimistic: noted('null', null) })
    ).settled
    expect(calls.filter((call) => (call as unknown[])[1] === 'rollback')).toEqual([
      ['absent', 'rollback', undefined, 'client'],
      ['null', 'rollback', null, 'client'],
    ])
  })

  it('S15 is rolled back though a later one on the same entity stays', async () => {
    const engine = await world.started({ coalesce: false })
    engine.pause('test')
    const bad = await engine.enqueue({ ...refused('a'), optimistic: noted('bad', 1) })
    const good = await engine.enqueue({ ...create('a'), optimistic: noted('good', 2) })
    engine.resume('test')
    await Promise.all([bad.settled, good.settled])
    expect(calls).toEqual([
      ['bad', 'rollback', 1, 'client'],
      ['bad', 'error', 'client'],
      ['good', 'success'],
    ])
  })

  it('A4 is rolled back when the operation is discarded', async () => {
    const engine = await world.started()
    engine.pause('test')
    const operation = await engine.enqueue({ ...create('a'), optimistic: noted('a', 1) })
    await engine.operations.discard(operation.id)
    expect(await operation.settled).toEqual({ status: 'cancelled' })
    expect(calls).toEqual([
      ['a', 'rollback', 1, 'discarded'],
      ['a', 'error', 'discarded'],
    ])
  })

  it('A4 S31 is rolled back when its transaction is discarded', async () => {
    const engine = await world.started()
    engine.pause('test')
    const { operations } = await engine.transaction((tx) => {
      tx.enqueue(create('a'))
      tx.enqueue({ ...create('b'), optimistic: noted('b', 1) })
    })
    await engine.operations.discard(operations[0]!.id)
    expect(await operations[1]!.settled).toEqual({ status: 'cancelled' })
    expect(calls).toEqual([
      ['b', 'rollback', 1, 'transaction-failed'],
      ['b', 'error', 'transaction-failed'],
    ])
  })

  it('S6 is not rolled back when what is discarded may have been applied', async () => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: 3_600_000, capMs: 3_600_000 } })
    world.intercept(async (_, send) => {
      await send()
      return { type: 'unknown', error: new NetworkError('Lost.') }
    })
    const operation = await engine.enqueue({ ...create('a'), optimistic: noted('a', 1) })
    await eventOf(engine, 'sync:retry')
    await engine.operations.discard(operation.id)
    expect(await operation.settled).toEqual({ status: 'cancelled' })
    expect(calls).toEqual([])
  })

  it('A4 E1 is told to the tab that made it, whichever tab sends', async () => {
    const owner = await world.started()
    await eventOf(owner, 'lock:acquired')
    const follower = await world.started()
    const rolledBack = new Promise<void>((resolve) => {
      const optimistic = { ...noted('bad', 1), onError: () => resolve() }
      void follower.enqueue({ ...refused('a'), optimistic })
    })
    await rolledBack
    const confirmed = new Promise<void>((resolve) => {
      void follower.enqueue({ ...create('a'), optimistic: { onSuccess: () => resolve() } })
    })
    await confirmed
    expect(calls).toEqual([['bad', 'rollback', 1, 'client']])
    expect(owner.metrics().requests).toBe(2)
    expect(follower.metrics().requests).toBe(0)
  })

  it('A4 can be registered anew after a restart, by its token', async () => {
    const engine = await world.started()
    engine.pause('test')
    const operation = await engine.enqueue({ ...refused('a'), optimistic: { token: 'form-7' } })
    await engine.stop()
    const next = world.engine()
    next.optimistic.register('form-7', noted('form', 'before'))
    await next.start()
    await next.operations.handle(operation.id).settled
    expect(calls).toEqual([
      ['form', 'rollback', 'before', 'client'],
      ['form', 'error', 'client'],
    ])
  })
})

describe('an optimistic change of several operations', () => {
  async function enqueueAll(engine: SyncEngine, inputs: readonly EnqueueInput[]) {
    const operations = await engine.enqueueAll(inputs)
    return Promise.all(operations.map(({ settled }) => settled))
  }
  const form = (handlers: OptimisticHandlers = {}) => ({ optimistic: { token: 'form', ...handlers } })

  it('A4 E1 has the end of what it was merged into, though another tab made that', async () => {
    const owner = await world.started()
    await eventOf(owner, 'lock:acquired')
    const follower = await world.started()
    owner.pause('test')
    let rolledBack = (): void => {}
    const told = new Promise<void>((resolve) => (rolledBack = resolve))
    const first = await follower.enqueue({ ...refused('a'), ...form({ ...noted('a', 1), onError: () => rolledBack() }) })
    const second = await owner.enqueue({ ...refused('a'), ...form() })
    owner.resume('test')
    expect(await first.settled).toEqual({ status: 'superseded', by: second.id })
    await told
    expect(calls).toEqual([['a', 'rollback', 1, 'client']])
  })

  it('A4 is committed when the last of them is done', async () => {
    const engine = await world.started({ concurrency: 1 })
    engine.optimistic.register('form', noted('form'))
    const seen: number[] = []
    engine.on('sync:completed', () => void seen.push(calls.length))
    await enqueueAll(engine, [
      { ...create('a'), ...form() },
      { ...create('b'), ...form() },
      { ...create('c'), ...form() },
    ])
    expect(calls).toEqual([['form', 'success']])
    expect(seen).toEqual([0, 0, 0])
  })

  it('S15 is rolled back once when the first of them is rejected, with the handlers of each, newest first', async () => {
    const engine = await world.started({ concurrency: 1 })
    await enqueueAll(engine, [
      { ...create('a'), ...form(noted('one', 1)) },
      { ...refused('x'), ...form(noted('two', 2)) },
      { ...refused('y'), ...form(noted('three', 3)) },
    ])
    expect(calls.filter((call) => (call as unknown[])[1] === 'rollback')).toEqual([
      ['three', 'rollback', 3, 'client'],
      ['two', 'rollback', 2, 'client'],
      ['one', 'rollback', 1, 'client'],
    ])
    expect(calls.filter((call) => (call as unknown[])[1] === 'success')).toEqual([])
  })

  it('A4 waits for the successor when its operations are merged', async () => {
    const engine = await world.started()
    engine.pause('test')
    world.intercept(async (_, send, count) => (count < 3 ? { type: 'unknown', error: new NetworkError('Lost.') } : send()))
    engine.optimistic.register('form', noted('form'))
    const first = await engine.enqueue({ ...create('a'), ...form() })
    const last = await engine.enqueue({ ...refused('a'), ...form() })
    engine.resume('test')
    expect(await first.settled).toEqual({ status: 'superseded', by: last.id })
    await eventOf(engine, 'sync:retry')
    expect(calls).toEqual([])
    await last.settled
    expect(calls).toEqual([['form', 'success']])
  })

  it('A4 can be committed and rolled back by hand, one or many, newest first', async () => {
    const engine = await world.started()
    for (const token of ['one', 'two', 'three', 'four']) engine.optimistic.register(token, noted(token, token))
    engine.optimistic.commit('one')
    await engine.optimistic.rollback('two', failure)
    await engine.optimistic.rollbackBatch(['three', 'four', 'unknown'], failure)
    await engine.optimistic.rollbackBatch(['three', 'four'], failure)
    engine.optimistic.commit('three')
    expect(calls.filter((call) => (call as unknown[])[1] !== 'error')).toEqual([
      ['one', 'success'],
      ['two', 'rollback', 'two', 'test'],
      ['four', 'rollback', 'four', 'test'],
      ['three', 'rollback', 'three', 'test'],
    ])
  })
})

describe('callbacks that fail', () => {
  const boom = (): never => {
    throw new TypeError('Bug in the application.')
  }

  it.each([
    ['throws', boom],
    ['rejects', () => Promise.reject(new TypeError('Bug in the application.'))],
  ])('S7 a rollback that %s is an event, and the operation is rejected all the same', async (_, rollback) => {
    const engine = await world.started()
    const told = eventOf(engine, 'engine:error')
    const operation = await engine.enqueue({ ...refused('a'), optimistic: { rollback, onError: boom } })
    expect(await operation.settled).toMatchObject({ status: 'rejected' })
    expect(await told).toMatchObject({ part: 'optimistic rollback', error: { message: 'Bug in the application.' } })
    expect(await (await engine.enqueue(create('a'))).settled).toEqual({ status: 'done' })
  })

  it('L5 a rollback that never ends is given up after sendTimeoutMs, and the operation ends', async () => {
    const engine = await world.started({ sendTimeoutMs: 300 })
    const operation = await engine.enqueue({
      type: 'update',
      entity: 'note',
      id: 'missing',
      payload: { n: 1 },
      optimistic: { rollback: () => new Promise(() => {}) },
    })
    expect(await operation.settled).toMatchObject({ status: 'rejected' })
    expect(engine.history()).toContainEqual(expect.objectContaining({ type: 'engine:error', part: 'optimistic rollback' }))
  })

  it('S7 a success handler or a listener that throws harms nobody', async () => {
    const engine = await world.started()
    const heard: SyncEvent['type'][] = []
    engine.on('*', boom)
    engine.on('sync:*', (event) => void heard.push(event.type))
    const operation = await engine.enqueue({ ...create('a'), optimistic: { onSuccess: boom } })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(heard).toEqual(['sync:queued', 'sync:started', 'sync:completed'])
    expect(engine.history().filter(({ type }) => type === 'engine:error').length).toBeGreaterThan(0)
  })

  it.each(['onSuccess', 'onError'] as const)(
    'D5 an %s whose promise rejects is told of, and ends no process',
    async (handler) => {
      const engine = await world.started()
      const told = eventOf(engine, 'engine:error')
      const failing = () => Promise.reject(new TypeError('Bug in the application.'))
      const input = handler === 'onSuccess' ? create('a') : refused('a')
      await engine.enqueue({ ...input, optimistic: { [handler]: failing } })
      expect(await told).toMatchObject({ part: 'optimistic handler', error: { message: 'Bug in the application.' } })
    },
  )

  it('S7 handlers may use the engine', async () => {
    const engine = await world.started()
    const next = new Promise((resolve) => {
      void engine.enqueue({
        ...refused('a'),
        optimistic: {
          async rollback() {
            const operation = await engine.enqueue(create('b'))
            resolve(operation.settled)
          },
        },
      })
    })
    expect(await next).toEqual({ status: 'done' })
  })

  it('S4 a refusal that is not definite rolls back only if nothing else was sent', async () => {
    const engine = await world.started()
    world.intercept(async () => ({ type: 'rejected', definite: false, error: new ClientError('No.', { status: 403 }) }))
    const operation = await engine.enqueue({ ...create('a'), optimistic: noted('a', 1) })
    expect(await operation.settled).toMatchObject({ status: 'rejected' })
    expect(calls).toHaveLength(2)
    expect(world.server.ledger()).toEqual([])
  })

  it.each([
    ['optimistic', 'nothing'],
    ['optimistic.rollback', { rollback: 'undo' }],
    ['optimistic.onSuccess', { onSuccess: 1 }],
    ['optimistic.onError', { onError: {} }],
    ['optimistic.token', { token: '' }],
  ])('A4 %s of another type is refused at once', async (path, optimistic) => {
    const engine = await world.started()
    // @ts-expect-error What JavaScript may pass.
    await expect(engine.enqueue({ ...create('a'), optimistic })).rejects.toMatchObject({ name: 'ValidationError', path })
  })
})
