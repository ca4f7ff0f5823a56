import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ConflictError,
  NetworkError,
  ServerError,
  type EngineOptions,
  type EnqueueInput,
  type Fetched,
  type Outcome,
  type Transport,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { elsewhere } from '../support/other-client.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (id: string): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: { title: id } })
const HOUR_MS = 3_600_000

/** An engine whose time passes only when it is told to. */
async function timed(options: Partial<EngineOptions> = {}) {
  const clock = createVirtualClock()
  const ports = { clock, random: () => 0.5 }
  const engine = await world.started({ lock: { heartbeatMs: HOUR_MS, staleMs: 2 * HOUR_MS, pollMs: 50 }, ...options, ports })
  await eventOf(engine, 'lock:acquired')
  return { engine, clock }
}

describe('a server that asks for a pause', () => {
  it('B7 is left alone until it is over: nothing is sent or pulled, what is enqueued is kept, and it goes on by itself', async () => {
    const { engine, clock } = await timed()
    world.server.setWishes({ pauseSeconds: 60 })
    await (
      await engine.enqueue(create('a'))
    ).settled
    world.server.setWishes(undefined)
    const later = await engine.enqueue(create('b'))
    expect((await engine.flush()).held).toEqual(['server'])
    expect(await engine.synchronize()).toMatchObject({ pulled: [{ isComplete: false }] })
    expect((await engine.explain(later.id)).waitingFor[0]).toBe(
      'the end of its pause (the server asked for a pause; it resumes by itself)',
    )
    await clock.advance(59_000)
    expect(world.attempts).toHaveLength(1)
    await clock.advance(1_000)
    expect(await later.settled).toEqual({ status: 'done' })
    expect(engine.history().map((event) => ('reason' in event ? [event.type, event.reason] : event.type))).toContainEqual([
      'engine:resumed',
      'server',
    ])
  })

  it('B7 F8 is not looked at meanwhile: what waits for that says that the server wants a pause, not that the breaker is open', async () => {
    const { engine, clock } = await timed()
    world.intercept(async (_, send, count) =>
      count > 1
        ? send()
        : { type: 'conflict', reason: 'exists', error: new ConflictError('It exists.'), wishes: { pauseMs: 60_000 } },
    )
    const operation = await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:retry')
    const { lastError } = (await engine.operations.get(operation.id)) ?? {}
    expect(lastError).toMatchObject({ code: 'server-pause', message: expect.stringContaining('60000 ms') })
    expect(engine.metrics().breaker).toMatchObject({ state: 'closed', trips: 0 })
    await clock.advance(61_000)
    expect(await operation.settled).toEqual({ status: 'done' })
  })

  it('B7 S32 is left alone too where it asks so with the fingerprints of a check', async () => {
    const { engine, clock } = await timed()
    await engine.synchronize()
    world.server.setWishes({ pauseSeconds: 60 })
    await engine.check({ server: true })
    world.server.setWishes(undefined)
    expect((await engine.flush()).held).toEqual(['server'])
    await clock.advance(60_000)
    expect((await engine.flush()).held).toEqual([])
  })

  it.each([false, true])(
    'B7 L8 with each page brings one at a time, and all in the end (from the beginning: %s)',
    async (full) => {
      for (const id of ['a', 'b', 'c']) await elsewhere(world, 'POST', '/note', { id })
      const { engine, clock } = await timed({ pull: { everyMs: 0, pageSize: 1 } })
      await engine.synchronize()
      for (const id of ['a', 'b', 'c']) await elsewhere(world, 'PATCH', `/note/${id}`, { title: id })
      world.server.setWishes({ pauseSeconds: 60 })
      const pulled = engine.synchronize({ full })
      await eventOf(engine, 'engine:paused')
      expect(await pulled).toMatchObject({ pulled: [{ isComplete: false }] })
      for (const _ of ['b', 'c']) {
        const paused = eventOf(engine, 'engine:paused')
        await clock.advance(60_000)
        await paused
      }
      expect(await engine.view('note').list()).toMatchObject(['4', '5', '6'].map((version) => ({ version })))
    },
  )

  it('B7 L8 with the last page has brought it', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'a' })
    const { engine } = await timed({ pull: { everyMs: 0 } })
    world.server.setWishes({ pauseSeconds: 60 })
    expect(await engine.synchronize()).toMatchObject({ pulled: [{ isComplete: true }] })
    expect((await engine.flush()).held).toEqual(['server'])
    expect(await engine.view('note').list()).toHaveLength(1)
  })

  it('B7 gets nothing more of a batch that goes as several requests, and what is left spends no attempt', async () => {
    const { engine, clock } = await timed({
      batchSize: 3,
      transport: httpTransport({ baseURL: world.url, batch: { maxOperations: 1 } }),
    })
    world.server.setWishes({ pauseSeconds: 60 })
    const [first, ...others] = await engine.enqueueAll(['a', 'b', 'c'].map(create))
    await first!.settled
    world.server.setWishes(undefined)
    await engine.flush()
    expect(world.server.ledger()).toHaveLength(1)
    expect((await engine.operations.list()).map(({ attempts }) => attempts)).toEqual([0, 0])
    await clock.advance(60_000)
    for (const other of others) expect(await other.settled).toEqual({ status: 'done' })
  })

  it('B7 gets at most an hour of it, and a restart does not end it', async () => {
    const { engine, clock } = await timed()
    world.server.setWishes({ pauseSeconds: 10 ** 9 })
    await (
      await engine.enqueue(create('a'))
    ).settled
    world.server.setWishes(undefined)
    await engine.stop()
    expect(clock.pending()).toBe(0)
    await engine.start()
    const later = await engine.enqueue(create('b'))
    expect((await engine.flush()).held).toEqual(['server'])
    await clock.advance(HOUR_MS)
    expect(await later.settled).toEqual({ status: 'done' })
  })
})

describe('a server that wants to be polled more seldom', () => {
  it('B7 S22 is not polled sooner, neither by the clock nor because somebody asks; what it has told is kept', async () => {
    world.server.setWishes({ minPollSeconds: 600 })
    const { engine, clock } = await timed({ pull: { everyMs: 60_000 } })
    const pulls: number[] = []
    engine.on('pull:completed', () => pulls.push(clock.monotonic()))
    await engine.synchronize()
    const first = pulls.length
    const { pulled } = await engine.synchronize()
    expect(pulled).toMatchObject([{ isComplete: false, error: { code: 'rate-limit' } }])
    await clock.advance(599_000)
    expect(pulls).toHaveLength(first)
    const next = new Promise<void>((resolve) => void engine.on('pull:completed', () => resolve()))
    await clock.advance(60_000)
    await next
    expect(pulls[first]).toBeGreaterThanOrEqual((pulls[first - 1] ?? 0) + 600_000)
  })

  it('B7 S18 is asked for all pages of one pull', async () => {
    const { engine } = await timed({ pull: { pageSize: 1 } })
    for (const id of ['a', 'b', 'c']) await (await engine.enqueue(create(id))).settled
    world.server.setWishes({ minPollSeconds: 600 })
    expect(await engine.synchronize()).toMatchObject({ pulled: [{ isComplete: true }] })
    expect(await engine.view('note').list()).toHaveLength(3)
  })

  it('B7 E5 is asked at once for a part that is followed anew, though it is too soon for another of the entity', async () => {
    world.server.setWishes({ minPollSeconds: 600 })
    const { engine } = await timed({ entities: { note: { scopes: ['title:a'] } } })
    for (const id of ['a', 'b']) await elsewhere(world, 'POST', '/note', { id, title: id })
    await engine.synchronize()
    expect(await engine.synchronize()).toMatchObject({ pulled: [{ error: { code: 'rate-limit' } }] })
    await engine.scopes.set('note', ['title:a', 'title:b'])
    await expect.poll(async () => (await engine.view('note').list()).map(({ id }) => id)).toEqual(['a', 'b'])
  })

  it('B7 is polled as before as soon as another answer lifts that', async () => {
    world.server.setWishes({ minPollSeconds: 600 })
    const { engine } = await timed()
    await engine.synchronize()
    expect(await engine.synchronize()).toMatchObject({ pulled: [{ error: { code: 'rate-limit' } }] })
    world.server.setWishes({ minPollSeconds: 0 })
    await (
      await engine.enqueue(create('a'))
    ).settled
    expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
  })
})

describe('a server that takes smaller batches', () => {
  it('B7 gets no larger one', async () => {
    const sizes: number[] = []
    const transport = httpTransport({ baseURL: world.url })
    const counted = {
      ...transport,
      sendBatch: (
        items: Parameters<NonNullable<typeof transport.sendBatch>>[0],
        context: { clientId: string; signal: AbortSignal },
      ) => {
        sizes.push(items.length)
        return transport.sendBatch!(items, context)
      },
    }
    world.server.setWishes({ maxBatch: 2 })
    const engine = await world.started({ transport: counted, batchSize: 10, concurrency: 1 })
    await (
      await engine.enqueue(create('first'))
    ).settled
    const operations = await engine.enqueueAll(Array.from({ length: 7 }, (_, at) => create(`n${at}`)))
    expect(await Promise.all(operations.map(({ settled }) => settled))).toEqual(operations.map(() => ({ status: 'done' })))
    expect(sizes.length).toBeGreaterThan(0)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2)
    world.server.setWishes({ maxBatch: 0 })
    await (
      await engine.enqueue(create('one'))
    ).settled
    expect(await (await engine.enqueue(create('by-one'))).settled).toEqual({ status: 'done' })
  })
})

describe('a budget of retries', () => {
  const failed: Outcome = { type: 'retry', error: new NetworkError('The test says so.') }
  const exists: Outcome = { type: 'conflict', reason: 'exists', error: new ConflictError('It exists.') }
  const retry = { strategy: 'constant', baseMs: 10, capMs: 60_000, maxAttempts: 100, budget: { tokens: 4, ratio: 0.5 } } as const

  it('B7 puts retries off once half of it is spent, counts no attempt, lets first attempts go, and refills with time', async () => {
    const { engine, clock } = await timed({ retry, concurrency: 1 })
    world.intercept(async () => failed)
    const first = await engine.enqueue(create('a'))
    for (let round = 0; round < 20; round++) {
      await clock.advance(10)
      await engine.flush()
    }
    expect(world.attempts).toHaveLength(3)
    expect((await engine.explain(first.id)).waitingFor.join()).toContain('retry budget')
    await engine.enqueue(create('b'))
    await engine.flush()
    expect(world.attempts).toHaveLength(4)
    expect(await engine.operations.get(first.id)).toMatchObject({ status: 'waiting', attempts: 3 })
    world.intercept(undefined)
    await clock.advance(60_000)
    await engine.flush()
    expect(await first.settled).toEqual({ status: 'done' })
    expect(await engine.operations.count('live')).toBe(0)
  })

  it('B7 L4 lets first attempts go, and the engine rest, however many retries wait for it', async () => {
    const { engine, clock } = await timed({ retry, coalesce: false })
    world.intercept(async () => failed)
    await engine.enqueueAll(Array.from({ length: 300 }, (_, n) => create(`n${n}`)))
    await engine.flush()
    await clock.advance(20)
    world.intercept(undefined)
    expect(await (await engine.enqueue(create('other'))).settled).toEqual({ status: 'done' })
  })

  it.each([
    ['an attempt that is never answered', { answer: async () => new Promise<never>(() => {}) }],
    ['a look at the server that is never answered', { look: async () => new Promise<never>(() => {}) }],
    [
      'a look at the server that fails',
      { look: async (): Promise<Fetched> => ({ type: 'failed', error: new ServerError('Down.') }) },
    ],
  ])(
    'B7 is spent by %s',
    async (_, { answer = async () => exists, look }: { answer?: () => Promise<Outcome>; look?: Transport['fetch'] }) => {
      const real = httpTransport({ baseURL: world.url })
      const transport = look === undefined ? real : { ...real, fetch: look }
      const { engine, clock } = await timed({ retry, transport, sendTimeoutMs: 500 })
      world.intercept(answer)
      const operation = await engine.enqueue(create('a'))
      const waitingFor = async (): Promise<string> => {
        await clock.advance(600)
        return (await engine.explain(operation.id)).waitingFor.join()
      }
      await expect.poll(waitingFor, { timeout: 5_000 }).toContain('retry budget')
    },
  )

  it('B7 is given back by successes', async () => {
    const { engine, clock } = await timed({ retry: { ...retry, budget: { tokens: 4, ratio: 1 } }, concurrency: 1 })
    world.intercept(async ({ request }, send) => (request.body?.includes('bad') === true ? failed : send()))
    await engine.enqueue(create('bad'))
    for (let round = 0; round < 5; round++) {
      await clock.advance(10)
      await (
        await engine.enqueue(create(`good-${round}`))
      ).settled
    }
    expect(world.attempts.filter(({ request }) => request.body?.includes('bad')).length).toBeGreaterThan(3)
  })

  it.each([{ tokens: 0, ratio: 0.1 }, { tokens: 10, ratio: 2 }, { tokens: 10 }, 10])(
    'B7 that is none is refused: %j',
    async (budget) => {
      // @ts-expect-error some are no budget
      expect(() => world.engine({ retry: { budget } })).toThrow(expect.objectContaining({ name: 'ValidationError' }))
    },
  )
})
