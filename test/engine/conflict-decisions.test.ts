import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ServerError,
  type Conflict,
  type ConflictStrategy,
  type EngineOptions,
  type EntityOptions,
  type EnqueueInput,
  type Json,
  type JsonObject,
  type Operation,
  type Resolution,
  type SyncEngine,
} from '../../src/index.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const patch = (payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id: 'a', payload })

function started(conflict: ConflictStrategy, options: Partial<EngineOptions> = {}): Promise<SyncEngine> {
  return world.started({ entities: { note: { conflict } }, ...options })
}

/** The server's title is changed by somebody else after this engine has last seen it, and by this engine as well. */
async function bothChanged(engine: SyncEngine): Promise<Operation> {
  await (
    await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old', body: 'old' } })
  ).settled
  await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
  return engine.enqueue(patch({ title: 'ours' }))
}

describe('a conflict that a person decides', () => {
  async function parked(options?: Partial<EngineOptions>): Promise<{ engine: SyncEngine; operation: Operation }> {
    const engine = await started('manual', options)
    const operation = await bothChanged(engine)
    await eventOf(engine, 'sync:parked')
    expect(await engine.operations.get(operation.id)).toMatchObject({
      status: 'parked',
      conflict: {
        type: 'update-update',
        fields: [{ path: 'title', local: 'ours', remote: 'theirs' }],
        remote: { title: 'theirs' },
      },
    })
    return { engine, operation }
  }

  it('S12 manual: retry insists on the local value', async () => {
    const { engine, operation } = await parked()
    await engine.operations.retry(operation.id)
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours', body: 'old' })
  })

  it('S12 manual: edit sends what was decided', async () => {
    const { engine, operation } = await parked()
    await engine.operations.edit(operation.id, { title: 'ours and theirs' })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours and theirs', body: 'old' })
  })

  it('L7 a value counts from anew: it may meet others’ work as often as maxReconciliations says', async () => {
    const { engine, operation } = await parked({ maxReconciliations: 1 })
    await elsewhere(world, 'PATCH', '/note/a', { by: 'them' })
    const [conflict] = await engine.conflicts.list()
    await engine.conflicts.resolve(conflict!.id, { value: { title: 'ours and theirs', body: 'old' } })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours and theirs', body: 'old', by: 'them' })
  })

  it('S12 an edit is compared with what its person was told: what others take away of that since is asked about anew', async () => {
    const engine = await started('manual')
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old' } })
    ).settled
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs', by: 'them' })
    const operation = await engine.enqueue(patch({ title: 'ours' }))
    await eventOf(engine, 'sync:parked')
    engine.pause('test')
    await engine.operations.edit(operation.id, { by: 'us' })
    await elsewhere(world, 'PATCH', '/note/a', { by: null })
    const asked = new Promise((resolve) => engine.on('sync:parked', resolve))
    engine.resume('test')
    await asked
    expect((await engine.operations.get(operation.id))?.conflict).toMatchObject({
      resolution: 'pending',
      fields: [{ path: 'by', base: 'them', local: 'us' }],
    })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs' })
  })

  it('S12 an edit of what was parked for another reason is compared with what was pulled by then', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'old' })
    const options = { retry: { strategy: 'constant', baseMs: 10, maxAttempts: 1 }, pull: { everyMs: 0 } } as const
    const engine = await started('remoteWins', options)
    await engine.synchronize()
    world.intercept(async (_, send, count) =>
      count === 1 ? { type: 'retry', error: new ServerError('It is overloaded.') } : send(),
    )
    const operation = await engine.enqueue(patch({ title: 'ours' }))
    await eventOf(engine, 'sync:parked')
    await elsewhere(world, 'PATCH', '/note/a', { by: 'them' })
    await engine.synchronize()
    engine.pause('test')
    await engine.operations.edit(operation.id, { by: 'us' })
    await elsewhere(world, 'PATCH', '/note/a', { by: null })
    engine.resume('test')
    expect(await operation.settled).toMatchObject({ status: 'rejected', error: { name: 'ConflictError' } })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'old' })
  })

  it('S12 an edit of what was merged, and waits for its next attempt, meets what others have changed', async () => {
    const engine = await started('manual', { retry: { strategy: 'constant', baseMs: 3_600_000, capMs: 3_600_000 } })
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old', body: 'old' } })
    ).settled
    await elsewhere(world, 'PATCH', '/note/a', { body: 'theirs' })
    world.intercept(async (_, send, count) =>
      count === 3 ? { type: 'retry', error: new ServerError('It is overloaded.') } : send(),
    )
    const operation = await engine.enqueue(patch({ title: 'ours' }))
    await eventOf(engine, 'sync:retry')
    await engine.operations.edit(operation.id, { body: 'ours' })
    await eventOf(engine, 'sync:parked')
    expect((await engine.operations.get(operation.id))?.conflict).toMatchObject({
      fields: [{ path: 'body', base: 'old', local: 'ours', remote: 'theirs' }],
    })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'old', body: 'theirs' })
  })

  it.each(['local', { value: { title: 'both', body: 'old' } }] as const)(
    'S12 an edit of what was decided, and has not left yet, is made on what its person was shown (%j)',
    async (decision) => {
      const { engine, operation } = await parked()
      engine.pause('test')
      const [conflict] = await engine.conflicts.list()
      await engine.conflicts.resolve(conflict!.id, decision)
      await engine.operations.edit(operation.id, { title: 'on second thoughts' })
      engine.resume('test')
      const asked = new Promise((resolve) => engine.on('sync:parked', resolve))
      expect(await Promise.race([operation.settled, asked])).toEqual({ status: 'done' })
      expect(world.notes()['a']).toMatchObject({ title: 'on second thoughts' })
    },
  )

  it('L7 an edit counts from anew: it may meet others’ work as often as maxReconciliations says', async () => {
    const { engine, operation } = await parked({ maxReconciliations: 1 })
    await elsewhere(world, 'PATCH', '/note/a', { by: 'them' })
    await engine.operations.edit(operation.id, { title: 'ours and theirs' })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours and theirs', body: 'old', by: 'them' })
  })

  it('S12 manual: discard keeps the server’s value', async () => {
    const { engine, operation } = await parked()
    await engine.operations.discard(operation.id)
    expect(await operation.settled).toEqual({ status: 'cancelled' })
    expect(await (await engine.enqueue(patch({ body: 'next' }))).settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs', body: 'next' })
  })

  it('S12 manual: asks again when the server has changed since the decision', async () => {
    const { engine, operation } = await parked()
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs again' })
    const asked = new Promise<void>((resolve) => engine.on('sync:parked', () => resolve()))
    await engine.operations.retry(operation.id)
    await asked
    expect(await engine.operations.get(operation.id)).toMatchObject({
      status: 'parked',
      conflict: { fields: [{ path: 'title', local: 'ours', remote: 'theirs again' }] },
    })
    await engine.operations.retry(operation.id)
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toMatchObject({ title: 'ours' })
  })
})

describe('a conflict that a function decides', () => {
  it('S12 gets both sides and the base, and its value is sent', async () => {
    const seen: Conflict[] = []
    const engine = await started((conflict) => {
      seen.push(conflict)
      return { value: { title: 'both', body: 'decided' } }
    })
    const operation = await bothChanged(engine)
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'both', body: 'decided' })
    expect(seen).toMatchObject([
      {
        operationId: operation.id,
        entity: 'note',
        entityId: 'a',
        type: 'update-update',
        base: { title: 'old' },
        local: { title: 'ours' },
        remote: { title: 'theirs' },
        remoteVersion: '2',
        fields: [{ path: 'title' }],
        merged: { title: 'ours' },
      },
    ])
  })

  it.each([
    ['local', { status: 'done' }, 'ours'],
    ['remote', { status: 'rejected' }, 'theirs'],
  ] as const)('S12 may answer %s, later', async (answer, settlement, title) => {
    const engine = await started(async () => {
      await new Promise<void>((resolve) => setImmediate(resolve))
      return answer
    })
    const operation = await bothChanged(engine)
    expect(await operation.settled).toMatchObject(settlement)
    expect(world.notes()['a']).toMatchObject({ title })
  })

  it.each<[string, EntityOptions, object]>([
    [
      'function',
      {
        conflict: ({ remote }) => ({ value: Object.assign(remote as JsonObject, { title: 'both' }) }),
      },
      { title: 'both' },
    ],
    [
      'rule',
      {
        fields: {
          tags({ local, remote }) {
            const tags = remote as Json[]
            tags.push(...(local as Json[]))
            return tags
          },
        },
      },
      { tags: ['theirs', 'ours'] },
    ],
  ])('S12 a %s may change what it was given, and answer with that', async (_, note, made) => {
    const engine = await world.started({ entities: { note } })
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old', tags: [] } })
    ).settled
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs', tags: ['theirs'] })
    const operation = await engine.enqueue(patch({ title: 'ours', tags: ['ours'] }))
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toMatchObject(made)
    expect(await engine.conflicts.history()).toMatchObject([{ remote: { title: 'theirs', tags: ['theirs'] } }])
  })

  const cyclic: { self?: unknown } = {}
  cyclic.self = cyclic
  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new TypeError('Bug in the application.')
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('Bug in the application.'))],
    ['answers nonsense', () => 'whatever'],
    ['answers nothing', () => undefined],
    ['gives no value', () => ({ value: null })],
    ['gives a list', () => ({ value: [] })],
    ['gives what is not JSON', () => ({ value: { at: new Date(0) } })],
    ['gives a key of prototypes', () => ({ value: JSON.parse('{"__proto__":{"polluted":true}}') })],
    ['gives a cycle', () => ({ value: cyclic })],
    ['decides by hand', () => 'manual'],
  ])('S12 parks the operation when it %s, and nothing is lost', async (_, decide) => {
    let isBroken = true
    // A function of an application may answer anything.
    const engine = await started(() => (isBroken ? (decide() as Resolution) : 'local'))
    const operation = await bothChanged(engine)
    await eventOf(engine, 'sync:parked')
    expect(await engine.operations.get(operation.id)).toMatchObject({
      status: 'parked',
      lastError: { name: 'ConflictError' },
      conflict: { fields: [{ path: 'title', local: 'ours', remote: 'theirs' }] },
    })
    expect(world.notes()['a']).toMatchObject({ title: 'theirs' })
    isBroken = false
    await engine.operations.retry(operation.id)
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toMatchObject({ title: 'ours' })
  })
})
