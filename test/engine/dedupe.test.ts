import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ValidationError, type EnqueueInput } from '../../src/index.ts'
import { created, patch } from '../support/conflicts.ts'
import { elsewhere } from '../support/other-client.ts'
import { rowsOf } from '../support/rows.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const order = (n: number, more: Partial<EnqueueInput> = {}): EnqueueInput => ({
  type: 'create',
  entity: 'note',
  id: `order-${n}`,
  payload: { n },
  idempotencyKey: `key-${n}`,
  ...more,
})

describe('an idempotency key of the application', () => {
  it('B15 S4 stands for one operation, while it waits and after it has ended', async () => {
    const engine = await world.started()
    engine.pause('test')
    const first = await engine.enqueue(order(1))
    expect((await engine.enqueue(order(1))).id).toBe(first.id)
    engine.resume('test')
    await first.settled
    const again = await engine.enqueue(order(1))
    expect(again.id).toBe(first.id)
    expect(await again.settled).toEqual({ status: 'done' })
    expect(world.server.ledger()).toHaveLength(1)
    expect(world.attempts).toHaveLength(1)
  })

  it.each([
    ['payload', { payload: { n: 2 } }],
    ['id', { id: 'order-2' }],
    ['type', { type: 'update' }],
  ])('B15 is refused for another %s, and the first is not touched', async (_, other) => {
    const engine = await world.started()
    const first = await engine.enqueue(order(1))
    await expect(engine.enqueue(order(1, other))).rejects.toMatchObject({
      name: 'ValidationError',
      code: 'idempotency-key-reused',
      path: 'idempotencyKey',
      message: expect.stringContaining('"key-1"'),
    })
    expect(await first.settled).toEqual({ status: 'done' })
    expect(world.notes()).toMatchObject({ 'order-1': { n: 1 } })
  })

  it.each([253, 254, 255])('B15 A3 S5 may have %s characters, also where a conflict makes another of it', async (length) => {
    const engine = await world.started()
    await created(engine, { title: 'old' })
    for (const [round, title] of ['theirs', 'theirs again'].entries()) {
      await elsewhere(world, 'PATCH', '/note/a', { title })
      const idempotencyKey = `${round}`.padStart(length, 'k')
      const operation = await engine.enqueue({ ...patch({ title: `ours ${round}` }), idempotencyKey })
      expect(await operation.settled).toEqual({ status: 'done' })
      expect(world.notes()).toEqual({ a: { id: 'a', title: `ours ${round}` } })
    }
  })

  it('B15 returns a rejected, a cancelled and a superseded operation as they are', async () => {
    const engine = await world.started()
    const rejected = await engine.enqueue(order(1, { type: 'update' }))
    await rejected.settled
    engine.pause('test')
    const cancelled = await engine.enqueue(order(2))
    await engine.operations.discard(cancelled.id)
    const superseded = await engine.enqueue(order(3))
    const into = await engine.enqueue({ type: 'update', entity: 'note', id: 'order-3', payload: {} })
    engine.resume('test')
    await into.settled
    const again = [
      await engine.enqueue(order(1, { type: 'update' })),
      await engine.enqueue(order(2)),
      await engine.enqueue(order(3)),
    ]
    expect(again.map(({ id }) => id)).toEqual([rejected.id, cancelled.id, superseded.id])
    expect(await Promise.all(again.map((operation) => operation.status()))).toEqual(['rejected', 'cancelled', 'superseded'])
  })

  it('B15 is one operation in one call, in two at once, and from two engines at once', async () => {
    const engines = [await world.started(), await world.started()]
    for (const engine of engines) engine.pause('test')
    const [one] = engines
    const batch = await one!.enqueueAll([order(1), order(2), order(1)])
    expect(batch[2]!.id).toBe(batch[0]!.id)
    const [a, b] = await Promise.all([one!.enqueue(order(3)), one!.enqueue(order(3))])
    expect(a.id).toBe(b.id)
    const racing = await Promise.all(
      Array.from({ length: 20 }, (_, n) => engines.map((engine) => engine.enqueue(order(10 + n)))).flat(),
    )
    for (let n = 0; n < 20; n++) expect(racing[2 * n]!.id).toBe(racing[2 * n + 1]!.id)
    for (const engine of engines) engine.resume('test')
    await Promise.all(racing.map(({ settled }) => settled))
    await one!.flush()
    expect(
      world.server
        .ledger()
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual([1, 2, 3, ...Array.from({ length: 20 }, (_, n) => 10 + n)].map((n) => `key-${n}`).toSorted())
  })

  it('B15 S3 refuses a call whole when the contents of one key differ within it', async () => {
    const engine = await world.started()
    engine.pause('test')
    await expect(engine.enqueueAll([order(1), order(2), order(1, { payload: {} })])).rejects.toThrow(ValidationError)
    expect(await engine.operations.list()).toEqual([])
  })

  it('B15 S25 is each user’s own', async () => {
    const alice = await world.started({ user: 'alice' })
    const first = await alice.enqueue(order(1))
    await first.settled
    await alice.stop()
    const bob = await world.started({ user: 'bob' })
    bob.pause('test')
    const second = await bob.enqueue(order(1, { payload: { bob: true }, id: 'other' }))
    expect(second.id).not.toBe(first.id)
    const waiting = await bob.enqueue({ ...order(2), idempotencyKey: undefined, dedupeKey: 'same' })
    await bob.stop()
    const again = await world.started({ user: 'alice' })
    again.pause('test')
    expect((await again.enqueue({ ...order(2), idempotencyKey: undefined, dedupeKey: 'same' })).id).not.toBe(waiting.id)
  })
})

describe('a dedupe key', () => {
  const press = (n: number): EnqueueInput => ({ type: 'update', entity: 'note', id: 'a', payload: { n }, dedupeKey: 'save' })

  it('B15 stands for the operation that is queued, whatever its content', async () => {
    const engine = await world.started()
    engine.pause('test')
    const first = await engine.enqueue(press(1))
    const second = await engine.enqueue(press(2))
    expect(second.id).toBe(first.id)
    const [a, b] = await Promise.all([engine.enqueue(press(3)), engine.enqueue(press(4))])
    expect([a.id, b.id]).toEqual([first.id, first.id])
    expect(await engine.operations.list()).toMatchObject([{ id: first.id, payload: { n: 1 } }])
    expect(await rowsOf(world.storage())).toHaveLength(1)
  })

  it('B15 stands for it in one call, and beside an idempotency key', async () => {
    const engine = await world.started()
    engine.pause('test')
    const [first, second] = await engine.enqueueAll([press(1), press(2)])
    expect(second!.id).toBe(first!.id)
    const keyed = await engine.enqueue({ ...press(3), idempotencyKey: 'press-3' })
    expect(keyed.id).toBe(first!.id)
    expect(await rowsOf(world.storage())).toMatchObject([{ payload: { n: 1 } }])
  })

  it('B15 is free again once the operation is on its way', async () => {
    const engine = await world.started()
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    ).settled
    let answer = (): void => {}
    world.intercept(async (_, send, count) => {
      if (count === 2) await new Promise<void>((resolve) => (answer = resolve))
      return send()
    })
    const first = await engine.enqueue(press(1))
    await eventOf(engine, 'sync:started', (event) => event.type === 'sync:started' && event.operation.id === first.id)
    const second = await engine.enqueue(press(2))
    expect(second.id).not.toBe(first.id)
    answer()
    await second.settled
    expect(world.notes()).toMatchObject({ a: { n: 2 } })
  })

  it('B15 is free again after the operation was cancelled', async () => {
    const engine = await world.started()
    engine.pause('test')
    const first = await engine.enqueue(press(1))
    await engine.operations.discard(first.id)
    expect((await engine.enqueue(press(2))).id).not.toBe(first.id)
  })
})
