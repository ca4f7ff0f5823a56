import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ConflictStrategy, type EnqueueInput, type Operation, type SyncEngine } from '../../src/index.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const patch = (payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id: 'a', payload })

function started(conflict: ConflictStrategy): Promise<SyncEngine> {
  return world.started({ entities: { note: { conflict } } })
}

/** The server's title is changed by somebody else after this engine has last seen it, and by this engine as well. */
async function bothChanged(engine: SyncEngine, payload: object = { title: 'ours' }): Promise<Operation> {
  await (
    await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old', body: 'old' } })
  ).settled
  await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
  return engine.enqueue(patch(payload))
}

describe('an update that meets a change of somebody else', () => {
  it('S12 localWins sends the local value on the new version', async () => {
    const engine = await started('localWins')
    const operation = await bothChanged(engine)
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours', body: 'old' })
    expect(world.attempts.at(-1)!.request.headers['If-Match']).toBe('"2"')
  })

  it('S12 remoteWins keeps the server’s value, rejects the operation and rolls it back', async () => {
    const engine = await started('remoteWins')
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old' } })
    ).settled
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
    const rollbacks: unknown[] = []
    const operation = await engine.enqueue({
      ...patch({ title: 'ours' }),
      optimistic: { original: 'old', rollback: (original) => void rollbacks.push(original) },
    })
    expect(await operation.settled).toMatchObject({ status: 'rejected', error: { name: 'ConflictError' } })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs' })
    expect(rollbacks).toEqual(['old'])
  })

  it('S12 merge keeps both sides of what only one changed, and both values of what both changed', async () => {
    const engine = await started('merge')
    const operation = await bothChanged(engine, { title: 'ours', body: 'ours' })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours', body: 'ours' })
    expect(await engine.operations.get(operation.id)).toMatchObject({
      status: 'done',
      conflict: { type: 'update-update', fields: [{ path: 'title', base: 'old', local: 'ours', remote: 'theirs' }] },
    })
  })

  it('S12 merge without a true conflict leaves no record of one', async () => {
    const engine = await started('merge')
    const operation = await bothChanged(engine, { body: 'ours' })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs', body: 'ours' })
    expect((await engine.operations.get(operation.id))?.conflict).toBeUndefined()
  })

  it('S12 tells of a conflict by an event and in the metrics', async () => {
    const engine = await started('merge')
    const operation = await bothChanged(engine)
    await operation.settled
    expect(engine.history().filter(({ type }) => type === 'sync:conflict')).toMatchObject([{ operation: { id: operation.id } }])
    expect(engine.metrics().operations.conflicts).toBe(1)
  })
})

describe('an update that meets a second change while it is sent again', () => {
  function removeBeforeResend(): void {
    const before = world.attempts.length
    world.intercept(async (_, send, count) => {
      if (count === before + 2) await elsewhere(world, 'PATCH', '/note/a', { title: null })
      return send()
    })
  }

  it('S12 still knows what it was made on, so a value that somebody removed is a conflict and is kept', async () => {
    const engine = await started('localWins')
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old', body: 'old' } })
    ).settled
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
    removeBeforeResend()
    const operation = await engine.enqueue(patch({ title: 'ours' }))
    expect(await operation.settled).toEqual({ status: 'done' })
    const row = await engine.operations.get(operation.id)
    expect(row?.conflict).toMatchObject({ fields: [{ path: 'title', base: 'old', local: 'ours' }], remoteVersion: '3' })
    expect(row?.conflict?.fields[0]).not.toHaveProperty('remote')
  })

  it('S12 counts from what it was sent again on, if what it was made on is not known', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'old' })
    removeBeforeResend()
    const engine = await started('localWins')
    const operation = await engine.enqueue({ ...patch({ title: 'ours' }), baseVersion: 'unknown' })
    expect(await operation.settled).toEqual({ status: 'done' })
    const row = await engine.operations.get(operation.id)
    expect(row?.conflict).toMatchObject({ fields: [{ path: 'title', base: 'old', local: 'ours' }], remoteVersion: '2' })
  })
})

describe('other kinds of conflict', () => {
  it('S12 create-create is merged into what is there', async () => {
    const engine = await started('merge')
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'theirs', body: 'theirs' })
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'ours' } })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours', body: 'theirs' })
    expect(await engine.operations.get(operation.id)).toMatchObject({
      conflict: { type: 'create-create', fields: [{ path: 'title', local: 'ours', remote: 'theirs' }] },
    })
  })

  async function deletedThere(engine: SyncEngine, input: EnqueueInput): Promise<Operation> {
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old', body: 'old' } })
    ).settled
    await elsewhere(world, 'DELETE', '/note/a')
    return engine.enqueue(input)
  }

  it('S12 update-delete: localWins creates the entity again, with what was known of it', async () => {
    const engine = await started('localWins')
    const operation = await deletedThere(engine, patch({ title: 'ours' }))
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours', body: 'old' })
  })

  it.each(['remoteWins', 'merge'] as const)('S12 update-delete: %s leaves it deleted', async (strategy) => {
    const engine = await started(strategy)
    const operation = await deletedThere(engine, patch({ title: 'ours' }))
    expect(await operation.settled).toMatchObject({ status: 'rejected' })
    expect(world.notes()).toEqual({})
  })

  it('S12 update-delete: manual asks, and retry creates it again', async () => {
    const engine = await started('manual')
    const operation = await deletedThere(engine, patch({ title: 'ours' }))
    await eventOf(engine, 'sync:parked')
    expect(await engine.operations.get(operation.id)).toMatchObject({ conflict: { type: 'update-delete' } })
    await engine.operations.retry(operation.id)
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours', body: 'old' })
  })

  async function changedThere(engine: SyncEngine, ...changes: readonly object[]): Promise<Operation> {
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old' } })
    ).settled
    for (const change of [{ title: 'theirs' }, ...changes]) await elsewhere(world, 'PATCH', '/note/a', change)
    return engine.enqueue({ type: 'delete', entity: 'note', id: 'a' })
  }

  it('S12 delete-update: localWins deletes what was changed', async () => {
    const engine = await started('localWins')
    expect(await (await changedThere(engine)).settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({})
  })

  it('S12 delete-update: remoteWins keeps what was changed', async () => {
    const engine = await started('remoteWins')
    expect(await (await changedThere(engine)).settled).toMatchObject({ status: 'rejected' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs' })
  })

  it('S12 delete-update: what was changed and changed back is no conflict', async () => {
    const engine = await started('manual')
    const operation = await changedThere(engine, { title: 'old' })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({})
    expect(await engine.conflicts.history()).toEqual([])
  })

  it('S12 delete-update: manual asks, and retry deletes', async () => {
    const engine = await started('manual')
    const operation = await changedThere(engine)
    await eventOf(engine, 'sync:parked')
    expect(await engine.operations.get(operation.id)).toMatchObject({
      conflict: { type: 'delete-update', remote: { title: 'theirs' } },
    })
    await engine.operations.retry(operation.id)
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({})
  })
})
