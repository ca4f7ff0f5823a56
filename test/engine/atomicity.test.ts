import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NetworkError, StorageQuotaError, StorageUnavailableError, ValidationError, type Write } from '../../src/index.ts'
import { ENTITIES, LEASE, META, OPERATIONS, STORE_SCHEMA, readLease } from '../../src/core/schema.ts'
import { faultyStorage, records, unavailableOnce, type FaultyStorage } from '../support/faulty-storage.ts'
import { lateAnswer } from '../support/late-answer.ts'
import { readRows } from '../support/rows.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
let storage: FaultyStorage
beforeEach(async () => {
  world = await createWorld()
  storage = faultyStorage(world.storage())
})
afterEach(() => world.close())

const create = (id: string, payload: unknown = {}) => ({ type: 'create', entity: 'note', id, payload })
const appends = (writes: readonly Write[]): boolean => writes.some(({ type }) => type === 'append')
describe('accepting operations', () => {
  it('S2 accepts a group whole and in order, or not at all when one of it is refused', async () => {
    const engine = await world.started({ storage })
    engine.pause('test')
    await engine.enqueueAll([create('a'), create('b'), create('c')])
    await expect(engine.enqueueAll([create('d'), { ...create('e'), entity: 'nothing' }])).rejects.toThrow(ValidationError)
    await expect(engine.enqueueAll([create('f'), { ...create('g'), dependsOn: ['nobody'] }])).rejects.toMatchObject({
      code: 'unknown-dependency',
    })
    expect((await readRows(storage)).map(({ entityId }) => entityId)).toEqual(['a', 'b', 'c'])
  })

  it('S3 leaves nothing of a group whose commit fails, and goes on', async () => {
    const engine = await world.started({ storage })
    const queued: string[] = []
    engine.on('sync:queued', (event) => void queued.push(event.type))
    storage.failCommits((writes) => (appends(writes) ? new StorageUnavailableError('The disk is gone.') : undefined))
    await expect(engine.enqueueAll([create('a'), create('b')])).rejects.toThrow(StorageUnavailableError)
    expect(await readRows(storage)).toEqual([])
    expect(queued).toEqual([])
    storage.failCommits(undefined)
    expect(await (await engine.enqueue(create('a'))).settled).toEqual({ status: 'done' })
    expect(Object.keys(world.notes())).toEqual(['a'])
  })

  it('E8 S3 refuses with a quota error what does not fit, and settles what was accepted before', async () => {
    const engine = await world.started({ storage })
    engine.pause('test')
    const before = await engine.enqueue(create('a'))
    storage.failCommits((writes) => (appends(writes) ? new StorageQuotaError({ cause: new Error('full') }) : undefined))
    await expect(engine.enqueue(create('b'))).rejects.toMatchObject({ code: 'storage-quota' })
    engine.resume('test')
    expect(await before.settled).toEqual({ status: 'done' })
    expect(Object.keys(world.notes())).toEqual(['a'])
  })

  it('S3 lets a refused call fail alone when others share its commit', async () => {
    const engine = await world.started({ storage })
    engine.pause('test')
    storage.failCommits((writes) =>
      JSON.stringify(writes).includes('too big') ? new StorageQuotaError({ cause: new Error('full') }) : undefined,
    )
    const calls = await Promise.allSettled([
      engine.enqueue(create('a')),
      engine.enqueue(create('b', { text: 'too big' })),
      engine.enqueue(create('c')),
    ])
    expect(calls.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((await readRows(storage)).map(({ entityId }) => entityId)).toEqual(['a', 'c'])
  })

  it.each([1, 3])('S3 S4 takes for stored what is stored, though the answer to the commit of %i calls is lost', async (count) => {
    const engine = await world.started({ storage })
    const queued: string[] = []
    engine.on('sync:queued', ({ operation }) => void queued.push(operation.id))
    const lost = unavailableOnce()
    storage.loseAnswers((writes) => (appends(writes) ? lost() : undefined))
    const operations = await Promise.all(['a', 'b', 'c'].slice(0, count).map((id) => engine.enqueue(create(id))))
    for (const { settled } of operations) expect(await settled).toEqual({ status: 'done' })
    expect(queued).toEqual(operations.map(({ id }) => id))
    expect(world.server.ledger()).toHaveLength(count)
    expect(await readRows(storage)).toHaveLength(count)
  })

  it('S2 keeps what the caller does to its object afterwards out of the store', async () => {
    const engine = await world.started({ storage })
    engine.pause('test')
    const payload = { tags: ['one'] }
    const accepted = engine.enqueue(create('a', payload))
    payload.tags.push('two')
    await accepted
    payload.tags.push('three')
    expect(await readRows(storage)).toMatchObject([{ payload: { tags: ['one'] } }])
  })
})

describe('a drain on a store that fails', () => {
  it('E8 sends nothing that it could not claim, and everything once there is room', async () => {
    const engine = await world.started({ storage })
    engine.pause('test')
    const operations = await engine.enqueueAll([create('a'), create('b')])
    storage.failCommits((writes) =>
      records(writes, 'sending') ? new StorageQuotaError({ cause: new Error('full') }) : undefined,
    )
    const told = eventOf(engine, 'storage:error')
    engine.resume('test')
    await told
    expect(world.attempts).toEqual([])
    storage.failCommits(undefined)
    await Promise.all(operations.map(({ settled }) => settled))
    expect(world.server.ledger()).toHaveLength(2)
    expect(world.attempts).toHaveLength(2)
  })

  it('E8 neither loses nor doubles an effect whose record does not fit at first', async () => {
    const engine = await world.started({ storage })
    let refused = 0
    storage.failCommits((writes) => {
      if (!records(writes, 'done') || ++refused > 1) return undefined
      return new StorageQuotaError({ cause: new Error('full') })
    })
    const operation = await engine.enqueue(create('a'))
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(refused).toBeGreaterThan(1)
    expect(world.attempts).toHaveLength(1)
    expect(await readRows(storage)).toMatchObject([{ status: 'done' }])
  })

  it('S7 does not write again what a commit that seemed to fail had written: it may have been edited since', async () => {
    const engine = await world.started({ storage, retry: { strategy: 'constant', baseMs: 60_000 } })
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Lost.') }))
    storage.loseAnswers((writes) =>
      records(writes, 'waiting') ? new StorageUnavailableError('The connection was lost.') : undefined,
    )
    const told = eventOf(engine, 'storage:error')
    const operation = await engine.enqueue(create('a'))
    await told
    await engine.operations.discard(operation.id)
    storage.loseAnswers(undefined)
    world.intercept(undefined)
    const next = await engine.enqueue(create('a', { n: 1 }))
    expect(await next.settled).toEqual({ status: 'done' })
    expect(await operation.settled).toEqual({ status: 'cancelled' })
    expect(await readRows(storage)).toMatchObject([{ status: 'cancelled' }, { status: 'done' }])
  })

  it('S7 S10 does not take what the next owner has written for its own record, and says nothing of it', async () => {
    const engine = await world.started({ storage })
    storage.failCommits((writes) => (records(writes, 'done') ? new StorageQuotaError({ cause: new Error('full') }) : undefined))
    const told = eventOf(engine, 'storage:error')
    const ended: string[] = []
    engine.on('sync:completed', ({ operation }) => void ended.push(operation.id))
    await engine.enqueue(create('a'))
    await told
    const next = world.storage()
    await next.open(STORE_SCHEMA)
    const [row] = await readRows(next)
    const lease = readLease(await next.get(META, LEASE))
    await next.commit([
      { type: 'put', collection: META, value: { ...lease!, owner: 'next', epoch: lease!.epoch + 1, rev: lease!.rev + 1 } },
      { type: 'put', collection: OPERATIONS, value: { ...row, rev: row!.rev + 1 } },
    ])
    const lost = eventOf(engine, 'lock:lost')
    storage.failCommits(undefined)
    await lost
    expect(ended).toEqual([])
    expect(await readRows(next)).toMatchObject([{ status: 'sending' }])
    await next.close()
  })

  it('S4 sends once what a commit claimed that seemed to fail, and what is put back after it when sending stops', async () => {
    const engine = await world.started({ storage, concurrency: 1 })
    let lost = 0
    storage.loseAnswers((writes) => {
      if (!records(writes, 'sending') || ++lost > 2) return undefined
      return new StorageUnavailableError('The connection was lost.')
    })
    const operations = await engine.enqueueAll(['a', 'b', 'c'].map((id) => create(id)))
    await eventOf(engine, 'storage:error')
    engine.pause('test')
    engine.resume('test')
    for (const { settled } of operations) expect(await settled).toEqual({ status: 'done' })
    expect(world.server.ledger()).toHaveLength(3)
  })

  it.each(['get', 'getMany', 'scan', 'scanMany'] as const)(
    'L5 comes back to every lane when a %s fails while it chooses',
    async (method) => {
      const engine = await world.started({ storage, concurrency: 2 })
      engine.pause('test')
      const operations = await engine.enqueueAll(Array.from({ length: 8 }, (_, i) => create(`n${i}`)))
      const later = await engine.enqueueAll(Array.from({ length: 8 }, (_, i) => ({ ...create(`n${i}`), type: 'update' })))
      for (let nth = 1; nth <= 6; nth++) {
        let reads = 0
        storage.failReads((used) => {
          if (used !== method || ++reads !== nth) return undefined
          return new StorageUnavailableError('The disk is gone.')
        })
        engine.resume('test')
        await new Promise<void>((resolve) => setImmediate(resolve))
        engine.pause('test')
      }
      storage.failReads(undefined)
      engine.resume('test')
      await Promise.all([...operations, ...later].map(({ settled }) => settled))
      expect(world.server.ledger().length).toBeGreaterThanOrEqual(8)
    },
  )

  it.each([2, 3, 4, 5])('L5 comes back to what it had chosen before the read number %i of further lanes failed', async (nth) => {
    const engine = await world.started({ storage, concurrency: 64 })
    engine.pause('test')
    const operations = await engine.enqueueAll(Array.from({ length: 60 }, (_, n) => create(`n${n}`)))
    let reads = 0
    storage.failReads((method, collection) =>
      method === 'scanMany' && collection === OPERATIONS && ++reads === nth
        ? new StorageUnavailableError('The disk is gone.')
        : undefined,
    )
    engine.resume('test')
    await Promise.all(operations.map(({ settled }) => settled))
    expect(world.server.ledger()).toHaveLength(60)
  })

  it('L5 comes back to what it had claimed where the store can not be read when sending stops', async () => {
    const engine = await world.started({ storage, concurrency: 1 })
    const { release } = lateAnswer(world)
    const operations = await engine.enqueueAll(['a', 'b', 'c'].map((id) => create(id)))
    await eventOf(engine, 'sync:started')
    const refused = unavailableOnce()
    storage.failCommits((writes) => (records(writes, 'sending') ? refused() : undefined))
    const told = eventOf(engine, 'storage:error')
    const last = await engine.enqueue(create('d'))
    await told
    const isUnread = new Promise<void>((resolve) => {
      const unread = unavailableOnce()
      storage.failReads((_, collection) => {
        const fault = collection === ENTITIES ? unread() : undefined
        if (fault !== undefined) resolve()
        return fault
      })
    })
    engine.pause('test')
    await isUnread
    release()
    engine.resume('test')
    for (const { settled } of [...operations, last]) expect(await settled).toEqual({ status: 'done' })
    expect(world.server.ledger()).toHaveLength(4)
  })
})
