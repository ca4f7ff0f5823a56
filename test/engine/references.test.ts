import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ClientError,
  createSyncEngine,
  NetworkError,
  type EngineOptions,
  type EnqueueInput,
  type Outcome,
  type Storage,
  type SyncEngine,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { memoryStorage } from '../../src/adapters/memory.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const ENTITIES: EngineOptions['entities'] = {
  note: { references: { 'meta.parents': 'note' } },
  comment: { references: { noteId: 'note' } },
}
const started = (options: Partial<EngineOptions> = {}): Promise<SyncEngine> => world.started({ entities: ENTITIES, ...options })

const note = (id: string, parents?: readonly string[]): EnqueueInput => ({
  type: 'create',
  entity: 'note',
  id,
  payload: parents === undefined ? {} : { meta: { parents } },
})
const comment = (id: string, noteId: unknown): EnqueueInput => ({ type: 'create', entity: 'comment', id, payload: { noteId } })

const order = (): string[] => world.attempts.map(({ request }) => `${request.method} ${request.path} ${idIn(request.body)}`)
const idIn = (body: string | null): string => (JSON.parse(body ?? '{}') as { id?: string }).id ?? ''
const dependsOn = async (engine: SyncEngine, id: string) => (await engine.operations.get(id))?.dependsOn
const refused: Outcome = { type: 'rejected', definite: true, error: new ClientError('Too long a title.', { status: 422 }) }

/** The store, and how often operations were looked for in it. */
function counted(storage: Storage): { storage: Storage; scans: () => number } {
  let scans = 0
  const scanMany: Storage['scanMany'] = (collection, queries) => {
    if (collection === 'operations') scans += 1
    return storage.scanMany(collection, queries)
  }
  return { storage: { ...storage, scanMany }, scans: () => scans }
}

describe('more entities than one operation may name', () => {
  const parents = Array.from({ length: 1_001 }, (_, at) => `n${at}`)

  it('B8 L9 are refused, and nothing of the call is stored', async () => {
    const engine = await started()
    engine.pause('test')
    const call = engine.enqueueAll([comment('c1', 'n1'), note('big', parents)])
    await expect(call).rejects.toMatchObject({ name: 'ValidationError', path: '[1].payload' })
    await expect(engine.transaction((tx) => void tx.enqueue(note('big', parents)))).rejects.toMatchObject({ path: '[0].payload' })
    const small = await engine.enqueue(note('small'))
    await expect(engine.operations.edit(small.id, { meta: { parents } })).rejects.toMatchObject({ path: 'payload' })
    expect(await engine.operations.count('live')).toBe(1)
  })

  it('S31 L4 are named by what takes back an operation of a refused transaction, and hold up nobody', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'big', meta: { parents } })
    const engine = await started({ transport: httpTransport({ baseURL: world.url, batch: false }) })
    await engine.synchronize()
    const { settled } = await engine.transaction((tx) => {
      tx.enqueue({ type: 'delete', entity: 'note', id: 'big' })
      tx.enqueue({ type: 'update', entity: 'note', id: 'ghost', payload: { n: 1 } })
    })
    expect(await settled).toMatchObject({ status: 'rejected', error: { status: 404 } })
    await engine.flush()
    expect(world.notes()).toEqual({ big: { id: 'big', meta: { parents } } })
  })
})

describe('an operation that names another entity in a declared field', () => {
  it('S9 B8 waits for the create of that, whatever else might go first', async () => {
    const engine = await started()
    let answerParent = (): void => {}
    world.intercept(async ({ request }, send) => {
      if (idIn(request.body) === 'n1') await new Promise<void>((resolve) => (answerParent = resolve))
      return send()
    })
    engine.pause('test')
    const parent = await engine.enqueue({ ...note('n1'), priority: 'low' })
    const child = await engine.enqueue({ ...comment('c1', 'n1'), priority: 'critical' })
    const free = await engine.enqueue(comment('c2', 'n2'))
    expect(await dependsOn(engine, child.id)).toEqual([parent.id])
    expect(await dependsOn(engine, free.id)).toBeUndefined()
    engine.resume('test')
    expect((await free.settled).status).toBe('done')
    expect(await child.status()).toBe('queued')
    answerParent()
    expect((await child.settled).status).toBe('done')
    expect(order().indexOf('POST /note n1')).toBeLessThan(order().indexOf('POST /comment c1'))
  })

  it('B8 waits for all that a list in a nested field names, and for what dependsOn names besides', async () => {
    const engine = await started()
    engine.pause('test')
    const [a, b, other] = await engine.enqueueAll([note('a'), note('b'), note('other')])
    const child = await engine.enqueue({ ...note('c', ['b', 'a', 'c', 'gone']), dependsOn: [other!.id] })
    expect(await dependsOn(engine, child.id)).toEqual([other!.id, b!.id, a!.id])
    engine.resume('test')
    expect((await child.settled).status).toBe('done')
    expect(order().at(-1)).toBe('POST /note c')
  })

  it('B8 finds it earlier in the same call, transaction or burst of calls, and not what comes later', async () => {
    const engine = await started()
    engine.pause('test')
    const [early, parent, late] = await engine.enqueueAll([comment('c1', 'n1'), note('n1'), comment('c2', 'n1')])
    expect(await dependsOn(engine, early!.id)).toBeUndefined()
    expect(await dependsOn(engine, late!.id)).toEqual([parent!.id])
    const { operations } = await engine.transaction((tx) => {
      tx.enqueue(note('n2'))
      tx.enqueue(comment('c3', 'n2'))
    })
    expect(await dependsOn(engine, operations[1]!.id)).toEqual([operations[0]!.id])
    const [first, second] = await Promise.all([engine.enqueue(note('n3')), engine.enqueue(comment('c4', 'n3'))])
    expect(await dependsOn(engine, second.id)).toEqual([first.id])
    engine.resume('test')
    expect(await engine.flush()).toMatchObject({ failed: 0, deferred: 0 })
  })

  it('B8 does so in every tab and after a restart, for the row says it', async () => {
    const owner = await started()
    owner.pause('test')
    const parent = await owner.enqueue(note('n1'))
    const follower = await started()
    const child = await follower.enqueue(comment('c1', 'n1'))
    await follower.stop()
    await owner.stop()
    const next = await world.started({ entities: { note: {}, comment: {} } })
    expect(await dependsOn(next, child.id)).toEqual([parent.id])
    await next.flush()
    expect(order()).toEqual(['POST /note n1', 'POST /comment c1'])
  })

  it('B8 depends on the newest create, where what was before is deleted first', async () => {
    const engine = await started({ coalesce: false })
    engine.pause('test')
    const created: string[] = []
    for (const input of [note('n1'), { type: 'delete', entity: 'note', id: 'n1' }, note('n1')])
      created.push((await engine.enqueue(input)).id)
    const child = await engine.enqueue(comment('c1', 'n1'))
    expect(await dependsOn(engine, child.id)).toEqual([created[2]])
  })

  it('B8 S17 keeps what it names apart: nothing is merged into the create any more', async () => {
    const engine = await started()
    engine.pause('test')
    const parent = await engine.enqueue(note('n1'))
    await engine.enqueue(comment('c1', 'n1'))
    await engine.enqueue({ type: 'delete', entity: 'note', id: 'n1' })
    engine.resume('test')
    expect(await parent.settled).toEqual({ status: 'done' })
    await engine.flush()
    expect(order()[0]).toBe('POST /note n1')
    expect(order()).toContain('POST /comment c1')
  })

  it('B8 waits for nothing that is there already, nor for what another user creates', async () => {
    const engine = await started()
    await (
      await engine.enqueue(note('n1'))
    ).settled
    engine.pause('test')
    expect(await dependsOn(engine, (await engine.enqueue(comment('c1', 'n1'))).id)).toBeUndefined()
    await engine.enqueue(note('n2'))
    const other = await started({ user: 'other' })
    expect(await dependsOn(other, (await other.enqueue(comment('c2', 'n2'))).id)).toBeUndefined()
  })

  it('B8 depends anew by what it is edited to, with its parent marked in the same commit', async () => {
    const engine = await started()
    engine.pause('test')
    const child = await engine.enqueue(comment('c1', 'nobody'))
    const parent = await engine.enqueue(note('n1'))
    await engine.operations.edit(child.id, { noteId: 'n1' })
    expect(await dependsOn(engine, child.id)).toEqual([parent.id])
    await engine.enqueue({ type: 'update', entity: 'note', id: 'n1', payload: { title: 'later' } })
    engine.resume('test')
    expect(await parent.settled).toEqual({ status: 'done' })
    expect(await child.settled).toEqual({ status: 'done' })
    expect(order().indexOf('POST /note n1')).toBeLessThan(order().indexOf('POST /comment c1'))
  })

  it('B8 L1 does not wait, by what it is edited to, for what waits for it, however many are between', async () => {
    const engine = await started()
    engine.pause('test')
    const first = await engine.enqueue(note('n1'))
    await engine.enqueue(comment('c1', 'n1'))
    await engine.enqueue({ type: 'delete', entity: 'comment', id: 'c1' })
    const { operations } = await engine.transaction((tx) => {
      tx.enqueue(comment('c1', 'nobody'))
      tx.enqueue(note('n2'))
    })
    await engine.operations.edit(first.id, { meta: { parents: ['n2', 'n1'] } })
    expect(await dependsOn(engine, first.id)).toBeUndefined()
    engine.resume('test')
    for (const { settled } of [first, ...operations]) expect(await settled).toEqual({ status: 'done' })
    expect(order()[0]).toBe('POST /note n1')
  })

  it('B8 falls with the create, and its error names that and what befell it, as explain does', async () => {
    const engine = await started()
    world.intercept(async ({ request }, send) => (idIn(request.body) === 'n1' ? refused : send()))
    engine.pause('test')
    const parent = await engine.enqueue(note('n1'))
    const child = await engine.enqueue(comment('c1', 'n1'))
    engine.resume('test')
    expect((await parent.settled).status).toBe('rejected')
    const message = `It depends on ${parent.id}, the create of note/n1, which was rejected (Too long a title.). Enqueue it again once that is done.`
    expect(await child.settled).toMatchObject({ status: 'rejected', error: { code: 'dependency-failed', message } })
    expect((await engine.explain(child.id)).summary).toBe(`It was rejected: ${message}`)
    expect(order()).toEqual(['POST /note n1'])
  })

  it('B8 falls when the create is discarded', async () => {
    const engine = await started()
    engine.pause('test')
    const parent = await engine.enqueue(note('n1'))
    const child = await engine.enqueue(comment('c1', 'n1'))
    await engine.operations.discard(parent.id)
    engine.resume('test')
    expect(await child.settled).toMatchObject({ status: 'rejected', error: { code: 'dependency-failed' } })
    expect(JSON.stringify(await child.settled)).toContain('note/n1, which was cancelled')
  })

  it('B8 F8 waits while the create is parked, and explain tells why that is', async () => {
    const engine = await started({ retry: { strategy: 'constant', baseMs: 1, maxAttempts: 1 } })
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Lost.') }))
    const parent = await engine.enqueue(note('n1'))
    await eventOf(engine, 'sync:parked')
    const child = await engine.enqueue(comment('c1', 'n1'))
    expect((await engine.explain(child.id)).waitingFor.join()).toMatch(
      new RegExp(
        `^operation ${parent.id} \\(parked\\), on which it depends, the create of note/n1, whose last error was: .*Lost`,
      ),
    )
  })

  it('B8 is refused if it names too many', async () => {
    const engine = await started()
    const many = Array.from({ length: 1_001 }, (_, at) => `n${at}`)
    await expect(engine.enqueue(note('c', many))).rejects.toMatchObject({ name: 'ValidationError', path: 'payload' })
    expect(await engine.operations.count('live')).toBe(0)
  })

  it('B8 costs one look for a whole call, and none where nothing is declared', async () => {
    // Who follows looks for nothing by himself.
    const owner = await started()
    await owner.flush()
    owner.pause('test')
    const { storage, scans } = counted(world.storage())
    const engine = await started({ storage })
    const before = scans()
    await engine.enqueueAll([note('a'), note('b'), comment('c1', 'a'), comment('c2', 'b'), comment('c3', 'x')])
    expect(scans() - before).toBe(1)
    const plain = counted(world.storage())
    const without = await world.started({ storage: plain.storage, entities: { note: {}, comment: {} } })
    const since = plain.scans()
    await without.enqueueAll([comment('c4', 'a'), comment('c5', 'b')])
    expect(plain.scans() - since).toBe(0)
  })
})

describe('the option references', () => {
  const made = (references: unknown) => () =>
    createSyncEngine({
      storage: memoryStorage(),
      transport: httpTransport({ baseURL: 'http://127.0.0.1:1' }),
      // @ts-expect-error What JavaScript may pass.
      entities: { note: {}, comment: { references } },
    })

  it.each([
    [null, 'entities.comment.references'],
    [{ noteId: 'page' }, 'entities.comment.references.noteId'],
    [{ noteId: 1 }, 'entities.comment.references.noteId'],
    [{ 'meta..note': 'note' }, 'entities.comment.references.meta..note'],
    [{ '': 'note' }, 'entities.comment.references.'],
    [{ id: 'note' }, 'entities.comment.references.id'],
  ])('A1 refuses %j by name', (references, path) => {
    expect(made(references)).toThrow(expect.objectContaining({ name: 'ValidationError', path }))
  })
})
