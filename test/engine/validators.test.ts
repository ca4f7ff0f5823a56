import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ClientError,
  StorageQuotaError,
  ValidationError,
  type EngineOptions,
  type EnqueueInput,
  type SyncEngine,
} from '../../src/index.ts'
import { faultyStorage } from '../support/faulty-storage.ts'
import { elsewhere } from '../support/other-client.ts'
import { LIBRARIES, schemaOf, titled } from '../support/schemas.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

function create(payload: object, id = 'a'): EnqueueInput {
  return { type: 'create', entity: 'note', id, payload }
}

function update(payload: object, id = 'a'): EnqueueInput {
  return { type: 'update', entity: 'note', id, payload }
}

async function refusalOf(work: Promise<unknown>): Promise<ValidationError> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (!(error instanceof ValidationError)) throw new Error('It was not refused by a schema.', { cause: error })
  return error
}

async function queued(engine: SyncEngine): Promise<unknown[]> {
  return (await engine.operations.list()).map(({ payload }) => payload)
}

describe.each(LIBRARIES)('a schema of %s', (_, { note, patch, publish }) => {
  const options: Partial<EngineOptions> = {
    entities: { note: { schema: note, payloads: { publish, update: patch } }, other: {} },
  }

  /** Nothing leaves it. */
  async function paused(): Promise<SyncEngine> {
    const engine = await world.started(options)
    engine.pause('test')
    return engine
  }

  it('S3 B16 refuses a create that is not what the entity must be, with the path of each issue, and stores nothing', async () => {
    const engine = await paused()
    const error = await refusalOf(engine.enqueue(create({ title: 1, address: { street: false } })))
    expect(error).toMatchObject({ code: 'invalid', retryable: false })
    expect(error.issues.map(({ path }) => path).toSorted()).toEqual(['payload.address.street', 'payload.title'])
    expect(error.path).toBe(error.issues[0]!.path)
    for (const issue of error.issues) {
      expect(error.message).toContain(issue.path)
      expect(error.message).toContain(issue.message)
    }
    expect(await queued(engine)).toEqual([])
    expect(await engine.view('note').list()).toEqual([])
    expect(engine.history().some(({ type }) => type === 'sync:queued')).toBe(false)
  })

  it('B16 takes what is as it must be, as it was given, and sends that', async () => {
    const engine = await world.started(options)
    const payload = { title: 'one', count: 0, extra: [1, null] }
    await (
      await engine.enqueue(create(payload))
    ).settled
    expect(world.attempts[0]!.request.body).toBe(JSON.stringify({ ...payload, id: 'a' }))
    expect(engine.history().some(({ type }) => type === 'sync:invalid')).toBe(false)
  })

  it('B16 refuses a replace, and an action of the application by its own schema', async () => {
    const engine = await paused()
    const replaced = await refusalOf(engine.enqueue({ type: 'replace', entity: 'note', id: 'a', payload: {} }))
    expect(replaced.issues).toMatchObject([{ path: 'payload.title' }])
    const published = await refusalOf(engine.enqueue({ type: 'publish', entity: 'note', id: 'a', payload: {} }))
    expect(published.issues).toMatchObject([{ path: 'payload.where' }])
    await engine.enqueue({ type: 'publish', entity: 'note', id: 'a', payload: { where: 'here' } })
    expect(await queued(engine)).toEqual([{ where: 'here' }])
  })

  it('B16 judges an update by what the entity would become, on top of what the server has and of what is queued', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'one' })
    const engine = await world.started(options)
    await engine.synchronize()
    engine.pause('test')
    expect((await refusalOf(engine.enqueue(update({ title: null })))).issues).toMatchObject([{ path: 'payload.title' }])
    expect((await refusalOf(engine.enqueue(update({ count: -1 })))).issues).toMatchObject([{ path: 'payload.count' }])
    await engine.enqueue(update({ address: { street: 'Long' } }))
    await engine.enqueue(update({ address: { number: 7 } }))
    const error = await refusalOf(engine.enqueue(update({ address: { street: null } })))
    expect(error.issues).toMatchObject([{ path: 'payload.address.street' }])
    await engine.enqueue(update({ title: 'two' }))
    expect(await engine.view('note').get('a')).toMatchObject({
      value: { title: 'two', address: { street: 'Long', number: 7 } },
    })
  })

  it('B16 of an entity that nothing is known of only the patch is looked at', async () => {
    const engine = await paused()
    await engine.enqueue(update({ count: 1 }))
    expect((await refusalOf(engine.enqueue(update({ title: 'x'.repeat(21) })))).issues).toMatchObject([{ path: 'payload.title' }])
    expect(await queued(engine)).toEqual([{ count: 1 }])
  })

  it('B16 within one call later operations are seen on top of earlier ones, and one that fails takes all with it', async () => {
    const engine = await paused()
    await engine.enqueueAll([create({ title: 'one', count: 1 }), update({ count: 2 })])
    const error = await refusalOf(
      engine.enqueueAll([create({ title: 'b' }, 'b'), update({ count: 3 }, 'b'), update({ title: null }, 'b')]),
    )
    expect(error.issues).toMatchObject([{ path: '[2].payload.title' }])
    expect(await queued(engine)).toEqual([{ title: 'one', count: 1 }, { count: 2 }])
  })

  it('B16 leaves out what a page brings that fails, tells of it, and takes it once somebody has mended it', async () => {
    for (const id of ['a', 'b', 'c']) await elsewhere(world, 'POST', '/note', { id, title: id === 'b' ? 5 : id })
    const engine = await world.started({ ...options, pull: { pageSize: 1 } })
    const { pulled } = await engine.synchronize()
    expect(pulled).toMatchObject([{ isComplete: true }, { isComplete: true }])
    const told = engine.history().filter((event) => event.type === 'pull:quarantined')
    expect(told).toMatchObject([{ entity: 'note', id: 'b', error: { code: 'invalid', issues: [{ path: 'value.title' }] } }])
    expect((await engine.view('note').list()).map(({ id }) => id)).toEqual(['a', 'c'])
    await elsewhere(world, 'PATCH', '/note/b', { title: 'mended' })
    await engine.synchronize()
    expect(await engine.view('note').get('b')).toMatchObject({ value: { title: 'mended' }, status: 'synced' })
  })

  it('B16 what is stored of an entity stays when a value comes that fails; a deletion is never refused', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'one' })
    const engine = await world.started(options)
    await engine.synchronize()
    await elsewhere(world, 'PATCH', '/note/a', { title: null })
    await engine.synchronize()
    expect(await engine.view('note').get('a')).toMatchObject({ value: { title: 'one' } })
    await elsewhere(world, 'DELETE', '/note/a')
    await engine.synchronize()
    expect(await engine.view('note').get('a')).toBeUndefined()
  })

  it('S7 an operation is done though the server answers it with a value that fails; that is told, and not shown', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'one' })
    const engine = await world.started(options)
    await engine.synchronize()
    world.intercept(async (_, send) => {
      const outcome = await send()
      return outcome.type === 'applied' ? { ...outcome, value: { id: 'a', title: 9, count: 1 } } : outcome
    })
    const operation = await engine.enqueue(update({ count: 1 }))
    expect(await operation.settled).toEqual({ status: 'done' })
    const told = await eventOf(engine, 'sync:invalid')
    expect(told).toMatchObject({
      operation: { id: operation.id, status: 'sending' },
      error: { issues: [{ path: 'value.title' }] },
    })
    expect(await engine.view('note').get('a')).toMatchObject({
      value: { title: 'one', count: 1 },
      status: 'synced',
      version: '2',
    })
  })
})

describe('checks before an enqueue', () => {
  it('B16 calls of the same commit do not suffer from one that is refused, and do not see it', async () => {
    const engine = await world.started({ entities: { note: { schema: titled } } })
    engine.pause('test')
    const calls = [
      create({}, 'a'),
      create({ title: 'b' }, 'b'),
      update({ title: 5 }, 'b'),
      update({ more: 1 }, 'b'),
      update({ x: 1 }, 'a'),
    ]
    const settled = await Promise.allSettled(calls.map((call) => engine.enqueue(call)))
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    expect(await queued(engine)).toEqual([{ title: 'b' }, { more: 1 }, { x: 1 }])
  })

  it('B15 what stands for another call of the same commit stands for itself once that is refused', async () => {
    const engine = await world.started({ entities: { note: { schema: titled } } })
    engine.pause('test')
    const [refused, kept] = await Promise.allSettled([
      engine.enqueue({ ...create({}), dedupeKey: 'one' }),
      engine.enqueue({ ...create({ title: 'good' }), dedupeKey: 'one' }),
    ])
    expect([refused.status, kept.status]).toEqual(['rejected', 'fulfilled'])
    expect(await queued(engine)).toEqual([{ title: 'good' }])
  })

  it('S3 what was refused stays so, though the commit that it was to share fails and the others try again by themselves', async () => {
    const storage = faultyStorage(world.storage())
    let answers = 0
    // What it says of the first changes as soon as it was asked.
    const schema = schemaOf((value) => (++answers === 1 ? { issues: [{ message: 'not yet' }] } : { value }))
    const engine = await world.started({ storage, entities: { note: { schema } } })
    engine.pause('test')
    let fails = 1
    storage.failCommits((writes) =>
      writes.some(({ collection }) => collection === 'operations') && fails-- > 0 ? new StorageQuotaError() : undefined,
    )
    const calls = ['a', 'b', 'c'].map((id) => engine.enqueue(create({ title: id }, id)))
    const settled = await Promise.allSettled(calls)
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    expect(await queued(engine)).toEqual([{ title: 'b' }, { title: 'c' }])
  })

  it('B15 an operation that exists is returned for its key, whatever the entity is by now', async () => {
    const engine = await world.started({ entities: { note: { schema: titled } } })
    const input = { ...create({ title: 'one' }), idempotencyKey: 'k' }
    const first = await engine.enqueue(input)
    expect((await engine.enqueue(input)).id).toBe(first.id)
  })

  it('B16 sees all that waits in a long lane, and nothing that was given up', async () => {
    const engine = await world.started({ entities: { note: { schema: titled } } })
    engine.pause('test')
    await engine.enqueue(create({ title: 'one' }))
    await engine.enqueueAll(Array.from({ length: 1_500 }, (_, n) => update({ n })))
    const last = await engine.enqueue(update({ title: 'last' }))
    expect((await refusalOf(engine.enqueue(update({ title: null })))).path).toBe('payload.title')
    await engine.operations.discard(last.id)
    const [first] = await engine.operations.list({ limit: 1 })
    await engine.operations.discard(first!.id)
    await engine.enqueue(update({ n: -1 }))
  })

  it('B16 what was stored before there was a schema is mended by an update, and by no other', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 5 })
    const before = await world.started()
    await before.synchronize()
    await before.stop()
    const engine = await world.started({ entities: { note: { schema: titled } } })
    engine.pause('test')
    expect((await refusalOf(engine.enqueue(update({ more: 1 })))).path).toBe('value.title')
    await engine.enqueue(update({ title: 'mended' }))
    await engine.enqueue(update({ more: 1 }))
  })

  it('B16 another tab sees what this one has queued', async () => {
    const entities = { note: { schema: titled } }
    const [one, other] = [await world.started({ entities }), await world.started({ entities })]
    for (const engine of [one, other]) engine.pause('test')
    await one.enqueue(create({ title: 'one' }))
    expect((await refusalOf(other.enqueue(update({ title: null })))).path).toBe('payload.title')
  })

  it('E4 an edit is looked at as well: by what it would make of what is before it', async () => {
    const engine = await world.started({ entities: { note: { schema: titled } } })
    engine.pause('test')
    const made = await engine.enqueue(create({ title: 'one' }))
    const changed = await engine.enqueue(update({ title: 'two' }))
    expect((await refusalOf(engine.operations.edit(made.id, { body: 1 }))).path).toBe('payload.title')
    expect((await refusalOf(engine.operations.edit(changed.id, { title: null }))).path).toBe('payload.title')
    expect(await queued(engine)).toEqual([{ title: 'one' }, { title: 'two' }])
    await engine.operations.edit(changed.id, { title: 'three' })
    expect(await queued(engine)).toEqual([{ title: 'one' }, { title: 'three' }])
  })

  it('E4 a dead letter is edited only into what passes', async () => {
    const engine = await world.started({ entities: { note: { schema: titled } } })
    world.intercept(async () => ({ type: 'rejected', definite: true, error: new ClientError('no', { status: 422 }) }))
    const operation = await engine.enqueue(create({ title: 'one' }))
    await operation.settled
    world.intercept(undefined)
    expect((await refusalOf(engine.operations.edit(operation.id, {}))).path).toBe('payload.title')
    const again = await engine.operations.edit(operation.id, { title: 'two' })
    expect(await again.settled).toEqual({ status: 'done' })
  })

  it('B16 entities without a schema are as they always were', async () => {
    const engine = await world.started({ entities: { note: { schema: titled }, other: {} } })
    engine.pause('test')
    await engine.enqueueAll([{ type: 'create', entity: 'other', id: 'o', payload: {} }, create({ title: 'one' })])
    expect(await queued(engine)).toEqual([{}, { title: 'one' }])
  })
})
