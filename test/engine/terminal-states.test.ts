import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ClientError, NetworkError, type Operation, type Outcome, type SyncEngine } from '../../src/index.ts'
import { readRows } from '../support/rows.ts'
import { STORE_SCHEMA } from '../../src/core/schema.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const create = (id: string) => ({ type: 'create', entity: 'note', id, payload: { n: 1 } })

async function doneOperation(engine: SyncEngine): Promise<Operation> {
  const operation = await engine.enqueue(create('done'))
  await operation.settled
  return operation
}

async function cancelledOperation(engine: SyncEngine): Promise<Operation> {
  engine.pause('test')
  const operation = await engine.enqueue(create('cancelled'))
  await engine.operations.discard(operation.id)
  engine.resume('test')
  return operation
}

async function supersededOperation(engine: SyncEngine): Promise<Operation> {
  engine.pause('test')
  const operation = await engine.enqueue(create('superseded'))
  const successor = await engine.enqueue({ ...create('superseded'), type: 'update' })
  engine.resume('test')
  await successor.settled
  return operation
}

async function allRows() {
  const storage = world.storage()
  await storage.open(STORE_SCHEMA)
  const rows = await readRows(storage)
  await storage.close()
  return rows
}

describe('an operation that has ended', () => {
  it('E4 is listed before those that ended earlier have their turn, in the order of the enqueueing', async () => {
    const engine = await world.started({ concurrency: 1 })
    for (const id of ['a', 'b', 'c']) await (await engine.enqueue({ ...create(id), type: 'update' })).settled
    for (const id of ['d', 'e']) await (await engine.enqueue(create(id))).settled
    const shown = async (query: Parameters<typeof engine.operations.list>[0]) =>
      (await engine.operations.list(query)).map(({ entityId }) => entityId)
    expect(await shown({ status: 'rejected', limit: 2 })).toEqual(['b', 'c'])
    expect(await shown({ status: ['rejected', 'done'], limit: 3 })).toEqual(['c', 'd', 'e'])
    engine.pause('test')
    await engine.enqueue(create('f'))
    expect(await shown({ status: ['queued', 'rejected', 'done'], limit: 2 })).toEqual(['e', 'f'])
  })

  it.each([
    ['done', doneOperation],
    ['cancelled', cancelledOperation],
    ['superseded', supersededOperation],
  ] as const)('S7 stays %s: no retry, edit or discard, and nothing is written', async (status, ended) => {
    const engine = await world.started()
    const { id } = await ended(engine)
    expect(await engine.operations.handle(id).status()).toBe(status)
    const before = await allRows()
    for (const act of [
      () => engine.operations.retry(id),
      () => engine.operations.edit(id, { n: 2 }),
      () => engine.operations.discard(id),
    ])
      await expect(act()).rejects.toMatchObject({ name: 'SyncOperationError', code: 'not-possible', operationId: id })
    expect(await allRows()).toEqual(before)
    expect(await engine.operations.handle(id).settled).toMatchObject({ status })
  })

  it('S7 stays rejected when it is retried: the retry is an operation of its own', async () => {
    const engine = await world.started()
    const refused = await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { n: 1 } })
    expect(await refused.settled).toMatchObject({ status: 'rejected' })
    await (
      await engine.enqueue(create('a'))
    ).settled
    const retried = await engine.operations.retry(refused.id)
    expect(retried.id).not.toBe(refused.id)
    expect(await retried.settled).toEqual({ status: 'done' })
    expect(await refused.status()).toBe('rejected')
    expect(await engine.operations.list({ status: 'rejected' })).toEqual([])
  })

  it('S4 is enqueued anew once, however often it is retried', async () => {
    const engine = await world.started()
    const refused = await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { n: 1 } })
    await refused.settled
    await (
      await engine.enqueue(create('a'))
    ).settled
    const { retry, edit, discard } = engine.operations
    const [one, two] = await Promise.all([retry(refused.id), retry(refused.id)])
    expect(two.id).toBe(one.id)
    expect((await retry(refused.id)).id).toBe(one.id)
    await expect(edit(refused.id, { n: 2 })).rejects.toMatchObject({
      name: 'SyncOperationError',
      code: 'not-possible',
      operationId: refused.id,
      message: expect.stringContaining(one.id),
    })
    await one.settled
    expect(world.server.ledger()).toHaveLength(2)

    const discarded = await engine.enqueue({ type: 'update', entity: 'note', id: 'b', payload: { n: 1 } })
    await discarded.settled
    await discard(discarded.id)
    await expect(retry(discarded.id)).rejects.toMatchObject({ code: 'not-possible' })
  })

  it('S7 is not touched by an answer that comes after it was given up', async () => {
    const engine = await world.started({ sendTimeoutMs: 20 })
    const late: ((outcome: Outcome) => void)[] = []
    world.intercept((_, send, count) => (count === 1 ? new Promise((resolve) => late.push(resolve)) : send()))
    const operation = await engine.enqueue(create('a'))
    expect(await operation.settled).toEqual({ status: 'done' })
    const next = await engine.enqueue({ ...create('a'), type: 'update' })
    late[0]!({ type: 'rejected', definite: true, error: new ClientError('Refused, much too late.', { status: 400 }) })
    expect(await next.settled).toEqual({ status: 'done' })
    expect(await operation.status()).toBe('done')
    expect(engine.history().filter(({ type }) => type === 'sync:failed')).toEqual([])
  })

  it('S7 is told of once', async () => {
    const engine = await world.started({ coalesce: false })
    const told: string[] = []
    engine.on('sync:*', (event) => {
      if ('operation' in event && ['sync:completed', 'sync:failed', 'sync:cancelled'].includes(event.type))
        told.push(`${event.type} ${event.operation.id}`)
    })
    const refused = await engine.enqueue({ type: 'update', entity: 'note', id: 'x', payload: {} })
    const done = await doneOperation(engine)
    const cancelled = await cancelledOperation(engine)
    await refused.settled
    await engine.flush()
    expect(told.toSorted()).toEqual(
      [`sync:cancelled ${cancelled.id}`, `sync:completed ${done.id}`, `sync:failed ${refused.id}`].toSorted(),
    )
  })
})

describe('an operation whose outcome is unknown', () => {
  it('S6 is not edited, for it may have been applied as it is', async () => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: 3_600_000, capMs: 3_600_000 } })
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Lost.') }))
    const { id } = await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:retry')
    await expect(engine.operations.edit(id, { n: 2 })).rejects.toMatchObject({ code: 'in-doubt' })
    expect(await engine.operations.get(id)).toMatchObject({ status: 'waiting', payload: { n: 1 } })
  })

  it('S6 is parked, not rolled back, when its attempts are used up; a retry goes on under the same key', async () => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: 1, maxAttempts: 3 } })
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Lost.') }))
    let rolledBack = 0
    const operation = await engine.enqueue({ ...create('a'), optimistic: { rollback: () => void (rolledBack += 1) } })
    await eventOf(engine, 'sync:parked')
    expect(await engine.operations.get(operation.id)).toMatchObject({ status: 'parked', attempts: 3 })
    expect(rolledBack).toBe(0)
    world.intercept(undefined)
    await engine.operations.retry(operation.id)
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(new Set(world.attempts.map(({ context }) => context.idempotencyKey)).size).toBe(1)
  })

  it('S6 is still in doubt after a retry: a refusal that may be of a proxy parks it again, and rolls nothing back', async () => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: 1, maxAttempts: 1 } })
    const error = new ClientError('Forbidden.', { status: 403 })
    world.intercept(async (_, _send, count) =>
      count === 1 ? { type: 'unknown', error: new NetworkError('Lost.') } : { type: 'rejected', definite: false, error },
    )
    let rolledBack = 0
    const operation = await engine.enqueue({ ...create('a'), optimistic: { rollback: () => void (rolledBack += 1) } })
    await eventOf(engine, 'sync:parked')
    await engine.operations.retry(operation.id)
    await eventOf(engine, 'sync:parked', (event) => 'operation' in event && event.operation.lastError?.message === 'Forbidden.')
    expect([await operation.status(), rolledBack, world.attempts.length]).toEqual(['parked', 0, 2])
  })

  it('S6 is parked when it has grown too old', async () => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: 1, maxAgeMs: 1, maxAttempts: 1_000_000 } })
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Lost.') }))
    await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:parked')
    expect(await engine.operations.count('parked')).toBe(1)
  })

  it('S6 goes on at once when it is retried while it waits', async () => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: 3_600_000, capMs: 3_600_000 } })
    world.intercept(async (_, send, count) => {
      const outcome = await send()
      return count === 1 ? { type: 'unknown', error: new NetworkError('Lost.') } : outcome
    })
    const operation = await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:retry')
    await engine.operations.retry(operation.id)
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.server.ledger()).toHaveLength(1)
  })

  it('S7 can be discarded while it waits, and the lane goes on', async () => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: 3_600_000, capMs: 3_600_000 } })
    world.intercept(async (_, send, count) => (count === 1 ? { type: 'unknown', error: new NetworkError('Lost.') } : send()))
    const operation = await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:retry')
    const next = await engine.enqueue(create('a'))
    await engine.operations.discard(operation.id)
    expect(await operation.settled).toEqual({ status: 'cancelled' })
    expect(await next.settled).toEqual({ status: 'done' })
  })
})
