import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  AuthenticationError,
  CircuitBreakerOpenError,
  ClientError,
  ConflictError,
  NetworkError,
  RateLimitError,
  ServerError,
  SyncError,
  TimeoutError,
} from '../../src/index.ts'
import { tellsOfItself } from '../support/telling.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const create = (id: string) => ({ type: 'create', entity: 'note', id, payload: {} })

describe('what the application is told', () => {
  it('D6 flush() names what an earlier drain put off as well', async () => {
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Down.') }))
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: 60_000 } })
    const operation = await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:retry')
    expect(await engine.flush()).toMatchObject({ succeeded: 0, deferred: 1, reasons: [{ id: operation.id, status: 'waiting' }] })
    engine.pause('test')
    expect(await engine.flush()).toMatchObject({ deferred: 1, held: ['test'] })
  })

  it('B1 A4 a rollback gets the error as the class that it was', async () => {
    const engine = await world.started()
    const told = new Promise<SyncError>((resolve) => {
      void engine.enqueue({ type: 'update', entity: 'note', id: 'none', payload: { n: 1 }, optimistic: { onError: resolve } })
    })
    const error = await told
    expect(error).toBeInstanceOf(ClientError)
    expect(error).toMatchObject({ code: 'client', status: 404 })
  })

  it.each<[SyncError, object]>([
    [new ServerError('Down.', { status: 500 }), { code: 'server', status: 500, retryable: true }],
    [new NetworkError('No line.', { code: 'dns' }), { code: 'dns', retryable: true }],
    [new TimeoutError('Too late.'), { code: 'timeout', retryable: true }],
    [new AuthenticationError('Not yours.', { status: 403 }), { code: 'authentication', status: 403, retryable: false }],
    [new RateLimitError('Too much.', { status: 429 }), { code: 'rate-limit', status: 429, retryable: true }],
    [new ConflictError('Changed.', { status: 412 }), { code: 'conflict', status: 412 }],
    [new CircuitBreakerOpenError(5), { code: 'breaker-open', retryable: true }],
    [new SyncError('own', 'Of the application.'), { code: 'own' }],
  ])('B1 A4 a rollback in another process gets %s as the class that it was', async (error, expected) => {
    world.intercept(async () => ({ type: 'rejected', definite: true, error }))
    const first = await world.started()
    first.pause('test')
    await first.enqueue({ ...create('a'), optimistic: { token: 'form-7', onError: () => {} } })
    await first.stop()
    const next = await world.started()
    const told = new Promise<SyncError>((resolve) => next.optimistic.register('form-7', { onError: resolve }))
    const restored = await told
    expect(restored).toBeInstanceOf(error.constructor)
    expect(restored).toMatchObject({ ...expected, name: error.name })
  })

  it('C4 a handler gets the events of its pattern, as their types say', async () => {
    const engine = await world.started()
    const completed = new Promise<string>((resolve) =>
      engine.on('sync:completed', ({ operation }) => resolve(operation.entityId)),
    )
    const seen: string[] = []
    engine.on('sync:*', ({ type }) => void seen.push(type))
    await (
      await engine.enqueue(create('a'))
    ).settled
    expect(await completed).toBe('a')
    expect(new Set(seen)).toEqual(new Set(['sync:queued', 'sync:started', 'sync:completed']))
  })

  it('C4 sync:started tells of attempts, and not of what is rejected unsent with what it depends on', async () => {
    const engine = await world.started()
    const started: string[] = []
    engine.on('sync:started', ({ operation }) => void started.push(operation.entityId))
    const refused = await engine.enqueue({ type: 'update', entity: 'note', id: 'missing', payload: {} })
    const child = await engine.enqueue({ ...create('child'), dependsOn: [refused.id] })
    expect(await child.settled).toMatchObject({ status: 'rejected', error: { code: 'dependency-failed' } })
    expect(started).toEqual(['missing'])
  })

  it('E6 state$ tells also what who subscribes does about the first state that it hears of', async () => {
    const engine = await world.started()
    const told: string[] = []
    engine.state$.subscribe(({ pauses }) => {
      told.push(pauses.join())
      if (told.length === 1) engine.pause('test')
    })
    expect(told).toEqual(['', 'test'])
  })

  it('F8 E3 explain() tells that the engine of another user holds the lease', async () => {
    const ann = await world.started({ user: 'ann' })
    await eventOf(ann, 'lock:acquired')
    const bob = await world.started({ user: 'bob' })
    const operation = await bob.enqueue(create('a'))
    const { summary } = await bob.explain(operation.id)
    expect(summary).toContain('the engine of another user, which holds the lease')
    expect(summary).not.toContain('ann')
    await ann.stop()
    expect(await operation.settled).toEqual({ status: 'done' })
  })
})

it('A12 B10 B17 C4 over SQLite: an engine tells of itself by events, log, alert and statistics that outlive it', async () => {
  const onDisk = await createWorld()
  await tellsOfItself((options) => onDisk.engine(options))
  await onDisk.close()
})
