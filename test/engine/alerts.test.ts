import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { NetworkError, StorageUnavailableError, type EngineOptions, type Storage, type SyncEngine } from '../../src/index.ts'
import { META, STORE_SCHEMA } from '../../src/core/schema.ts'
import { faultyStorage } from '../support/faulty-storage.ts'
import { elsewhere } from '../support/other-client.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

let world: World
let clock: VirtualClock
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
  clock = createVirtualClock()
})
afterEach(() => world.close())

const create = (id: string) => ({ type: 'create', entity: 'note', id, payload: { secret: 'payload' } })
const missing = (id: string) => ({ type: 'update', entity: 'note', id, payload: {} })

async function started(options: Partial<EngineOptions> = {}): Promise<SyncEngine> {
  const engine = await world.started({ ports: { clock }, lock: { heartbeatMs: 10_000, staleMs: 120_000 }, ...options })
  return engine
}

/** What was told of alerts, in order. */
function told(engine: SyncEngine): string[] {
  const list: string[] = []
  engine.on('alert:*', (event) => void list.push(`${event.type === 'alert:raised' ? '+' : '-'}${event.alert}`))
  return list
}

describe('alerts', () => {
  it('A12 tell when the breaker opens, and when it has closed again', async () => {
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Down.') }))
    const engine = await started({
      breaker: { failureThreshold: 2, cooldownMs: 5_000 },
      retry: { strategy: 'constant', baseMs: 10 },
    })
    const alerts = told(engine)
    await engine.enqueue(create('a'))
    await clock.advance(1_000)
    expect(engine.metrics().breaker.state).toBe('open')
    expect(alerts).toEqual(['+breaker-open'])
    expect(await eventOf(engine, 'alert:raised')).toMatchObject({
      alert: 'breaker-open',
      message: expect.stringContaining('5 s'),
    })
    await clock.advance(20_000)
    expect(alerts).toEqual(['+breaker-open'])
    world.intercept(undefined)
    const closed = eventOf(engine, 'alert:cleared')
    await clock.advance(20_000)
    await closed
    expect(alerts).toEqual(['+breaker-open', '-breaker-open'])
  })

  it('A12 come after the event that caused them', async () => {
    const engine = await started()
    const seen: string[] = []
    engine.on('*', ({ type }) => void seen.push(type))
    await engine.enqueue(missing('a'))
    await eventOf(engine, 'alert:raised')
    expect(seen.indexOf('alert:raised')).toBeGreaterThan(seen.indexOf('sync:failed'))
  })

  it('A12 tell of a dead letter once, until all were seen to', async () => {
    const engine = await started()
    const alerts = told(engine)
    const [first, second] = await engine.enqueueAll([missing('a'), missing('b')])
    await Promise.all([first!.settled, second!.settled])
    const raised = await eventOf(engine, 'alert:raised')
    expect(raised).toMatchObject({ alert: 'dead-letter', operation: { status: 'rejected', lastError: { code: 'client' } } })
    await engine.operations.discard(first!.id)
    await clock.advance(MINUTE_MS)
    expect(alerts).toEqual(['+dead-letter'])
    await engine.operations.discard(second!.id)
    await clock.advance(MINUTE_MS)
    expect(alerts).toEqual(['+dead-letter', '-dead-letter'])
  })

  it('A12 are not cleared by a look at the store that began before the dead letter was there', async () => {
    const storage = world.storage()
    let isAsked = (): void => {}
    let hasLooked = (): void => {}
    const looked = new Promise<void>((resolve) => (hasLooked = resolve))
    let goOn = (): void => {}
    const asked = new Promise<void>((resolve) => (isAsked = resolve))
    const held = new Promise<void>((resolve) => (goOn = resolve))
    const engine = await started({
      storage: {
        ...storage,
        async scan(collection, query) {
          const entries = await storage.scan(collection, query)
          if (query.prefix?.[0] !== 'rejected') return entries
          isAsked()
          await held
          return entries
        },
        async estimate() {
          hasLooked()
          return storage.estimate()
        },
      },
    })
    const alerts = told(engine)
    await clock.advance(MINUTE_MS)
    await asked
    await (
      await engine.enqueue(missing('a'))
    ).settled
    goOn()
    await looked
    await engine.explain()
    expect(alerts).toEqual(['+dead-letter'])
  })

  it('A12 tell after a restart of dead letters that are still there', async () => {
    const first = await started()
    await (
      await first.enqueue(missing('a'))
    ).settled
    await first.stop()
    const engine = await started()
    const alerts = told(engine)
    await clock.advance(MINUTE_MS)
    expect(alerts).toEqual(['+dead-letter'])
  })

  it('A12 tell of an operation that does not end, and clear when it has', async () => {
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Down.') }))
    const engine = await started({
      retry: { strategy: 'constant', baseMs: 600_000, capMs: 600_000 },
      lock: { heartbeatMs: MINUTE_MS, staleMs: 4 * MINUTE_MS },
    })
    const alerts = told(engine)
    const { id } = await engine.enqueue(create('a'))
    await clock.advance(HOUR_MS - 2 * MINUTE_MS)
    expect(alerts).toEqual([])
    await clock.advance(4 * MINUTE_MS)
    expect(alerts).toEqual(['+stuck-operation'])
    expect(await eventOf(engine, 'alert:raised')).toMatchObject({
      operation: { id },
      message: expect.stringContaining(`explain('${id}')`),
    })
    world.intercept(undefined)
    const cleared = eventOf(engine, 'alert:cleared')
    await clock.advance(12 * MINUTE_MS)
    await cleared
    expect(alerts).toEqual(['+stuck-operation', '-stuck-operation'])
  })

  it('A12 tell of what is queued behind it, and of what was parked because it failed too often', async () => {
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Down.') }))
    const engine = await started({ retry: { strategy: 'constant', baseMs: 10, maxAttempts: 1 }, alerts: { stuckMs: MINUTE_MS } })
    const alerts = told(engine)
    await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:parked')
    await clock.advance(3 * MINUTE_MS)
    expect(alerts).toEqual(['+stuck-operation'])
  })

  it('A12 leave in peace what waits because somebody chose so: a conflict for a person, a paused engine', async () => {
    const engine = await started({ entities: { note: { conflict: 'manual' } }, alerts: { stuckMs: MINUTE_MS } })
    const alerts = told(engine)
    world.server.setFaults(undefined)
    await (
      await engine.enqueue(create('a'))
    ).settled
    await fetch(`${world.url}/note/a`, {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/merge-patch+json', 'Idempotency-Key': '"other"' },
      body: '{"secret":"theirs"}',
    })
    await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { secret: 'ours' } })
    await eventOf(engine, 'sync:parked')
    await clock.advance(5 * MINUTE_MS)
    expect(alerts).toEqual([])
    engine.pause('metered')
    await engine.enqueue(create('b'))
    await clock.advance(5 * MINUTE_MS)
    expect(alerts).toEqual([])
    engine.resume('metered')
  })

  it('A12 tell of what does not end because the server asks for one pause after another, which nobody here has chosen', async () => {
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Down.'), wishes: { pauseMs: HOUR_MS } }))
    const engine = await started({ alerts: { stuckMs: 2 * MINUTE_MS } })
    const alerts = told(engine)
    await engine.enqueue(create('a'))
    await clock.advance(5 * MINUTE_MS)
    expect((await engine.flush()).held).toEqual(['server'])
    expect(alerts).toEqual(['+stuck-operation'])
  })

  it('A12 S31 leave in peace what waits with the conflict of another of its transaction, and tell where that has failed too often', async () => {
    const retry = { strategy: 'constant', baseMs: 10, maxAttempts: 1 } as const
    const engine = await started({ entities: { note: { conflict: 'manual' } }, alerts: { stuckMs: MINUTE_MS }, retry })
    const alerts = told(engine)
    const transact = () =>
      engine.transaction((tx) => {
        tx.enqueue(create('b'))
        tx.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { secret: 'ours' } })
      })
    await (
      await engine.enqueue(create('a'))
    ).settled
    await elsewhere(world, 'PATCH', '/note/a', { secret: 'theirs' })
    const { operations } = await transact()
    await eventOf(engine, 'sync:parked')
    await clock.advance(5 * MINUTE_MS)
    expect(alerts).toEqual([])
    await engine.operations.discard(operations[0]!.id)
    const parked = new Promise((resolve) => engine.on('sync:parked', resolve))
    world.server.setFaults({ rate: 1, weights: { unavailable: 1 } })
    await transact()
    await parked
    await clock.advance(5 * MINUTE_MS)
    expect(alerts).toEqual(['+stuck-operation'])
  })

  it('A12 tell of what has failed too often though many conflicts wait for a person before it', async () => {
    const retry = { strategy: 'constant', baseMs: 10, maxAttempts: 1 } as const
    const engine = await started({ entities: { note: { conflict: 'manual' } }, alerts: { stuckMs: MINUTE_MS }, retry })
    const alerts = told(engine)
    const ids = Array.from({ length: 40 }, (_, i) => `n${i}`)
    const conflicts = ids.map((id) => ({ ...missing(id), type: 'replace', baseVersion: '1', base: { n: 0 }, payload: { n: 1 } }))
    for (const id of ids) await elsewhere(world, 'POST', '/note', { id, n: 2 })
    for (const id of ids) await elsewhere(world, 'PATCH', `/note/${id}`, { n: 3 })
    await engine.enqueueAll(conflicts)
    const parked = (count: number) =>
      vi.waitFor(async () => expect(await engine.operations.count('parked')).toBe(count), { timeout: 10_000 })
    await parked(40)
    world.server.setFaults({ rate: 1, weights: { unavailable: 1 } })
    await engine.enqueue(create('late'))
    await parked(41)
    await clock.advance(3 * MINUTE_MS)
    expect(alerts).toEqual(['+stuck-operation'])
  })

  it('A12 tell when the room for the store is almost used up, and look seldom', async () => {
    let looks = 0
    let usedBytes = 81
    const storage: Storage = {
      ...world.storage(),
      async estimate() {
        looks += 1
        return { usedBytes, quotaBytes: 100 }
      },
    }
    const engine = await started({ storage })
    const alerts = told(engine)
    await clock.advance(MINUTE_MS)
    expect(alerts).toEqual(['+quota-near'])
    usedBytes = 80
    await clock.advance(9 * MINUTE_MS)
    expect(looks).toBe(1)
    await clock.advance(MINUTE_MS)
    expect([looks, ...alerts]).toEqual([2, '+quota-near', '-quota-near'])
  })

  it('A12 tell when operations wait that nobody sends, as while the engine of another user owns the store', async () => {
    const ann = await started({ user: 'ann' })
    await eventOf(ann, 'lock:acquired')
    const bob = await started({ user: 'bob' })
    const alerts = told(bob)
    await clock.advance(4 * MINUTE_MS)
    expect(alerts).toEqual([])
    const operation = await bob.enqueue(create('a'))
    await clock.advance(MINUTE_MS)
    expect(alerts).toEqual(['+no-owner'])
    await ann.stop()
    await clock.advance(2_000)
    await operation.settled
    expect(alerts).toEqual(['+no-owner', '-no-owner'])
  })

  it('A12 tell nothing of that while a live owner beats', async () => {
    const owner = await started()
    await eventOf(owner, 'lock:acquired')
    owner.pause('test')
    const follower = await started()
    const alerts = told(follower)
    await follower.enqueue(create('a'))
    await clock.advance(10 * MINUTE_MS)
    expect(alerts).toEqual([])
  })

  it('A12 tell when the owner shows no life and nobody can take over', async () => {
    const storage = world.storage()
    await storage.open(STORE_SCHEMA)
    const lease = { name: 'lease', owner: 'gone', epoch: 1, beat: 1, rev: 1, user: 'default' }
    await storage.commit([{ type: 'put', collection: META, value: lease }])
    await storage.close()
    const real = world.storage()
    const follower = await started({
      storage: {
        ...real,
        commit: (writes, options) =>
          writes.some((write) => write.type === 'put' && 'epoch' in write.value)
            ? Promise.reject(new NetworkError('No claim.'))
            : real.commit(writes, options),
      },
    })
    const alerts = told(follower)
    await follower.enqueue(create('a'))
    await clock.advance(4 * MINUTE_MS)
    expect(alerts).toEqual(['+no-owner'])
  })

  it('A12 a look at the store that fails is told of, and the next one sees what there is', async () => {
    const storage = faultyStorage(world.storage())
    const engine = await started({ storage })
    await eventOf(engine, 'lock:acquired')
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Down.') }))
    await engine.enqueue(create('a'))
    const fault = new StorageUnavailableError('Not now.')
    storage.failReads((method) => (method === 'scan' ? fault : undefined))
    const told = eventOf(engine, 'storage:error', (event) => 'error' in event && event.error === fault)
    await clock.advance(HOUR_MS)
    await told
    storage.failReads(undefined)
    const raised = eventOf(engine, 'alert:raised')
    await clock.advance(MINUTE_MS)
    expect(await raised).toMatchObject({ alert: 'stuck-operation' })
  })

  it('A12 are cleared when the engine stops, for then nobody watches', async () => {
    const engine = await started()
    const alerts = told(engine)
    await engine.enqueue(missing('a'))
    await eventOf(engine, 'alert:raised')
    await engine.stop()
    expect(alerts).toEqual(['+dead-letter', '-dead-letter'])
    expect(clock.pending()).toBe(0)
  })
})
