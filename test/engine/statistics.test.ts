import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NetworkError, StorageConflictError, StorageUnavailableError, type Statistics, type SyncEngine } from '../../src/index.ts'
import { readStatistics, statisticsName } from '../../src/core/statistics.ts'
import { META, STORE_SCHEMA } from '../../src/core/schema.ts'
import { elsewhere } from '../support/other-client.ts'
import { faultyStorage } from '../support/faulty-storage.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (id: string, payload: object = {}) => ({ type: 'create', entity: 'note', id, payload })
const update = (id: string, payload: object) => ({ type: 'update', entity: 'note', id, payload })

/** The row as it lies in the store. */
async function stored(user = 'default'): Promise<Statistics | undefined> {
  const storage = world.storage()
  await storage.open(STORE_SCHEMA)
  const row = readStatistics(await storage.get(META, statisticsName(user)))
  await storage.close()
  return row
}

describe('statistics', () => {
  it('B10 count what became of every operation, and are kept over restarts', async () => {
    const engine = await world.started()
    await (
      await engine.enqueue(create('conflict', { title: 'old' }))
    ).settled
    await elsewhere(world, 'PATCH', '/note/conflict', { title: 'theirs' })
    engine.pause('test')
    const cancelled = await engine.enqueue(create('cancelled'))
    await engine.operations.discard(cancelled.id)
    await engine.enqueueAll([
      create('merged'),
      update('merged', { a: 1 }),
      update('missing', { a: 1 }),
      update('conflict', { title: 'ours' }),
    ])
    engine.resume('test')
    while ((await engine.operations.count('live')) > 0) await engine.flush()
    await engine.synchronize()
    const expected = {
      enqueued: 6,
      done: 3,
      rejected: 1,
      coalesced: 1,
      cancelled: 1,
      retried: 0,
      refused: 1,
      conflicts: 1,
      conflictsResolved: 1,
      requests: world.attempts.length,
      pulls: 1,
      pulledChanges: 2,
      takeovers: 0,
      breakerTrips: 0,
    }
    expect(await engine.statistics.get()).toMatchObject({ ...expected, latencyMs: { count: 3 } })
    await engine.stop()
    const next = await world.started()
    const { latencyMs, since } = await next.statistics.get()
    expect(await next.statistics.get()).toMatchObject(expected)
    expect(latencyMs.count).toBe(3)
    expect(since).toBeLessThanOrEqual(Date.now())
    await (
      await next.enqueue(create('b'))
    ).settled
    expect(await next.statistics.get()).toMatchObject({ enqueued: 7, done: 4, since })
  })

  it('B10 each tab adds what it did, and nothing is counted twice though all hear of it', async () => {
    const [owner, follower] = [await world.started(), await world.started()]
    await eventOf(owner, 'lock:acquired')
    await Promise.all((await follower.enqueueAll([create('a'), create('b')])).map(({ settled }) => settled))
    await (
      await owner.enqueue(create('c'))
    ).settled
    expect(await follower.statistics.get()).toMatchObject({ enqueued: 2, done: 0 })
    expect(await owner.statistics.get()).toMatchObject({ enqueued: 1, done: 3 })
    await Promise.all([owner.stop(), follower.stop()])
    expect(await stored()).toMatchObject({ enqueued: 3, done: 3, requests: 3 })
  })

  it('B10 have what is enqueued while the engine stops (seed 27985)', async () => {
    const storage = world.storage()
    let late: Promise<unknown> | undefined
    const engine: SyncEngine = await world.started({
      storage: {
        ...storage,
        async commit(writes, options) {
          if (isAboutStatistics(writes)) await (late ??= engine.enqueue(create('b')))
          return storage.commit(writes, options)
        },
      },
    })
    engine.pause('test')
    await engine.enqueue(create('a'))
    await engine.stop()
    await late
    expect(await stored()).toMatchObject({ enqueued: 2 })
  })

  it('B10 are added some seconds after the fact, and no more when nothing new was counted', async () => {
    const clock = createVirtualClock()
    const storage = faultyStorage(world.storage())
    const engine = await world.started({ storage, ports: { clock } })
    await (
      await engine.enqueue(create('a'))
    ).settled
    expect(await stored()).toBeUndefined()
    await clock.advance(10_000)
    await engine.statistics.get()
    expect(await stored()).toMatchObject({ enqueued: 1, done: 1 })
    const before = await stored()
    await clock.advance(60_000)
    await engine.statistics.get()
    expect(await stored()).toEqual(before)
  })

  it('B10 harm no operation when they can not be stored, and are stored later', async () => {
    const clock = createVirtualClock()
    const storage = faultyStorage(world.storage())
    const engine = await world.started({ storage, ports: { clock } })
    storage.failCommits((writes) => (isAboutStatistics(writes) ? new StorageUnavailableError('Not now.') : undefined))
    await (
      await engine.enqueue(create('a'))
    ).settled
    await clock.advance(10_000)
    await eventOf(engine, 'storage:error')
    expect(await stored()).toBeUndefined()
    expect(await engine.statistics.get()).toMatchObject({ enqueued: 1, done: 1 })
    await (
      await engine.enqueue(create('b'))
    ).settled
    storage.failCommits(undefined)
    await clock.advance(20_000)
    await engine.statistics.get()
    expect(await stored()).toMatchObject({ enqueued: 2, done: 2 })
  })

  it.each<[string, (engine: SyncEngine) => Promise<void>, number]>([
    ['added by a stop', (engine) => engine.stop(), 2],
    ['gone with reset()', (engine) => engine.statistics.reset(), 0],
  ])('B10 are all %s, also what was counted after some could not be stored', async (_, end, left) => {
    const clock = createVirtualClock()
    const storage = faultyStorage(world.storage())
    const engine = await world.started({ storage, ports: { clock } })
    storage.failCommits((writes) => (isAboutStatistics(writes) ? new StorageUnavailableError('Not now.') : undefined))
    await (
      await engine.enqueue(create('a'))
    ).settled
    const failed = eventOf(engine, 'storage:error')
    await clock.advance(10_000)
    await failed
    storage.failCommits(undefined)
    await (
      await engine.enqueue(create('b'))
    ).settled
    await end(engine)
    await engine.stop()
    expect(await stored()).toMatchObject({ enqueued: left, done: left })
  })

  it('B10 are not reset while others write them all the time: the error says so, and nothing is lost', async () => {
    const storage = faultyStorage(world.storage())
    const engine = await world.started({ storage })
    await (
      await engine.enqueue(create('a'))
    ).settled
    storage.failCommits((writes) => (isAboutStatistics(writes) ? new StorageConflictError('Somebody was quicker.') : undefined))
    await expect(engine.statistics.reset()).rejects.toMatchObject({ code: 'busy', retryable: true })
    expect(await engine.statistics.get()).toMatchObject({ enqueued: 1, done: 1 })
    storage.failCommits(undefined)
    await engine.statistics.reset()
    expect(await engine.statistics.get()).toMatchObject({ enqueued: 0, done: 0 })
  })

  it('B10 are not added twice when a commit succeeded and its answer was lost', async () => {
    const clock = createVirtualClock()
    const storage = faultyStorage(world.storage())
    const engine = await world.started({ storage, ports: { clock } })
    storage.loseAnswers((writes) => (isAboutStatistics(writes) ? new StorageUnavailableError('Lost.') : undefined))
    await (
      await engine.enqueue(create('a'))
    ).settled
    await clock.advance(10_000)
    await eventOf(engine, 'storage:error')
    expect(await stored()).toMatchObject({ enqueued: 1, done: 1 })
    expect(await engine.statistics.get()).toMatchObject({ enqueued: 1, done: 1 })
    storage.loseAnswers(undefined)
    await clock.advance(10_000)
    await engine.stop()
    expect(await stored()).toMatchObject({ enqueued: 1, done: 1, latencyMs: { count: 1 } })
  })

  it('B10 reset() begins anew, for all tabs and after a restart', async () => {
    const clock = createVirtualClock()
    const engine = await world.started({ ports: { clock } })
    await (
      await engine.enqueue(create('a'))
    ).settled
    const { since } = await engine.statistics.get()
    await clock.advance(5)
    await engine.statistics.reset()
    const other = await world.started()
    for (const each of [engine, other])
      expect(await each.statistics.get()).toMatchObject({ enqueued: 0, done: 0, latencyMs: { count: 0 } })
    expect((await engine.statistics.get()).since).toBeGreaterThan(since)
    await (
      await engine.enqueue(create('b'))
    ).settled
    await engine.stop()
    expect(await other.statistics.get()).toMatchObject({ enqueued: 1, done: 1 })
  })

  it('B10 begin anew with the log-in after a log-out that has wiped them', async () => {
    const clock = createVirtualClock()
    const engine = await world.started({ ports: { clock } })
    await (
      await engine.enqueue(create('a'))
    ).settled
    await clock.advance(5)
    await engine.logOut()
    const loggedInAt = clock.now()
    await engine.start()
    expect(await engine.statistics.get()).toMatchObject({ enqueued: 0, since: loggedInAt })
    await (
      await engine.enqueue(create('b'))
    ).settled
    await engine.stop()
    expect(await stored()).toMatchObject({ enqueued: 1, since: loggedInAt })
  })

  it('B10 S25 are of one user each', async () => {
    const ann = await world.started({ user: 'ann' })
    await (
      await ann.enqueue(create('a'))
    ).settled
    await ann.stop()
    const bob = await world.started({ user: 'bob' })
    expect(await bob.statistics.get()).toMatchObject({ enqueued: 0, done: 0 })
    expect(await stored('ann')).toMatchObject({ enqueued: 1, done: 1 })
  })

  it('B10 count retries, and trips of the breaker', async () => {
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Down.') }))
    const engine = await world.started({ breaker: { failureThreshold: 2, cooldownMs: 60_000 } })
    await engine.enqueueAll([create('a'), create('b')])
    await eventOf(engine, 'breaker:opened')
    await eventOf(engine, 'sync:retry')
    const { retried, breakerTrips } = await engine.statistics.get()
    expect(retried).toBeGreaterThan(0)
    expect(breakerTrips).toBe(1)
  })

  it('B10 go on where the row holds what an older or damaged build left there', async () => {
    const storage = world.storage()
    await storage.open(STORE_SCHEMA)
    const odd = { name: statisticsName('default'), rev: 3, enqueued: 5, done: 'many', latencyMs: { scale: 9 } }
    await storage.commit([{ type: 'put', collection: META, value: odd }])
    await storage.close()
    const engine = await world.started()
    await (
      await engine.enqueue(create('a'))
    ).settled
    await engine.stop()
    expect(await stored()).toMatchObject({ rev: 4, enqueued: 6, done: 1, latencyMs: { count: 1 } })
  })

  it('B10 before start() they reject with a typed error', async () => {
    const engine = world.engine()
    await expect(engine.statistics.get()).rejects.toMatchObject({ code: 'storage-closed' })
    await expect(engine.statistics.reset()).rejects.toMatchObject({ code: 'storage-closed' })
  })
})

function isAboutStatistics(writes: readonly { readonly type: string; readonly value?: object }[]): boolean {
  return writes.some(({ value }) => value !== undefined && 'name' in value && String(value.name).startsWith('statistics/'))
}
