import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ConflictError,
  ServerError,
  type ConflictStrategy,
  type EnqueueInput,
  type Operation,
  type SyncEngine,
  type Transport,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { lateAnswer } from '../support/late-answer.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const patch = (payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id: 'a', payload })

/** An engine that has pulled the note, and what keeps its next operations waiting. */
async function started(
  conflict: ConflictStrategy,
  transport: Transport = httpTransport({ baseURL: world.url }),
): Promise<{ engine: SyncEngine; first: Operation; release(): void }> {
  await elsewhere(world, 'POST', '/note', { id: 'a', title: 'old', body: 'old' })
  const engine = await world.started({ entities: { note: { conflict } }, pull: { everyMs: 100 }, transport })
  await engine.synchronize()
  let release = (): void => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  world.intercept(async (_, send, count) => {
    if (count === 1) await released
    return send()
  })
  const first = await engine.enqueue({ type: 'create', entity: 'note', id: 'b', payload: {} })
  return { engine, first, release }
}

/** Resolves when what the server has now is pulled: one pull may have been under way. */
async function pulled(engine: SyncEngine): Promise<void> {
  for (let pulls = 0; pulls < 2; pulls++)
    await new Promise<void>((resolve) => {
      const stop = engine.on('pull:completed', () => (stop(), resolve()))
    })
}

function requestsOf(id: string) {
  return world.attempts.filter(({ request }) => request.path.endsWith(`/${id}`)).map(({ request }) => request)
}

describe('an operation that waits while a pull brings what others made', () => {
  it('S12 is compared with what it was made on: the same field of both is a conflict', async () => {
    const { engine, first, release } = await started('remoteWins')
    const operation = await engine.enqueue({ ...patch({ title: 'ours' }), dependsOn: [first.id] })
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
    await pulled(engine)
    release()
    expect(await operation.settled).toMatchObject({ status: 'rejected', error: { name: 'ConflictError' } })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs', body: 'old' })
    expect(requestsOf('a')[0]!.headers['If-Match']).toBe('"1"')
  })

  it('S12 what only one side changed is merged, however many versions came meanwhile', async () => {
    const { engine, first, release } = await started('remoteWins')
    const operation = await engine.enqueue({ ...patch({ body: 'ours' }), dependsOn: [first.id] })
    for (const title of ['theirs', 'theirs again']) {
      await elsewhere(world, 'PATCH', '/note/a', { title })
      await pulled(engine)
    }
    expect(await engine.view('note').get('a')).toMatchObject({ value: { title: 'theirs again', body: 'ours' } })
    release()
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs again', body: 'ours' })
  })

  it('S12 what was made on the newer version replaces it unasked', async () => {
    const { engine, first, release } = await started('remoteWins')
    const older = await engine.enqueue({ ...patch({ body: 'ours' }), dependsOn: [first.id] })
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
    await pulled(engine)
    await engine.operations.discard(older.id)
    const newer = await engine.enqueue(patch({ title: 'ours, who have seen theirs' }))
    expect(await newer.settled).toEqual({ status: 'done' })
    release()
    expect(requestsOf('a').map(({ headers }) => headers['If-Match'])).toEqual(['"2"'])
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours, who have seen theirs', body: 'old' })
  })

  it.each<[ConflictStrategy, string, object | undefined]>([
    ['localWins', 'done', { id: 'a', title: 'ours', body: 'old' }],
    ['remoteWins', 'rejected', undefined],
  ])('S12 update-delete is a conflict though the deletion was pulled before: %s', async (conflict, status, expected) => {
    const { engine, first, release } = await started(conflict)
    const operation = await engine.enqueue({ ...patch({ title: 'ours' }), dependsOn: [first.id] })
    await elsewhere(world, 'DELETE', '/note/a')
    await pulled(engine)
    release()
    expect(await operation.settled).toMatchObject({ status })
    expect((await engine.operations.get(operation.id))?.conflict).toMatchObject({ type: 'update-delete' })
    expect(world.notes()['a']).toEqual(expected)
  })

  it('S12 a deletion that a full pull finds at its end counts as one that was pulled', async () => {
    const real = httpTransport({ baseURL: world.url })
    let isExpired = false
    const { engine, first, release } = await started('localWins', {
      ...real,
      async pull(request, context) {
        if (!isExpired || request.cursor === undefined) return real.pull!(request, context)
        isExpired = false
        return { type: 'expired', error: new ServerError('gone') }
      },
    })
    const operation = await engine.enqueue({ ...patch({ title: 'ours' }), dependsOn: [first.id] })
    await elsewhere(world, 'DELETE', '/note/a')
    isExpired = true
    await pulled(engine)
    release()
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours', body: 'old' })
  })

  it('S12 one that waits behind another is compared with the effect of that, whose answer is older than what was pulled', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'old', body: 'old' })
    const engine = await world.started({
      entities: { note: { conflict: 'remoteWins' } },
      coalesce: false,
      pull: { everyMs: 100 },
    })
    await pulled(engine)
    const { isApplied, release } = lateAnswer(world)
    const first = await engine.enqueue(patch({ title: 'ours' }))
    const second = await engine.enqueue(patch({ title: 'ours again' }))
    await isApplied
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
    await pulled(engine)
    release()
    expect(await first.settled).toEqual({ status: 'done' })
    expect(await second.settled).toMatchObject({ status: 'rejected', error: { name: 'ConflictError' } })
    expect(world.notes()['a']).toMatchObject({ title: 'theirs' })
    expect((await engine.operations.get(second.id))?.conflict).toMatchObject({
      fields: [{ path: 'title', base: 'ours', local: 'ours again', remote: 'theirs' }],
    })
  })

  /** Two changes of ours wait, the second behind the first, while somebody else changes the body. */
  async function twoThatWait(second: EnqueueInput): Promise<{ engine: SyncEngine; first: Operation; second: Operation }> {
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'old', body: 'old' })
    const options = { entities: { note: { conflict: 'remoteWins' } }, coalesce: false, pull: { everyMs: 0 } } as const
    const engine = await world.started(options)
    await engine.synchronize()
    engine.pause('test')
    const operations = [await engine.enqueue(patch({ title: 'ours' })), await engine.enqueue(second)] as const
    await elsewhere(world, 'PATCH', '/note/a', { body: 'theirs' })
    return { engine, first: operations[0], second: operations[1] }
  }

  it('S12 one that waits behind an operation that was merged is compared with what it was made on, not with the merge', async () => {
    const { engine, first, second } = await twoThatWait(patch({ body: 'ours' }))
    engine.resume('test')
    expect(await first.settled).toEqual({ status: 'done' })
    expect(await second.settled).toMatchObject({ status: 'rejected', error: { name: 'ConflictError' } })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours', body: 'theirs' })
    expect((await engine.operations.get(second.id))?.conflict).toMatchObject({
      fields: [{ path: 'body', base: 'old', local: 'ours', remote: 'theirs' }],
    })
  })

  it('S12 one that waits behind a merged operation and touches what only that one made is no conflict', async () => {
    const { engine, first, second } = await twoThatWait(patch({ title: 'ours again' }))
    engine.resume('test')
    expect(await first.settled).toEqual({ status: 'done' })
    expect(await second.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours again', body: 'theirs' })
    expect(await engine.conflicts.list()).toEqual([])
  })

  it('S12 a deletion that waits behind a merged operation does not take what nobody here has seen', async () => {
    const { engine, first, second } = await twoThatWait({ type: 'delete', entity: 'note', id: 'a' })
    engine.resume('test')
    expect(await first.settled).toEqual({ status: 'done' })
    expect(await second.settled).toMatchObject({ status: 'rejected', error: { name: 'ConflictError' } })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours', body: 'theirs' })
  })

  it('S12 of those that wait behind a merged one, each is compared with what it was made on, though both were pulled before', async () => {
    const { engine, first, release } = await started('remoteWins')
    const [title, body] = [patch({ title: 'ours' }), patch({ body: 'ours' })]
    const merged = await engine.enqueue({ ...title, dependsOn: [first.id] })
    const older = await engine.enqueue({ ...body, dependsOn: [merged.id] })
    await elsewhere(world, 'PATCH', '/note/a', { body: 'theirs' })
    await pulled(engine)
    const newer = await engine.enqueue({ ...patch({ body: 'ours, who have seen theirs' }), dependsOn: [merged.id] })
    release()
    expect(await merged.settled).toEqual({ status: 'done' })
    expect(await older.settled).toMatchObject({ status: 'rejected', error: { name: 'ConflictError' } })
    expect(await newer.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours', body: 'ours, who have seen theirs' })
  })

  it('S12 S17 what was made on another base is not merged into one request', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'old', body: 'old' })
    const engine = await world.started({ entities: { note: { conflict: 'remoteWins' } }, pull: { everyMs: 100 } })
    await engine.synchronize()
    let release = (): void => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    let left = (): void => {}
    const hasLeft = new Promise<void>((resolve) => (left = resolve))
    world.intercept(async (_, send, count) => {
      if (count > 1) return send()
      left()
      await released
      return send()
    })
    const first = await engine.enqueue(patch({ by: 'us' }))
    await hasLeft
    const older = await engine.enqueue(patch({ title: 'ours' }))
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
    await pulled(engine)
    const newer = await engine.enqueue(patch({ body: 'ours' }))
    release()
    expect(await first.settled).toEqual({ status: 'done' })
    expect(await older.settled).toMatchObject({ status: 'rejected', error: { name: 'ConflictError' } })
    expect(await newer.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs', body: 'ours', by: 'us' })
  })

  it('S12 S16 nor into one of which the application has said what it was made on', async () => {
    const { engine, first, release } = await started('remoteWins')
    await engine.enqueue({ ...patch({ body: 'ours' }), dependsOn: [first.id] })
    const said = await engine.enqueue({ ...patch({ done: true }), baseVersion: '1' })
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
    await pulled(engine)
    const second = await engine.enqueue(patch({ title: 'ours on theirs' }))
    release()
    expect(await said.settled).toEqual({ status: 'done' })
    expect(await second.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours on theirs', body: 'ours', done: true })
  })

  it('S12 what waits behind a create that met theirs is compared with what was created here', async () => {
    const options = { entities: { note: { conflict: 'merge', fields: { body: 'remoteWins' } } }, coalesce: false } as const
    const engine = await world.started({ ...options, pull: { everyMs: 0 } })
    await engine.synchronize()
    engine.pause('test')
    const first = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'ours' } })
    const second = await engine.enqueue(patch({ title: 'ours again', body: 'ours' }))
    await elsewhere(world, 'POST', '/note', { id: 'a', body: 'theirs' })
    engine.resume('test')
    expect(await first.settled).toEqual({ status: 'done' })
    expect(await second.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours again', body: 'theirs' })
    expect((await engine.operations.get(second.id))?.conflict).toMatchObject({
      fields: [{ path: 'body', local: 'ours', remote: 'theirs' }],
    })
  })

  it('S12 what waits behind such a create is compared with that also if only a look at the server tells that it was done', async () => {
    const options = { entities: { note: { conflict: 'merge', fields: { body: 'remoteWins' } } }, coalesce: false } as const
    const engine = await world.started({ ...options, pull: { everyMs: 0 } })
    await engine.synchronize()
    engine.pause('test')
    const first = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'ours' } })
    const second = await engine.enqueue(patch({ body: 'ours' }))
    await elsewhere(world, 'POST', '/note', { id: 'a', body: 'theirs' })
    // The server applies what is sent anew, and has forgotten its key when it is asked again.
    world.intercept(async ({ request }, send, count) => {
      const outcome = await send()
      if (count !== 2) return outcome
      expect(request.method).toBe('PATCH')
      return { type: 'conflict', reason: 'stale', error: new ConflictError('It has changed.') }
    })
    engine.resume('test')
    expect(await first.settled).toEqual({ status: 'done' })
    expect(await second.settled).toMatchObject({ status: 'rejected', error: { name: 'ConflictError' } })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours', body: 'theirs' })
  })
})
