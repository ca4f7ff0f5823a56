import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StorageUnavailableError, type EngineOptions, type EnqueueInput } from '../../src/index.ts'
import { faultyStorage } from '../support/faulty-storage.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (id: string): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: { title: id } })
const update = (id: string): EnqueueInput => ({ type: 'update', entity: 'note', id, payload: { done: true } })
const order = (): readonly string[] => world.server.ledger().map(({ method, id }) => `${method} ${id}`)
const HOUR_MS = 3_600_000

/** An engine whose time passes only when it is told to. */
async function timed(options: Partial<EngineOptions> = {}) {
  const virtual = createVirtualClock()
  let skewMs = 0
  const clock = { ...virtual, now: () => virtual.now() + skewMs }
  const engine = await world.started({
    ports: { clock, random: () => 0.5 },
    lock: { heartbeatMs: HOUR_MS, staleMs: 2 * HOUR_MS, pollMs: 50 },
    ...options,
  })
  await eventOf(engine, 'lock:acquired')
  return { engine, clock, setClock: (byMs: number) => void (skewMs += byMs) }
}

describe('an operation that is not to be sent before a time', () => {
  it('B7 waits for it, is seen meanwhile, holds its lane and no other, and tells until when', async () => {
    const { engine, clock } = await timed()
    const notBefore = clock.now() + HOUR_MS
    const later = await engine.enqueue({ ...create('a'), notBefore })
    const behind = await engine.enqueue(update('a'))
    await (
      await engine.enqueue(create('b'))
    ).settled
    await engine.flush()
    expect(order()).toEqual(['POST b'])
    expect(await engine.operations.get(later.id)).toMatchObject({
      status: 'waiting',
      attempts: 0,
      notBefore,
      nextAttemptAt: notBefore,
    })
    expect(await engine.view('note').get('a')).toMatchObject({ value: { title: 'a', done: true }, status: 'pending' })
    expect(await engine.explain(later.id)).toMatchObject({
      nextWakeAt: notBefore,
      waitingFor: [expect.stringContaining('notBefore')],
    })
    expect((await engine.explain(behind.id)).waitingFor[0]).toContain(later.id)
    await clock.advance(HOUR_MS - 1_000)
    expect(order()).toEqual(['POST b'])
    const settled = Promise.all([later.settled, behind.settled])
    await clock.advance(1_000)
    expect(await settled).toEqual([{ status: 'done' }, { status: 'done' }])
    expect(order()).toEqual(['POST b', 'POST a', 'PATCH a'])
  })

  it('S1 B7 outlives a restart, and a time that has passed meanwhile is not waited for again', async () => {
    const { engine, clock } = await timed()
    const operation = await engine.enqueue({ ...create('a'), notBefore: clock.now() + HOUR_MS })
    await engine.stop()
    clock.suspend(HOUR_MS)
    const again = await world.started({ ports: { clock } })
    expect(await again.operations.handle(operation.id).settled).toEqual({ status: 'done' })
  })

  it('B7 S9 goes after what it depends on, and fails with it, though its time has come', async () => {
    const { engine, clock } = await timed()
    engine.pause('test')
    const parent = await engine.enqueue(update('gone'))
    const child = await engine.enqueue({ ...create('a'), dependsOn: [parent.id], notBefore: clock.now() + 1_000 })
    await clock.advance(2_000)
    engine.resume('test')
    expect(await child.settled).toMatchObject({ status: 'rejected', error: { code: 'dependency-failed' } })
    expect(order()).toEqual([])
  })

  it('B7 L4 holds up nobody else while its time has come and it waits for another, however many there are', async () => {
    const { engine, clock } = await timed()
    const later = { notBefore: clock.now() + 1_000 }
    const parent = await engine.enqueue({ ...create('parent'), notBefore: clock.now() + HOUR_MS })
    await engine.enqueueAll(Array.from({ length: 300 }, (_, n) => ({ ...create(`n${n}`), dependsOn: [parent.id], ...later })))
    await clock.advance(2_000)
    expect(await (await engine.enqueue(create('other'))).settled).toEqual({ status: 'done' })
  })

  it('B7 S17 is not merged with what comes after it, can be edited, discarded, and sent at once', async () => {
    const { engine, clock } = await timed()
    const notBefore = clock.now() + HOUR_MS
    const [one, two, three] = await engine.enqueueAll([
      { ...create('a'), notBefore },
      { ...create('b'), notBefore },
      { ...create('c'), notBefore, dedupeKey: 'k' },
    ])
    await engine.operations.edit(one!.id, { title: 'edited' })
    expect(await engine.operations.get(one!.id)).toMatchObject({ status: 'waiting', nextAttemptAt: notBefore })
    await engine.operations.discard(two!.id)
    expect((await engine.enqueue({ ...create('c'), dedupeKey: 'k' })).id).toBe(three!.id)
    await engine.operations.retry(one!.id)
    expect(await one!.settled).toEqual({ status: 'done' })
    expect(world.notes()).toMatchObject({ a: { title: 'edited' } })
    expect(await engine.operations.list()).toHaveLength(1)
  })

  it('B15 S32 is one operation by its dedupeKey while it waits, which a check finds nothing wrong with', async () => {
    const { engine, clock } = await timed()
    const input = { ...create('a'), dedupeKey: 'k', notBefore: clock.now() + HOUR_MS }
    const { id } = await engine.enqueue(input)
    expect((await engine.enqueue(input)).id).toBe(id)
    expect(await engine.check({ repair: true })).toMatchObject({ isSound: true, total: 0 })
    expect((await engine.enqueue(input)).id).toBe(id)
  })

  it('B7 of the past goes at once; what is no time, and in a transaction any, is refused', async () => {
    const { engine } = await timed()
    expect(await (await engine.enqueue({ ...create('a'), notBefore: 5 })).settled).toEqual({ status: 'done' })
    for (const notBefore of [-1, 1.5, NaN, Infinity, 9e15])
      await expect(engine.enqueue({ ...create('b'), notBefore })).rejects.toMatchObject({ path: 'notBefore' })
    await expect(engine.transaction((tx) => void tx.enqueue({ ...create('b'), notBefore: 5 }))).rejects.toMatchObject({
      path: '[0].notBefore',
    })
  })
})

describe('a synchronisation on schedule', () => {
  it('B7 happens once at its time, with its jitter, and can be cancelled', async () => {
    const { engine, clock } = await timed()
    const pulls: number[] = []
    engine.on('pull:completed', () => pulls.push(clock.now()))
    const begun = clock.now()
    const { at } = engine.schedule({ inMs: 10 * 60_000, jitter: 0.1, entity: 'note' })
    expect(at).toBe(begun + 10 * 60_000 * 1.05)
    const { id } = engine.schedule({ at: begun + 1_000 })
    expect(engine.cancel(id)).toBe(true)
    expect(engine.cancel(id)).toBe(false)
    await clock.advance(10 * 60_000)
    expect(pulls).toEqual([])
    const pulled = eventOf(engine, 'pull:completed')
    await clock.advance(60_000)
    await pulled
    expect(pulls).toHaveLength(1)
  })

  it('B7 one that fails is told of with its reason, and a periodic one goes on', async () => {
    const storage = faultyStorage(world.storage())
    const { engine, clock } = await timed({ storage })
    const fault = new StorageUnavailableError('Not now.')
    storage.failReads((method) => (method === 'count' ? fault : undefined))
    const told = eventOf(engine, 'engine:error')
    engine.schedulePeriodic({ everyMs: 60_000 })
    await clock.advance(90_000)
    expect(await told).toMatchObject({ part: 'schedule', error: fault })
    storage.failReads(undefined)
    const pulled = eventOf(engine, 'pull:completed')
    await clock.advance(90_000)
    await pulled
  })

  it('B7 happens again and again, each time after the one before has ended', async () => {
    const { engine, clock } = await timed()
    const { id } = engine.schedulePeriodic({ everyMs: 60_000 })
    for (let round = 1; round <= 3; round++) {
      const pulled = new Promise<void>((resolve) => void engine.on('pull:completed', () => resolve()))
      await clock.advance(60_000)
      await pulled
      await clock.advance(0)
    }
    expect(engine.cancel(id)).toBe(true)
    const count = engine.metrics().pulls
    expect(count).toBe(3)
    await clock.advance(10 * 60_000)
    expect(engine.metrics().pulls).toBe(count)
  })

  it('B7 comes no later for a clock that was set back meanwhile, unless it was to come at a time', async () => {
    const { engine, clock, setClock } = await timed()
    engine.schedule({ inMs: 60_000 })
    engine.schedulePeriodic({ everyMs: 90_000 })
    engine.schedule({ at: clock.now() + 60_000 })
    setClock(-3_600_000)
    for (const count of [1, 2]) {
      const pulled = new Promise<void>((resolve) => void engine.on('pull:completed', () => resolve()))
      await clock.advance(count === 1 ? 60_000 : 30_000)
      await pulled
      await clock.advance(0)
    }
    expect(engine.metrics().pulls).toBe(2)
  })

  it('L10 B7 ends with the engine', async () => {
    const { engine, clock } = await timed()
    engine.schedulePeriodic({ everyMs: 60_000 })
    engine.schedule({ inMs: 60_000 })
    await engine.stop()
    expect(clock.pending()).toBe(0)
    expect(() => engine.schedule({ inMs: 1 })).toThrow(expect.objectContaining({ code: 'not-started' }))
  })

  it.each<[object]>([
    [{}],
    [{ at: 1, inMs: 1 }],
    [{ inMs: -1 }],
    [{ inMs: 1, jitter: 2 }],
    [{ inMs: 1, every: 2 }],
    [{ at: null }],
    [{ at: '2030-01-01' }],
    [{ at: 1n }],
    [{ inMs: 1, entity: 'bogus' }],
    [{ inMs: 1, full: 'yes' }],
  ])('B7 that is none is refused: %o', async (input) => {
    const { engine } = await timed()
    expect(() => engine.schedule(input)).toThrow(expect.objectContaining({ name: 'ValidationError' }))
  })

  it('B7 of an entity that the engine does not have is refused at once, not at each time that it is due', async () => {
    const { engine } = await timed()
    expect(() => engine.schedulePeriodic({ everyMs: 60_000, entity: 'bogus' })).toThrow("one of the engine's entities")
  })
})
