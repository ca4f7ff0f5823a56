import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  formatMetrics,
  mergeHistograms,
  NetworkError,
  percentile,
  RateLimitError,
  type DrainSummary,
  type EnqueueInput,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { elsewhere } from '../support/other-client.ts'
import { readRows } from '../support/rows.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'
import { META, STORE_SCHEMA } from '../../src/core/schema.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const create = (id: string, more: Partial<EnqueueInput> = {}): EnqueueInput => ({
  type: 'create',
  entity: 'note',
  id,
  payload: {},
  ...more,
})
const update = (id: string, payload: object = {}): EnqueueInput => ({ type: 'update', entity: 'note', id, payload })

describe('metrics', () => {
  it('A6 count what became of every operation', async () => {
    const engine = await world.started({ ports: { random: () => 0 } })
    await (
      await engine.enqueue(create('conflict', { payload: { title: 'old' } }))
    ).settled
    await elsewhere(world, 'PATCH', '/note/conflict', { title: 'theirs' })
    world.intercept(async ({ request }, send) => {
      const isFirst = world.attempts.filter((other) => other.request.body === request.body).length === 1
      if (request.body?.includes('"retried"') === true && isFirst)
        return { type: 'retry', retryAfterMs: 1, error: new RateLimitError('Slow down.', { status: 429 }) }
      return send()
    })
    engine.pause('test')
    const cancelled = await engine.enqueue(create('cancelled'))
    await engine.operations.discard(cancelled.id)
    await engine.enqueueAll([
      create('merged'),
      update('merged'),
      create('retried'),
      update('missing'),
      update('conflict', { title: 'ours' }),
    ])
    expect(engine.metrics()).toMatchObject({ operations: { live: 5, enqueued: 7, cancelled: 1 }, queue: { depth: 5 } })
    engine.resume('test')
    while ((await engine.operations.count('live')) > 0) await engine.flush()
    expect(engine.metrics()).toMatchObject({
      operations: { enqueued: 7, done: 4, rejected: 1, retried: 1, coalesced: 1, cancelled: 1, conflicts: 1, live: 0 },
      requests: world.attempts.length,
      queue: { depth: 0 },
      successRate: 4 / 5,
      breaker: { state: 'closed', trips: 0, remainingMs: 0 },
      lock: { owner: true, epoch: 1, takeovers: 0 },
    })
    expect(engine.metrics()).toMatchObject({ conflicts: 1, conflictsResolved: 1, pulls: 0, pulledChanges: 0 })
  })

  it('A6 the health is that of the recent attempts: it falls with each that has no answer, and comes back', async () => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: 1, capMs: 1, maxAttempts: 100 }, concurrency: 1 })
    expect(engine.metrics().health).toBe(100)
    await (
      await engine.enqueue(update('missing'))
    ).settled
    expect(engine.metrics()).toMatchObject({ health: 100, successRate: 0 })
    world.intercept(async (_, send) =>
      world.attempts.length <= 21 ? { type: 'unknown', error: new NetworkError('Down.') } : send(),
    )
    let worst = 100
    engine.on('sync:retry', () => void (worst = Math.min(worst, engine.metrics().health)))
    await (
      await engine.enqueue(create('a'))
    ).settled
    expect(worst).toBe(Math.round(100 * 0.95 ** 20))
    const before = engine.metrics().health
    await Promise.all(
      (await engine.enqueueAll(Array.from({ length: 60 }, (_, n) => create(`b${n}`)))).map(({ settled }) => settled),
    )
    expect(before).toBeLessThan(45)
    expect(engine.metrics().health).toBeGreaterThan(95)
  })

  it('A6 the health counts the attempt after which an operation is given up, and what was never sent not at all', async () => {
    const engine = await world.started({ retry: { maxAttempts: 1 }, breaker: { failureThreshold: 100 }, concurrency: 1 })
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Down.') }))
    await engine.enqueueAll(Array.from({ length: 20 }, (_, n) => create(`lost ${n}`)))
    await engine.flush()
    const inOutage = Math.round(100 * 0.95 ** 20)
    expect(engine.metrics()).toMatchObject({ requests: 20, health: inOutage })
    world.intercept(undefined)
    const refused = await engine.enqueue(update('missing'))
    const others = await engine.enqueueAll(
      Array.from({ length: 40 }, (_, n) => create(`after ${n}`, { dependsOn: [refused.id] })),
    )
    await Promise.all(others.map(({ settled }) => settled))
    expect(engine.metrics()).toMatchObject({ requests: 21, health: inOutage + 3, operations: { rejected: 41 } })
  })

  it('A6 measure the time from enqueueing to the end', async () => {
    const clock = createVirtualClock()
    const engine = await world.started({ ports: { clock } })
    expect(engine.metrics()).toMatchObject({ latencyMs: { mean: 0, p50: 0, p95: 0, p99: 0 }, successRate: 1, health: 100 })
    for (const waitMs of [10, 20, 30, 400]) {
      engine.pause('test')
      const operation = await engine.enqueue(create(`after ${waitMs}`))
      await clock.advance(waitMs)
      engine.resume('test')
      await operation.settled
    }
    const { mean, p50, p95, p99, histogram } = engine.metrics().latencyMs
    expect({ mean, p95, p99 }).toEqual({ mean: 115, p95: 400, p99: 400 })
    expect(Math.abs(p50 - 20)).toBeLessThan(1)
    expect(histogram).toMatchObject({ count: 4, sum: 460, min: 10, max: 400, zeroCount: 0 })
    const both = mergeHistograms(histogram, histogram)
    expect(both).toMatchObject({ count: 8, sum: 920, min: 10, max: 400 })
    expect(percentile(both, 0.5)).toBe(p50)
  })

  it('A6 can be printed for people', async () => {
    const clock = createVirtualClock()
    const engine = await world.started({ ports: { clock, random: () => 0 } })
    expect(formatMetrics(engine.metrics())).toContain('nothing is done yet')
    engine.pause('test')
    const operation = await engine.enqueue(create('a'))
    await clock.advance(2_500)
    engine.resume('test')
    await operation.settled
    expect(formatMetrics(engine.metrics()).split('\n')).toEqual([
      'queue       0 waiting',
      'operations  1 enqueued, 1 done, 0 rejected, 0 cancelled, 0 coalesced, 0 retried',
      'requests    1, 100.0 % of operations succeeded',
      'pulls       0, with 0 changes',
      'conflicts   0, 0 resolved',
      'latency     2.5 s mean, 2.5 s p50, 2.5 s p95, 2.5 s p99',
      'health      100 of 100',
      'breaker     closed, 0 trips',
      'lease       owned, epoch 1, 0 takeovers',
    ])
  })

  it('A6 know the depth of the queue after a restart', async () => {
    const engine = await world.started()
    engine.pause('test')
    await engine.enqueueAll([create('a'), create('b'), create('c')])
    await engine.stop()
    const next = world.engine()
    next.pause('test')
    await next.start()
    expect(next.metrics().queue.depth).toBe(3)
    await next.enqueue(create('d'))
    expect(next.metrics().queue.depth).toBe(4)
    next.resume('test')
    await next.flush()
    expect(next.metrics().queue.depth).toBe(0)
  })

  it('A6 E1 know the depth of the queue after they have sent what another tab enqueued', async () => {
    const owner = await world.started()
    await eventOf(owner, 'lock:acquired')
    const follower = await world.started()
    for (const operation of await follower.enqueueAll([create('a'), create('b'), create('c')])) await operation.settled
    owner.pause('test')
    await owner.enqueue(create('d'))
    expect(owner.metrics()).toMatchObject({ queue: { depth: 1 }, operations: { live: 1 } })
  })

  it('A6 E1 know the depth of the queue where another tab sends, and where another tab enqueues', async () => {
    const clock = createVirtualClock()
    const lock = { heartbeatMs: 3_600_000, staleMs: 7_200_000, pollMs: 3_600_000 }
    const owner = await world.started({ ports: { clock }, lock })
    await eventOf(owner, 'lock:acquired')
    const follower = await world.started({ ports: { clock }, lock })
    for (const operation of await follower.enqueueAll([create('a'), create('b')])) await operation.settled
    owner.pause('test')
    await owner.enqueue(create('c'))
    await follower.enqueueAll([create('d'), create('e')])
    await clock.advance(1_000)
    expect([owner, follower].map((engine) => engine.metrics().queue.depth)).toEqual([3, 3])
    owner.resume('test')
    await owner.flush()
    await clock.advance(1_000)
    expect([owner, follower].map((engine) => engine.metrics().queue.depth)).toEqual([0, 0])
  })

  it('A6 A1 count a takeover', async () => {
    const engine = await world.started()
    await eventOf(engine, 'lock:acquired')
    const storage = world.storage()
    await storage.open(STORE_SCHEMA)
    const lease = (await storage.get(META, 'lease'))?.value as { epoch: number; rev: number }
    await engine.stop()
    await storage.commit([
      { type: 'put', collection: META, value: { ...lease, epoch: 7, beat: 1, rev: lease.rev + 9, owner: 'a dead one' } },
    ])
    await storage.close()
    const next = await world.started({ lock: { heartbeatMs: 20, staleMs: 60, pollMs: 20 } })
    await eventOf(next, 'lock:acquired')
    expect(next.metrics().lock).toEqual({ owner: true, epoch: 8, takeovers: 1 })
  })
})

describe('the summary of a drain', () => {
  it('D6 tells of each kind of end, with reasons', async () => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: 3_600_000, capMs: 3_600_000 } })
    engine.pause('test')
    world.intercept(async ({ request }, send) =>
      request.body?.includes('"put off"') === true ? { type: 'unknown', error: new NetworkError('Lost.') } : send(),
    )
    const [, , , putOff, behind, missing] = await engine.enqueueAll([
      create('merged'),
      update('merged'),
      create('plain'),
      create('put off'),
      create('behind', {}),
      update('missing'),
    ])
    const child = await engine.enqueue(create('child', { dependsOn: [putOff!.id] }))
    const told = eventOf(engine, 'drain:completed')
    engine.resume('test')
    const summary = await engine.flush()
    expect(summary).toMatchObject({
      succeeded: 3,
      failed: 1,
      deferred: 2,
      conflicted: 0,
      superseded: 1,
      cancelled: 0,
      held: [],
    })
    expect(behind).toBeDefined()
    expect(new Set(summary.reasons.map(({ id, status, error }) => `${id} ${status} ${error?.name}`))).toEqual(
      new Set([`${missing!.id} rejected ClientError`, `${putOff!.id} waiting NetworkError`, `${child.id} queued undefined`]),
    )
    expect(await told).toMatchObject({ summary: { succeeded: 3, failed: 1 } })
  })

  it('D6 tells why nothing was sent', async () => {
    const engine = await world.started()
    engine.pause('holidays')
    const { id } = await engine.enqueue(create('a'))
    const expected: DrainSummary = {
      succeeded: 0,
      failed: 0,
      deferred: 1,
      conflicted: 0,
      superseded: 0,
      cancelled: 0,
      reasons: [{ id, entity: 'note', entityId: 'a', status: 'queued' }],
      held: ['holidays'],
    }
    expect(await engine.flush()).toEqual(expected)
  })

  it('D6 counts as done, not as put off, what succeeded at a later attempt', async () => {
    const engine = await world.started()
    let answer = (): void => {}
    world.intercept(async ({ request }, send) => {
      if (request.body?.includes('"slow"') === true) {
        await new Promise<void>((resolve) => (answer = resolve))
        return send()
      }
      const attempts = world.attempts.filter((other) => other.request.body === request.body).length
      if (attempts < 4) return { type: 'unknown', error: new NetworkError('Lost.') }
      answer()
      return send()
    })
    engine.pause('test')
    await engine.enqueueAll([create('slow'), create('flaky')])
    engine.resume('test')
    expect(await engine.flush()).toMatchObject({ succeeded: 2, deferred: 0, reasons: [] })
  })

  it('D6 counts an operation once, however often it met a conflict', async () => {
    const engine = await world.started()
    await (
      await engine.enqueue(create('a'))
    ).settled
    world.intercept(async ({ request }, send, count) => {
      if (request.method === 'PATCH' && count < 4) await elsewhere(world, 'PATCH', '/note/a', { by: count })
      return send()
    })
    await elsewhere(world, 'PATCH', '/note/a', { by: 0 })
    engine.pause('test')
    await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { title: 'ours' } })
    engine.resume('test')
    expect(await engine.flush()).toMatchObject({ succeeded: 1, conflicted: 1 })
    expect(engine.metrics().operations.conflicts).toBeGreaterThan(1)
  })

  it('D6 names at most 100 reasons and counts all', async () => {
    const engine = await world.started()
    engine.pause('test')
    await engine.enqueueAll(Array.from({ length: 130 }, (_, n) => update(`missing ${n}`)))
    engine.resume('test')
    const summary = await engine.flush()
    expect(summary.failed).toBe(130)
    expect(summary.reasons).toHaveLength(100)
  })
})

describe('credentials', () => {
  it('B17 show up in no event, row, error, metric, explanation or state', async () => {
    const canary = 'canary-7f3a'
    const sinks: unknown[] = []
    const transport = httpTransport({ baseURL: world.url, auth: { token: async () => `Bearer-${canary}` } })
    const engine = await world.started({ transport, inspect: (event) => void sinks.push(event.type) })
    engine.on('*', (event) => void sinks.push(event))
    engine.events$.subscribe((event) => void sinks.push(event))
    engine.state$.subscribe((state) => void sinks.push(state))
    const operations = await engine.enqueueAll([create('a'), update('missing'), create('b')])
    await Promise.all(operations.map(({ settled }) => settled))
    const broken = httpTransport({ baseURL: 'http://127.0.0.1:1', auth: { token: async () => canary } })
    world.intercept(({ request, context }) => broken.send(request, context))
    const failed = await engine.enqueue(create('c'))
    await eventOf(engine, 'sync:retry')
    const failing = httpTransport({
      baseURL: world.url,
      auth: { token: async () => Promise.reject(new Error(`No token ${canary}`)) },
    })
    world.intercept(({ request, context }) => failing.send(request, context))
    await new Promise<void>((resolve) => engine.on('sync:*', () => resolve()))
    sinks.push(engine.history(), engine.metrics(), await engine.explain(failed.id), await engine.explain())
    sinks.push(await engine.operations.list(), await engine.operations.list({ status: ['done', 'rejected'] }))
    const storage = world.storage()
    await storage.open(STORE_SCHEMA)
    sinks.push(await readRows(storage))
    await storage.close()
    const text = JSON.stringify(sinks, (_, value: unknown) =>
      value instanceof Error
        ? Object.assign({}, value, { message: value.message, stack: value.stack, cause: value.cause })
        : value,
    )
    expect(text).toContain('"sync:completed"')
    expect(text).toContain('NetworkError')
    expect(text).not.toContain(canary)
  })
})
