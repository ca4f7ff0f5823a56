import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createActor } from 'xstate'
import { breakerMachine } from '../../machines/breaker.ts'
import { AuthenticationError, ConflictError, NetworkError, type Clock, type Outcome, type Transport } from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { DEFAULTS } from '../../src/core/options.ts'
import { IN_PLAY, LEASE, META, OPERATIONS, STORE_SCHEMA, type LeaseRow } from '../../src/core/schema.ts'
import { createBreakerSigns } from '../../src/engine/breaker-signs.ts'
import { machineClock } from '../../src/engine/machine-clock.ts'
import { queued } from '../support/queued.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

/** Another owner takes over, and is gone at once. */
async function depose(): Promise<void> {
  const storage = world.storage()
  await storage.open(STORE_SCHEMA)
  const lease = (await storage.get(META, LEASE))?.value as LeaseRow
  const next = { name: LEASE, owner: '', epoch: lease.epoch + 1, beat: 0, rev: lease.rev + 1 }
  await storage.commit([{ type: 'put', collection: META, value: next }])
  await storage.close()
}

/** Something that a test lets happen. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open: () => open() }
}

describe('while the breaker is open', () => {
  it('S23 nothing is sent, also not what was being reconciled when it opened; that waits and spends no attempt', async () => {
    const real = httpTransport({ baseURL: world.url })
    const [asked, answer] = [gate(), gate()]
    const transport: Transport = {
      ...real,
      async fetch() {
        asked.open()
        await answer.opened
        return { type: 'found', value: { id: 'a', n: 5 }, version: '7' }
      },
    }
    world.intercept(async ({ request }) =>
      request.path === '/note/a'
        ? { type: 'conflict', reason: 'stale', error: new ConflictError('Stale.') }
        : { type: 'unknown', error: new NetworkError('Down.') },
    )
    const engine = await world.started({
      transport,
      breaker: { failureThreshold: 1 },
      retry: { strategy: 'constant', baseMs: 60_000 },
    })
    const reconciled = await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { n: 1 } })
    await asked.opened
    await engine.enqueue({ type: 'create', entity: 'note', id: 'b', payload: {} })
    await eventOf(engine, 'breaker:opened')
    const left = world.attempts.length
    answer.open()
    await eventOf(engine, 'sync:retry', (event) => 'operation' in event && event.operation.id === reconciled.id)
    expect(world.attempts.length).toBe(left)
    expect(await engine.operations.get(reconciled.id)).toMatchObject({
      status: 'waiting',
      attempts: 1,
      lastError: { code: 'breaker-open' },
    })
  })

  it('S23 the server is not looked at either, for a refusal that comes only then; that waits as well', async () => {
    const real = httpTransport({ baseURL: world.url })
    const [left, refuse] = [gate(), gate()]
    let looks = 0
    const transport: Transport = { ...real, fetch: async () => ((looks += 1), { type: 'absent' }) }
    world.intercept(async ({ request }) => {
      if (request.path !== '/note/a') return { type: 'unknown', error: new NetworkError('Down.') }
      left.open()
      await refuse.opened
      return { type: 'conflict', reason: 'stale', error: new ConflictError('Stale.') }
    })
    const engine = await world.started({
      transport,
      breaker: { failureThreshold: 1 },
      retry: { strategy: 'constant', baseMs: 60_000, maxAttempts: 1 },
    })
    const refused = await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { n: 1 } })
    await left.opened
    await engine.enqueue({ type: 'create', entity: 'note', id: 'b', payload: {} })
    await eventOf(engine, 'breaker:opened')
    refuse.open()
    await eventOf(engine, 'sync:retry', (event) => 'operation' in event && event.operation.id === refused.id)
    expect(looks).toBe(0)
    expect(await engine.operations.get(refused.id)).toMatchObject({
      status: 'waiting',
      attempts: 1,
      lastError: { code: 'breaker-open' },
    })
  })

  it('L9 an engine with retries that are due only waits: it sets no timer after the other', async () => {
    const clock = createVirtualClock()
    let timers = 0
    const counting: Clock = { ...clock, schedule: (task, delayMs) => ((timers += 1), clock.schedule(task, delayMs)) }
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Down.') }))
    const engine = world.engine({
      ports: { clock: counting },
      breaker: { failureThreshold: 1, cooldownMs: 60_000 },
      lock: { heartbeatMs: 10_000, staleMs: 100_000, pollMs: 10_000 },
    })
    const started = engine.start()
    await clock.advance(0)
    await started
    const enqueued = engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    await clock.advance(1_000)
    await enqueued
    expect(engine.metrics().breaker.state).toBe('open')
    timers = 0
    await clock.advance(30_000)
    expect(timers).toBeLessThan(10)
    const stopped = engine.stop()
    await clock.advance(10_000)
    await stopped
  })
})

describe('a half-open breaker', () => {
  it('S23 admits as many requests as there are probes, whatever they are for', async () => {
    const clock = createVirtualClock()
    const breaker = createActor(breakerMachine, {
      input: { ...DEFAULTS.breaker, failureThreshold: 1, halfOpenProbes: 2 },
      clock: machineClock(clock),
    })
    breaker.start()
    const signs = createBreakerSigns(clock, () => breaker)
    const [a, b, c] = [{}, {}, {}]
    expect(signs.admit(a)).toBe(true)
    signs.failed()
    expect(signs.admit(a)).toBe(false)
    await clock.advance(DEFAULTS.breaker.cooldownMs)
    expect([signs.admit(a), signs.admit(b), signs.admit(c)]).toEqual([true, true, false])
    signs.abandoned(a)
    expect([signs.admit(c), signs.admit(a)]).toEqual([true, false])
    signs.succeeded()
    expect([signs.admit(a), signs.admit(b), signs.admit(c)]).toEqual([true, true, true])
    breaker.stop()
  })

  it('S23 gives nobody the place of a probe because an older request is called off', async () => {
    const clock = createVirtualClock()
    const real = httpTransport({ baseURL: world.url })
    let looks = 0
    const transport: Transport = {
      ...real,
      pull(_, { signal }) {
        looks += 1
        const error = new NetworkError('Called off.', { code: 'aborted' })
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve({ type: 'failed', error })))
      },
    }
    world.intercept(async (_, _send, count) =>
      count > 1 ? new Promise<never>(() => {}) : { type: 'unknown', error: new NetworkError('Down.') },
    )
    const engine = await world.started({
      ports: { clock },
      transport,
      pull: { everyMs: 1_000 },
      sendTimeoutMs: 60_000,
      stopTimeoutMs: 1_000,
      breaker: { failureThreshold: 1, cooldownMs: 10_000, probeTimeoutMs: 60_000 },
    })
    await eventOf(engine, 'pull:started')
    await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    await eventOf(engine, 'breaker:opened')
    await clock.advance(12_000)
    expect(engine.metrics().breaker.state).toBe('halfOpen')
    expect([looks, world.attempts.length]).toEqual([1, 2])
    engine.pause('test')
    await clock.advance(100)
    engine.resume('test')
    await clock.advance(100)
    expect([looks, world.attempts.length]).toEqual([1, 2])
    const stopped = engine.stop()
    await clock.advance(10_000)
    await stopped
  })

  it('S23 gives nobody the place of a probe because an older request answers late', async () => {
    const clock = createVirtualClock()
    const late = gate()
    world.intercept(async (_, _send, count) => {
      if (count > 1) return new Promise<never>(() => {})
      await late.opened
      return { type: 'applied', version: '1' }
    })
    const engine = await world.started({
      ports: { clock },
      concurrency: 1,
      sendTimeoutMs: 1_000,
      stopTimeoutMs: 1_000,
      breaker: { failureThreshold: 1, cooldownMs: 10_000, probeTimeoutMs: 60_000 },
    })
    await engine.enqueueAll(['a', 'b', 'c'].map((id) => ({ type: 'create', entity: 'note', id, payload: {} })))
    await clock.advance(1_500)
    expect(engine.metrics().breaker.state).toBe('open')
    await clock.advance(10_000)
    expect(engine.metrics().breaker.state).toBe('halfOpen')
    expect(world.attempts).toHaveLength(2)
    late.open()
    await clock.advance(10)
    await Promise.all([engine.enqueue({ type: 'create', entity: 'note', id: 'd', payload: {} }), clock.advance(100)])
    expect(world.attempts).toHaveLength(2)
    const stopped = engine.stop()
    await clock.advance(10_000)
    await stopped
  })
})

describe('what the breaker is told', () => {
  it('S23 S24 a look at the server that needs credentials is no failure of it: it pauses and spends no attempt', async () => {
    const real = httpTransport({ baseURL: world.url })
    let loggedIn = false
    const transport: Transport = {
      ...real,
      fetch: async (...args) =>
        loggedIn ? real.fetch(...args) : { type: 'auth', error: new AuthenticationError('Who?', { status: 401 }) },
    }
    world.intercept(async ({ request }, send, count) =>
      count > 1 ? send() : { type: 'conflict', reason: 'exists', error: new ConflictError(`${request.path} exists.`) },
    )
    const engine = await world.started({
      transport,
      retry: { strategy: 'constant', baseMs: 10, maxAttempts: 1 },
      breaker: { failureThreshold: 1 },
    })
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    await eventOf(engine, 'sync:retry')
    expect(engine.history().map(({ type }) => type)).toContain('engine:paused')
    expect(engine.metrics().breaker).toMatchObject({ state: 'closed', trips: 0 })
    expect(await engine.operations.get(operation.id)).toMatchObject({ status: 'waiting', attempts: 1 })
    loggedIn = true
    engine.resume('auth')
    expect(await operation.settled).toEqual({ status: 'done' })
  })

  it('S23 a request that the engine itself called off is no failure of the server', async () => {
    const engine = await world.started({ breaker: { failureThreshold: 1 } })
    await eventOf(engine, 'lock:acquired')
    const aborted: Promise<Outcome>[] = []
    const allLeft = new Promise<void>((resolve) => {
      world.intercept(({ context: { signal } }) => {
        const outcome = new Promise<Outcome>((done) =>
          signal.addEventListener('abort', () =>
            done({ type: 'unknown', error: new NetworkError('Called off.', { code: 'aborted' }) }),
          ),
        )
        if (aborted.push(outcome) === 3) resolve()
        return outcome
      })
    })
    const operations = await engine.enqueueAll(['a', 'b', 'c'].map((id) => ({ type: 'create', entity: 'note', id, payload: {} })))
    await allLeft
    world.intercept(undefined)
    await depose()
    await Promise.all(aborted)
    const settled = await Promise.all(operations.map(({ settled: end }) => end))
    expect(settled.map(({ status }) => status)).toEqual(['done', 'done', 'done'])
    expect(engine.metrics().breaker).toMatchObject({ state: 'closed', trips: 0 })
  })

  it('S23 L5 a transport that never answers is one', async () => {
    world.intercept(() => new Promise<never>(() => {}))
    const engine = await world.started({ breaker: { failureThreshold: 1 }, sendTimeoutMs: 50, stopTimeoutMs: 50 })
    await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    await eventOf(engine, 'breaker:opened')
    expect(engine.metrics().breaker).toMatchObject({ state: 'open', trips: 1 })
  })
})

describe('while the breaker is half-open', () => {
  it('S23 L5 what is decided without a look at the server takes the place of no probe', async () => {
    const clock = createVirtualClock()
    const storage = world.storage()
    await storage.open(STORE_SCHEMA)
    const inPlay = { ...queued, user: 'default', attempts: 1, dueAt: IN_PLAY }
    const request = { method: 'POST', path: '/note', headers: { 'content-type': 'application/json' }, body: '{"id":"x"}' }
    const left = [
      { ...inPlay, type: 'create', entityId: 'x', lane: 'default/note/x', status: 'sending', unknownAttempts: 1, request },
      { ...inPlay, id: 'o2', type: 'create', entity: 'task', entityId: 't', lane: 'default/task/t', status: 'reconciling' },
    ]
    await storage.commit(left.map(({ seq: _seq, ...value }) => ({ type: 'append', collection: OPERATIONS, value })))
    await storage.close()
    world.intercept(async (_, send, count) => (count > 1 ? send() : { type: 'unknown', error: new NetworkError('Down.') }))
    const engine = world.engine({
      entities: { note: {}, task: { ids: 'server' } },
      concurrency: 1,
      ports: { clock },
      breaker: { failureThreshold: 1, cooldownMs: 1_000 },
    })
    await engine.start()
    await eventOf(engine, 'breaker:opened')
    await clock.advance(1_000)
    await eventOf(engine, 'breaker:closed')
    expect(await engine.operations.get('o2')).toMatchObject({ status: 'parked', lastError: { code: 'conflict' } })
    expect(await engine.operations.handle('o1').settled).toEqual({ status: 'done' })
    expect(engine.metrics().breaker).toMatchObject({ state: 'closed', trips: 1 })
  })
})
