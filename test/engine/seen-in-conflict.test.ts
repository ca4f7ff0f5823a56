import { filter, firstValueFrom } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { httpTransport } from '../../src/adapters/http/index.ts'
import {
  ConflictError,
  type ConflictResolver,
  type ConflictStrategy,
  type EnqueueInput,
  type EntityOptions,
  type Operation,
  type Outcome,
  type SyncEngine,
  type Transport,
} from '../../src/index.ts'
import { bothChange, created, deletion, patch, startedWith } from '../support/conflicts.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const theirs: ConflictResolver = () => 'remote'

function shownBy(engine: SyncEngine) {
  return engine.view('note').get('a')
}

async function pendingIn(engine: SyncEngine): Promise<string> {
  await eventOf(engine, 'sync:parked')
  const [conflict] = await engine.conflicts.list()
  return conflict!.id
}

/** Two changes of ours, the second behind the first, though somebody else has changed the note before either was sent. */
async function twoQueued(engine: SyncEngine, change: object, inputs: readonly EnqueueInput[]): Promise<readonly Operation[]> {
  await created(engine, { title: 'old', body: 'old' })
  engine.pause('test')
  const operations = []
  for (const input of inputs) operations.push(await engine.enqueue(input))
  await elsewhere(world, 'PATCH', '/note/a', change)
  engine.resume('test')
  return operations
}

describe('what the server had in a conflict that it has won, without any pull', () => {
  it.each<[string, ConflictStrategy]>([
    ['remoteWins', 'remoteWins'],
    ['a function', theirs],
  ])('S12 S14 is shown, and what is changed on it meets no conflict: %s', async (_, conflict) => {
    const engine = await startedWith(world, { conflict })
    const operation = await bothChange(world, engine)
    expect(await operation.settled).toMatchObject({ status: 'rejected', error: { name: 'ConflictError' } })
    expect(await shownBy(engine)).toMatchObject({ value: { id: 'a', title: 'theirs', body: 'old' }, status: 'synced' })
    const second = await engine.enqueue(patch({ title: 'ours, who have seen theirs' }))
    expect(await second.settled).toEqual({ status: 'done' })
    expect(world.attempts.at(-1)!.request.headers['If-Match']).toBe('"2"')
    expect(await engine.conflicts.history()).toHaveLength(1)
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours, who have seen theirs', body: 'old' })
  })

  it('S12 S14 is shown also where rules for fields have left nothing of ours', async () => {
    const engine = await startedWith(world, { fields: { title: 'remoteWins' } })
    const operation = await bothChange(world, engine)
    expect(await operation.settled).toMatchObject({ status: 'rejected' })
    expect(await shownBy(engine)).toMatchObject({ value: { title: 'theirs' }, status: 'synced' })
  })

  it('S12 S14 is gone from the view where others have deleted it', async () => {
    const engine = await startedWith(world, { conflict: 'remoteWins' })
    await created(engine, { title: 'old' })
    await elsewhere(world, 'DELETE', '/note/a')
    expect(await (await engine.enqueue(patch({ title: 'ours' }))).settled).toMatchObject({ status: 'rejected' })
    expect(await shownBy(engine)).toBeUndefined()
    await created(engine, { title: 'anew' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'anew' })
  })

  it('S12 S14 is shown again where it was deleted here and changed there', async () => {
    const engine = await startedWith(world, { conflict: 'remoteWins' })
    const operation = await bothChange(world, engine, { ours: deletion })
    expect(await operation.settled).toMatchObject({ status: 'rejected' })
    expect(await shownBy(engine)).toMatchObject({ value: { title: 'theirs', body: 'old' }, status: 'synced' })
  })

  it('S12 S14 is shown where both have created it', async () => {
    const engine = await startedWith(world, { conflict: 'remoteWins' })
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'theirs' })
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'ours' } })
    expect(await operation.settled).toMatchObject({ status: 'rejected' })
    expect(await shownBy(engine)).toMatchObject({ value: { id: 'a', title: 'theirs' }, status: 'synced' })
  })

  it('S12 S14 is shown where an action of the application met another version', async () => {
    const engine = await startedWith(world, { conflict: 'remoteWins' })
    const stale: Outcome = { type: 'conflict', reason: 'stale', error: new ConflictError('Stale.', { status: 412 }) }
    world.intercept(async ({ request }, send) => (request.path.endsWith('/archive') ? stale : send()))
    const operation = await bothChange(world, engine, { ours: { type: 'archive', entity: 'note', id: 'a', payload: {} } })
    expect(await operation.settled).toMatchObject({ status: 'rejected' })
    expect(await shownBy(engine)).toMatchObject({ value: { id: 'a', title: 'theirs', body: 'old' }, status: 'synced' })
  })
})

describe('what the server had in a conflict that waits for a person, without any pull', () => {
  it.each<[string, EntityOptions, (engine: SyncEngine, id: string, operation: Operation) => Promise<void>]>([
    ['takes it', { conflict: 'manual' }, (engine, id) => engine.conflicts.resolve(id, 'remote')],
    ['discards the operation', { conflict: 'manual' }, (engine, _, { id }) => engine.operations.discard(id)],
    [
      'takes it, since a function has failed',
      { conflict: () => Promise.reject(new TypeError('Bug in the application.')) },
      (engine, id) => engine.conflicts.resolve(id, 'remote'),
    ],
  ])('B5 S14 is shown once he %s, and what is changed on it meets no conflict', async (_, note, decide) => {
    const engine = await startedWith(world, note)
    const operation = await bothChange(world, engine, { theirs: { title: 'theirs', body: 'theirs' } })
    const id = await pendingIn(engine)
    await decide(engine, id, operation)
    expect(await operation.settled).toMatchObject({ status: 'cancelled' })
    expect(await shownBy(engine)).toMatchObject({ value: { title: 'theirs', body: 'theirs' }, status: 'synced' })
    const second = await engine.enqueue(patch({ title: 'ours, who have seen theirs' }))
    expect(await second.settled).toEqual({ status: 'done' })
    expect(await engine.conflicts.history()).toHaveLength(1)
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours, who have seen theirs', body: 'theirs' })
  })

  it('B5 S14 is shown with ours on top of it while he has not decided', async () => {
    const engine = await startedWith(world, { conflict: 'manual' })
    await bothChange(world, engine, { theirs: { title: 'theirs', body: 'theirs' } })
    await pendingIn(engine)
    expect(await shownBy(engine)).toMatchObject({ value: { title: 'ours', body: 'theirs' }, status: 'conflict' })
  })

  it('B5 S12 is no part of what ours is compared with: his word for the local side makes the whole of that', async () => {
    const engine = await startedWith(world, { conflict: 'manual' })
    const operation = await bothChange(world, engine, { theirs: { title: 'theirs', body: 'theirs' } })
    await engine.conflicts.resolve(await pendingIn(engine), 'local')
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours', body: 'old' })
    expect((await engine.operations.get(operation.id))?.conflict?.fields).toMatchObject([{ path: 'title', base: 'old' }])
  })

  it('B5 S14 is gone once he leaves it deleted, from another tab', async () => {
    const owner = await startedWith(world, { conflict: 'manual' })
    const follower = await startedWith(world, { conflict: 'manual' })
    await created(owner, { title: 'old' })
    await elsewhere(world, 'DELETE', '/note/a')
    const operation = await owner.enqueue(patch({ title: 'ours' }))
    await follower.conflicts.resolve(await pendingIn(owner), 'remote')
    expect(await operation.settled).toMatchObject({ status: 'cancelled' })
    expect(await shownBy(owner)).toBeUndefined()
    expect(await shownBy(follower)).toBeUndefined()
  })
})

describe('what a look at the server told in a conflict', () => {
  const span = z
    .looseObject({ id: z.string(), from: z.number(), to: z.number() })
    .refine(({ from, to }) => from < to, { path: ['to'], message: 'must be after from' })

  it.each<[string, object, object]>([
    ['is not shown where the schema refuses it', { from: 'soon' }, { from: 1, to: 5 }],
    ['is shown where the schema refuses the merge alone', { from: 4 }, { from: 4, to: 5 }],
  ])('B16 S14 %s', async (_, change, shown) => {
    const engine = await startedWith(world, { schema: span })
    const operation = await bothChange(world, engine, { base: { from: 1, to: 5 }, theirs: change, ours: patch({ to: 3 }) })
    await engine.conflicts.resolve(await pendingIn(engine), 'remote')
    expect(await operation.settled).toMatchObject({ status: 'cancelled' })
    expect(await shownBy(engine)).toMatchObject({ value: shown, status: 'synced' })
  })

  it('S19 does not take the place of what a pull has brought since', async () => {
    const real = httpTransport({ baseURL: world.url })
    const transport: Transport = {
      ...real,
      async fetch(...asked) {
        const fetched = await real.fetch(...asked)
        await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs, later' })
        await firstValueFrom(
          engine
            .view('note')
            .watch('a')
            .pipe(filter((note) => note?.version === '3')),
        )
        return fetched
      },
    }
    const engine = await startedWith(world, { conflict: 'remoteWins' }, { transport, pull: { everyMs: 100 } })
    const operation = await bothChange(world, engine)
    expect(await operation.settled).toMatchObject({ status: 'rejected' })
    expect((await engine.operations.get(operation.id))?.conflict).toMatchObject({ remote: { title: 'theirs' } })
    expect(await shownBy(engine)).toMatchObject({ value: { title: 'theirs, later' }, status: 'synced' })
  })

  it('S31 S14 is shown also of an operation that its transaction was refused for, and which is not its first', async () => {
    const engine = await startedWith(world, { conflict: 'remoteWins' })
    await created(engine, { title: 'old' })
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
    const { operations } = await engine.transaction((tx) => {
      tx.enqueue({ type: 'create', entity: 'note', id: 'b', payload: {} })
      tx.enqueue(patch({ title: 'ours' }))
    })
    for (const { settled } of operations) expect(await settled).toMatchObject({ status: 'rejected' })
    expect(await shownBy(engine)).toMatchObject({ value: { title: 'theirs' }, status: 'synced' })
    expect(await engine.view('note').get('b')).toBeUndefined()
  })
})

describe('an operation that waits behind one that is given up', () => {
  const remoteWins = { entities: { note: { conflict: 'remoteWins' } }, coalesce: false } as const

  it('S12 is compared with what it was made on: the same field of both is a conflict', async () => {
    const engine = await world.started(remoteWins)
    const ours = [patch({ title: 'ours' }), patch({ body: 'ours' })]
    const [first, second] = await twoQueued(engine, { title: 'theirs', body: 'theirs' }, ours)
    expect(await first!.settled).toMatchObject({ status: 'rejected' })
    expect(await second!.settled).toMatchObject({ status: 'rejected' })
    expect((await engine.operations.get(second!.id))?.conflict).toMatchObject({
      fields: [{ path: 'body', base: 'old', local: 'ours', remote: 'theirs' }],
    })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs', body: 'theirs' })
    expect(await shownBy(engine)).toMatchObject({ value: { title: 'theirs', body: 'theirs' }, status: 'synced' })
  })

  it('S12 is merged where it has changed what only one side did', async () => {
    const engine = await world.started(remoteWins)
    const ours = [patch({ title: 'ours' }), patch({ body: 'ours' })]
    const [first, second] = await twoQueued(engine, { title: 'theirs' }, ours)
    expect(await first!.settled).toMatchObject({ status: 'rejected' })
    expect(await second!.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs', body: 'ours' })
    expect(await shownBy(engine)).toMatchObject({ value: { title: 'theirs', body: 'ours' }, status: 'synced' })
  })

  it('S12 does not delete what nobody here has seen', async () => {
    const engine = await world.started(remoteWins)
    const [first, second] = await twoQueued(engine, { title: 'theirs' }, [patch({ title: 'ours' }), deletion])
    expect(await first!.settled).toMatchObject({ status: 'rejected' })
    expect(await second!.settled).toMatchObject({ status: 'rejected' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs', body: 'old' })
  })
})

describe('an operation that is merged with what others made, and of which the answer tells the version alone', () => {
  it('S12 leaves the next to be compared with what was shown: the same field of both is a conflict (seed 38165)', async () => {
    const engine = await world.started({ entities: { note: { conflict: 'remoteWins' } } })
    await created(engine, { title: 'old', body: 'old' })
    world.intercept(async (_, send) => {
      const outcome = await send()
      return outcome.type === 'applied' ? { type: 'applied', version: outcome.version } : outcome
    })
    await elsewhere(world, 'PATCH', '/note/a', { body: 'theirs' })
    expect(await (await engine.enqueue(patch({ title: 'ours' }))).settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours', body: 'theirs' })
    expect(await shownBy(engine)).toMatchObject({ value: { title: 'ours', body: 'old' }, status: 'synced' })
    const second = await engine.enqueue(patch({ body: 'ours' }))
    expect(await second.settled).toMatchObject({ status: 'rejected' })
    expect((await engine.operations.get(second.id))?.conflict).toMatchObject({
      fields: [{ path: 'body', base: 'old', local: 'ours', remote: 'theirs' }],
    })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours', body: 'theirs' })
    expect(await shownBy(engine)).toMatchObject({ value: { title: 'ours', body: 'theirs' }, status: 'synced' })
  })
})
