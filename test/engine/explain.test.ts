import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuthenticationError, NetworkError, type EnqueueInput, type SyncEngine } from '../../src/index.ts'
import { META } from '../../src/core/schema.ts'
import { faultyStorage } from '../support/faulty-storage.ts'
import { elsewhere } from '../support/other-client.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

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
const lost = async () => ({ type: 'unknown', error: new NetworkError('Lost.') }) as const

const reasons = async (engine: SyncEngine, id?: string): Promise<string> => (await engine.explain(id)).waitingFor.join('; ')

describe('explain() tells why an operation does not go on', () => {
  it('F8 because the engine is paused, for each reason', async () => {
    const engine = await world.started()
    engine.pause('holidays')
    engine.pause('maintenance')
    const { id } = await engine.enqueue(create('a'))
    expect(await reasons(engine, id)).toBe("resume('holidays'); resume('maintenance')")
    expect(await engine.explain(id)).toMatchObject({
      summary: "create of note/a is queued and waits for resume('holidays'), and for resume('maintenance').",
      state: ['running', 'owning', 'paused'],
      operation: { id, status: 'queued' },
    })
    expect(await reasons(engine)).toBe("resume('holidays'); resume('maintenance')")
  })

  it('F8 because the server wants credentials', async () => {
    const engine = await world.started()
    world.intercept(async () => ({ type: 'auth', error: new AuthenticationError('Who?', { status: 401 }) }))
    const { id } = await engine.enqueue(create('a'))
    await engine.flush()
    const explained = await engine.explain(id)
    expect(explained.waitingFor).toEqual(["resume('auth') (the server wants credentials; log in, then resume)"])
    expect(explained.lastError).toMatchObject({ name: 'AuthenticationError' })
  })

  it('F8 because the network is down', async () => {
    let listener = (_online: boolean): void => {}
    const engine = await world.started({
      ports: {
        connectivity: {
          online: () => true,
          watch(told) {
            listener = told
            return () => {}
          },
        },
      },
    })
    listener(false)
    const { id } = await engine.enqueue(create('a'))
    expect(await reasons(engine, id)).toBe("resume('network') (the network is down; it resumes by itself)")
  })

  it('F8 because the breaker is open, and until when', async () => {
    const clock = createVirtualClock()
    const engine = await world.started({ ports: { clock }, breaker: { failureThreshold: 1, cooldownMs: 60_000 } })
    world.intercept(lost)
    await engine.enqueue(create('a'))
    await eventOf(engine, 'breaker:opened')
    await engine.flush()
    const { id } = await engine.enqueue(create('b'))
    await clock.advance(5_000)
    expect(await engine.explain(id)).toMatchObject({
      waitingFor: ['the circuit breaker, which lets a probe through in 55 s'],
      nextWakeAt: clock.now() + 55_000,
    })
  })

  it('F8 because the breaker is open, which wakes what was due before, and nothing that waits for a decision', async () => {
    const clock = createVirtualClock()
    const retry = { strategy: 'constant', baseMs: 1, maxAttempts: 2 } as const
    const engine = await world.started({ ports: { clock }, retry, breaker: { failureThreshold: 3, cooldownMs: 60_000 } })
    world.intercept(lost)
    const parked = await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:retry')
    await clock.advance(10)
    await eventOf(engine, 'sync:parked')
    const waiting = await engine.enqueue(create('b'))
    await eventOf(engine, 'breaker:opened')
    await engine.flush()
    await clock.advance(5_000)
    expect((await engine.explain(waiting.id)).nextWakeAt).toBe(clock.now() + 55_000)
    expect(await engine.explain(parked.id)).not.toHaveProperty('nextWakeAt')
  })

  it('F8 because it waits for its next attempt, and when that is', async () => {
    const clock = createVirtualClock()
    const engine = await world.started({ ports: { clock }, retry: { strategy: 'constant', baseMs: 50_000 } })
    world.intercept(lost)
    const { id } = await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:retry')
    const explained = await engine.explain(id)
    const waitMs = (explained.nextWakeAt ?? 0) - clock.now()
    expect(waitMs).toBeGreaterThan(0)
    expect(waitMs).toBeLessThanOrEqual(50_000)
    const inWords = waitMs < 1_000 ? `${waitMs} ms` : `${Math.ceil(waitMs / 1_000)} s`
    expect(explained.waitingFor).toEqual([`the next attempt in ${inWords}`])
    expect(explained.summary).toMatch(`create of note/a waits for the next attempt in ${inWords}.`)
    expect(explained.lastError).toEqual({ name: 'NetworkError', code: 'network', message: 'Lost.' })
    expect(explained.summary).toContain('Last error: Lost.')
    await engine.flush()
    expect((await engine.explain()).nextWakeAt).toBe(explained.nextWakeAt)
  })

  it('F8 because of what is before it, or what it depends on, also if that was merged', async () => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: 3_600_000, capMs: 3_600_000 } })
    world.intercept(lost)
    engine.pause('test')
    const merged = await engine.enqueue(create('a'))
    const head = await engine.enqueue({ ...create('a'), type: 'update' })
    engine.resume('test')
    await eventOf(engine, 'sync:retry')
    const behind = await engine.enqueue({ ...create('a'), type: 'update' })
    const child = await engine.enqueue(create('b', { dependsOn: [head.id] }))
    const other = await engine.enqueue(create('c', { dependsOn: [merged.id] }))
    await engine.flush()
    expect(await reasons(engine, behind.id)).toBe(`operation ${head.id} (waiting), which is before it on note/a`)
    const reason = `operation ${head.id} (waiting), on which it depends, the create of note/a, whose last error was: Lost.`
    expect(await reasons(engine, child.id)).toBe(reason)
    expect(await reasons(engine, other.id)).toBe(reason)
    expect((await engine.explain(merged.id)).summary).toBe(`It was merged into operation ${head.id}.`)
  })

  it('F8 because it needs a decision, and then nothing is said of a time', async () => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: 1, maxAttempts: 1 } })
    world.intercept(lost)
    const { id } = await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:parked')
    await engine.flush()
    const explained = await engine.explain(id)
    expect(explained.waitingFor).toEqual(['a decision: operations.retry, edit or discard'])
    expect(explained.nextWakeAt).toBeUndefined()
    expect(await engine.explain()).not.toHaveProperty('nextWakeAt')
    await engine.stop()
    const next = await world.started()
    await eventOf(next, 'lock:acquired')
    await next.flush()
    expect(await next.explain()).not.toHaveProperty('nextWakeAt')
  })

  it('F8 because it is another user’s, and shows nothing of it', async () => {
    const alice = await world.started({ user: 'alice' })
    alice.pause('test')
    const { id } = await alice.enqueue(create('secret', { payload: { secret: 'canary' } }))
    await alice.stop()
    const bob = await world.started({ user: 'bob' })
    const explained = await bob.explain(id)
    expect(explained.waitingFor).toEqual(['user alice to log in'])
    expect(JSON.stringify(explained)).not.toMatch(/canary|secret/)
  })

  it('F8 because another tab sends', async () => {
    const owner = await world.started()
    await eventOf(owner, 'lock:acquired')
    owner.pause('test')
    const follower = await world.started()
    const { id } = await follower.enqueue(create('a'))
    expect(await reasons(follower, id)).toBe('the owner: another tab or process holds the lease and sends for all')
  })

  it('F8 because it is on its way', async () => {
    const engine = await world.started()
    world.intercept(() => new Promise(() => {}))
    const { id } = await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:started')
    expect(await reasons(engine, id)).toBe("the server's answer")
    await engine.enqueue(create('b'))
  })

  it('F8 because the engine is being stopped', async () => {
    const engine = await world.started({ concurrency: 1, stopTimeoutMs: 50 })
    world.intercept(() => new Promise(() => {}))
    await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:started')
    const { id } = await engine.enqueue(create('b'))
    const stopped = engine.stop()
    expect(await reasons(engine, id)).toBe('start()')
    await stopped
  })

  it('F8 because what the server has is looked at, or what it changed is taken back', async () => {
    const never = new Promise<never>(() => {})
    const engine = await world.started({ entities: { note: { conflict: () => never } }, stopTimeoutMs: 50 })
    await elsewhere(world, 'POST', '/note', { id: 'a', n: 1 })
    const conflicted = await engine.enqueue(create('a', { payload: { n: 2 } }))
    const refused = await engine.enqueue({ ...create('x'), type: 'update', optimistic: { rollback: () => never } })
    await Promise.all([eventOf(engine, 'sync:conflict'), expect.poll(() => refused.status()).toBe('rollingBack')])
    expect(await reasons(engine, conflicted.id)).toBe('a look at what the server has, and its conflict strategy')
    expect(await reasons(engine, refused.id)).toBe('its optimistic.rollback to end')
  })

  it('F8 because of a pause, whatever it is called', async () => {
    const engine = await world.started()
    engine.pause('constructor')
    expect(await reasons(engine)).toBe("resume('constructor')")
  })

  it('F8 because it has ended: how', async () => {
    const engine = await world.started()
    const done = await engine.enqueue(create('a'))
    const refused = await engine.enqueue({ ...create('x'), type: 'update' })
    await Promise.all([done.settled, refused.settled])
    expect(await engine.explain(done.id)).toMatchObject({ summary: 'It is done.', waitingFor: [] })
    expect((await engine.explain(refused.id)).summary).toMatch(/^It was rejected: The server refused the PATCH with 404/)
    await expect(engine.explain('nobody')).rejects.toMatchObject({ code: 'not-found' })
  })
})

describe('explain() tells of the engine', () => {
  it('F8 that nothing holds it up, that it is stopped, that it could not start', async () => {
    const engine = world.engine()
    expect(await engine.explain()).toMatchObject({ summary: 'The engine is stopped and waits for start().', state: ['stopped'] })
    await engine.start()
    await eventOf(engine, 'lock:acquired')
    expect((await engine.explain()).summary).toBe('The engine is draining; nothing holds it up.')
    await engine.stop()
    expect(await engine.explain()).toMatchObject({ waitingFor: ['start()'], state: ['stopped'] })
  })
})

describe('explain where the lease can not be read', () => {
  it('F8 says that and goes on, whatever the store throws', async () => {
    const storage = faultyStorage(world.storage())
    const cause = new TypeError('The file is locked.')
    const owner = await world.started()
    await eventOf(owner, 'lock:acquired')
    owner.pause('test')
    const follower = await world.started({ storage })
    const { id } = await follower.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    storage.failReads((method, collection) => (method === 'get' && collection === META ? cause : undefined))
    expect((await follower.explain(id)).summary).toContain(
      "the lease, which can't be read: Reading it failed; it is tried again.",
    )
    storage.failReads(undefined)
    expect((await follower.explain(id)).summary).toContain('another tab or process holds the lease')
  })
})
