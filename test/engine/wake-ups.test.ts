import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NetworkError, type EnqueueInput, type Operation, type Storage, type SyncEvent, type Write } from '../../src/index.ts'
import { isOperationRow, OPERATIONS } from '../../src/core/schema.ts'
import { faultyStorage } from '../support/faulty-storage.ts'
import { lateAnswer } from '../support/late-answer.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const create = (id: string): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: {} })
const update = (id: string, payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id, payload })

const isClaim = (write: Write): boolean => write.type === 'put' && isOperationRow(write.value) && write.value.status === 'sending'

const EVENTS: readonly SyncEvent['type'][] = [
  'engine:started',
  'engine:paused',
  'engine:resumed',
  'lock:acquired',
  'sync:queued',
  'sync:started',
  'sync:completed',
  'sync:retry',
  'sync:failed',
  'sync:coalesced',
  'sync:cancelled',
  'drain:completed',
]

describe('an operation of another tab', () => {
  it('L5 is sent within a minute though the tab died before it could tell of it', async () => {
    const clock = createVirtualClock()
    const storage: Storage = { ...world.storage(), watch: () => () => {} }
    const owner = await world.started({ storage, ports: { clock } })
    await clock.advance(0)
    const other = await world.started()
    const { id } = await other.enqueue(create('a'))
    await clock.advance(59_000)
    expect(await owner.operations.get(id)).toMatchObject({ status: 'queued' })
    await clock.advance(1_000)
    await eventOf(owner, 'sync:completed')
  })
})

describe('a pause', () => {
  it.each([1, 2, 3, 4])('S7 that comes with read %i after what was enqueued is stored claims nothing', async (nth) => {
    const storage = faultyStorage(world.storage())
    const engine = await world.started({ storage })
    await engine.flush()
    let claims = 0
    let reads: number | undefined
    storage.failCommits((writes) => {
      if (writes.some(({ type }) => type === 'append')) reads = 0
      claims += writes.filter(isClaim).length
      return undefined
    })
    const paused = eventOf(engine, 'engine:paused')
    storage.failReads((_, collection) => {
      if (reads !== undefined && collection === OPERATIONS && ++reads === nth) engine.pause('test')
      return undefined
    })
    const { settled } = await engine.enqueue(create('a'))
    await paused
    await engine.flush()
    expect(claims).toBe(0)
    storage.failReads(undefined)
    engine.resume('test')
    expect(await settled).toEqual({ status: 'done' })
  })
})

describe('a refusal', () => {
  it('L4 L5 is told though another request is still on its way', async () => {
    const { isApplied, release } = lateAnswer(world)
    const engine = await world.started()
    const slow = await engine.enqueue(create('slow'))
    await isApplied
    const refused = await engine.enqueue(update('missing', {}))
    expect(await refused.settled).toMatchObject({ status: 'rejected' })
    expect(await slow.status()).toBe('sending')
    release()
    expect(await slow.settled).toEqual({ status: 'done' })
  })
})

describe('an operation that is enqueued at any moment is sent', () => {
  it.each(EVENTS)('L5 inside the event %s', async (type) => {
    const engine = world.engine()
    const added: Promise<Operation>[] = []
    engine.on(type, () => {
      const n = added.length
      if (n < 3) added.push(engine.enqueue(create(`new ${n}`)), engine.enqueue(update('old', { n })))
    })
    world.intercept(async ({ request }, send) => {
      const isFirst = world.attempts.filter((other) => other.request.path === request.path).length === 1
      return isFirst && request.method === 'PATCH' ? { type: 'unknown', error: new NetworkError('Lost.') } : send()
    })
    await engine.start()
    await (
      await engine.enqueue(create('old'))
    ).settled
    engine.pause('test')
    const discarded = await engine.enqueue(create('discarded'))
    await engine.enqueueAll([update('old', { a: 1 }), update('old', { a: 2 }), update('missing', {}), create('other')])
    await engine.operations.discard(discarded.id)
    engine.resume('test')
    const live = await engine.operations.list()
    await Promise.all(live.map(({ id }) => engine.operations.handle(id).settled))
    await engine.flush()
    expect(added.length).toBeGreaterThan(0)
    for (const [i, { settled }] of (await Promise.all(added)).entries()) {
      // An update may come before the entity is made; then it is refused.
      expect(i % 2 === 0 ? ['done'] : ['done', 'superseded', 'rejected']).toContain((await settled).status)
    }
    await engine.flush()
    expect(await engine.operations.count('live')).toBe(0)
  })

  it.each(['before it is sent', 'after the answer'])('L5 during an attempt, %s', async (when) => {
    const engine = await world.started({ concurrency: 2 })
    const added: Operation[] = []
    world.intercept(async (_, send, count) => {
      const add = async () => {
        if (count > 10) return
        added.push(await engine.enqueue(create(`new ${count}`)), await engine.enqueue(update('old', { count })))
      }
      if (when === 'before it is sent') await add()
      const outcome = await send()
      if (when === 'after the answer') await add()
      return outcome
    })
    const first = await engine.enqueue(create('old'))
    expect(await first.settled).toEqual({ status: 'done' })
    for (let i = 0; i < added.length; i++) expect(['done', 'superseded']).toContain((await added[i]!.settled).status)
    expect(added.length).toBeGreaterThanOrEqual(20)
  })

  it.each(Array.from({ length: 12 }, (_, n) => n))('L5 while commit %i of the drain is under way', async (nth) => {
    const storage = faultyStorage(world.storage())
    const engine = await world.started({ storage })
    await eventOf(engine, 'lock:acquired')
    const added: Promise<Operation>[] = []
    let commits = 0
    storage.failCommits(() => {
      if (commits++ === nth) added.push(engine.enqueue(update('a', { late: true })))
      return undefined
    })
    const operations = await engine.enqueueAll([create('a'), create('b'), update('a', { n: 1 })])
    await Promise.all(operations.map(({ settled }) => settled))
    for (let n = 0; added.length === 0; n++) await (await engine.enqueue(update('b', { n }))).settled
    expect((await (await added[0]!).settled).status).toMatch(/done|superseded/)
    await engine.flush()
    expect(world.notes()).toMatchObject({ a: { late: true } })
  })

  it('L5 in a tab that does not send, again and again', async () => {
    const owner = await world.started()
    await eventOf(owner, 'lock:acquired')
    const follower = await world.started()
    for (let n = 0; n < 30; n++) {
      const operation = await follower.enqueue(n === 0 ? create('a') : update('a', { n }))
      expect(await operation.settled).toEqual({ status: 'done' })
    }
    expect(world.notes()).toEqual({ a: { id: 'a', n: 29 } })
    expect(follower.metrics().requests).toBe(0)
  })

  it('L5 while the engine is paused and resumed in every order', async () => {
    const engine = await world.started()
    const operations: Operation[] = []
    for (let n = 0; n < 30; n++) {
      engine.pause('a')
      if (n % 3 === 0) engine.pause('b')
      operations.push(await engine.enqueue(create(`n${n}`)))
      engine.resume('a')
      if (n % 3 === 0) engine.resume('b')
      if (n % 4 === 0) engine.resume('never paused')
    }
    expect(new Set((await Promise.all(operations.map(({ settled }) => settled))).map(({ status }) => status))).toEqual(
      new Set(['done']),
    )
  })

  it('L5 when its turn comes while an edit from elsewhere is stored', async () => {
    const engine = await world.started({ concurrency: 1, coalesce: false })
    const other = await world.started()
    engine.pause('test')
    const operations = await engine.enqueueAll(Array.from({ length: 20 }, (_, n) => create(`n${n}`)))
    world.intercept(async (_, send, count) => {
      const [next] = await other.operations.list({ status: 'queued', limit: 1 })
      if (next !== undefined && count % 2 === 0) await other.operations.edit(next.id, { edited: count }).catch(() => {})
      return send()
    })
    engine.resume('test')
    await Promise.all(operations.map(({ settled }) => settled))
    expect(Object.keys(world.notes())).toHaveLength(20)
    expect(world.server.ledger()).toHaveLength(20)
  })
})
