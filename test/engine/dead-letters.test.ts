import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  StorageConflictError,
  StorageFencedError,
  StorageUnavailableError,
  type EnqueueInput,
  type Storage,
  type SyncEngine,
  type Write,
} from '../../src/index.ts'
import { EDITS, isRecord, OPERATIONS, STORE_SCHEMA } from '../../src/core/schema.ts'
import { faultyStorage, type FaultyStorage } from '../support/faulty-storage.ts'
import { readRows, rowsOf } from '../support/rows.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const create = (id: string, payload: object = {}): EnqueueInput => ({ type: 'create', entity: 'note', id, payload })
const refused = (id: string): EnqueueInput => ({ type: 'update', entity: 'note', id, payload: { n: 1 } })

describe('dead letters', () => {
  it('E4 A11 are kept with their error and content, over restarts, until they are seen to', async () => {
    const engine = await world.started({ retention: { completedMs: 0, completedCount: 0 } })
    const operations = await engine.enqueueAll([refused('a'), refused('b'), create('c')])
    await Promise.all(operations.map(({ settled }) => settled))
    await engine.stop()
    const next = await world.started({ retention: { completedMs: 0, completedCount: 0 } })
    await next.flush()
    const letters = await next.operations.list({ status: 'rejected' })
    expect(letters).toMatchObject([
      {
        id: operations[0]!.id,
        entityId: 'a',
        payload: { n: 1 },
        status: 'rejected',
        lastError: { name: 'ClientError', status: 404 },
      },
      { id: operations[1]!.id, entityId: 'b' },
    ])
    expect(await next.operations.get(operations[0]!.id)).toEqual(letters[0])
    expect(await next.operations.count('rejected')).toBe(2)
  })

  it('E4 can be retried, with their content and priority, and are no longer listed then', async () => {
    const engine = await world.started()
    const letter = await engine.enqueue({ ...refused('a'), priority: 'high' })
    await letter.settled
    await (
      await engine.enqueue(create('a'))
    ).settled
    const retried = await engine.operations.retry(letter.id)
    expect(await engine.operations.get(retried.id)).toMatchObject({ payload: { n: 1 }, priority: 'high' })
    expect(await retried.settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({ a: { id: 'a', n: 1 } })
    expect(await engine.operations.list({ status: 'rejected' })).toEqual([])
    expect(await engine.operations.count('rejected')).toBe(0)
  })

  it('E4 can be edited, and the new content is sent under a new key', async () => {
    const engine = await world.started()
    const letter = await engine.enqueue(refused('a'))
    await letter.settled
    await (
      await engine.enqueue(create('a'))
    ).settled
    const edited = await engine.operations.edit(letter.id, { n: 2 })
    expect(await edited.settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({ a: { id: 'a', n: 2 } })
    expect(new Set(world.attempts.map(({ context }) => context.idempotencyKey)).size).toBe(3)
    await expect(engine.operations.edit(edited.id, { n: new Date(0) })).rejects.toMatchObject({ name: 'ValidationError' })
  })

  it('E4 are not edited into what no request can carry, and what the caller does to the content afterwards is not sent', async () => {
    const engine = await world.started()
    const letter = await engine.enqueue(refused('a'))
    await letter.settled
    engine.pause('test')
    const deleted = await engine.enqueue({ type: 'delete', entity: 'note', id: 'c' })
    const queued = await engine.enqueue(create('d', { n: 1 }))
    await expect(engine.operations.edit(letter.id, ['a list'])).rejects.toMatchObject({
      name: 'ValidationError',
      path: 'payload',
    })
    await expect(engine.operations.edit(queued.id, 'text')).rejects.toMatchObject({ name: 'ValidationError', path: 'payload' })
    await expect(engine.operations.edit(deleted.id, {})).rejects.toMatchObject({ code: 'no-payload' })
    const content = { tags: ['one'] }
    const edited = engine.operations.edit(queued.id, content)
    content.tags.push('two')
    await edited
    expect(await engine.operations.get(queued.id)).toMatchObject({ payload: { tags: ['one'] } })
  })

  it('B8 E4 are tried anew after what they depend on: what has not ended, and what was retried in the place of what was refused', async () => {
    const engine = await world.started()
    const [refusedOne, later] = await engine.enqueueAll([refused('a'), { ...create('b'), notBefore: Date.now() + 60_000 }])
    const child = await engine.enqueue({ ...create('c'), dependsOn: [refusedOne!.id, later!.id] })
    expect(await child.settled).toMatchObject({ status: 'rejected', error: { code: 'dependency-failed' } })
    const letters = await engine.operations.list({ status: 'rejected' })
    const [parentAnew, childAnew] = [await engine.operations.retry(letters[0]!.id), await engine.operations.retry(letters[1]!.id)]
    expect((await engine.operations.get(childAnew.id))?.dependsOn).toEqual([parentAnew.id, later!.id])
    expect(await parentAnew.settled).toMatchObject({ status: 'rejected' })
    expect(await childAnew.settled).toMatchObject({ status: 'rejected', error: { code: 'dependency-failed' } })
    expect(world.notes()).toEqual({})
  })

  it('B8 E4 that depended on what was refused and nobody has retried are tried by themselves', async () => {
    const engine = await world.started()
    const parent = await engine.enqueue(refused('a'))
    const child = await engine.enqueue({ ...create('b', { n: 1 }), dependsOn: [parent.id] })
    expect(await child.settled).toMatchObject({ status: 'rejected' })
    expect(await (await engine.operations.edit(child.id, { n: 2 })).settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({ b: { id: 'b', n: 2 } })
  })

  it('E4 a delete is retried without content', async () => {
    const engine = await world.started({ entities: { note: { conflict: 'remoteWins' } } })
    await (
      await engine.enqueue(create('a'))
    ).settled
    world.server.setFaults({ rate: 1, weights: { 'precondition-failed': 1 } })
    const letter = await engine.enqueue({ type: 'delete', entity: 'note', id: 'a', baseVersion: '99' })
    expect(await letter.settled).toMatchObject({ status: 'rejected' })
    world.server.setFaults(undefined)
    expect(await (await engine.operations.retry(letter.id)).settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({})
  })

  it('E4 can be discarded', async () => {
    const engine = await world.started()
    const letter = await engine.enqueue(refused('a'))
    await letter.settled
    await engine.operations.discard(letter.id)
    expect(await engine.operations.list({ status: 'rejected' })).toEqual([])
    expect(await engine.operations.count('rejected')).toBe(0)
    expect(await letter.status()).toBe('rejected')
  })

  it('E4 that do not exist are named by the error', async () => {
    const engine = await world.started()
    const { retry, edit, discard } = engine.operations
    for (const act of [() => retry('nobody'), () => edit('nobody', {}), () => discard('nobody')])
      await expect(act()).rejects.toMatchObject({ name: 'SyncOperationError', code: 'not-found', operationId: 'nobody' })
    await expect(engine.operations.handle('nobody').status()).rejects.toMatchObject({ code: 'not-found' })
    expect(await engine.operations.get('nobody')).toBeUndefined()
  })
})

describe('what has ended', () => {
  it.each<[string, (engine: SyncEngine, storage: FaultyStorage) => void | Promise<void>]>([
    ['the engine stops', (engine) => engine.stop()],
    [
      'another owns the lease',
      (_, storage) =>
        storage.failCommits((writes) =>
          writes.some(({ type }) => type === 'delete') ? new StorageFencedError(1, 2) : undefined,
        ),
    ],
  ])('L9 D5 is cleaned up, and that %s meanwhile is told as no error', async (_, happens) => {
    const storage = faultyStorage(world.storage())
    let happened: Promise<void> | undefined
    const count: Storage['count'] = async (collection, query) => {
      if (query.index === 'finished') await (happened ??= Promise.resolve(happens(engine, storage)))
      return storage.count(collection, query)
    }
    const engine = world.engine({ storage: { ...storage, count }, retention: { completedMs: 0, completedCount: 0 } })
    await engine.start()
    await (
      await engine.enqueue(create('a'))
    ).settled
    await vi.waitFor(() => expect(happened).toBeDefined())
    await happened
    // What follows takes no time in this store.
    await new Promise((resolve) => setImmediate(resolve))
    expect(engine.history().filter(({ type }) => type === 'storage:error')).toEqual([])
  })

  /** Three that are done, a second apart, and one that was rejected; then the store is opened again. */
  async function reopened(retention: { completedMs?: number; completedCount?: number }, passMs: number): Promise<void> {
    const clock = createVirtualClock()
    const engine = await world.started({ ports: { clock }, retention, concurrency: 1 })
    for (const id of ['a', 'b', 'c']) {
      await (
        await engine.enqueue(create(id))
      ).settled
      await clock.advance(1_000)
    }
    await (
      await engine.enqueue(refused('x'))
    ).settled
    await clock.advance(passMs)
    await engine.stop()
    const next = await world.started({ ports: { clock }, retention })
    await next.flush()
  }

  const kept = async (): Promise<string[]> => (await rowsOf(world.storage())).map(({ entityId }) => entityId)

  it('C3 is forgotten when it is old enough; what was rejected is kept', async () => {
    await reopened({ completedMs: 10_000 }, 8_500)
    await vi.waitFor(async () => expect(await kept()).toEqual(['c', 'x']))
  })

  it('C3 is forgotten, the oldest first, when there is too much of it', async () => {
    await reopened({ completedCount: 1 }, 0)
    await vi.waitFor(async () => expect(await kept()).toEqual(['c', 'x']))
  })

  it('C3 L9 is forgotten when it is too old, by an engine that runs on, however little it has to do', async () => {
    const clock = createVirtualClock()
    const lock = { heartbeatMs: 60_000, staleMs: 600_000 }
    const engine = await world.started({ ports: { clock }, lock, retention: { completedMs: 60_000 } })
    for (const id of ['a', 'b']) {
      await (
        await engine.enqueue(create(id))
      ).settled
      await clock.advance(2 * 3_600_000)
    }
    await (
      await engine.enqueue(create('c'))
    ).settled
    await vi.waitFor(async () =>
      expect((await engine.operations.list({ status: 'done' })).map(({ entityId }) => entityId)).toEqual(['c']),
    )
  })

  it('C3 is kept otherwise', async () => {
    await reopened({ completedMs: 10_000, completedCount: 3 }, 6_000)
    expect(await kept()).toEqual(['a', 'b', 'c', 'x'])
  })

  it('C3 is listed by status, oldest first, and no more than asked for', async () => {
    const engine = await world.started()
    engine.pause('test')
    const operations = await engine.enqueueAll(['a', 'b', 'c', 'd'].map((id) => create(id)))
    await engine.operations.discard(operations[3]!.id)
    expect((await engine.operations.list({ limit: 2 })).map(({ entityId }) => entityId)).toEqual(['a', 'b'])
    engine.resume('test')
    await engine.flush()
    const ended = await engine.operations.list({ status: ['done', 'cancelled', 'done'] })
    expect(ended.map(({ entityId, status }) => [entityId, status])).toEqual([
      ['a', 'done'],
      ['b', 'done'],
      ['c', 'done'],
      ['d', 'cancelled'],
    ])
    expect(await engine.operations.count('done')).toBe(3)
    expect(await engine.operations.list()).toEqual([])
  })

  it.each([
    ['limit', { limit: 0 }],
    ['limit', { limit: 1_001 }],
    ['limit', { limit: 1.5 }],
    ['status', { status: 'finished' }],
    ['status', { status: ['done', 'gone'] }],
  ])('C3 a list with a bad %s is refused', async (path, query) => {
    const engine = await world.started()
    // @ts-expect-error What JavaScript may pass.
    await expect(engine.operations.list(query)).rejects.toMatchObject({ name: 'ValidationError', path })
  })

  it('A11 settles a wait for an operation that the store has forgotten, or never had, and says so', async () => {
    const engine = await world.started({ retention: { completedMs: 0, completedCount: 0 } })
    const forgotten = await engine.enqueue(create('a'))
    await forgotten.settled
    await engine.stop()
    const rows = world.storage()
    await rows.open(STORE_SCHEMA)
    for (const { seq } of await readRows(rows)) await rows.commit([{ type: 'delete', collection: OPERATIONS, key: seq }])
    await rows.close()
    const next = await world.started()
    expect(await next.operations.handle(forgotten.id).settled).toEqual({ status: 'forgotten' })
    expect(await next.operations.handle('never').settled).toEqual({ status: 'forgotten' })
  })
})

describe('an operation that can not be edited now', () => {
  const countsEdit = (write: Write): boolean => write.type === 'put' && isRecord(write.value) && write.value['name'] === EDITS

  it.each([
    [
      'others change it all the time',
      new StorageConflictError('Somebody was quicker.'),
      { code: 'busy', name: 'SyncOperationError' },
    ],
    ['the store is out of reach', new StorageUnavailableError('Not now.'), { code: 'storage-unavailable' }],
  ])('E4 says so where %s, and stays as it was', async (_, fault, expected) => {
    const storage = faultyStorage(world.storage())
    const engine = await world.started({ storage })
    engine.pause('test')
    const { id } = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { n: 1 } })
    storage.failCommits((writes) => (writes.some(countsEdit) ? fault : undefined))
    await expect(engine.operations.discard(id)).rejects.toMatchObject(expected)
    storage.failCommits(undefined)
    engine.resume('test')
    expect(await engine.operations.handle(id).settled).toEqual({ status: 'done' })
    expect(world.notes()).toMatchObject({ a: { n: 1 } })
  })
})

describe('a clean-up that fails', () => {
  it('A11 L9 is told of, loses nothing, and is made up for', async () => {
    const retention = { completedMs: 0, completedCount: 0 }
    const first = await world.started({ retention })
    const { id } = await first.enqueue({ type: 'update', entity: 'note', id: 'ghost', payload: {} })
    await first.operations.handle(id).settled
    await first.operations.discard(id)
    await first.stop()
    const storage = faultyStorage(world.storage())
    const fault = new StorageUnavailableError('Not now.')
    storage.failCommits((writes) => (writes.some(({ type }) => type === 'delete') ? fault : undefined))
    const next = await world.started({ storage, retention })
    expect(await eventOf(next, 'storage:error')).toMatchObject({ error: fault })
    expect(await next.operations.get(id)).toMatchObject({ status: 'rejected' })
    await next.stop()
    storage.failCommits(undefined)
    const last = await world.started({ retention })
    await expect.poll(() => last.operations.get(id)).toBeUndefined()
  })
})
