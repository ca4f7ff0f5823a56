import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { firstValueFrom, filter } from 'rxjs'
import {
  ConflictError,
  NetworkError,
  SyncOperationError,
  ValidationError,
  type ConflictDecision,
  type SyncEngine,
} from '../../src/index.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { version1, version1Operation } from '../adapters/version-1.ts'
import { bothChange, created, deletion, patch, startedWith } from '../support/conflicts.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

async function pendingIn(engine: SyncEngine): Promise<string> {
  const [conflict] = await firstValueFrom(engine.conflicts.watch().pipe(filter((pending) => pending.length > 0)))
  return conflict!.id
}

describe('the inbox of conflicts', () => {
  it('B2 has what an automatic strategy has settled, with all values and how it was settled', async () => {
    const engine = await startedWith(world, { conflict: 'merge' })
    const operation = await bothChange(world, engine)
    await operation.settled
    expect(await engine.conflicts.list()).toEqual([])
    const [conflict] = await engine.conflicts.history()
    expect(conflict).toMatchObject({
      operationId: operation.id,
      operationType: 'update',
      entity: 'note',
      entityId: 'a',
      type: 'update-update',
      severity: 'medium',
      fields: [{ path: 'title', base: 'old', local: 'ours', remote: 'theirs' }],
      payload: { title: 'ours' },
      remote: { title: 'theirs', body: 'old' },
      resolution: 'merged',
      strategy: 'merge',
    })
    expect(conflict!.resolvedAt).toBeGreaterThanOrEqual(conflict!.detectedAt)
    expect(await engine.conflicts.get(conflict!.id)).toEqual(conflict)
    const told = engine.history().filter(({ type }) => type.startsWith('conflict:'))
    expect(told).toMatchObject([
      { type: 'conflict:detected', operation: { id: operation.id }, conflict: { id: conflict!.id, severity: 'medium' } },
      { type: 'conflict:resolved', operation: { id: operation.id }, conflict: { id: conflict!.id, resolution: 'merged' } },
    ])
  })

  it('S12 has both values of what remoteWins has dropped', async () => {
    const engine = await startedWith(world, { conflict: 'remoteWins' })
    const operation = await bothChange(world, engine)
    expect(await operation.settled).toMatchObject({ status: 'rejected' })
    const kept = { fields: [{ path: 'title', base: 'old', local: 'ours', remote: 'theirs' }], resolution: 'remote' }
    expect(await engine.operations.get(operation.id)).toMatchObject({ conflict: kept })
    expect(await engine.conflicts.history()).toMatchObject([kept])
  })

  it.each<[string, ConflictDecision, object, object]>([
    ['the local side', 'local', { status: 'done' }, { title: 'ours', body: 'old' }],
    ['the remote side', 'remote', { status: 'cancelled' }, { title: 'theirs', body: 'old' }],
    ['a value of its own', { value: { title: 'both', extra: 1 } }, { status: 'done' }, { title: 'both', extra: 1 }],
  ])('B5 an update goes on with %s, once a person has chosen it', async (_, decision, settlement, note) => {
    const engine = await startedWith(world, { conflict: 'manual' })
    const operation = await bothChange(world, engine)
    const id = await pendingIn(engine)
    expect(await engine.conflicts.list()).toMatchObject([{ id, resolution: 'pending', strategy: 'manual' }])
    await engine.conflicts.resolve(id, decision)
    expect(await operation.settled).toMatchObject(settlement)
    expect(world.notes()['a']).toEqual({ id: 'a', ...note })
    expect(await engine.conflicts.list()).toEqual([])
    const resolution = typeof decision === 'string' ? decision : 'value'
    expect(await engine.conflicts.history()).toMatchObject([{ id, resolution, strategy: 'person' }])
    await eventOf(engine, 'conflict:resolved')
  })

  it.each<[string, ConflictDecision, object]>([
    ['local', 'local', { a: { id: 'a', title: 'ours', body: 'old' } }],
    ['remote', 'remote', {}],
    ['value', { value: { title: 'back' } }, { a: { id: 'a', title: 'back' } }],
  ])('B5 an update of what was deleted goes on: %s', async (_, decision, notes) => {
    const engine = await startedWith(world, { conflict: 'manual' })
    await created(engine, { title: 'old', body: 'old' })
    await elsewhere(world, 'DELETE', '/note/a')
    const operation = await engine.enqueue(patch({ title: 'ours' }))
    const id = await pendingIn(engine)
    expect(await engine.conflicts.get(id)).toMatchObject({ type: 'update-delete', severity: 'high' })
    await engine.conflicts.resolve(id, decision)
    await operation.settled
    expect(world.notes()).toEqual(notes)
  })

  it.each<[string, ConflictDecision, object]>([
    ['local', 'local', {}],
    ['remote', 'remote', { a: { id: 'a', title: 'theirs', body: 'old' } }],
    ['value', { value: { title: 'kept' } }, { a: { id: 'a', title: 'kept' } }],
  ])('B5 a delete of what was changed goes on: %s', async (_, decision, notes) => {
    const engine = await startedWith(world, { conflict: 'manual' })
    const operation = await bothChange(world, engine, { ours: deletion })
    await engine.conflicts.resolve(await pendingIn(engine), decision)
    await operation.settled
    expect(world.notes()).toEqual(notes)
  })

  it('B5 a create that met another goes on with a value', async () => {
    const engine = await startedWith(world, { conflict: 'manual' })
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'theirs' })
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'ours' } })
    await engine.conflicts.resolve(await pendingIn(engine), { value: { title: 'both' } })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'both' })
    const kept = { resolution: 'value', strategy: 'person', payload: { title: 'ours' } }
    expect(await engine.conflicts.history()).toMatchObject([kept])
    expect(engine.metrics()).toMatchObject({ conflicts: 1, conflictsResolved: 1 })
  })

  it('B5 a create that met another goes on with a value that takes something of that away', async () => {
    const engine = await startedWith(world, { conflict: 'manual' })
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'theirs', body: 'theirs' })
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'ours' } })
    await engine.conflicts.resolve(await pendingIn(engine), { value: { title: 'theirs' } })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs' })
  })

  it('B5 a create that met another goes on with an edit that takes something of that away', async () => {
    const engine = await startedWith(world, { conflict: 'manual' })
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'theirs', body: 'theirs' })
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'ours' } })
    await pendingIn(engine)
    await engine.operations.edit(operation.id, { title: 'theirs' })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs' })
  })

  it('S13 a create with a value that was decided is done, where that was not heard and the server has added to it since', async () => {
    const engine = await startedWith(world, { conflict: 'manual' })
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'theirs', body: 'theirs' })
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'ours' } })
    const id = await pendingIn(engine)
    world.intercept(async ({ request }, send) => {
      if (request.method !== 'PATCH') return send()
      const isFirst = !('seen' in (world.notes()['a'] as object))
      if (!isFirst) return { type: 'conflict', reason: 'stale', error: new ConflictError('It knows its own answer no more.') }
      await send()
      await elsewhere(world, 'PATCH', '/note/a', { seen: true })
      return { type: 'unknown', error: new NetworkError('Lost.') }
    })
    await engine.conflicts.resolve(id, { value: { title: 'theirs' } })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs', seen: true })
  })

  it('B5 what a person chose is not asked for again from a function that failed', async () => {
    const engine = await startedWith(world, {
      conflict: () => {
        throw new TypeError('Bug in the application.')
      },
    })
    const operation = await bothChange(world, engine)
    await engine.conflicts.resolve(await pendingIn(engine), 'local')
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toMatchObject({ title: 'ours' })
    expect(await engine.conflicts.history()).toMatchObject([{ resolution: 'local', strategy: 'person' }])
  })

  it('S12 a change that came after a person has decided is a conflict of its own', async () => {
    const engine = await startedWith(world, { conflict: 'manual' })
    await bothChange(world, engine)
    const first = await pendingIn(engine)
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs again' })
    await engine.conflicts.resolve(first, 'local')
    const second = await pendingIn(engine)
    expect(second).not.toBe(first)
    expect(await engine.conflicts.get(second)).toMatchObject({ fields: [{ local: 'ours', remote: 'theirs again' }] })
    expect(world.notes()['a']).toMatchObject({ title: 'theirs again' })
  })

  it('E1 is decided from another engine on the same store, and after a restart', async () => {
    const first = await startedWith(world, { conflict: 'manual' })
    const operation = await bothChange(world, first)
    const id = await pendingIn(first)
    await first.stop()
    const [owner, follower] = [await startedWith(world, { conflict: 'manual' }), await startedWith(world, { conflict: 'manual' })]
    expect(await pendingIn(follower)).toBe(id)
    await follower.conflicts.resolve(id, 'local')
    expect(await owner.operations.handle(operation.id).settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toMatchObject({ title: 'ours' })
  })

  it('B5 is settled by retry, edit and discard of the operation too', async () => {
    const engine = await startedWith(world, { conflict: 'manual' })
    const operation = await bothChange(world, engine)
    const id = await pendingIn(engine)
    await engine.operations.discard(operation.id)
    expect(await engine.conflicts.list()).toEqual([])
    expect(await engine.conflicts.get(id)).toMatchObject({ resolution: 'discarded', strategy: 'discard' })
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs again' })
    const again = await engine.enqueue({ ...patch({ title: 'ours' }), baseVersion: '1' })
    await pendingIn(engine)
    await engine.operations.retry(again.id)
    expect(await again.settled).toEqual({ status: 'done' })
    expect(await engine.conflicts.history({ operationId: again.id })).toMatchObject([{ resolution: 'local', strategy: 'retry' }])
  })

  it.each(['manual', () => 'manual'] as const)(
    'B5 whose word it is stays on record, also where the operation must look at the server once more (%s)',
    async (conflict) => {
      const engine = await startedWith(world, { conflict })
      await created(engine, { title: 'old' })
      await elsewhere(world, 'DELETE', '/note/a')
      const operation = await engine.enqueue(patch({ title: 'ours' }))
      const id = await pendingIn(engine)
      await engine.operations.edit(operation.id, { title: 'edited' })
      expect(await operation.settled).toEqual({ status: 'done' })
      expect(world.notes()['a']).toMatchObject({ title: 'edited' })
      const kept = { resolution: 'value', strategy: 'edit', payload: { title: 'ours' } }
      expect(await engine.conflicts.get(id)).toMatchObject(kept)
      expect(await engine.conflicts.statistics()).toMatchObject({ byStrategy: { edit: 1 }, byResolution: { value: 1 } })
      expect(engine.metrics()).toMatchObject({ conflicts: 1, conflictsResolved: 1 })
    },
  )

  it('D5 refuses what can not be: no such conflict, one that is settled, a decision that is none', async () => {
    const engine = await startedWith(world, { conflict: 'manual' })
    const operation = await bothChange(world, engine)
    const id = await pendingIn(engine)
    await expect(engine.conflicts.resolve('no', 'local')).rejects.toBeInstanceOf(SyncOperationError)
    for (const decision of ['both', undefined, { value: [] }, { value: undefined }, {}])
      await expect(engine.conflicts.resolve(id, decision as ConflictDecision)).rejects.toBeInstanceOf(ValidationError)
    await expect(engine.conflicts.list({ limit: 0 })).rejects.toBeInstanceOf(ValidationError)
    await expect(engine.conflicts.list({ status: 'open' as 'pending' })).rejects.toBeInstanceOf(ValidationError)
    await engine.conflicts.resolve(id, 'local')
    await operation.settled
    await expect(engine.conflicts.resolve(id, 'local')).rejects.toMatchObject({ code: 'not-pending' })
  })

  it('S25 shows nobody what another user’s conflicts are', async () => {
    const engine = await startedWith(world, { conflict: 'manual' })
    await bothChange(world, engine)
    const id = await pendingIn(engine)
    await engine.stop()
    const other = await startedWith(world, { conflict: 'manual' }, { user: 'other' })
    expect(await other.conflicts.history()).toEqual([])
    expect(await other.conflicts.get(id)).toBeUndefined()
    await expect(other.conflicts.resolve(id, 'local')).rejects.toMatchObject({ code: 'not-pending' })
    expect((await other.conflicts.statistics()).total).toBe(0)
  })

  it('B2 counts conflicts over restarts, also those that it has forgotten', async () => {
    const retention = { conflictCount: 1, completedCount: 0, completedMs: 0 }
    const engine = await startedWith(world, { conflict: 'merge' }, { retention })
    await created(engine, { title: 'old' })
    for (const n of [1, 2, 3]) {
      await elsewhere(world, 'PATCH', '/note/a', { title: `theirs ${n}` })
      await (
        await engine.enqueue(patch({ title: `ours ${n}` }))
      ).settled
    }
    await engine.stop()
    const next = await startedWith(world, { conflict: 'merge' }, { retention })
    await (
      await next.enqueue(patch({ title: 'last' }))
    ).settled
    await expect.poll(async () => (await next.conflicts.history()).length).toBe(1)
    const counts = { total: 3, byType: { 'update-update': 3 }, bySeverity: { medium: 3 }, byStrategy: { merge: 3 } }
    expect(await next.conflicts.statistics()).toEqual({ ...counts, byEntity: { note: 3 }, byResolution: { merged: 3 } })
  })

  it('S27 works on a store that version 1 has made, with the operations in it', async () => {
    const old = sqliteStorage({ path: world.path })
    await old.open(version1)
    await old.commit([{ type: 'append', collection: 'operations', value: version1Operation('one') }])
    await old.close()
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'theirs' })
    const engine = await startedWith(world, { conflict: 'merge' })
    expect(await engine.operations.handle('one').settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours' })
  })
})
