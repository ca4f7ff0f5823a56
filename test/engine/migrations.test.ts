import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ENTITIES, isRecord, STORE_SCHEMA } from '../../src/core/schema.ts'
import {
  NetworkError,
  StorageUnavailableError,
  type EngineOptions,
  type EnqueueInput,
  type EntityOptions,
  type Json,
  type JsonObject,
  type SyncEngine,
  type Transport,
  type Write,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { faultyStorage } from '../support/faulty-storage.ts'
import { elsewhere } from '../support/other-client.ts'
import { rowsOf } from '../support/rows.ts'
import { sqlOn } from '../support/sql.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (id: string, payload: JsonObject = { title: id }): EnqueueInput => ({
  type: 'create',
  entity: 'note',
  id,
  payload,
})
const update = (id: string, payload: JsonObject): EnqueueInput => ({ type: 'update', entity: 'note', id, payload })

/** Version 2 calls `name` what was `title`. */
function renamed(payload: Json): JsonObject {
  const { title, ...rest } = payload as JsonObject
  return title === undefined ? rest : { ...rest, name: title }
}

const RENAMING = { payload: renamed, value: renamed }

/** The options of the application of version 2. */
function second(migration: NonNullable<EntityOptions['migrations']>[number] = RENAMING): Partial<EngineOptions> {
  return { entities: { note: { version: 2, migrations: { 2: migration } } } }
}

const failing = (): never => {
  throw new Error('out of order')
}

/** Stored by version 1, never sent. */
async function left(inputs: readonly EnqueueInput[], options: Partial<EngineOptions> = {}): Promise<readonly string[]> {
  const engine = await world.started(options)
  engine.pause('test')
  const operations = await engine.enqueueAll(inputs)
  await engine.stop()
  return operations.map(({ id }) => id)
}

/** Pulled by version 1. */
async function pulled(notes: readonly JsonObject[]): Promise<void> {
  for (const note of notes) await elsewhere(world, 'POST', '/note', note)
  const engine = await world.started()
  await engine.synchronize()
  await engine.stop()
}

async function paused(options: Partial<EngineOptions>): Promise<SyncEngine> {
  const engine = world.engine(options)
  engine.pause('test')
  await engine.start()
  engine.pause('test')
  return engine
}

async function storedEntities(): Promise<readonly JsonObject[]> {
  const storage = world.storage()
  await storage.open(STORE_SCHEMA)
  const entries = await storage.scan(ENTITIES, { limit: 1_000 })
  await storage.close()
  return entries.map(({ value }) => value as JsonObject)
}

const bodies = (): readonly (string | null)[] => world.attempts.map(({ request }) => request.body)

describe('an operation that an older build has stored', () => {
  it('S27 is shown and sent in the shape of this one', async () => {
    await left([create('a', { title: 'Hi' }), update('b', { title: 'Ho' })])
    const engine = await paused(second())
    expect(await engine.view('note').get('a')).toMatchObject({ value: { id: 'a', name: 'Hi' }, status: 'pending' })
    engine.resume('test')
    await engine.flush()
    expect(world.notes()).toEqual({ a: { id: 'a', name: 'Hi' } })
    expect(bodies()).toContain('{"name":"Ho"}')
  })

  it('S27 goes through all versions in between, one after the other', async () => {
    await left([create('a', { n: 1 })])
    const add = (digit: number) => ({ payload: (payload: Json) => ({ n: Number((payload as JsonObject)['n']) * 10 + digit }) })
    const engine = await world.started({ entities: { note: { version: 4, migrations: { 2: add(2), 3: {}, 4: add(4) } } } })
    await engine.flush()
    expect(world.notes()).toEqual({ a: { id: 'a', n: 124 } })
  })

  it('S5 S27 is sent byte for byte as it was, if it was ever sent, and shown in the new shape meanwhile', async () => {
    world.intercept(async (_, send) => {
      await send()
      return { type: 'unknown', error: new NetworkError('lost') }
    })
    const first = await world.started({ retry: { strategy: 'constant', baseMs: 60_000 } })
    const { id } = await first.enqueue(create('a', { title: 'Hi' }))
    await eventOf(first, 'sync:retry')
    await first.stop()
    const engine = await paused(second())
    expect(await engine.view('note').get('a')).toMatchObject({ value: { name: 'Hi' } })
    world.intercept(undefined)
    engine.resume('test')
    await engine.operations.retry(id)
    expect(await engine.operations.handle(id).settled).toEqual({ status: 'done' })
    const [one, other] = world.attempts
    expect(other!.request).toEqual(one!.request)
    expect(other!.context.idempotencyKey).toBe(one!.context.idempotencyKey)
    expect(world.notes()).toEqual({ a: { id: 'a', title: 'Hi' } })
  })

  it('S5 S27 is sent byte for byte also if its payload can not be brought to the new shape', async () => {
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('lost') }))
    const first = await world.started({ retry: { strategy: 'constant', baseMs: 1 } })
    const { id } = await first.enqueue(create('a', { title: 'Hi' }))
    await eventOf(first, 'sync:retry')
    await first.stop()
    world.intercept(undefined)
    const engine = await world.started(second({ payload: failing }))
    expect(await engine.operations.handle(id).settled).toEqual({ status: 'done' })
    expect(new Set(bodies()).size).toBe(1)
  })

  it('S12 S27 waits for a person where it is refused as it was sent, and its payload can not be brought to the new shape', async () => {
    await pulled([{ id: 'a', title: 'one' }])
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('The answer is lost.') }))
    const first = await world.started()
    const { id } = await first.enqueue(update('a', { title: 'ours' }))
    await eventOf(first, 'sync:retry')
    await first.stop()
    world.intercept(undefined)
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
    const engine = await world.started(second({ payload: failing }))
    await eventOf(engine, 'sync:parked')
    expect(await engine.operations.get(id)).toMatchObject({ status: 'parked', lastError: { code: 'migration-failed' } })
    expect(world.notes()).toEqual({ a: { id: 'a', title: 'theirs' } })
    expect(new Set(bodies()).size).toBe(1)
  })

  it('S27 keeps the key that the application chose for the same content', async () => {
    const input = { ...create('a', { title: 'Hi' }), idempotencyKey: 'import-1' }
    const [id] = await left([input])
    const engine = await paused(second())
    expect((await engine.enqueue({ ...input, payload: { name: 'Hi' } })).id).toBe(id)
    await expect(engine.enqueue({ ...input, payload: { name: 'Ho' } })).rejects.toMatchObject({ code: 'idempotency-key-reused' })
  })

  it('S12 S27 that waits for a decision is shown and decided in the new shape', async () => {
    await pulled([{ id: 'a', title: 'one', n: 1 }])
    await elsewhere(world, 'PATCH', '/note/a', { n: 2 })
    const first = await world.started({ entities: { note: { conflict: 'manual' } } })
    await first.enqueue(update('a', { n: 3 }))
    await eventOf(first, 'sync:parked')
    await first.stop()
    const grown = (payload: Json): JsonObject => {
      const { n, ...rest } = renamed(payload)
      return { ...rest, count: n ?? null }
    }
    const migrations = { 2: { payload: grown, value: grown } }
    const engine = await paused({ entities: { note: { conflict: 'manual', version: 2, migrations } } })
    const [conflict] = await engine.conflicts.list()
    expect(conflict).toMatchObject({ payload: { count: 3 }, remote: { id: 'a', name: 'one', count: 2 } })
    await elsewhere(world, 'PUT', '/note/a', { name: 'one', count: 2 })
    engine.resume('test')
    await engine.conflicts.resolve(conflict!.id, { value: { name: 'one', count: 4 } })
    await engine.flush()
    const [again] = await engine.conflicts.list()
    if (again !== undefined) await engine.conflicts.resolve(again.id, { value: { name: 'one', count: 4 } })
    await engine.flush()
    expect(world.notes()).toEqual({ a: { id: 'a', name: 'one', count: 4 } })
  })

  it('S27 B13 was in conflict, and is repaired while it can not be brought to the new shape: a migration that was mended brings it there', async () => {
    await pulled([{ id: 'a', title: 'one' }])
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
    const first = await world.started({ entities: { note: { conflict: 'localWins' } } })
    await (
      await first.enqueue(update('a', { title: 'ours' }))
    ).settled
    await first.stop()
    await sqlOn(world.path, 'UPDATE conflicts SET since = NULL')
    const broken = await world.started(second({ payload: failing, value: failing }))
    expect(await broken.check({ repair: true })).toMatchObject({ mended: 1 })
    expect(await broken.conflicts.history()).toMatchObject([{ payload: { title: 'ours' }, remote: { title: 'theirs' } }])
    await broken.stop()
    const engine = await world.started(second())
    expect(await engine.conflicts.history()).toMatchObject([{ payload: { name: 'ours' }, remote: { name: 'theirs' } }])
  })

  it('S27 is merged with what this build enqueues', async () => {
    await left([create('a', { title: 'Hi' })])
    const engine = await paused(second())
    await engine.enqueue(update('a', { name: 'Ho' }))
    engine.resume('test')
    await engine.flush()
    expect(bodies()).toEqual(['{"name":"Ho","id":"a"}'])
  })
})

const deep = (): Json => Array.from({ length: 40 }).reduce<Json>((inner) => [inner], 1)
const later = async (): Promise<never> => {
  throw new Error('too late')
}

describe('an operation that can not be brought to the new shape', () => {
  it.each<[string, () => unknown]>([
    ['throws', failing],
    ['throws what is no error', () => Promise.reject.call(undefined as never, 0)],
    ['is asynchronous and fails', later],
    ['returns nothing', () => undefined],
    ['returns no object', () => 'text'],
    ['returns a function', () => ({ name: () => 1 })],
    ['returns what could reach a prototype', () => JSON.parse('{"__proto__":{"polluted":true}}') as unknown],
    ['returns too much', () => ({ name: 'x'.repeat(300_000) })],
    ['returns what is too deep', () => ({ name: deep() })],
  ])('S27 S28 S29 is parked where the migration %s, with what it held, and no other waits for it', async (_, payload) => {
    const [id] = await left([create('a', { title: 'Hi' }), update('a', { title: 'Ho' }), create('b', { ok: true })])
    const only = (json: Json): Json => ('ok' in (json as JsonObject) ? json : (payload() as Json))
    const engine = await world.started(second({ payload: only }))
    await engine.flush()
    expect(await engine.operations.get(id!)).toMatchObject({
      status: 'parked',
      payload: { title: 'Hi' },
      ofVersion: 1,
      lastError: { code: 'migration-failed' },
    })
    expect((await engine.explain(id)).summary).toContain('Mend the migration and retry it, or edit or discard it')
    expect(await engine.view('note').get('a')).toBeUndefined()
    expect(world.notes()).toEqual({ b: { id: 'b', ok: true } })
    expect('polluted' in {}).toBe(false)
    expect((await rowsOf(world.storage()))[0]).toMatchObject({ payload: { title: 'Hi' }, status: 'parked' })
  })

  it('S27 is parked where no migration leads from the version that it is of, and the error says which is missing', async () => {
    const [id] = await left([create('a', { title: 'Hi' })])
    const engine = await world.started({ entities: { note: { version: 3, migrations: { 3: {} } } } })
    await engine.flush()
    const { lastError } = (await engine.operations.get(id!))!
    expect(lastError).toMatchObject({ code: 'migration-failed' })
    expect(lastError!.message).toContain('The migration to version 2 failed: there is none from version 1')
  })

  it.each<[string, () => unknown]>([
    ['returns no object', () => 'text'],
    [
      'throws what is no error',
      () => {
        // oxlint-disable-next-line only-throw-error
        throw 'broken'
      },
    ],
  ])(
    'S27 what is stored of an entity is not shown where its migration %s, until the server is asked for it',
    async (_, value) => {
      const first = await world.started()
      await (
        await first.enqueue(create('a', { title: 'Hi' }))
      ).settled
      await first.synchronize()
      await first.stop()
      const engine = await world.started(second({ value: value as () => JsonObject }))
      const told = await eventOf(engine, 'pull:quarantined')
      expect(told).toMatchObject({ entity: 'note', id: 'a', error: { code: 'migration-failed' } })
      await engine.synchronize()
      await expect.poll(() => engine.view('note').get('a')).toMatchObject({ value: { title: 'Hi' }, status: 'synced' })
    },
  )

  it('S27 goes on as soon as a build with a better migration retries it', async () => {
    const [id] = await left([create('a', { title: 'Hi' })])
    const broken = await world.started(second({ payload: failing }))
    await broken.flush()
    await broken.operations.retry(id!)
    await broken.flush()
    expect(await broken.operations.get(id!)).toMatchObject({ status: 'parked' })
    await broken.stop()
    const engine = await world.started(second())
    expect(await engine.view('note').get('a')).toMatchObject({ value: { name: 'Hi' } })
    await engine.operations.retry(id!)
    expect(await engine.operations.handle(id!).settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({ a: { id: 'a', name: 'Hi' } })
  })

  it('S27 is sent with what a person makes of it', async () => {
    const [id] = await left([create('a', { title: 'Hi' })])
    const engine = await world.started(second({ payload: failing }))
    await engine.flush()
    await engine.operations.edit(id!, { name: 'Ho' })
    expect(await engine.operations.handle(id!).settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({ a: { id: 'a', name: 'Ho' } })
  })

  it('S12 S27 is sent as a person decides its conflict', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'theirs', body: 'theirs' })
    const first = await world.started({ entities: { note: { conflict: 'manual' } } })
    const { id } = await first.enqueue(create('a', { title: 'ours' }))
    await eventOf(first, 'sync:parked')
    await first.stop()
    const engine = await world.started({
      entities: { note: { conflict: 'manual', version: 2, migrations: { 2: { payload: failing } } } },
    })
    const [conflict] = await engine.conflicts.list()
    await engine.conflicts.resolve(conflict!.id, { value: { title: 'both' } })
    expect(await engine.operations.handle(id).settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({ a: { id: 'a', title: 'both' } })
  })

  it('S27 E4 is tried anew with what a person makes of it, and not with nothing, where the server had refused it', async () => {
    const first = await world.started()
    const refused = await first.enqueue({ type: 'ring', entity: 'note', id: 'a', payload: { title: 'loud' } })
    expect(await refused.settled).toMatchObject({ status: 'rejected' })
    await first.stop()
    const engine = await world.started(second({ payload: failing }))
    await expect(engine.operations.retry(refused.id)).rejects.toMatchObject({ code: 'migration-failed' })
    expect(await engine.operations.list({ status: 'rejected' })).toMatchObject([{ id: refused.id }])
    const edited = await engine.operations.edit(refused.id, { name: 'loud' })
    expect(await engine.operations.get(edited.id)).toMatchObject({ payload: { name: 'loud' } })
  })

  it('S27 is given up by a person, and keeps what it held', async () => {
    const [id] = await left([create('a', { title: 'Hi' })])
    const engine = await world.started(second({ payload: failing }))
    await engine.flush()
    await engine.operations.discard(id!)
    expect(await engine.operations.get(id!)).toMatchObject({ status: 'cancelled', payload: { title: 'Hi' } })
  })

  it('S9 S27 falls with what it depends on', async () => {
    const first = await world.started()
    first.pause('test')
    const parent = await first.enqueue(update('nothing', { n: 1 }))
    const child = await first.enqueue({ ...create('a', { bad: true }), dependsOn: [parent.id] })
    await first.stop()
    const payload = (json: Json): Json => ('bad' in (json as JsonObject) ? failing() : json)
    const engine = await world.started(second({ payload }))
    expect(await engine.operations.handle(child.id).settled).toMatchObject({
      status: 'rejected',
      error: { code: 'dependency-failed' },
    })
    expect((await rowsOf(world.storage())).find(({ id }) => id === child.id)).toMatchObject({ payload: { bad: true } })
    expect(world.notes()).toEqual({})
  })

  it('S9 S27 waits for what it names once a person has seen to it', async () => {
    const [id] = await left([create('a', { title: 'Hi' })])
    const entities = {
      note: { version: 2, migrations: { 2: { payload: failing, value: renamed } }, references: { parent: 'note' } },
    }
    const engine = await world.started({ entities })
    await engine.flush()
    world.intercept(async () => {
      throw new NetworkError('down')
    })
    const parent = await engine.enqueue(create('x', { name: 'x' }))
    await engine.operations.edit(id!, { name: 'Ho', parent: 'x' })
    await engine.flush()
    expect((await engine.explain(id)).waitingFor.join()).toContain(parent.id)
    expect(world.notes()).toEqual({})
    world.intercept(undefined)
    await engine.operations.retry(parent.id)
    expect(await engine.operations.handle(id!).settled).toEqual({ status: 'done' })
  })

  it('S27 S31 holds its whole transaction, which goes on with it', async () => {
    const first = await world.started()
    first.pause('test')
    const { operations } = await first.transaction((tx) => {
      tx.enqueue(create('a', { title: 'Hi' }))
      tx.enqueue(create('b', { bad: true }))
    })
    await first.stop()
    const payload = (json: Json): Json => ('bad' in (json as JsonObject) ? failing() : renamed(json))
    const engine = await world.started(second({ payload }))
    await engine.flush()
    expect(world.notes()).toEqual({})
    expect((await engine.operations.list()).map(({ status }) => status)).toEqual(['parked', 'parked'])
    await engine.operations.edit(operations[1]!.id, { bad: false })
    for (const { id, status } of await engine.operations.list()) if (status === 'parked') await engine.operations.retry(id)
    await Promise.all(operations.map(({ id }) => engine.operations.handle(id).settled))
    expect(world.notes()).toEqual({ a: { id: 'a', name: 'Hi' }, b: { id: 'b', bad: false } })
  })

  it('S9 S16 S27 is not merged with those behind it', async () => {
    await left([create('a', { title: 'Hi' }), update('a', { n: 1 }), update('a', { title: 'Ho' })])
    const payload = (json: Json): Json => ('title' in (json as JsonObject) ? failing() : json)
    const engine = await world.started(second({ payload }))
    await engine.flush()
    expect((await engine.operations.list()).map(({ status }) => status)).toEqual(['parked', 'queued', 'queued'])
    expect(world.attempts).toEqual([])
  })
})

describe('what an older build has stored of an entity', () => {
  it('S27 is shown in the shape of this one, and stored so in a quiet moment', async () => {
    await pulled([{ id: 'a', title: 'one' }])
    const engine = await paused(second())
    expect(await engine.view('note').get('a')).toMatchObject({ value: { id: 'a', name: 'one' }, status: 'synced' })
    engine.resume('test')
    await engine.flush()
    await expect.poll(storedEntities).toMatchObject([{ value: { id: 'a', name: 'one' }, shape: 2 }])
    await engine.stop()
    const third = await world.started({ entities: { note: { version: 3, migrations: { 3: {} } } } })
    expect(await third.view('note').get('a')).toMatchObject({ value: { id: 'a', name: 'one' } })
  })

  it('S12 S27 is what a change of this build is compared with', async () => {
    await pulled([{ id: 'a', title: 'one', n: 1 }])
    await elsewhere(world, 'PUT', '/note/a', { name: 'one', n: 2 })
    const engine = await world.started({ entities: { note: { ...second().entities!['note'], conflict: 'manual' } } })
    const { settled } = await engine.enqueue(update('a', { name: 'two' }))
    expect(await settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({ a: { id: 'a', name: 'two', n: 2 } })
  })

  it('S27 is asked for alone where it can not be brought there, and others are as they were', async () => {
    await pulled([
      { id: 'a', title: 'one' },
      { id: 'b', title: 'two' },
    ])
    const value = (json: JsonObject): JsonObject => (json['id'] === 'a' ? failing() : renamed(json))
    const engine = await world.started(second({ ...RENAMING, value }))
    const told = eventOf(engine, 'pull:quarantined')
    expect(await engine.view('note').list()).toMatchObject([{ value: { id: 'b', name: 'two' } }])
    await engine.flush()
    expect(await told).toMatchObject({ entity: 'note', id: 'a', error: { code: 'migration-failed' } })
    expect(await storedEntities()).toMatchObject([{ value: { id: 'a', title: 'one' } }, {}])
    await expect
      .poll(async () => {
        await engine.synchronize()
        return (await engine.view('note').list()).map((one) => one.value)
      })
      .toMatchObject([
        { id: 'b', name: 'two' },
        { id: 'a', title: 'one' },
      ])
  })
})

describe('what can not be brought to the new shape while a page is under way', () => {
  const asks = (write: Write): boolean =>
    write.type === 'put' && isRecord(write.value) && write.value['quarantined'] !== undefined

  it('S18 S27 is asked for by the next owner, where that page has lost that it is to be', async () => {
    await pulled([{ id: 'a', title: 'one' }])
    await elsewhere(world, 'POST', '/note', { id: 'b', title: 'two' })
    const value = (json: JsonObject): JsonObject => (json['id'] === 'a' ? failing() : renamed(json))
    const real = httpTransport({ baseURL: world.url })
    let isAsked = false
    let answerNow = (): void => {}
    const answered = new Promise<void>((resolve) => (answerNow = resolve))
    const pull: Transport['pull'] = async (request, context) => {
      isAsked = true
      await answered
      return real.pull!(request, context)
    }
    const storage = faultyStorage(world.storage())
    storage.failCommits((writes) =>
      writes.some(asks) && !isAsked ? new StorageUnavailableError('Not before the page is asked for.') : undefined,
    )
    const engine = await world.started({ ...second({ ...RENAMING, value }), storage, transport: { ...real, pull } })
    const synchronized = engine.synchronize()
    await expect.poll(() => isAsked).toBe(true)
    await engine.enqueue(create('c', { name: 'c' }))
    await engine.flush()
    await expect
      .poll(async () => (await storage.get('meta', 'pull/default/note'))?.value)
      .toMatchObject({ quarantined: [{ id: 'a' }] })
    answerNow()
    await synchronized
    await engine.stop()
    const next = await world.started(second({ ...RENAMING, value }))
    await expect
      .poll(async () => {
        await next.synchronize()
        return (await next.view('note').get('a'))?.value
      })
      .toEqual({ id: 'a', title: 'one', version: '1' })
  })
})

describe('what a newer build has stored', () => {
  it('S27 is neither sent, changed nor shown by an older one, which says so and goes on with its own', async () => {
    const [id, behind] = await left([create('a', { name: 'Hi' }), update('a', { name: 'Ho' })], second())
    const before = await rowsOf(world.storage())
    const engine = await world.started()
    const told = eventOf(engine, 'sync:quarantined')
    const own = await engine.enqueue(create('b', { title: 'own' }))
    expect(await own.settled).toEqual({ status: 'done' })
    expect(await told).toMatchObject({ error: { code: 'newer-build' } })
    expect(await engine.view('note').get('a')).toBeUndefined()
    expect((await engine.explain(id)).waitingFor[0]).toContain('a newer build of the application')
    expect((await engine.explain(behind)).waitingFor[0]).toContain('a newer build of the application')
    for (const change of [
      () => engine.operations.retry(id!),
      () => engine.operations.edit(id!, { title: 'x' }),
      () => engine.operations.discard(id!),
    ])
      await expect(change()).rejects.toMatchObject({ code: 'newer-build' })
    await engine.flush()
    expect((await rowsOf(world.storage())).slice(0, 2)).toEqual(before)
    expect(world.notes()).toEqual({ b: { id: 'b', title: 'own' } })
  })

  it('S27 keeps an older one from changing what is of the same transaction', async () => {
    const tasks = { task: {} }
    const newest = second()
    const newer = await world.started({ ...newest, entities: { ...newest.entities, ...tasks } })
    newer.pause('test')
    const { operations } = await newer.transaction((together) => {
      together.enqueue(create('a', { name: 'Hi' }))
      together.enqueue({ type: 'create', entity: 'task', id: 't', payload: {} })
    })
    await newer.stop()
    const before = await rowsOf(world.storage())
    const engine = await world.started({ entities: { note: {}, ...tasks } })
    const { id } = operations[1]!
    for (const change of [
      () => engine.operations.retry(id),
      () => engine.operations.edit(id, { of: 'x' }),
      () => engine.operations.discard(id),
    ])
      await expect(change()).rejects.toMatchObject({ code: 'newer-build' })
    expect(await rowsOf(world.storage())).toEqual(before)
  })

  it('S27 E4 is not tried anew by an older one where the server has refused it, nor is its transaction', async () => {
    const newest = { ...second(), transport: httpTransport({ baseURL: world.url, batch: false }) }
    const newer = await world.started({ ...newest, entities: { ...newest.entities, task: {} } })
    const ring: EnqueueInput = { type: 'ring', entity: 'note', id: 'a', payload: { name: 'loud' } }
    const alone = await newer.enqueue(ring)
    const { operations, settled } = await newer.transaction((together) => {
      together.enqueue({ type: 'update', entity: 'task', id: 'ghost', payload: { n: 1 } })
      together.enqueue({ ...ring, id: 'b' })
    })
    expect([(await alone.settled).status, (await settled).status]).toEqual(['rejected', 'rejected'])
    await newer.stop()
    const before = await rowsOf(world.storage())
    const engine = await world.started({ entities: { note: {}, task: {} } })
    for (const change of [
      () => engine.operations.retry(alone.id),
      () => engine.operations.edit(alone.id, { title: 'loud' }),
      () => engine.operations.retry(operations[0]!.id),
    ])
      await expect(change()).rejects.toMatchObject({ code: 'newer-build' })
    expect(await rowsOf(world.storage())).toEqual(before)
  })

  it('S9 S27 holds what an older one puts behind it', async () => {
    await left([create('a', { name: 'Hi' })], second())
    const engine = await world.started()
    const { id } = await engine.enqueue(update('a', { title: 'Ho' }))
    await engine.flush()
    expect((await engine.explain(id)).waitingFor.join()).toContain('a newer build of the application')
    await engine.stop()
    const newer = await world.started(second())
    expect(await newer.operations.handle(id).settled).toEqual({ status: 'done' })
    await newer.flush()
    expect(world.notes()).toEqual({ a: { id: 'a', name: 'Ho' } })
  })

  it('S10 S27 is sent by the newer one, which takes the lease from an older owner that lives', async () => {
    const older = await world.started()
    await eventOf(older, 'lock:acquired')
    const newer = await world.started(second())
    await eventOf(newer, 'lock:acquired')
    const { settled } = await newer.enqueue(create('a', { name: 'Hi' }))
    const old = await older.enqueue(create('b', { title: 'Ho' }))
    expect(await settled).toEqual({ status: 'done' })
    expect(await old.settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({ a: { id: 'a', name: 'Hi' }, b: { id: 'b', name: 'Ho' } })
    await eventOf(older, 'lock:lost')
  })

  it('S19 S27 stays as the newer one stored it, until the server has something newer', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'one' })
    const newer = await world.started(second())
    await newer.synchronize()
    await newer.stop()
    const older = await world.started()
    await older.synchronize()
    expect(await older.view('note').get('a')).toBeUndefined()
    expect(await storedEntities()).toMatchObject([{ shape: 2 }])
    await elsewhere(world, 'PATCH', '/note/a', { title: 'two' })
    await older.synchronize()
    expect(await older.view('note').get('a')).toMatchObject({ value: { title: 'two' } })
    await older.stop()
    const again = await world.started(second())
    expect(await again.view('note').get('a')).toMatchObject({ value: { name: 'two' } })
  })
})

describe('the options of versions', () => {
  it.each<[string, EntityOptions]>([
    ['note.version', { version: 0 }],
    ['note.version', { version: 1.5 }],
    ['note.migrations', { version: 2, migrations: [] as never }],
    ['note.migrations.3', { version: 2, migrations: { 2: {}, 3: {} } }],
    ['note.migrations.3', { version: 4, migrations: { 2: {}, 4: {} } }],
    ['note.migrations.2.payload', { version: 2, migrations: { 2: { payload: 1 as never } } }],
    ['note.migrations.2.values', { version: 2, migrations: { 2: { values: renamed } as never } }],
  ])('S27 are refused at %s if they leave something open', (path, note) => {
    expect(() => world.engine({ entities: { note } })).toThrow(expect.objectContaining({ path: `entities.${path}` }))
  })
})

describe('S27 a store that fails while entities are brought to the new shape', () => {
  const tellsOfRenewal = (write: Write): boolean =>
    write.type === 'put' && isRecord(write.value) && String(write.value['name']).startsWith('renewed/')

  it('S27 is told of, and the rest is done in the next quiet moment', async () => {
    const first = await world.started()
    await (
      await first.enqueue(create('a'))
    ).settled
    await first.stop()
    const storage = faultyStorage(world.storage())
    const fault = new StorageUnavailableError('Not now.')
    storage.failCommits((writes) => (writes.some(tellsOfRenewal) ? fault : undefined))
    const engine = await world.started({ ...second(), storage })
    expect(await eventOf(engine, 'storage:error')).toMatchObject({ error: fault })
    storage.failCommits(undefined)
    await engine.enqueue(create('b', { name: 'b' }))
    await engine.flush()
    const shapes = async () => (await storage.scan(ENTITIES, { limit: 10 })).map(({ value }) => isRecord(value) && value['shape'])
    await expect.poll(shapes).toEqual([2, 2])
    expect(await engine.view('note').get('a')).toMatchObject({ value: { name: 'a' }, status: 'synced' })
  })
})
