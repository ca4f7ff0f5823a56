import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ConflictError,
  NetworkError,
  RateLimitError,
  StorageUnavailableError,
  SyncError,
  type EngineOptions,
  type EnqueueInput,
  type Fetched,
  type Outcome,
  type SyncEngine,
  type TransactionHandle,
  type Transport,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { OPERATIONS, STORE_SCHEMA } from '../../src/core/schema.ts'
import { faultyStorage, records } from '../support/faulty-storage.ts'
import { elsewhere } from '../support/other-client.ts'
import { rowsOf } from '../support/rows.ts'
import { settledAll } from '../support/settled-all.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
let wire: Wire
beforeEach(async () => {
  world = await createWorld()
  wire = wireTo(world.url)
})
afterEach(() => world.close())

const create = (id: string, payload: object = { n: 1 }): EnqueueInput => ({ type: 'create', entity: 'note', id, payload })
const update = (id: string, payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id, payload })
const remove = (id: string): EnqueueInput => ({ type: 'delete', entity: 'note', id })
/** The server has no such note, and refuses for good. */
const ghost = update('ghost', { n: 1 })

/** The atomic batches that left, each as its requests; `answer` may stand in for the server. */
interface Wire {
  readonly batches: (readonly string[])[]
  answer: (send: () => Promise<readonly Outcome[]>, count: number) => Promise<readonly Outcome[]>
  readonly transport: Transport
}

function wireTo(baseURL: string): Wire {
  const real = httpTransport({ baseURL })
  const made: Wire = {
    batches: [],
    answer: (send) => send(),
    transport: {
      ...real,
      sendAtomic(items, context) {
        made.batches.push(items.map(({ request, idempotencyKey }) => `${request.method} ${request.path} ${idempotencyKey}`))
        return made.answer(async () => (await real.sendAtomic?.(items, context)) ?? [], made.batches.length)
      },
    },
  }
  return made
}

/** An engine whose API takes several writes as one, and one whose API does not. */
const atomic = (options: Partial<EngineOptions> = {}): Promise<SyncEngine> =>
  world.started({ transport: wire.transport, ...options })
const oneByOne = (options: Partial<EngineOptions> = {}): Promise<SyncEngine> =>
  world.started({ transport: httpTransport({ baseURL: world.url, batch: false }), ...options })

const transact = (engine: SyncEngine, ...inputs: readonly EnqueueInput[]): Promise<TransactionHandle> =>
  engine.transaction((tx) => {
    for (const input of inputs) tx.enqueue(input)
  })

const statuses = async ({ operations }: TransactionHandle) =>
  Promise.all(operations.map(async (one) => (await one.settled).status))
const lost = (): Outcome => ({ type: 'unknown', error: new NetworkError('The answer is lost.') })
const seen = async (engine: SyncEngine): Promise<Record<string, unknown>> =>
  Object.fromEntries((await engine.view('note').list()).map(({ id, value }) => [id, value]))

/** Each with its field `n`. */
const shown = (list: readonly { readonly id: string; readonly value: object }[]): string =>
  list.map(({ id, value }) => `${id}${JSON.stringify((value as { n?: number }).n)}`).join()

describe('a transaction is accepted as a whole', () => {
  it('B14 S2 in one commit, seen in the view at once and told of by the id that its operations share', async () => {
    const engine = await atomic()
    engine.pause('test')
    const lists: number[] = []
    engine
      .view('note')
      .watch()
      .subscribe((list) => lists.push(list.length))
    await expect.poll(() => lists).toEqual([0])
    const { id, operations } = await transact(engine, create('a'), create('b'), create('c'))
    await expect.poll(() => lists).toEqual([0, 3])
    const rows = await engine.operations.list()
    expect(rows.map((row) => [row.id, row.transaction])).toEqual(operations.map((one) => [one.id, id]))
  })

  it('B14 S3 and if its body fails, nothing of it is stored', async () => {
    const engine = await atomic()
    const left = engine.transaction(async (tx) => {
      tx.enqueue(create('a'))
      throw new Error('The form was left.')
    })
    await expect(left).rejects.toThrow('The form was left.')
    await expect(transact(engine, create('a'), { ...create('b'), payload: 1 })).rejects.toThrow('[1].payload')
    expect(await engine.operations.list()).toEqual([])
  })

  it('B14 one that holds nothing has ended', async () => {
    const engine = await atomic()
    expect(await (await engine.transaction(() => {})).settled).toEqual({ status: 'done' })
  })

  it('B14 S17 one of a single operation is one as well: merged with nothing, listed with its id, and told of', async () => {
    const engine = await atomic()
    engine.pause('test')
    const first = await transact(engine, create('a'))
    await engine.enqueue(update('a', { n: 2 }))
    const second = await transact(engine, ghost)
    expect((await engine.operations.list()).map(({ transaction }) => transaction)).toEqual([first.id, undefined, second.id])
    engine.resume('test')
    expect(await first.settled).toEqual({ status: 'done' })
    expect(await second.settled).toMatchObject({ status: 'rejected', error: { status: 404 } })
    expect(await eventOf(engine, 'transaction:completed')).toMatchObject({ transaction: first.id })
    expect(await eventOf(engine, 'transaction:failed')).toMatchObject({ transaction: second.id })
    expect(wire.batches).toEqual([])
  })

  it('B14 S2 each as it was when it was enqueued, whatever the body does to its objects afterwards', async () => {
    const engine = await atomic()
    engine.pause('test')
    const [payload, base, undo] = [{ n: 1 }, { n: 0 }, { n: 0 }]
    await engine.transaction(async (tx) => {
      tx.enqueue({ ...create('a', payload), base, undo: { type: 'update', payload: undo } })
      payload.n = 2
      tx.enqueue(create('b', payload))
      await Promise.resolve()
      payload.n = base.n = undo.n = 3
    })
    expect(shown(await engine.view('note').list())).toBe('a1,b2')
    const [row] = await rowsOf(world.storage())
    expect(row).toMatchObject({ payload: { n: 1 }, base: { n: 0 }, undo: { payload: { n: 0 } } })
  })

  it('B14 nothing can be added after its body has ended', async () => {
    const engine = await atomic()
    let later: (() => unknown) | undefined
    await engine.transaction((tx) => {
      later = () => tx.enqueue(create('a'))
    })
    expect(() => later?.()).toThrow(expect.objectContaining({ code: 'transaction-ended' }) as Error)
    await expect(engine.transaction('x' as never)).rejects.toThrow('must be a function')
  })

  it('B14 two operations on one entity, or more than a hundred, are refused', async () => {
    const engine = await atomic()
    await expect(transact(engine, create('a'), update('a', { n: 2 }))).rejects.toThrow('two operations on note/a')
    const many = Array.from({ length: 101 }, (_, at) => create(`n${at}`))
    await expect(transact(engine, ...many)).rejects.toThrow('at most 100')
    expect(await engine.operations.count('live')).toBe(0)
  })

  it('B14 operations that wait for each other are refused, and the cycle is named', async () => {
    const engine = await atomic()
    const dependsOn: string[] = []
    const made = engine.transaction((tx) => {
      const a = tx.enqueue({ ...create('a'), dependsOn })
      const b = tx.enqueue({ ...create('b'), dependsOn: [a.id] })
      dependsOn.push(tx.enqueue({ ...create('c'), dependsOn: [b.id] }).id)
    })
    await expect(made).rejects.toMatchObject({
      code: 'dependency-cycle',
      message: expect.stringContaining('create of note/a → create of note/c → create of note/b → create of note/a') as string,
    })
  })

  it('B14 what depends on another of them is sent after it', async () => {
    const engine = await atomic()
    const dependsOn: string[] = []
    const handle = await engine.transaction((tx) => {
      tx.enqueue({ ...create('a'), dependsOn })
      dependsOn.push(tx.enqueue(create('b')).id)
    })
    expect(await statuses(handle)).toEqual(['done', 'done'])
    expect(wire.batches.flat().map((line) => line.split(' ')[2])).toEqual([handle.operations[1]!.id, handle.operations[0]!.id])
  })

  it('B15 the same keys once more are the same transaction, and a part of them is refused', async () => {
    const engine = await atomic()
    const [a, b] = [
      { ...create('a'), idempotencyKey: 'ka' },
      { ...create('b'), idempotencyKey: 'kb' },
    ]
    const first = await transact(engine, a, b)
    const again = await transact(engine, a, b)
    expect([again.id, ...again.operations.map(({ id }) => id)]).toEqual([first.id, ...first.operations.map(({ id }) => id)])
    await expect(transact(engine, a, create('c'))).rejects.toMatchObject({ code: 'idempotency-key-reused' })
    await expect(transact(engine, { ...a, dedupeKey: 'x' })).rejects.toThrow('dedupeKey')
  })
})

describe('where the API has an atomic batch', () => {
  it('B14 the whole leaves in one request, and is done at once', async () => {
    const engine = await atomic()
    const told = eventOf(engine, 'transaction:completed')
    const handle = await transact(engine, create('a'), create('b'), create('c'))
    expect(await handle.settled).toEqual({ status: 'done' })
    expect(wire.batches).toHaveLength(1)
    expect(wire.batches[0]).toHaveLength(3)
    expect(Object.keys(world.notes())).toEqual(['a', 'b', 'c'])
    expect(await told).toMatchObject({ transaction: handle.id })
    expect(await engine.view('note').get('b')).toMatchObject({ status: 'synced', version: expect.any(String) as string })
  })

  it.each<[string, (outcomes: readonly Outcome[]) => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no batch today')
      },
    ],
    ['answers for fewer than it was asked', (outcomes) => outcomes.slice(1)],
    ['answers with no list', () => ({ results: [] })],
  ])('S31 B1 S6 a transport that %s is asked again for the whole, with the same keys', async (_, strange) => {
    const engine = await atomic()
    wire.answer = async (send, count) => {
      const outcomes = await send()
      return count === 1 ? (strange(outcomes) as Outcome[]) : outcomes
    }
    const handle = await transact(engine, create('a'), create('b'))
    expect(await statuses(handle)).toEqual(['done', 'done'])
    expect(wire.batches).toHaveLength(2)
    expect(wire.batches[1]).toEqual(wire.batches[0])
    expect(world.server.ledger()).toHaveLength(2)
  })

  it('S31 S6 what may have been applied as one is not divided by a build that knows no atomic batch, and says what it waits for', async () => {
    const engine = await atomic()
    wire.answer = async (send) => (await send()).map(lost)
    const { operations } = await transact(engine, create('a'), create('b'))
    await eventOf(engine, 'sync:retry')
    await engine.stop()
    const { sendAtomic: _sendAtomic, ...transport } = wire.transport
    const without = await world.started({ transport })
    const told = await eventOf(without, 'sync:retry')
    expect(told).toMatchObject({ operation: { status: 'waiting', lastError: { code: 'batch-unsupported' } } })
    expect(told).toMatchObject({ operation: { lastError: { message: expect.stringContaining('Set batch again') as string } } })
    expect(world.attempts).toEqual([])
    expect(await without.operations.count('live')).toBe(2)
    await without.stop()
    wire.answer = (send) => send()
    const next = await atomic()
    for (const { id } of operations) expect(await next.operations.handle(id).settled).toEqual({ status: 'done' })
    expect(world.server.ledger()).toHaveLength(2)
  })

  it('S31 L5 a transaction that can not be read before it is sent is sent once it can be', async () => {
    const storage = faultyStorage(world.storage())
    const engine = await atomic({ storage })
    const fault = new Error('The file is locked.')
    let isClaimed = false
    let faults = 0
    storage.loseAnswers((writes) => {
      isClaimed ||= records(writes, 'sending')
      return undefined
    })
    storage.failReads((method, collection) => {
      const isOfSender = isClaimed && method === 'getMany' && collection === OPERATIONS
      return isOfSender && faults++ === 0 ? fault : undefined
    })
    const told = eventOf(engine, 'sync:retry')
    const handle = await transact(engine, create('a'), create('b'))
    expect(await statuses(handle)).toEqual(['done', 'done'])
    expect(await told).toMatchObject({ operation: { lastError: { code: 'storage-unavailable' } } })
    expect(wire.batches).toHaveLength(1)
  })

  it('S31 B14 S7 S15 one that is refused takes the others with it: nothing is applied, and all leave the view together', async () => {
    const engine = await atomic()
    await settledAll(engine, [create('a')])
    const told = eventOf(engine, 'transaction:failed')
    const lists: string[] = []
    engine
      .view('note')
      .watch()
      .subscribe((list) => lists.push(shown(list)))
    const handle = await transact(engine, update('a', { n: 2 }), create('b'), ghost)
    expect(await statuses(handle)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(await handle.settled).toMatchObject({ error: { name: 'ClientError', status: 404 } })
    expect(world.notes()).toEqual({ a: { id: 'a', n: 1 } })
    await expect.poll(() => lists.at(-1)).toBe('a1')
    expect(new Set(lists)).toEqual(new Set(['a1', 'a2,b1']))
    expect(await told).toMatchObject({ transaction: handle.id })
    const [first] = await engine.operations.list({ status: 'rejected' })
    expect(first?.lastError).toMatchObject({ code: 'transaction-failed' })
    expect(first?.lastError?.message).toContain('update of note/ghost')
  })

  it('S4 S5 S6 an answer that is lost is asked for again with the same keys, and nothing is applied twice', async () => {
    wire.answer = async (send, count) => (await send()).map((outcome) => (count === 1 ? lost() : outcome))
    const engine = await atomic()
    const handle = await transact(engine, create('a'), create('b'))
    expect(await handle.settled).toEqual({ status: 'done' })
    expect(wire.batches).toHaveLength(2)
    expect(wire.batches[1]).toEqual(wire.batches[0])
    expect(world.notes()).toEqual({ a: { id: 'a', n: 1 }, b: { id: 'b', n: 1 } })
  })

  it('A11 goes on in another engine where it was in doubt when the first one ended', async () => {
    wire.answer = async (send) => (await send()).map(lost)
    const engine = await atomic({ retry: { strategy: 'constant', baseMs: 3_600_000, capMs: 3_600_000 } })
    const handle = await transact(engine, create('a'), create('b'))
    await eventOf(engine, 'sync:retry')
    await engine.stop()
    wire.answer = (send) => send()
    const next = await atomic()
    for (const { id } of handle.operations) await next.operations.retry(id).catch(() => {})
    expect(await Promise.all(handle.operations.map(({ id }) => next.operations.handle(id).settled))).toEqual([
      { status: 'done' },
      { status: 'done' },
    ])
    expect(wire.batches.at(-1)).toEqual(wire.batches[0])
  })

  it('S9 waits until each of its operations is at the head of its lane, and holds up nothing else', async () => {
    const engine = await atomic({ retry: { strategy: 'constant', baseMs: 20 } })
    let holds = 3
    world.intercept(async ({ request }, send) => {
      if (request.path !== '/note' || !request.body?.includes('"b"')) return send()
      return holds-- > 0 ? { type: 'retry', error: new NetworkError('Not yet.') } : send()
    })
    const before = await engine.enqueue(create('b', { n: 0 }))
    const handle = await transact(engine, create('a'), update('b', { n: 5 }))
    const after = await engine.enqueue(update('a', { n: 7 }))
    const beside = await engine.enqueue(create('c'))
    expect(await beside.settled).toEqual({ status: 'done' })
    expect((await engine.explain(handle.operations[0]!.id)).waitingFor.join()).toContain('of the same transaction')
    expect(await handle.settled).toEqual({ status: 'done' })
    expect(await before.settled).toEqual({ status: 'done' })
    expect(await after.settled).toEqual({ status: 'done' })
    expect(world.notes()).toMatchObject({ a: { n: 7 }, b: { n: 5 }, c: { n: 1 } })
  })

  it('S9 falls with what one of its operations depends on', async () => {
    const engine = await atomic()
    engine.pause('test')
    const parent = await engine.enqueue(ghost)
    const handle = await transact(engine, create('a'), { ...create('b'), dependsOn: [parent.id] })
    engine.resume('test')
    expect(await statuses(handle)).toEqual(['rejected', 'rejected'])
    expect(await handle.operations[1]!.settled).toMatchObject({ error: { code: 'dependency-failed' } })
    expect(world.notes()).toEqual({})
  })

  it('S12 of an operation that met others’ changes it is merged, and the whole is sent anew under derived keys', async () => {
    const engine = await atomic()
    await settledAll(engine, [create('a', { n: 1, x: 1 })])
    await elsewhere(world, 'PATCH', '/note/a', { x: 2 })
    const handle = await transact(engine, create('b'), update('a', { n: 3 }))
    expect(await handle.settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({ a: { id: 'a', n: 3, x: 2 }, b: { id: 'b', n: 1 } })
    expect(wire.batches[1]?.map((line) => line.split(' ')[2])).toEqual(handle.operations.map(({ id }) => `${id}.1`))
  })

  it('S13 what the server has already is left out, be it the first of them', async () => {
    const engine = await atomic()
    await settledAll(engine, [create('a')])
    await elsewhere(world, 'DELETE', '/note/a')
    const handle = await transact(engine, remove('a'), create('b'))
    expect(await handle.settled).toEqual({ status: 'done' })
    expect(wire.batches.at(-1)?.map((line) => line.split(' ')[1])).toEqual(['/note'])
    expect(await seen(engine)).toEqual({ b: expect.objectContaining({ n: 1 }) as object })
  })

  it('S12 waits as a whole for a person, and goes on as a whole', async () => {
    const engine = await atomic({ entities: { note: { conflict: 'manual' } } })
    await settledAll(engine, [create('a', { n: 1 })])
    await elsewhere(world, 'PATCH', '/note/a', { n: 2 })
    const handle = await transact(engine, create('b'), update('a', { n: 3 }))
    await eventOf(engine, 'sync:parked')
    expect((await engine.operations.list()).map(({ status }) => status)).toEqual(['parked', 'parked'])
    const [conflict] = await engine.conflicts.list()
    await engine.conflicts.resolve(conflict!.id, 'local')
    expect(await handle.settled).toEqual({ status: 'done' })
    expect(world.notes()).toMatchObject({ a: { n: 3 }, b: { n: 1 } })
  })

  it('S22 looks at nothing more, and is sent no sooner, where the look at one of them was told to wait', async () => {
    const looks: string[] = []
    const busy: Fetched = { type: 'failed', retryAfterMs: 60_000, error: new RateLimitError('Slow down.', { status: 429 }) }
    const fetch = async (_: string, id: string): Promise<Fetched> => {
      looks.push(id)
      return id === 'a' ? { type: 'absent' } : busy
    }
    const engine = await atomic({ transport: { ...wire.transport, fetch } })
    await settledAll(engine, [create('a'), create('b'), create('c')])
    for (const id of ['a', 'b', 'c']) await elsewhere(world, 'PATCH', `/note/${id}`, { n: 5 })
    const before = Date.now()
    const { operations } = await transact(engine, update('a', { n: 2 }), update('b', { n: 2 }), update('c', { n: 2 }))
    await eventOf(engine, 'sync:retry')
    expect(looks).toEqual(['a', 'b'])
    const all = await Promise.all(operations.map(({ id }) => engine.operations.get(id)))
    for (const one of all) expect(one?.nextAttemptAt).toBeGreaterThanOrEqual(before + 60_000)
  })

  it('L5 waits for a person where the functions for several of its conflicts do not end', async () => {
    const engine = await atomic({ entities: { note: { conflict: () => new Promise(() => {}) } }, sendTimeoutMs: 300 })
    await settledAll(engine, [create('a', { n: 1 }), create('b', { n: 1 })])
    for (const id of ['a', 'b']) await elsewhere(world, 'PATCH', `/note/${id}`, { n: 2 })
    const { operations } = await transact(engine, update('a', { n: 3 }), update('b', { n: 3 }))
    await eventOf(engine, 'sync:parked')
    expect(await Promise.all(operations.map((one) => one.status()))).toEqual(['parked', 'parked'])
    expect(await engine.conflicts.list()).toMatchObject([{ entityId: 'a', strategy: 'function' }])
  })

  it('S12 S32 leaves no conflict in the inbox where another of its operations is retried', async () => {
    const engine = await atomic({ entities: { note: { conflict: 'manual' } } })
    await settledAll(engine, [create('a', { n: 1 })])
    await elsewhere(world, 'PATCH', '/note/a', { n: 2 })
    const handle = await transact(engine, create('b'), update('a', { n: 3 }))
    await eventOf(engine, 'sync:parked')
    engine.pause('test')
    await engine.operations.retry(handle.operations[0]!.id)
    expect(await engine.conflicts.list({ status: 'pending' })).toEqual([])
    expect(await engine.conflicts.list({ status: 'resolved' })).toMatchObject([{ resolution: 'local', strategy: 'transaction' }])
    expect(await engine.check()).toMatchObject({ total: 0 })
    expect(engine.metrics()).toMatchObject({ conflicts: 1, conflictsResolved: 1 })
  })

  it('B14 C4 A6 tells once that it failed, and that its conflict is settled, where another of its operations is discarded', async () => {
    const engine = await atomic({ entities: { note: { conflict: 'manual' } } })
    await settledAll(engine, [create('a', { n: 1 })])
    await elsewhere(world, 'PATCH', '/note/a', { n: 2 })
    const { id, operations } = await transact(engine, create('b'), update('a', { n: 3 }))
    await eventOf(engine, 'sync:parked')
    await engine.operations.discard(operations[0]!.id)
    const told = engine.history().filter(({ type }) => type === 'conflict:resolved' || type.startsWith('transaction:'))
    expect(told).toMatchObject([
      { type: 'conflict:resolved', operation: { id: operations[1]!.id }, conflict: { resolution: 'discarded' } },
      { type: 'transaction:failed', transaction: id },
    ])
    expect(engine.metrics()).toMatchObject({ conflicts: 1, conflictsResolved: 1 })
  })

  it('S12 asks anew of a conflict that nobody decided about where another of its operations was retried', async () => {
    const engine = await atomic({ entities: { note: { conflict: 'manual' } } })
    await settledAll(engine, [create('a', { n: 1 })])
    await elsewhere(world, 'DELETE', '/note/a')
    const handle = await transact(engine, create('b'), update('a', { n: 3 }))
    await eventOf(engine, 'conflict:detected')
    const [first] = await engine.conflicts.list({ status: 'pending' })
    await engine.operations.retry(handle.operations[0]!.id)
    await eventOf(engine, 'conflict:detected', (event) => 'operation' in event && event.operation?.attempts === 2)
    expect(await engine.conflicts.list({ status: 'pending' })).toMatchObject([
      { id: first!.id, operationId: handle.operations[1]!.id },
    ])
    expect(world.notes()).toEqual({})
    await engine.conflicts.resolve(first!.id, 'local')
    expect(await handle.settled).toEqual({ status: 'done' })
    expect(world.notes()).toMatchObject({ a: { n: 3 }, b: { n: 1 } })
  })

  it('E4 is discarded, retried and, once it is a dead letter, enqueued anew as a whole', async () => {
    const engine = await atomic()
    engine.pause('test')
    const first = await transact(engine, create('a'), create('b'))
    await engine.operations.discard(first.operations[1]!.id)
    expect(await statuses(first)).toEqual(['cancelled', 'cancelled'])
    expect(await seen(engine)).toEqual({})
    engine.resume('test')
    const second = await transact(engine, create('a'), ghost)
    await second.settled
    await elsewhere(world, 'POST', '/note', { id: 'ghost', n: 0 })
    const again = await engine.operations.retry(second.operations[0]!.id)
    expect(await again.settled).toEqual({ status: 'done' })
    expect(world.notes()).toMatchObject({ a: { n: 1 }, ghost: { n: 1 } })
    expect(await engine.operations.list({ status: 'rejected' })).toEqual([])
  })

  it('D5 E4 which was enqueued anew with an edit of one operation is not so with another: the error names what took its place', async () => {
    const engine = await atomic()
    const { settled, operations } = await transact(engine, create('a'), ghost)
    await settled
    await elsewhere(world, 'POST', '/note', { id: 'ghost', n: 0 })
    const edited = await engine.operations.edit(operations[0]!.id, { n: 2 })
    expect(await edited.settled).toEqual({ status: 'done' })
    await expect(engine.operations.retry(operations[0]!.id)).rejects.toMatchObject({
      name: 'SyncOperationError',
      code: 'not-possible',
      message: expect.stringContaining(edited.id),
    })
    expect(world.notes()).toMatchObject({ a: { n: 2 }, ghost: { n: 1 } })
  })

  it('B8 E4 is enqueued anew behind what was retried in the place of what it depends on', async () => {
    const engine = await atomic()
    const parent = await engine.enqueue(ghost)
    const first = await transact(engine, { ...create('a'), dependsOn: [parent.id] }, create('b'))
    expect(await first.settled).toMatchObject({ status: 'rejected' })
    await (
      await engine.operations.retry(parent.id)
    ).settled
    const parentAnew = await engine.operations.retry(parent.id)
    expect(await (await engine.operations.retry(first.operations[0]!.id)).settled).toMatchObject({ status: 'rejected' })
    expect(world.notes()).toEqual({})
    expect(await parentAnew.status()).toBe('rejected')
  })

  it.each([
    ['before it leaves', 'sending'],
    ['before the server is looked at', 'reconciling'],
  ])('S28 S6 one of which a part is lost %s is not sent without it', async (_, status) => {
    await elsewhere(world, 'POST', '/note', { id: 'a', n: 1 })
    await elsewhere(world, 'POST', '/note', { id: 'b', n: 1 })
    await elsewhere(world, 'PATCH', '/note/a', { n: 5 })
    const storage = world.storage()
    let isLeft = true
    const engine = await world.started({
      transport: wire.transport,
      storage: {
        ...storage,
        async commit(writes, options) {
          const keys = await storage.commit(writes, options)
          if (!isLeft || !records(writes, status)) return keys
          isLeft = false
          await storage.commit([{ type: 'delete', collection: 'operations', key: 2 }])
          return keys
        },
      },
    })
    const handle = await transact(engine, { ...update('a', { n: 2 }), baseVersion: '1' }, update('b', { n: 2 }))
    expect(await handle.operations[0]?.settled).toMatchObject({ error: { code: 'transaction-incomplete' } })
    expect(wire.batches).toHaveLength(status === 'sending' ? 0 : 1)
    expect(world.notes()).toMatchObject({ a: { n: 5 }, b: { n: 1 } })
  })

  it('S28 one of which a part is lost is not sent', async () => {
    const engine = await atomic()
    engine.pause('test')
    const handle = await transact(engine, create('a'), create('b'))
    const storage = world.storage()
    const [row] = await engine.operations.list()
    await engine.stop()
    await storage.open(STORE_SCHEMA)
    await storage.commit([{ type: 'delete', collection: 'operations', key: row!.sequence }])
    await storage.close()
    const next = await atomic()
    expect(await next.operations.handle(handle.operations[1]!.id).settled).toMatchObject({
      error: { code: 'transaction-incomplete' },
    })
    expect(world.notes()).toEqual({})
  })
})

describe('where the API has none', () => {
  it('B14 its operations are sent one by one, in their order', async () => {
    const engine = await oneByOne()
    const handle = await transact(engine, create('a'), create('b'), create('c'))
    expect(await handle.settled).toEqual({ status: 'done' })
    expect(world.attempts.map(({ context }) => context.idempotencyKey)).toEqual(handle.operations.map(({ id }) => id))
  })

  it('S31 S6 one of them can not be discarded while another is on its way: the error names that', async () => {
    const engine = await oneByOne({ retry: { strategy: 'constant', baseMs: 60_000 } })
    world.intercept(async () => lost())
    const { operations } = await transact(engine, create('a'), create('b'))
    const [first, second] = operations
    await eventOf(engine, 'sync:retry')
    const discarded = engine.operations.discard(second!.id)
    await expect(discarded).rejects.toMatchObject({ name: 'SyncOperationError', code: 'not-possible', operationId: second!.id })
    await expect(discarded).rejects.toThrow(`operation ${first!.id} (waiting) of the same transaction has been sent`)
    expect(await engine.operations.count('live')).toBe(2)
    world.intercept(undefined)
    await engine.operations.retry(first!.id)
    expect(await Promise.all(operations.map(async ({ settled }) => (await settled).status))).toEqual(['done', 'done'])
  })

  it('S31 S6 nor while another is claimed between two looks of the tab that discards it', async () => {
    const engine = await oneByOne()
    engine.pause('test')
    const { operations } = await transact(engine, create('a'), create('b'))
    let answer = (): void => {}
    const held = new Promise<void>((resolve) => (answer = resolve))
    world.intercept(async (_, send) => {
      await held
      return send()
    })
    const storage = world.storage()
    let isDiscarding = false
    const other = await oneByOne({
      storage: {
        ...storage,
        async getMany(collection, keys) {
          const found = await storage.getMany(collection, keys)
          if (!isDiscarding || collection !== OPERATIONS) return found
          isDiscarding = false
          const started = eventOf(engine, 'sync:started')
          engine.resume('test')
          await started
          return found
        },
      },
    })
    isDiscarding = true
    await expect(other.operations.discard(operations[1]!.id)).rejects.toMatchObject({ code: 'not-possible' })
    answer()
    expect(await Promise.all(operations.map(async ({ settled }) => (await settled).status))).toEqual(['done', 'done'])
  })

  it('S31 B14 S15 if one is refused, those after it are not sent and those before it are taken back, the last first', async () => {
    const engine = await oneByOne()
    await settledAll(engine, [create('a', { n: 1, x: 1 }), create('b', { n: 1 }), create('d', { n: 4 })])
    const lists: string[] = []
    const told = eventOf(engine, 'transaction:failed')
    engine
      .view('note')
      .watch()
      .subscribe((list) => lists.push(shown(list)))
    await expect.poll(() => lists).toEqual(['a1,b1,d4'])
    const inputs = [update('a', { n: 2, y: 1, x: null }), remove('b'), create('c'), ghost, update('d', { n: 5 })]
    const handle = await transact(engine, ...inputs)
    expect(await statuses(handle)).toEqual(['done', 'done', 'done', 'rejected', 'rejected'])
    expect(await handle.settled).toMatchObject({ status: 'rejected', error: { status: 404 } })
    await engine.flush()
    expect(world.notes()).toEqual({ a: { id: 'a', n: 1, x: 1 }, b: { id: 'b', n: 1 }, d: { id: 'd', n: 4 } })
    expect(await seen(engine)).toMatchObject({ a: { n: 1, x: 1 }, b: { n: 1 }, d: { n: 4 } })
    const undone = world.attempts.slice(-3).map(({ request, context }) => [request.method, context.idempotencyKey])
    const [a, b, c] = handle.operations.map(({ id }) => `${id}.undo`)
    expect(new Set(undone.map((one) => one.join(' ')))).toEqual(new Set([`DELETE ${c}`, `PATCH ${a}`, `POST ${b}`]))
    expect(await told).toMatchObject({ transaction: handle.id })
    // From one commit to the next: there is no instant at which only a part is back.
    expect(new Set(lists)).toEqual(new Set(['a1,b1,d4', 'a2,d5,c1', 'a1,d4,b1']))
  })

  it.each([{ n: 1 }, { n: 2 }])(
    'B14 S12 takes back what it has made of what others had made before it, and no more (%j)',
    async (content) => {
      const engine = await oneByOne()
      const theirs = { id: 'a', by: 'them', ...content }
      await elsewhere(world, 'POST', '/note', theirs)
      const handle = await transact(engine, create('a', { n: 1, ours: true }), create('b'), ghost)
      expect(await statuses(handle)).toEqual(['done', 'done', 'rejected'])
      await engine.flush()
      expect(world.notes()).toEqual({ a: theirs })
    },
  )

  it('B14 S12 does not delete what others had made where a first try was lost on its way, and the next met that (seed 96)', async () => {
    const engine = await oneByOne()
    const theirs = { id: 'a', n: 2, by: 'them' }
    await elsewhere(world, 'POST', '/note', theirs)
    world.intercept(async (_, send, count) => (count === 1 ? lost() : send()))
    const handle = await transact(engine, create('a', { n: 1 }), create('b'), ghost)
    expect(await statuses(handle)).toEqual(['done', 'done', 'rejected'])
    await engine.flush()
    expect(world.notes()).toEqual({ a: theirs })
  })

  it('B14 S12 leaves what was there already where that is all that it wanted', async () => {
    const engine = await oneByOne()
    const theirs = { id: 'a', n: 1, by: 'them' }
    await elsewhere(world, 'POST', '/note', theirs)
    const handle = await transact(engine, create('a', { n: 1 }), ghost)
    expect(await statuses(handle)).toEqual(['done', 'rejected'])
    await engine.flush()
    expect(world.notes()).toEqual({ a: theirs })
    expect(engine.history().map(({ type }) => type)).not.toContain('transaction:left')
  })

  it.each([
    { conflict: 'merge', member: update('a', { n: 2, x: 2 }) },
    { conflict: 'localWins', member: update('a', { n: 2, x: 2 }) },
    { conflict: 'localWins', member: { ...create('a', { n: 2 }), type: 'replace' } },
    { conflict: 'localWins', member: remove('a') },
  ] as const)(
    'B14 S12 sets back to what others had made of it meanwhile, where that was overwritten: $conflict',
    async (given) => {
      const engine = await oneByOne({ entities: { note: { conflict: given.conflict } } })
      await settledAll(engine, [create('a', { n: 1, x: 1, y: 1 })])
      await elsewhere(world, 'PATCH', '/note/a', { n: 5, y: 5 })
      const handle = await transact(engine, given.member, ghost)
      expect(await statuses(handle)).toEqual(['done', 'rejected'])
      await engine.flush()
      expect(world.notes()).toEqual({ a: { id: 'a', n: 5, x: 1, y: 5 } })
    },
  )

  it('B14 S6 S12 sets back what a try that was lost had made, too, where the next met what others have made since', async () => {
    const engine = await oneByOne({ retry: { strategy: 'constant', baseMs: 60_000 } })
    await settledAll(engine, [create('a', { n: 1, x: 1 })])
    world.intercept(async ({ request }, send, count) => {
      if (request.path !== '/note/a') return send()
      if (count > 2)
        return world.attempts.length === 3 ? { type: 'conflict', reason: 'stale', error: new ConflictError('Stale.') } : send()
      await send()
      await elsewhere(world, 'PATCH', '/note/a', { n: 5 })
      return lost()
    })
    const put = eventOf(engine, 'sync:retry')
    const handle = await transact(engine, update('a', { n: 2, x: 2 }), ghost)
    await put
    await engine.operations.retry(handle.operations[0]!.id)
    expect(await statuses(handle)).toEqual(['done', 'rejected'])
    await engine.flush()
    expect(world.notes()).toEqual({ a: { id: 'a', n: 5, x: 1 } })
  })

  it.each(['edit', 'value'] as const)(
    'B14 S12 sets back what it was changed to by a person who decided on its conflict: %s',
    async (by) => {
      const engine = await oneByOne({ entities: { note: { conflict: 'manual' } } })
      await settledAll(engine, [create('a', { n: 1, x: 1 })])
      await elsewhere(world, 'PATCH', '/note/a', { n: 5 })
      const found = eventOf(engine, 'conflict:detected')
      const handle = await transact(engine, update('a', { n: 2 }), ghost)
      await found
      const [conflict] = await engine.conflicts.list()
      if (by === 'edit') await engine.operations.edit(handle.operations[0]!.id, { x: 9 })
      else await engine.conflicts.resolve(conflict!.id, { value: { n: 5, x: 9 } })
      expect(await statuses(handle)).toEqual(['done', 'rejected'])
      await engine.flush()
      expect(world.notes()).toEqual({ a: { id: 'a', n: 5, x: 1 } })
    },
  )

  it('B14 sets back what it was edited to after it had been put off', async () => {
    const engine = await oneByOne({ retry: { strategy: 'constant', baseMs: 60_000 } })
    await settledAll(engine, [create('a', { n: 1, x: 1 })])
    world.intercept(async (_, send, count) => (count === 2 ? { type: 'retry', error: new NetworkError('Not now.') } : send()))
    const putOff = eventOf(engine, 'sync:retry')
    const handle = await transact(engine, update('a', { n: 2 }), ghost)
    await putOff
    await engine.operations.edit(handle.operations[0]!.id, { x: 9 })
    expect(await statuses(handle)).toEqual(['done', 'rejected'])
    await engine.flush()
    expect(world.notes()).toEqual({ a: { id: 'a', n: 1, x: 1 } })
  })

  it('B14 E4 takes back what the application says also where it is tried anew', async () => {
    const engine = await oneByOne()
    const undo = { type: 'update', payload: { cancelled: true } }
    const handle = await transact(engine, { ...create('b'), undo }, ghost)
    expect(await statuses(handle)).toEqual(['done', 'rejected'])
    await engine.flush()
    await elsewhere(world, 'DELETE', '/note/b')
    const again = await engine.operations.retry(handle.operations[1]!.id)
    expect(await again.settled).toMatchObject({ status: 'rejected' })
    await engine.flush()
    expect(world.notes()).toEqual({ b: { id: 'b', n: 1, cancelled: true } })
  })

  it('S31 B14 E4 is enqueued anew as a whole, however long ago a part of it was done', async () => {
    const retention = { completedMs: 0, completedCount: 0 }
    const engine = await oneByOne({ retention })
    const handle = await transact(engine, create('a'), ghost)
    expect(await statuses(handle)).toEqual(['done', 'rejected'])
    await engine.flush()
    await engine.stop()
    const next = await oneByOne({ retention })
    const isUndo = ({ idempotencyKey }: { idempotencyKey: string }): boolean => idempotencyKey.endsWith('.undo')
    await expect.poll(async () => (await rowsOf(world.storage())).some(isUndo)).toBe(false)
    await elsewhere(world, 'POST', '/note', { id: 'ghost' })
    const again = await next.operations.retry(handle.operations[1]!.id)
    expect(await again.settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({ a: { id: 'a', n: 1 }, ghost: { id: 'ghost', n: 1 } })
    expect((await next.operations.retry(handle.operations[1]!.id)).id).toBe(again.id)
  })

  it('S31 B14 E4 is not enqueued anew where a part of it is lost', async () => {
    const engine = await oneByOne()
    const handle = await transact(engine, create('a'), ghost)
    const [done] = await Promise.all(handle.operations.map(({ id }) => engine.operations.get(id)))
    await handle.settled
    await engine.flush()
    await engine.stop()
    const storage = world.storage()
    await storage.open(STORE_SCHEMA)
    await storage.commit([{ type: 'delete', collection: OPERATIONS, key: done!.sequence }])
    await storage.close()
    const next = await oneByOne()
    const before = await rowsOf(world.storage())
    const { id } = handle.operations[1]!
    await expect(next.operations.retry(id)).rejects.toMatchObject({ code: 'transaction-incomplete' })
    await expect(next.operations.edit(id, { n: 2 })).rejects.toMatchObject({ code: 'transaction-incomplete' })
    expect(await rowsOf(world.storage())).toEqual(before)
  })

  it('B14 takes back what the application says, and tells of what it can not', async () => {
    const engine = await oneByOne()
    await settledAll(engine, [create('a')])
    world.intercept(async ({ request }, send) => (request.path.endsWith('/ring') ? { type: 'applied' } : send()))
    const left = eventOf(engine, 'transaction:left')
    const handle = await transact(
      engine,
      { ...create('b'), undo: { type: 'update', payload: { cancelled: true } } },
      { type: 'ring', entity: 'note', id: 'a' },
      ghost,
    )
    await handle.settled
    await engine.flush()
    expect(world.notes()['b']).toEqual({ id: 'b', n: 1, cancelled: true })
    expect(await left).toMatchObject({ operation: { id: handle.operations[1]!.id } })
    await expect(transact(engine, { ...create('x'), undo: { type: '!' } })).rejects.toThrow('[0].undo')
  })

  it('B14 S8 discarding what waits takes back what was done, from any tab', async () => {
    const engine = await oneByOne()
    world.intercept(async ({ request }, send) =>
      request.path === '/note/ghost' ? { type: 'retry', error: new NetworkError('Not yet.'), retryAfterMs: 3_600_000 } : send(),
    )
    const handle = await transact(engine, create('a'), ghost, create('c'))
    await eventOf(engine, 'sync:retry')
    const other = await oneByOne()
    await other.operations.discard(handle.operations[1]!.id)
    expect(await statuses(handle)).toEqual(['done', 'cancelled', 'cancelled'])
    await expect.poll(() => world.notes()).toEqual({})
    await expect.poll(() => engine.operations.count('live')).toBe(0)
    expect(other.history().filter(({ type }) => type.startsWith('transaction:'))).toMatchObject([
      { type: 'transaction:failed', transaction: handle.id },
    ])
  })

  it('B14 F8 each waits for those before it, and explain names no others', async () => {
    const engine = await oneByOne()
    world.intercept(async () => ({ type: 'retry', error: new NetworkError('Not yet.'), retryAfterMs: 3_600_000 }))
    const { operations } = await transact(engine, create('a'), create('b'), create('c'))
    await eventOf(engine, 'sync:retry')
    const { waitingFor } = await engine.explain(operations[1]!.id)
    expect(waitingFor).toEqual([`operation ${operations[0]!.id} (waiting) of the same transaction`])
  })

  it('B14 discarding what waits tells of what was done and can not be taken back', async () => {
    const engine = await oneByOne()
    await settledAll(engine, [create('a')])
    world.intercept(async ({ request }) =>
      request.path.endsWith('/ring')
        ? { type: 'applied' }
        : { type: 'retry', error: new NetworkError('Not yet.'), retryAfterMs: 3_600_000 },
    )
    const { operations } = await transact(engine, { type: 'ring', entity: 'note', id: 'a' }, ghost)
    await eventOf(engine, 'sync:retry')
    await engine.operations.discard(operations[1]!.id)
    expect(await eventOf(engine, 'transaction:left')).toMatchObject({ operation: { id: operations[0]!.id } })
  })

  it('B14 S7 tells of each end once, and of what is left, where the answer to a commit is lost', async () => {
    const storage = faultyStorage(world.storage())
    const engine = await oneByOne({ storage })
    await settledAll(engine, [create('a')])
    world.intercept(async ({ request }, send) => (request.path.endsWith('/ring') ? { type: 'applied' } : send()))
    const ends: string[] = []
    for (const end of ['sync:completed', 'sync:failed'] as const)
      engine.on(end, ({ operation }) => void ends.push(operation.entityId))
    let isLeft = true
    storage.loseAnswers((writes) => {
      if (!isLeft || !records(writes, 'rejected')) return undefined
      isLeft = false
      return new StorageUnavailableError('It was written all the same.')
    })
    const { settled } = await transact(engine, create('b'), { type: 'ring', entity: 'note', id: 'a' }, ghost, create('c'))
    expect(await settled).toMatchObject({ status: 'rejected' })
    await eventOf(engine, 'transaction:left')
    await expect.poll(() => engine.operations.count('live')).toBe(0)
    expect(ends).toEqual(['b', 'a', 'ghost', 'c', 'b'])
    expect(engine.history().filter(({ type }) => type === 'transaction:failed')).toHaveLength(1)
  })

  it('S23 a server that turns out to have no such endpoint is sent them one by one', async () => {
    const none: Outcome = { type: 'retry', error: new SyncError('batch-unsupported', 'There is none.') }
    wire.answer = async () => [none, none]
    const engine = await atomic()
    const handle = await transact(engine, create('a'), create('b'))
    expect(await handle.settled).toEqual({ status: 'done' })
    expect(wire.batches).toHaveLength(1)
    expect(world.attempts).toHaveLength(2)
    expect((await transact(engine, create('c'), create('d'))).operations).toHaveLength(2)
    expect(wire.batches).toHaveLength(1)
  })

  it('A11 what is done is kept until the whole has ended, however short the retention', async () => {
    const engine = await oneByOne({ retention: { completedMs: 0, completedCount: 0 } })
    let holds = true
    world.intercept(async ({ request }, send) =>
      holds && request.path === '/note/ghost' ? { type: 'retry', error: new NetworkError('Not yet.') } : send(),
    )
    const handle = await transact(engine, create('a'), ghost)
    await eventOf(engine, 'sync:retry')
    await engine.stop()
    const next = await oneByOne({ retention: { completedMs: 0, completedCount: 0 } })
    await eventOf(next, 'sync:retry')
    expect(await next.operations.get(handle.operations[0]!.id)).toMatchObject({ status: 'done' })
    holds = false
    await next.operations.retry(handle.operations[1]!.id)
    await expect.poll(() => world.notes()).toEqual({})
  })
})
