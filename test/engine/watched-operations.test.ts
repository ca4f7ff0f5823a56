import { filter, firstValueFrom, toArray, take } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CONFLICTS } from '../../src/core/schema.ts'
import { StorageUnavailableError, type EnqueueInput } from '../../src/index.ts'
import { faultyStorage } from '../support/faulty-storage.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (id: string): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: {} })
const refused: EnqueueInput = { type: 'update', entity: 'note', id: 'ghost', payload: { n: 1 } }

describe('operations are watched', () => {
  it('E6 how many live, and each change of that, in the tab that enqueues', async () => {
    const engine = await world.started()
    engine.pause('test')
    const counts: number[] = []
    engine.operations.watchCount('live').subscribe((count) => counts.push(count))
    await expect.poll(() => counts).toEqual([0])
    await engine.enqueue(create('a'))
    await expect.poll(() => counts).toEqual([0, 1])
    const second = await engine.enqueue(create('b'))
    await expect.poll(() => counts).toEqual([0, 1, 2])
    await engine.operations.discard(second.id)
    await expect.poll(() => counts).toEqual([0, 1, 2, 1])
    engine.resume('test')
    await expect.poll(() => counts.at(-1)).toBe(0)
  })

  it('E1 E6 in another tab, too', async () => {
    const owner = await world.started()
    await eventOf(owner, 'lock:acquired')
    const follower = await world.started()
    owner.pause('test')
    const listed = firstValueFrom(follower.operations.watch().pipe(filter((list) => list.length === 1)))
    const ended = firstValueFrom(
      follower.operations.watchCount('live').pipe(
        filter((count, at) => at > 0 || count > 0),
        take(2),
        toArray(),
      ),
    )
    const { id } = await owner.enqueue(create('a'))
    expect(await listed).toMatchObject([{ id, status: 'queued' }])
    owner.resume('test')
    expect(await ended).toEqual([1, 0])
  })

  it('E4 dead letters as they come and go; a watch that begins before the engine waits for it', async () => {
    const engine = world.engine()
    const lists: number[] = []
    engine.operations.watch({ status: 'rejected' }).subscribe((list) => lists.push(list.length))
    await engine.start()
    await expect.poll(() => lists).toEqual([0])
    const operation = await engine.enqueue(refused)
    await operation.settled
    await expect.poll(() => lists).toEqual([0, 1])
    await engine.operations.discard(operation.id)
    await expect.poll(() => lists).toEqual([0, 1, 0])
  })

  it('E4 goes on over a restart, and says what is wrong with what it is asked', async () => {
    const engine = await world.started()
    const lists: number[] = []
    engine.operations.watch().subscribe((list) => lists.push(list.length))
    await expect.poll(() => lists).toEqual([0])
    await engine.stop()
    await engine.start()
    engine.pause('test')
    await engine.enqueue(create('a'))
    await expect.poll(() => lists).toEqual([0, 1])
    await expect(firstValueFrom(engine.operations.watch({ limit: 0 }))).rejects.toMatchObject({ code: 'validation' })
  })

  it('B5 a watch of conflicts that begins before the engine waits for it', async () => {
    const engine = world.engine()
    const listed = firstValueFrom(engine.conflicts.watch())
    await engine.start()
    expect(await listed).toEqual([])
  })

  it('E4 B5 a store that can not be read for a while ends no watch: that is told of, and it goes on by itself', async () => {
    const storage = faultyStorage(world.storage())
    const engine = await world.started({ storage })
    engine.pause('test')
    const [counts, inboxes]: [number[], number[]] = [[], []]
    engine.operations.watchCount('live').subscribe((count) => counts.push(count))
    engine.conflicts.watch().subscribe((inbox) => inboxes.push(inbox.length))
    await expect.poll(() => [counts, inboxes]).toEqual([[0], [0]])
    const fault = new StorageUnavailableError('Not now.')
    let faults = 0
    storage.failReads((method, collection) => (collection === CONFLICTS || method === 'count' ? (faults++, fault) : undefined))
    const told = eventOf(engine, 'storage:error', (event) => 'error' in event && event.error === fault)
    await engine.enqueue(create('a'))
    await told
    await expect.poll(() => faults).toBeGreaterThan(1)
    storage.failReads(undefined)
    await expect.poll(() => counts, { timeout: 5_000 }).toEqual([0, 1])
    await engine.enqueue(create('b'))
    await expect.poll(() => counts).toEqual([0, 1, 2])
    expect(inboxes).toEqual([0])
    expect(engine.history().filter(({ type }) => type === 'engine:error')).toEqual([])
  })

  it('B1 E4 a watch that asks for what can not be ends with the error, or tells the engine where nobody hears it', async () => {
    const engine = await world.started()
    await expect(firstValueFrom(engine.operations.watch({ limit: 0 }))).rejects.toMatchObject({ path: 'limit' })
    const errors: unknown[] = []
    engine.operations.watch({ limit: 0 }).subscribe({ error: (error) => errors.push(error) })
    await expect.poll(() => errors).toMatchObject([{ code: 'validation', path: 'limit' }])
    engine.operations.watch({ limit: 0 }).subscribe(() => {})
    const told = () => engine.history().filter(({ type }) => type === 'engine:error')
    await expect.poll(told).toMatchObject([{ part: 'subscriber', error: { path: 'limit' } }])
  })
})
