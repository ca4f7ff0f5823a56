import { filter, firstValueFrom } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ValidationError, type ConflictInfo, type SyncEngine } from '../../src/index.ts'
import { bothChange, deletion, patch, startedWith } from '../support/conflicts.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

/** Of its two numbers the first is the smaller: each side may keep to that, and both together may not. */
const span = z
  .looseObject({ id: z.string(), from: z.number(), to: z.number() })
  .refine(({ from, to }) => from < to, { path: ['to'], message: 'must be after from' })

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

async function pendingIn(engine: SyncEngine): Promise<ConflictInfo> {
  const [conflict] = await firstValueFrom(engine.conflicts.watch().pipe(filter((pending) => pending.length > 0)))
  return conflict!
}

describe('what a merge makes', () => {
  const base = { from: 1, to: 5 }
  const merging = { base, theirs: { from: 4 }, ours: patch({ to: 3 }) }

  it('B16 waits for a person where it fails the schema, with what that says, and is not sent', async () => {
    const engine = await startedWith(world, { schema: span })
    const operation = await bothChange(world, engine, merging)
    const conflict = await pendingIn(engine)
    expect(conflict).toMatchObject({
      operationId: operation.id,
      type: 'update-update',
      payload: { to: 3 },
      remote: { from: 4, to: 5 },
      strategy: 'schema',
      resolution: 'pending',
      issues: [{ path: 'merged.to', message: 'must be after from' }],
    })
    const { status, lastError } = (await engine.operations.get(operation.id))!
    expect(status).toBe('parked')
    expect(lastError).toMatchObject({ name: 'ConflictError', message: expect.stringContaining('merged.to: must be after from') })
    expect(world.attempts).toHaveLength(2)
    expect(world.notes()['a']).toEqual({ id: 'a', from: 4, to: 5 })
  })

  it('B5 goes on as the local side if a person says so', async () => {
    const engine = await startedWith(world, { schema: span })
    const operation = await bothChange(world, engine, merging)
    await engine.conflicts.resolve((await pendingIn(engine)).id, 'local')
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', from: 1, to: 3 })
  })

  it('L7 asks nobody twice: a local side that fails as well is sent once a person has seen it and wants it so', async () => {
    const engine = await startedWith(world, { schema: span })
    const operation = await bothChange(world, engine, {
      theirs: { from: 'soon' },
      base,
      ours: { ...patch({ to: 6 }), base: { to: 5 } },
    })
    await engine.conflicts.resolve((await pendingIn(engine)).id, 'local')
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(await eventOf(engine, 'sync:invalid')).toMatchObject({ operation: { id: operation.id } })
    expect(await engine.view('note').get('a')).toMatchObject({ value: { from: 1, to: 6 } })
  })

  it('B5 goes on as another value, which must pass as well', async () => {
    const engine = await startedWith(world, { schema: span })
    const operation = await bothChange(world, engine, merging)
    const { id } = await pendingIn(engine)
    const refused = engine.conflicts.resolve(id, { value: { from: 4, to: 3 } })
    await expect(refused).rejects.toMatchObject({ code: 'invalid', issues: [{ path: 'value.to' }] })
    await expect(refused).rejects.toBeInstanceOf(ValidationError)
    expect(await engine.conflicts.list()).toMatchObject([{ id }])
    await engine.conflicts.resolve(id, { value: { from: 2, to: 3 } })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', from: 2, to: 3 })
  })

  it('B16 waits as well where a rule for a field, or the function for conflicts, has made what fails', async () => {
    const theirs = { to: 7 }
    const byRule = await startedWith(world, { schema: span, fields: { to: () => 0 } })
    await bothChange(world, byRule, { base, theirs, ours: patch({ to: 6 }) })
    expect(await pendingIn(byRule)).toMatchObject({ strategy: 'schema', issues: [{ path: 'merged.to' }] })
    await byRule.stop()
    const byFunction = await startedWith(world, { schema: span, conflict: () => ({ value: { from: 9, to: 8 } }) })
    const [{ id }] = (await byFunction.conflicts.list()) as [ConflictInfo]
    await byFunction.conflicts.resolve(id, 'remote')
    await elsewhere(world, 'PATCH', '/note/a', { to: 11 })
    const operation = await byFunction.enqueue({ ...patch({ to: 12 }), baseVersion: '1', base })
    const conflict = await pendingIn(byFunction)
    expect(conflict).toMatchObject({ operationId: operation.id, strategy: 'schema', issues: [{ path: 'merged.to' }] })
  })
})

describe('what the server has, where it fails the schema', () => {
  const base = { from: 1, to: 5 }
  const unusable = { theirs: { from: 'soon' }, base }

  it.each(['merge', 'localWins', 'remoteWins', 'lastWriteWins', 'manual'] as const)(
    'B16 is not merged with: the operation waits for a person (%s)',
    async (conflict) => {
      const engine = await startedWith(world, { schema: span, conflict })
      const operation = await bothChange(world, engine, { ...unusable, ours: patch({ to: 6 }) })
      expect(await pendingIn(engine)).toMatchObject({
        operationId: operation.id,
        strategy: 'schema',
        remote: { from: 'soon', to: 5 },
        issues: [{ path: 'remote.from' }],
      })
      expect(world.attempts).toHaveLength(2)
    },
  )

  it('B16 is not shown to rules and functions of the application, which count on the schema', async () => {
    const seen: unknown[] = []
    const engine = await startedWith(world, {
      schema: span,
      fields: { to: (field) => void seen.push(field) },
      conflict: (conflict) => (seen.push(conflict), 'local'),
    })
    await bothChange(world, engine, { base, theirs: { from: 'soon', to: 9 }, ours: patch({ to: 6 }) })
    expect(await pendingIn(engine)).toMatchObject({ fields: [{ path: 'to', base: 5, local: 6, remote: 9 }] })
    expect(seen).toEqual([])
  })

  it('B5 is mended by the local side, once a person has chosen it', async () => {
    const engine = await startedWith(world, { schema: span })
    const operation = await bothChange(world, engine, { ...unusable, ours: patch({ to: 6 }) })
    await engine.conflicts.resolve((await pendingIn(engine)).id, 'local')
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', from: 1, to: 6 })
  })

  it('S13 ends our operation all the same if that is there already, and is not taken', async () => {
    const engine = await startedWith(world, { schema: span })
    const operation = await bothChange(world, engine, { base, theirs: { from: 'soon', to: 6 }, ours: patch({ to: 6 }) })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(await eventOf(engine, 'sync:invalid')).toMatchObject({ error: { issues: [{ path: 'remote.from' }] } })
    expect(await engine.view('note').get('a')).toMatchObject({ value: { from: 1, to: 6 } })
  })

  it('B16 goes if a person says so of a deletion of ours', async () => {
    const engine = await startedWith(world, { schema: span })
    const operation = await bothChange(world, engine, { ...unusable, ours: deletion })
    await engine.conflicts.resolve((await pendingIn(engine)).id, 'local')
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toBeUndefined()
  })

  it('B16 what only meets what passes is merged as ever', async () => {
    const engine = await startedWith(world, { schema: span })
    const operation = await bothChange(world, engine, { base, theirs: { from: 2 }, ours: patch({ to: 6 }) })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', from: 2, to: 6 })
  })
})
