import { rename, rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  NetworkError,
  type EngineOptions,
  type EnqueueInput,
  type Outcome,
  type SyncEngine,
  type TransactionHandle,
  type Transport,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { OPERATIONS } from '../../src/core/schema.ts'
import { elsewhere } from '../support/other-client.ts'
import { sqlOn } from '../support/sql.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
/** How many atomic batches have left. */
let batches: number
/** May stand in for the server. */
let answer: (send: () => Promise<readonly Outcome[]>) => Promise<readonly Outcome[]>
beforeEach(async () => {
  world = await createWorld()
  batches = 0
  answer = (send) => send()
})
afterEach(() => world.close())

const create = (id: string): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: { n: 1 } })
const update = (id: string, payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id, payload })
const lost = (): Outcome => ({ type: 'unknown', error: new NetworkError('The answer is lost.') })
const HOURS = { strategy: 'constant', baseMs: 3_600_000, capMs: 3_600_000 } as const

function transport(): Transport {
  const real = httpTransport({ baseURL: world.url })
  return {
    ...real,
    async sendAtomic(items, context) {
      batches += 1
      return answer(() => real.sendAtomic!(items, context))
    },
  }
}

const atomic = (options: Partial<EngineOptions> = {}): Promise<SyncEngine> =>
  world.started({ transport: transport(), coalesce: false, ...options })

const transact = (engine: SyncEngine, ...inputs: readonly EnqueueInput[]): Promise<TransactionHandle> =>
  engine.transaction((tx) => {
    for (const input of inputs) tx.enqueue(input)
  })

const sql = (text: string): Promise<void> => sqlOn(world.path, text)

/** Stored, and its engine has ended before anything was sent. */
async function stored(...inputs: readonly EnqueueInput[]): Promise<readonly string[]> {
  const engine = await atomic()
  engine.pause('test')
  const { operations } = await transact(engine, ...inputs)
  await engine.stop()
  return operations.map(({ id }) => id)
}

/** Of which nobody knows whether the server has applied it. */
async function inDoubt(...inputs: readonly EnqueueInput[]): Promise<{ engine: SyncEngine; ids: readonly string[] }> {
  answer = async (send) => (await send()).map(lost)
  const engine = await atomic({ retry: HOURS })
  const { operations } = await transact(engine, ...inputs)
  await eventOf(engine, 'sync:retry')
  answer = (send) => send()
  return { engine, ids: operations.map(({ id }) => id) }
}

const settled = (engine: SyncEngine, ids: readonly string[]) => Promise.all(ids.map((id) => engine.operations.handle(id).settled))

describe('a transaction of which a part is damaged', () => {
  it('S28 S6 is parked where it may have been applied and a part is lost: nobody can tell what became of it', async () => {
    const { engine, ids } = await inDoubt(create('a'), create('b'))
    await engine.stop()
    await sql('DELETE FROM operations WHERE seq = 2')
    const next = await atomic()
    await next.operations.retry(ids[0]!).catch(() => {})
    await eventOf(next, 'sync:parked')
    expect(await next.operations.get(ids[0]!)).toMatchObject({ status: 'parked', lastError: { code: 'transaction-incomplete' } })
    expect(batches).toBe(1)
  })

  it('S28 S31 waits while one of it can not be read, and falls with that', async () => {
    const ids = await stored(create('a'), create('b'))
    await sql(`UPDATE operations SET value = 'garbage' WHERE seq = 2`)
    const engine = await atomic()
    await eventOf(engine, 'lock:acquired')
    await engine.flush()
    expect((await engine.explain(ids[0])).waitingFor.join()).toContain("operations.discard('#2')")
    await engine.operations.discard('#2')
    expect(await settled(engine, ids.slice(0, 1))).toMatchObject([{ error: { code: 'transaction-incomplete' } }])
    expect([batches, world.notes()]).toEqual([0, {}])
  })

  it('S9 S28 waits for what stands before one of it and can not be read', async () => {
    const first = await atomic()
    first.pause('test')
    await first.enqueue(create('b'))
    await first.stop()
    const ids = await stored(create('a'), update('b', { n: 2 }))
    await sql(`UPDATE operations SET value = 'garbage' WHERE seq = 1`)
    const engine = await atomic()
    await eventOf(engine, 'lock:acquired')
    await engine.flush()
    expect((await engine.explain(ids[1])).waitingFor.join()).toContain("operations.discard('#1')")
    expect([batches, world.notes()]).toEqual([0, {}])
  })

  it('S28 S31 is sent as a whole though the index of lanes lacks one of it', async () => {
    const ids = await stored(create('a'), create('b'))
    await sql('UPDATE operations SET lane = NULL WHERE seq = 2')
    const engine = await atomic()
    expect(await settled(engine, ids)).toEqual([{ status: 'done' }, { status: 'done' }])
    expect(batches).toBe(1)
  })

  it('S28 S31 is not sent where it goes one by one and a part was lost before the first', async () => {
    const ids = await stored(create('a'), create('b'))
    await sql('DELETE FROM operations WHERE seq = 2')
    const engine = await atomic({ transport: httpTransport({ baseURL: world.url, batch: false }) })
    expect(await settled(engine, ids.slice(0, 1))).toMatchObject([{ error: { code: 'transaction-incomplete' } }])
    expect([world.attempts.length, world.notes()]).toEqual([0, {}])
  })

  it('S31 S15 is taken back as a whole where no request can be made of one of it', async () => {
    const real = transport()
    const engine = await atomic({
      transport: {
        ...real,
        prepare(operation) {
          if (operation.entityId === 'b') throw new Error('no route')
          return real.prepare(operation)
        },
      },
    })
    const { operations } = await transact(engine, create('a'), create('b'))
    expect(
      await settled(
        engine,
        operations.map(({ id }) => id),
      ),
    ).toMatchObject([
      { status: 'rejected', error: { code: 'transaction-failed' } },
      { status: 'rejected', error: { code: 'unsendable' } },
    ])
    expect([batches, world.notes(), await engine.view('note').list()]).toEqual([0, {}, []])
  })
})

describe('a transaction with something behind it', () => {
  it('S9 L5 holds that until it is due again', async () => {
    const { engine, ids } = await inDoubt(create('a'), create('b'))
    const behind = await engine.enqueue(update('a', { n: 2 }))
    await engine.enqueue(create('c')).then(({ settled: done }) => done)
    expect([await behind.status(), batches]).toEqual(['queued', 1])
    await engine.stop()
    const next = await atomic({ retry: HOURS })
    await next.enqueue(create('d')).then(({ settled: done }) => done)
    expect([await next.operations.handle(behind.id).status(), batches]).toEqual(['queued', 1])
    await next.operations.retry(ids[0]!)
    expect(await settled(next, [behind.id])).toEqual([{ status: 'done' }])
    expect(world.notes()).toMatchObject({ a: { n: 2 }, b: { n: 1 } })
  })

  it('S9 S12 holds that while it waits for a person', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'a', n: 1 })
    const options = { entities: { note: { conflict: 'manual' } } } as const
    const first = await atomic(options)
    await first.synchronize()
    first.pause('test')
    const { operations } = await transact(first, create('b'), update('a', { n: 3 }))
    await elsewhere(world, 'PATCH', '/note/a', { n: 2 })
    first.resume('test')
    await eventOf(first, 'sync:parked')
    const behind = await first.enqueue(update('b', { n: 9 }))
    await first.flush()
    await first.stop()
    const engine = await atomic(options)
    await eventOf(engine, 'lock:acquired')
    await engine.flush()
    expect([await engine.operations.handle(behind.id).status(), world.notes()]).toEqual(['queued', { a: { id: 'a', n: 2 } }])
    const [conflict] = await engine.conflicts.list()
    await engine.conflicts.resolve(conflict!.id, 'local')
    expect(await settled(engine, [...operations.map(({ id }) => id), behind.id])).toEqual(
      [1, 2, 3].map(() => ({ status: 'done' })),
    )
    expect(world.notes()).toMatchObject({ a: { n: 3 }, b: { n: 9 } })
  })
})

describe('a transaction that somebody else has to do with', () => {
  it('A11 S12 goes on in the next engine where its owner ended while it looked at the server', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'a', n: 1 })
    const real = transport()
    let isLooking = (): void => {}
    const looking = new Promise<void>((resolve) => (isLooking = resolve))
    const engine = await atomic({
      transport: {
        ...real,
        fetch() {
          isLooking()
          return new Promise(() => {})
        },
      },
    })
    await engine.synchronize()
    engine.pause('test')
    const { operations } = await transact(engine, create('b'), update('a', { title: 'ours' }))
    await elsewhere(world, 'PATCH', '/note/a', { n: 2 })
    engine.resume('test')
    await looking
    await engine.stop()
    const next = await atomic()
    expect(
      await settled(
        next,
        operations.map(({ id }) => id),
      ),
    ).toEqual([{ status: 'done' }, { status: 'done' }])
    expect(world.notes()).toEqual({ a: { id: 'a', n: 2, title: 'ours' }, b: { id: 'b', n: 1 } })
  })

  it('S8 L5 is not sent where a tab discards it while it is chosen, and what comes after it is', async () => {
    const ids = await stored(create('a'), create('b'))
    const follower = world.engine({ transport: transport() })
    const storage = world.storage()
    let isLeft = true
    const owner = await world.started({
      transport: transport(),
      storage: {
        ...storage,
        async getMany(collection, keys) {
          if (isLeft && collection === OPERATIONS) {
            isLeft = false
            await follower.start()
            await follower.operations.discard(ids[0]!)
          }
          return storage.getMany(collection, keys)
        },
      },
    })
    expect(await settled(owner, ids)).toEqual([{ status: 'cancelled' }, { status: 'cancelled' }])
    const behind = await owner.enqueue(create('a'))
    expect(await behind.settled).toEqual({ status: 'done' })
    expect([isLeft, batches, world.notes()]).toEqual([false, 0, { a: { id: 'a', n: 1 } }])
  })
})

describe('a transaction of which the server applied a part and refused another', () => {
  const part: EnqueueInput[] = [create('a'), update('ghost', { n: 1 })]

  /** What the server knows of it one by one, this device does not: it was set back to before. */
  async function setBack(): Promise<readonly string[]> {
    const ids = await stored(...part)
    const before = `${world.path}.before`
    await sql(`VACUUM INTO '${before}'`)
    const engine = await world.started({ transport: httpTransport({ baseURL: world.url, batch: false }), coalesce: false })
    expect(await settledIn(engine, ids)).toEqual(['done', 'rejected'])
    await expect.poll(() => engine.operations.count('live')).toBe(0)
    await engine.stop()
    for (const end of ['-wal', '-shm']) await rm(`${world.path}${end}`, { force: true })
    await rename(before, world.path)
    return ids
  }

  it('L1 S31 is asked about one by one, and ends as it had ended before the store was set back', async () => {
    const ids = await setBack()
    const engine = await atomic()
    const failed = eventOf(engine, 'transaction:failed')
    expect(await settledIn(engine, ids)).toEqual(['done', 'rejected'])
    await failed
    await expect.poll(() => engine.operations.count('live')).toBe(0)
    expect(batches).toBe(1)
    expect(world.notes()).toEqual({})
    expect(engine.history().find(({ type }) => type === 'sync:retry')).toMatchObject({
      operation: { lastError: { code: 'not-atomic' } },
    })
  })

  it.each([
    ['before', part, ['done', 'rejected']],
    ['after', part.toReversed(), ['rejected', 'rejected']],
  ] as const)(
    'S31 B14 leaves nothing of what an endpoint that is not atomic has applied %s the other',
    async (_, inputs, ends) => {
      const real = httpTransport({ baseURL: world.url })
      const engine = await world.started({
        coalesce: false,
        transport: {
          ...real,
          sendAtomic: (items, context) =>
            Promise.all(items.map(({ request, ...item }) => real.send(request, { ...item, ...context }))),
        },
      })
      const { operations } = await transact(engine, ...inputs)
      const ids = operations.map(({ id }) => id)
      expect(await settledIn(engine, ids)).toEqual(ends)
      await expect.poll(() => engine.operations.count('live')).toBe(0)
      expect(world.notes()).toEqual({})
      expect(world.server.ledger().map(({ method }) => method)).toEqual(['POST', 'DELETE'])
    },
  )

  it('L1 S6 is asked about one by one in the next engine, too', async () => {
    const ids = await setBack()
    const first = await atomic({ retry: HOURS })
    await eventOf(first, 'sync:retry')
    await first.stop()
    await sql("UPDATE operations SET value = json_set(value, '$.dueAt', 0), dueAt = 0 WHERE dueAt > 0")
    const next = await atomic()
    expect(await settledIn(next, ids)).toEqual(['done', 'rejected'])
    expect(batches).toBe(1)
  })
})

async function settledIn(engine: SyncEngine, ids: readonly string[]): Promise<readonly string[]> {
  const settlements = await Promise.all(ids.map((id) => engine.operations.handle(id).settled))
  return settlements.map(({ status }) => status)
}
