import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  AuthenticationError,
  ClientError,
  ConflictError,
  NetworkError,
  RateLimitError,
  ServerError,
  TimeoutError,
  type EnqueueInput,
  type Outcome,
  type SyncEngine,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
let clock: VirtualClock
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
  clock = createVirtualClock()
})
afterEach(() => world.close())

const create = (id: string): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: {} })
const down = async (): Promise<Outcome> => ({ type: 'unknown', error: new NetworkError('Down.') })

/** The breaker opens after three failures; time passes only when the test lets it. */
function started(): Promise<SyncEngine> {
  return world.started({
    ports: { clock },
    retry: { strategy: 'constant', baseMs: 1_000 },
    breaker: { failureThreshold: 3, windowMs: 60_000, cooldownMs: 60_000 },
  })
}

async function opened(count = 6): Promise<SyncEngine> {
  const engine = await started()
  world.intercept(down)
  engine.pause('test')
  await engine.enqueueAll(Array.from({ length: count }, (_, n) => create(`n${n}`)))
  engine.resume('test')
  await eventOf(engine, 'breaker:opened')
  await engine.flush()
  return engine
}

describe('the circuit breaker', () => {
  it('A2 S23 opens after as many failures, and nothing is sent while it is open', async () => {
    const engine = await opened(30)
    const sent = world.attempts.length
    expect(sent).toBeLessThanOrEqual(6)
    await clock.advance(59_000)
    await engine.enqueue(create('later'))
    await engine.flush()
    expect(world.attempts).toHaveLength(sent)
    expect(engine.metrics().breaker).toMatchObject({ state: 'open', trips: 1 })
  })

  it('A2 counts no attempt for what is put off, and tells how long it stays open', async () => {
    const engine = await opened(30)
    const rows = await engine.operations.list({ limit: 100 })
    expect(rows).toHaveLength(30)
    expect(rows.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(world.attempts.length)
    await clock.advance(15_000)
    expect(engine.metrics().breaker.remainingMs).toBe(45_000)
    const explained = await engine.explain()
    expect(explained.summary).toContain('the circuit breaker, which lets a probe through in 45 s')
  })

  it('S23 lets one probe through, closes when it succeeds, and then sends all', async () => {
    const engine = await opened(12)
    let answer = (): void => {}
    const probed = new Promise<void>((resolve) => {
      world.intercept(async (_, send) => {
        resolve()
        await new Promise<void>((go) => (answer = go))
        return send()
      })
    })
    const sent = world.attempts.length
    await clock.advance(60_000)
    await probed
    expect(world.attempts).toHaveLength(sent + 1)
    expect(engine.metrics().breaker.state).toBe('halfOpen')
    world.intercept(undefined)
    answer()
    await eventOf(engine, 'breaker:closed')
    await clock.advance(5_000)
    for (const { id } of await engine.operations.list()) {
      const { settled } = engine.operations.handle(id)
      await clock.advance(1_000)
      await settled
    }
    expect(Object.keys(world.notes())).toHaveLength(12)
  })

  it('S23 stays open when the probe fails', async () => {
    const engine = await opened(6)
    const sent = world.attempts.length
    const again = new Promise<void>((resolve) => engine.on('breaker:opened', () => resolve()))
    await clock.advance(60_000)
    await again
    expect(world.attempts).toHaveLength(sent + 1)
    expect(engine.metrics().breaker).toMatchObject({ state: 'open', trips: 2, remainingMs: 60_000 })
  })

  it('A6 its trips are counted on when the engine is stopped and started again', async () => {
    const engine = await opened(6)
    await engine.stop()
    expect(engine.metrics().breaker).toMatchObject({ state: 'closed', trips: 1 })
    const again = new Promise<number>((resolve) => engine.on('breaker:opened', ({ trips }) => resolve(trips)))
    await engine.start()
    await clock.advance(5_000)
    expect(await again).toBe(2)
    expect(engine.metrics().breaker).toMatchObject({ state: 'open', trips: 2 })
  })

  it('S23 forgets failures that are older than the window', async () => {
    const engine = await started()
    world.intercept(down)
    for (const id of ['a', 'b', 'c', 'd']) {
      const { id: operation } = await engine.enqueue(create(id))
      await eventOf(engine, 'sync:retry')
      await engine.flush()
      await engine.operations.discard(operation)
      await clock.advance(31_000)
    }
    expect(engine.metrics().breaker.trips).toBe(0)
  })

  it.each<[string, Outcome, number]>([
    ['a network error', { type: 'unknown', error: new NetworkError('Down.') }, 1],
    ['a timeout', { type: 'unknown', error: new TimeoutError('Slow.') }, 1],
    ['a 500', { type: 'unknown', error: new ServerError('Failed.', { status: 500 }) }, 1],
    ['a 400', { type: 'rejected', definite: true, error: new ClientError('No.', { status: 400 }) }, 0],
    ['a 403', { type: 'rejected', definite: false, error: new AuthenticationError('No.', { status: 403 }) }, 0],
    ['a 409', { type: 'conflict', reason: 'stale', error: new ConflictError('Stale.', { status: 409 }) }, 0],
    ['a 401', { type: 'auth', error: new AuthenticationError('Who?', { status: 401 }) }, 0],
    ['a 429', { type: 'retry', error: new RateLimitError('Slow down.', { status: 429 }) }, 0],
    [
      'a 503 with Retry-After',
      { type: 'unknown', retryAfterMs: 1, error: new RateLimitError('Wait.', { status: 503, retryAfterMs: 1 }) },
      1,
    ],
  ])('S23 %s counts as it should', async (_, outcome, trips) => {
    const engine = await world.started({
      breaker: { failureThreshold: 1 },
      retry: { strategy: 'constant', baseMs: 60_000 },
    })
    let sent = (): void => {}
    const gone = new Promise<void>((resolve) => (sent = resolve))
    world.intercept(async () => {
      sent()
      return outcome
    })
    await engine.enqueue(create('a'))
    await gone
    await engine.flush()
    expect(engine.metrics().breaker.trips).toBe(trips)
  })

  it('S23 a batch that the server refuses as such is not sent one by one once the breaker is open', async () => {
    let batched = (): void => {}
    const isBatched = new Promise<void>((resolve) => (batched = resolve))
    const real = httpTransport({ baseURL: world.url })
    const engine = world.engine({
      batchSize: 5,
      breaker: { failureThreshold: 1, cooldownMs: 60_000 },
      pull: { everyMs: 100 },
      transport: {
        ...real,
        async pull() {
          await isBatched
          return { type: 'failed', error: new ServerError('Down.') }
        },
        async sendBatch(items) {
          batched()
          await eventOf(engine, 'breaker:opened')
          const error = new ClientError('No batches.', { status: 411, code: 'batch-unsupported' })
          return items.map(() => ({ type: 'retry', error }))
        },
      },
    })
    await engine.start()
    await engine.enqueueAll([create('a'), create('b')])
    await eventOf(engine, 'breaker:opened')
    expect(await engine.flush()).toMatchObject({ succeeded: 0 })
    expect(world.attempts).toHaveLength(0)
  })
})
