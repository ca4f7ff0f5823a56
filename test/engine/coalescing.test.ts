import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NetworkError, type EnqueueInput, type Operation, type SyncEngine } from '../../src/index.ts'
import { faultyStorage, records, unavailableOnce } from '../support/faulty-storage.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const HOUR_MS = 3_600_000

const create = (id: string, payload: object = {}): EnqueueInput => ({ type: 'create', entity: 'note', id, payload })
const update = (id: string, payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id, payload })
const remove = (id: string): EnqueueInput => ({ type: 'delete', entity: 'note', id })

const sent = (): string[] => world.attempts.map(({ request }) => `${request.method} ${request.path} ${request.body ?? ''}`.trim())

/** What was queued while nothing could be sent, once it could. */
async function offline(engine: SyncEngine, inputs: readonly EnqueueInput[]): Promise<Operation[]> {
  engine.pause('test')
  const operations: Operation[] = []
  for (const input of inputs) operations.push(await engine.enqueue(input))
  engine.resume('test')
  await Promise.all(operations.map(({ settled }) => settled))
  return operations
}

const settledAs = (operations: readonly Operation[]) => Promise.all(operations.map(({ settled }) => settled))

describe('what was queued while offline', () => {
  it('A5 S16 a create and its updates are one request; each of them names the one it was merged into', async () => {
    const engine = await world.started()
    const operations = await offline(engine, [create('a', { n: 1, x: 1 }), update('a', { n: 2 }), update('a', { x: null, y: 3 })])
    expect(sent()).toEqual(['POST /note {"n":2,"y":3,"id":"a"}'])
    expect(world.notes()['a']).toEqual({ id: 'a', n: 2, y: 3 })
    const by = operations[2]!.id
    expect(await settledAs(operations)).toEqual([{ status: 'superseded', by }, { status: 'superseded', by }, { status: 'done' }])
    expect(await engine.operations.get(operations[0]!.id)).toMatchObject({ status: 'superseded', supersededBy: by })
    const told = engine.history().flatMap((event) => (event.type === 'sync:coalesced' ? [[event.operation.id, event.into]] : []))
    expect(told).toEqual(operations.slice(0, 2).map(({ id }) => [id, by]))
  })

  it('A5 a create and its delete are no request', async () => {
    const engine = await world.started()
    const operations = await offline(engine, [create('a'), update('a', { n: 1 }), remove('a')])
    expect(sent()).toEqual([])
    expect((await settledAs(operations)).map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'cancelled'])
  })

  it.each([
    ['superseded', [create('a'), update('a', { n: 1 })], 'sync:coalesced'],
    ['cancelled', [create('a'), remove('a')], 'sync:cancelled'],
  ] as const)('A5 C4 A6 is told of once as %s where the answer to the commit is lost', async (status, inputs, type) => {
    const storage = faultyStorage(world.storage())
    const engine = await world.started({ storage })
    engine.pause('test')
    const told: string[] = []
    engine.on(type, ({ operation }) => void told.push(operation.id))
    const operations = await engine.enqueueAll(inputs)
    const lost = unavailableOnce()
    storage.loseAnswers((writes) => (records(writes, status) ? lost() : undefined))
    engine.resume('test')
    const ends = await settledAs(operations)
    const merged = operations.filter((_, at) => ends[at]?.status === status).map(({ id }) => id)
    expect(told).toEqual(merged)
    expect(engine.metrics().queue.depth).toBe(0)
  })

  it('A5 a delete makes the updates before it needless', async () => {
    const engine = await world.started()
    await (
      await engine.enqueue(create('a'))
    ).settled
    await offline(engine, [update('a', { n: 1 }), update('a', { n: 2 }), remove('a')])
    expect(sent().slice(1)).toEqual(['DELETE /note/a'])
    expect(world.notes()).toEqual({})
  })

  it('A5 what is created again after a delete keeps its order', async () => {
    const engine = await world.started()
    await (
      await engine.enqueue(create('a', { n: 1 }))
    ).settled
    await offline(engine, [remove('a'), create('a', { n: 2 }), update('a', { m: 3 })])
    expect(sent().slice(1)).toEqual(['DELETE /note/a', 'POST /note {"n":2,"m":3,"id":"a"}'])
    expect(world.notes()['a']).toEqual({ id: 'a', n: 2, m: 3 })
  })

  it('S16 is sent as it is with coalesce: false, and leaves the same state', async () => {
    const engine = await world.started({ coalesce: false })
    const operations = await offline(engine, [create('a', { n: 1, x: 1 }), update('a', { n: 2 }), update('a', { x: null, y: 3 })])
    expect(sent()).toHaveLength(3)
    expect(world.notes()['a']).toEqual({ id: 'a', n: 2, y: 3 })
    expect((await settledAs(operations)).map(({ status }) => status)).toEqual(['done', 'done', 'done'])
  })

  it('S17 is not merged over another type, an idempotency key apart, or another entity', async () => {
    const engine = await world.started()
    await offline(engine, [create('a'), create('b'), { ...update('a', {}), type: 'publish' }, update('a', { n: 1 })])
    expect(
      sent()
        .map((line) => line.split(' ').slice(0, 2).join(' '))
        .toSorted(),
    ).toEqual(['PATCH /note/a', 'POST /note', 'POST /note', 'POST /note/a/publish'].toSorted())
  })

  it('A5 is merged into nothing larger than a payload may be', async () => {
    const engine = await world.started({ limits: { payloadBytes: 100 } })
    await offline(engine, [create('a', { x: 'x'.repeat(60) }), update('a', { y: 'y'.repeat(60) })])
    expect(sent()).toHaveLength(2)
  })
})

describe('what was attempted', () => {
  it('S17 goes again with its own bytes, and what was queued behind it is merged apart', async () => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: HOUR_MS, capMs: HOUR_MS } })
    await (
      await engine.enqueue(create('a'))
    ).settled
    world.intercept(async (_, send, count) => {
      const outcome = await send()
      return count === 2 ? { type: 'unknown', error: new NetworkError('Lost.') } : outcome
    })
    const head = await engine.enqueue(update('a', { n: 1 }))
    await eventOf(engine, 'sync:retry')
    const [two, three] = await engine.enqueueAll([update('a', { n: 2 }), update('a', { m: 3 })])
    await engine.operations.retry(head.id)
    expect(await settledAs([head, two!, three!])).toEqual([
      { status: 'done' },
      { status: 'superseded', by: three!.id },
      { status: 'done' },
    ])
    expect(sent().slice(1)).toEqual(['PATCH /note/a {"n":1}', 'PATCH /note/a {"n":1}', 'PATCH /note/a {"n":2,"m":3}'])
    expect(world.notes()['a']).toEqual({ id: 'a', n: 2, m: 3 })
  })

  it('S17 is not cancelled by a delete behind it', async () => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: HOUR_MS, capMs: HOUR_MS } })
    world.intercept(async (_, send, count) => {
      const outcome = await send()
      return count === 1 ? { type: 'unknown', error: new NetworkError('Lost.') } : outcome
    })
    const head = await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:retry')
    const last = await engine.enqueue(remove('a'))
    await engine.operations.retry(head.id)
    expect(await settledAs([head, last])).toEqual([{ status: 'done' }, { status: 'done' }])
    expect(world.server.ledger().map(({ method }) => method)).toEqual(['POST', 'DELETE'])
  })
})
