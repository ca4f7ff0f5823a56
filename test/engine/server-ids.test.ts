import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ConflictError,
  DEFAULTS,
  NetworkError,
  type EngineOptions,
  type EnqueueInput,
  type Entity,
  type Operation,
  type Outcome,
  type Storage,
  type SyncEngine,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { STORE_SCHEMA } from '../../src/core/schema.ts'
import { forgetTombstones } from '../../src/engine/maintenance.ts'
import { createStore } from '../../src/engine/store.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ server: { assignedIds: ['note'] } })
})
afterEach(() => world.close())

const ENTITIES: EngineOptions['entities'] = {
  note: { ids: 'server', references: { 'meta.parents': 'note' } },
  comment: { references: { noteId: 'note' } },
}
const started = (options: Partial<EngineOptions> = {}): Promise<SyncEngine> => world.started({ entities: ENTITIES, ...options })

const create = (id: string, payload: object = { n: 1 }): EnqueueInput => ({ type: 'create', entity: 'note', id, payload })
const update = (id: string, payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id, payload })
const comment = (id: string, noteId: unknown): EnqueueInput => ({ type: 'create', entity: 'comment', id, payload: { noteId } })
const change = (id: string, noteId: string): EnqueueInput => ({ type: 'update', entity: 'comment', id, payload: { noteId } })
const lost: Outcome = { type: 'unknown', error: new NetworkError('The answer is lost.') }

const sent = (): string[] => world.attempts.map(({ request }) => `${request.method} ${request.path} ${request.body}`)
const stored = (entity: string) => world.server.state(entity) as readonly Record<string, unknown>[]
const shown = (list: readonly Entity[]): string =>
  list.map(({ id, value, status }) => `${id} ${JSON.stringify(value)} ${status}`).join('; ')

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => (resolve = done))
  return { promise, resolve }
}

/** A gate in which the create's answer waits. */
function held(): { readonly release: () => void; readonly reached: Promise<void> } {
  let release = (): void => {}
  const opened = new Promise<void>((resolve) => (release = resolve))
  const reached = new Promise<void>((resolve) => {
    world.intercept(async ({ request }, send) => {
      const outcome = await send()
      if (request.method === 'POST' && request.path === '/note') {
        resolve()
        await opened
      }
      return outcome
    })
  })
  return { release, reached }
}

describe('an entity whose id the server assigns', () => {
  it('B8 S9 has it everywhere once the create is confirmed: what waits is sent to it, and what refers to it names it', async () => {
    const engine = await started()
    engine.pause('test')
    const made = await engine.enqueueAll([
      create('temp-1', { title: 'one' }),
      comment('c1', 'temp-1'),
      create('temp-2', { meta: { parents: ['temp-1', 'other'] } }),
      update('temp-1', { title: 'two' }),
    ])
    engine.resume('test')
    for (const { settled } of made) expect(await settled).toEqual({ status: 'done' })
    expect(sent()[0]).toBe('POST /note {"title":"one"}')
    expect(sent().join('\n')).not.toContain('temp-')
    const notes = Object.fromEntries(stored('note').map(({ id, ...rest }) => [id, rest]))
    expect(notes).toMatchObject({ 'note-1': { title: 'two' }, 'note-2': { meta: { parents: ['note-1', 'other'] } } })
    expect(stored('comment')).toMatchObject([{ id: 'c1', noteId: 'note-1' }])
    expect(await engine.operations.get(made[0]!.id)).toMatchObject({ entityId: 'note-1', status: 'done' })
    expect(await made[0]!.status()).toBe('done')
  })

  it('B8 S14 is one row in the view at every moment, and goes on to be found by the temporary id', async () => {
    const engine = await started()
    const view = engine.view('note')
    const lists: string[] = []
    const one: (string | undefined)[] = []
    view.watch().subscribe((list) => lists.push(shown(list)))
    view.watch('temp-1').subscribe((entity) => one.push(entity?.id))
    await view.list()
    engine.pause('test')
    const [first] = await engine.enqueueAll([create('temp-1'), update('temp-1', { n: 2 })])
    const { release, reached } = held()
    engine.resume('test')
    await reached
    const later = await engine.enqueue(update('temp-1', { m: 3 }))
    release()
    await first!.settled
    await later.settled
    await engine.flush()
    expect(lists.every((list) => list === '' || list.split('; ').length === 1)).toBe(true)
    expect(lists.slice(1).every((list) => list !== '')).toBe(true)
    expect(await view.list()).toMatchObject([{ id: 'note-1', value: { n: 2, m: 3 }, status: 'synced' }])
    expect(one.filter((id, at) => id !== one[at - 1])).toEqual(['temp-1', 'note-1'])
    expect(await view.get('temp-1')).toMatchObject({ id: 'note-1' })
    expect(engine.history().filter(({ type }) => type === 'entity:renamed')).toMatchObject([
      { entity: 'note', id: 'note-1', formerId: 'temp-1' },
    ])
    expect(engine.history().some(({ type }) => type === 'entity:deleted')).toBe(false)
  })

  it('B8 is known by both ids in every tab, and what is enqueued by the temporary one later is about the other', async () => {
    const owner = await started()
    const follower = await started()
    const names: string[] = []
    follower
      .view('note')
      .watch()
      .subscribe((list) => names.push(list.map(({ id }) => id).join()))
    await follower.view('note').list()
    owner.pause('test')
    const made = await owner.enqueue(create('temp-1'))
    await eventOf(follower, 'entity:created')
    owner.resume('test')
    await made.settled
    const renamed = await eventOf(follower, 'entity:renamed')
    expect(renamed).toMatchObject({ id: 'note-1', formerId: 'temp-1' })
    expect(new Set(names)).toEqual(new Set(['', 'temp-1', 'note-1']))
    for (const engine of [owner, follower]) {
      expect(await engine.view('note').get('temp-1')).toMatchObject({ id: 'note-1' })
      const changed = await engine.enqueue(update('temp-1', { by: engine === owner ? 'owner' : 'follower' }))
      expect(await engine.operations.get(changed.id)).toMatchObject({ entityId: 'note-1' })
      const child = await engine.enqueue(comment(engine === owner ? 'c1' : 'c2', 'temp-1'))
      expect(await engine.operations.get(child.id)).toMatchObject({ payload: { noteId: 'note-1' } })
      expect([(await changed.settled).status, (await child.settled).status]).toEqual(['done', 'done'])
    }
    expect(stored('note')).toMatchObject([{ id: 'note-1', by: 'follower' }])
  })

  it('B8 is so after a restart, too, and if the owner died when the server had answered', async () => {
    const first = await started()
    first.pause('test')
    const made = await first.enqueueAll([create('temp-1'), update('temp-1', { n: 2 }), comment('c1', 'temp-1')])
    world.intercept(async (_, send) => {
      await send()
      return lost
    })
    first.resume('test')
    await eventOf(first, 'sync:retry')
    first.pause('died')
    await first.stop()
    world.intercept(undefined)
    const second = await started()
    for (const { id } of made) await second.operations.handle(id).settled
    await second.stop()
    const third = await started()
    expect(await third.view('note').get('temp-1')).toMatchObject({ id: 'note-1', value: { n: 2 }, status: 'synced' })
    expect(stored('note')).toMatchObject([{ id: 'note-1', n: 2 }])
    expect(stored('comment')).toMatchObject([{ noteId: 'note-1' }])
    expect(world.server.ledger().filter(({ method }) => method === 'POST')).toHaveLength(2)
  })

  it('B8 moves what another tab enqueues while the answer is being stored', async () => {
    const handle = world.storage()
    const late: Promise<Operation>[] = []
    const storage: Storage = {
      ...handle,
      async commit(writes, options) {
        const isRenaming = writes.some((write) => write.type === 'put' && 'movedTo' in write.value)
        if (isRenaming && late.length === 0) {
          late.push(other.enqueue(update('temp-1', { late: true })), other.enqueue(comment('c1', 'temp-1')))
          await Promise.all(late)
        }
        return handle.commit(writes, options)
      },
    }
    const owner = await started({ storage })
    const other = await started()
    const view = other.view('note')
    await view.list()
    owner.pause('test')
    const made = await owner.enqueue(create('temp-1'))
    await eventOf(other, 'entity:created')
    owner.resume('test')
    expect(await made.settled).toEqual({ status: 'done' })
    for (const { settled } of await Promise.all(late)) expect(await settled).toEqual({ status: 'done' })
    expect(stored('note')).toMatchObject([{ id: 'note-1', late: true }])
    expect(stored('comment')).toMatchObject([{ noteId: 'note-1' }])
    expect(sent().join('\n')).not.toContain('temp-')
    await eventOf(other, 'entity:renamed')
    expect((await view.list()).map(({ id }) => id)).toEqual(['note-1'])
  })

  it('B8 is looked for once more if it gets its id while another tab stores what names it', async () => {
    const owner = await started()
    const handle = world.storage()
    const made: Operation[] = []
    const storage: Storage = {
      ...handle,
      async commit(writes, options) {
        const isNaming = writes.some((write) => write.type === 'append')
        if (isNaming) await made[0]?.settled
        return handle.commit(writes, options)
      },
    }
    const other = await started({ storage })
    const { release, reached } = held()
    made.push(await owner.enqueue(create('temp-1')))
    await reached
    const enqueued = Promise.all([other.enqueue(update('temp-1', { late: true })), other.enqueue(comment('c1', 'temp-1'))])
    release()
    for (const { id, settled } of await enqueued) {
      expect(JSON.stringify(await other.operations.get(id))).toContain('note-1')
      expect(await settled).toEqual({ status: 'done' })
    }
    expect(sent().join('\n')).not.toContain('temp-')
  })

  it('B8 S5 leaves what was sent before as it was', async () => {
    const engine = await started()
    world.intercept(async ({ request }, send) => (request.path === '/comment' ? lost : send()))
    engine.pause('test')
    const early = await engine.enqueue(comment('c1', 'temp-1'))
    engine.resume('test')
    await eventOf(engine, 'sync:retry')
    await (
      await engine.enqueue(create('temp-1'))
    ).settled
    world.intercept(undefined)
    await early.settled
    expect(stored('comment')).toMatchObject([{ noteId: 'temp-1' }])
    expect(new Set(sent().filter((line) => line.startsWith('POST /comment'))).size).toBe(1)
  })

  it('B8 is two rows while a pull has brought it and the answer is lost, and one from the answer on', async () => {
    const engine = await started()
    world.intercept(async (_, send) => {
      await send()
      return lost
    })
    const made = await engine.enqueue(create('temp-1', { title: 'x' }))
    await eventOf(engine, 'sync:retry')
    await engine.synchronize()
    expect((await engine.view('note').list()).map(({ id }) => id).toSorted()).toEqual(['note-1', 'temp-1'])
    world.intercept(undefined)
    expect(await made.settled).toEqual({ status: 'done' })
    expect((await engine.view('note').list()).map(({ id }) => id)).toEqual(['note-1'])
    expect(await engine.view('note').get('temp-1')).toMatchObject({ id: 'note-1', status: 'synced' })
  })

  it('B8 S6 asks again by the same key if the answer does not say which it is', async () => {
    const engine = await started()
    world.intercept(async (_, send, count) => {
      const outcome = await send()
      return count === 1 && outcome.type === 'applied' ? { type: 'applied', version: outcome.version } : outcome
    })
    const made = await engine.enqueue(create('temp-1'))
    expect(await eventOf(engine, 'sync:retry')).toMatchObject({ operation: { lastError: { code: 'unreadable' } } })
    expect(await made.settled).toEqual({ status: 'done' })
    expect(stored('note')).toHaveLength(1)
    expect(new Set(world.attempts.map(({ context }) => context.idempotencyKey)).size).toBe(1)
  })

  it('B8 B13 is sound in the eyes of a check, though what was merged into its create keeps the temporary id', async () => {
    const engine = await started()
    engine.pause('test')
    await engine.enqueueAll([create('temp'), update('temp', { n: 2 })])
    engine.resume('test')
    await engine.flush()
    expect(await engine.operations.list({ status: 'superseded' })).toMatchObject([{ entityId: 'temp' }])
    expect(await engine.check()).toMatchObject({ problems: [] })
  })

  it('B8 S13 waits for a person if the server says that it has the like, for it can not be looked for', async () => {
    const engine = await started()
    world.intercept(async () => ({ type: 'conflict', reason: 'exists', error: new ConflictError('Exists.') }))
    const made = await engine.enqueue(create('temp-1', { title: 'taken' }))
    const child = await engine.enqueue(comment('c1', 'temp-1'))
    expect(await eventOf(engine, 'sync:parked')).toMatchObject({ operation: { id: made.id, lastError: { code: 'conflict' } } })
    expect((await engine.explain(child.id)).waitingFor.join()).toContain('refuses to create note/temp-1')
    world.intercept(undefined)
    await engine.operations.edit(made.id, { title: 'free' })
    expect([(await made.settled).status, (await child.settled).status]).toEqual(['done', 'done'])
    expect(stored('comment')).toMatchObject([{ noteId: 'note-1' }])
  })

  it('B8 E4 is asked for under a new key when a person tries such a create again, for a server gives a stored refusal again', async () => {
    const engine = await started()
    const refused = new Set<string>()
    world.intercept(async ({ context }, send) => {
      if (refused.size > 0 && !refused.has(context.idempotencyKey)) return send()
      refused.add(context.idempotencyKey)
      return { type: 'conflict', reason: 'exists', error: new ConflictError('Exists.') }
    })
    const made = await engine.enqueue(create('temp-1'))
    await eventOf(engine, 'sync:parked')
    const again = new Promise((resolve) => engine.on('sync:parked', resolve))
    await engine.operations.retry(made.id)
    expect(await Promise.race([made.settled, again])).toEqual({ status: 'done' })
    expect([...refused]).toEqual([made.id])
    expect(stored('note')).toMatchObject([{ id: 'note-1', n: 1 }])
  })

  it('B8 S16 takes in what is queued behind the create, as long as that was never sent', async () => {
    const engine = await started()
    engine.pause('test')
    await engine.enqueueAll([
      create('temp-1', { n: 1 }),
      update('temp-1', { n: 2 }),
      create('temp-2'),
      { type: 'delete', entity: 'note', id: 'temp-2' },
    ])
    engine.resume('test')
    await engine.flush()
    expect(sent()).toEqual(['POST /note {"n":2}'])
  })

  it('B8 is created anew after it was deleted, by a new id of the server, under the same temporary one', async () => {
    const engine = await started()
    for (const input of [
      create('temp-1'),
      { type: 'delete', entity: 'note', id: 'temp-1' },
      create('temp-1', { again: true }),
    ] as const)
      expect(await (await engine.enqueue(input)).settled).toEqual({ status: 'done' })
    expect(stored('note')).toMatchObject([{ again: true }])
    const [{ id }] = stored('note') as [{ id: string }]
    expect(await engine.view('note').get('temp-1')).toMatchObject({ id })
    expect((await engine.view('note').list()).map((one) => one.id)).toEqual([id])
    const child = await engine.enqueue(comment('c1', 'temp-1'))
    await child.settled
    expect(stored('comment')).toMatchObject([{ noteId: id }])
  })

  it('B8 can be edited by its temporary id while its operations wait, and in what refers to it', async () => {
    const engine = await started()
    await (
      await engine.enqueue(create('temp-1'))
    ).settled
    engine.pause('test')
    const child = await engine.enqueue(comment('c1', 'other'))
    await engine.operations.edit(child.id, { noteId: 'temp-1' })
    engine.resume('test')
    await child.settled
    expect(stored('comment')).toMatchObject([{ noteId: 'note-1' }])
  })

  it('B8 is known by its temporary id for 30 days and as long as tombstones are kept, and not for ever', async () => {
    const engine = await started()
    for (const id of ['temp-1', 'temp-2']) await (await engine.enqueue(create(id))).settled
    const handle = world.storage()
    await handle.open(STORE_SCHEMA)
    const store = createStore(handle)
    const forgetAfterDays = async (days: number): Promise<void> => {
      const { epoch = 0 } = (await store.lease()) ?? {}
      await forgetTombstones(store, DEFAULTS.retention, epoch, Date.now() + days * 86_400_000, (task) => task())
    }
    const moved = async (): Promise<boolean[]> =>
      (await store.entities(['default/note/temp-1', 'default/note/temp-2'])).map((row) => row?.movedTo !== undefined)
    await forgetAfterDays(30.5)
    expect(await moved()).toEqual([true, true])
    await forgetAfterDays(31.5)
    // The newest row of all stays.
    expect(await moved()).toEqual([false, true])
    await handle.close()
    expect((await engine.view('note').list()).map(({ id }) => id).toSorted()).toEqual(['note-1', 'note-2'])
  })

  it('B8 takes the place of the temporary one in what a person decides about a conflict', async () => {
    const engine = await started({ entities: { ...ENTITIES, comment: { references: { noteId: 'note' }, conflict: 'manual' } } })
    await (
      await engine.enqueue(create('temp-1'))
    ).settled
    await (
      await engine.enqueue(comment('c1', 'x'))
    ).settled
    const change = { method: 'PATCH', headers: { 'Idempotency-Key': '"other"', 'Content-Type': 'application/merge-patch+json' } }
    await fetch(`${world.url}/comment/c1`, { ...change, body: JSON.stringify({ noteId: 'z' }) })
    const mine = await engine.enqueue({ type: 'update', entity: 'comment', id: 'c1', payload: { noteId: 'y' } })
    await eventOf(engine, 'conflict:detected')
    const [conflict] = await engine.conflicts.list()
    await engine.conflicts.resolve(conflict!.id, { value: { noteId: 'temp-1' } })
    expect(await mine.settled).toEqual({ status: 'done' })
    expect(stored('comment')).toMatchObject([{ id: 'c1', noteId: 'note-1' }])
  })

  it('B8 is in the batch with others, each with its own id', async () => {
    const engine = await started({ batchSize: 10 })
    engine.pause('test')
    const ids = ['a', 'b', 'c', 'd']
    await engine.enqueueAll(ids.flatMap((id) => [create(id, { name: id }), comment(`c-${id}`, id)]))
    engine.resume('test')
    await engine.flush()
    const names = new Map(stored('note').map(({ id, name }) => [id, name]))
    expect(stored('comment')).toHaveLength(4)
    for (const { id, noteId } of stored('comment')) expect(`c-${String(names.get(noteId))}`).toBe(id)
  })
})

describe('a transaction over entities whose ids the server assigns', () => {
  const whole = (engine: SyncEngine, ...inputs: readonly EnqueueInput[]) =>
    engine.transaction((tx) => {
      for (const input of inputs) tx.enqueue(input)
    })

  it.each([
    ['before', ['/note', '/tag/ghost']],
    ['in the moment in which', ['both']],
    ['only after', ['/tag/ghost', '/note']],
  ])(
    'B8 B14 takes the place of the temporary one in what takes a transaction back, told %s that is refused',
    async (_, order) => {
      const answers = new Map(['/note', '/tag/ghost', 'both'].map((path) => [path, deferred()]))
      world.intercept(async ({ request: { path } }, send) => {
        const outcome = await send()
        if (answers.has(path)) await Promise.race([answers.get(path)?.promise, answers.get('both')?.promise])
        return outcome
      })
      await elsewhere(world, 'POST', '/comment', { id: 'c1', noteId: 'other' })
      const transport = httpTransport({ baseURL: world.url, batch: false })
      const engine = await started({ transport, entities: { ...ENTITIES, tag: {} } })
      const made = await engine.enqueue(create('temp-1'))
      const { operations } = await engine.transaction((tx) => {
        tx.enqueue({ ...change('c1', 'none'), undo: { type: 'update', payload: { noteId: 'temp-1' } } })
        tx.enqueue({ type: 'update', entity: 'tag', id: 'ghost', payload: { n: 1 } })
      })
      await expect.poll(() => sent().some((line) => line.startsWith('PATCH /tag/ghost'))).toBe(true)
      const ends = new Map([
        ['/note', made],
        ['/tag/ghost', operations[1]!],
      ])
      for (const path of order) {
        answers.get(path)?.resolve()
        await ends.get(path)?.settled
      }
      await made.settled
      await operations[1]!.settled
      await engine.flush()
      expect(stored('comment')).toMatchObject([{ id: 'c1', noteId: 'note-1' }])
      expect(sent().join('\n')).not.toContain('temp-1')
    },
  )

  it('B8 B14 is sent one by one if its operations name each other, though the API has an atomic batch', async () => {
    const engine = await started()
    const { settled } = await whole(engine, create('temp-1'), comment('c1', 'temp-1'), update('temp-x', { n: 1 }))
    expect((await settled).status).toBe('rejected')
    await engine.flush()
    expect(sent().map((line) => line.split(' ', 2).join(' '))).toEqual([
      'POST /note',
      'POST /comment',
      'PATCH /note/temp-x',
      ...sent()
        .slice(3)
        .map((line) => line.split(' ', 2).join(' ')),
    ])
    expect(sent().slice(3).join('\n')).toContain('DELETE /note/note-1')
    expect([stored('note'), stored('comment')]).toEqual([[], []])
  })

  it('B8 B14 goes in the order in which they name each other, wherever dependsOn would have them, and is refused where that is none', async () => {
    const engine = await started()
    const made = (id: string) =>
      engine.transaction((tx) => {
        const dependsOn: string[] = []
        const inputs = [comment('c0', 'other'), create('temp-1'), comment('c1', 'temp-1')]
        const ids = inputs.map((input) => tx.enqueue(input.id === id ? { ...input, dependsOn } : input).id)
        dependsOn.push(ids.at(-1)!)
      })
    await expect(made('temp-1')).rejects.toMatchObject({ code: 'dependency-cycle' })
    expect(await (await made('c0')).settled).toEqual({ status: 'done' })
    expect(stored('comment')).toMatchObject([{ noteId: 'note-1' }, { noteId: 'other' }])
  })

  it('B8 B14 S31 is one request if they do not, and each gets its id by the answer', async () => {
    const engine = await started()
    const { settled } = await whole(engine, create('temp-1', { n: 1 }), create('temp-2', { n: 2 }))
    expect(await settled).toEqual({ status: 'done' })
    expect(sent()).toEqual([])
    expect((await engine.view('note').get('temp-2'))?.value).toMatchObject({ n: 2 })
    expect((await engine.view('note').list()).map(({ id }) => id).toSorted()).toEqual(['note-1', 'note-2'])
  })

  it('B8 B14 waits for a create outside of it, and then names what that made', async () => {
    const engine = await started({ transport: httpTransport({ baseURL: world.url }) })
    engine.pause('test')
    await engine.enqueue(create('temp-1'))
    const { settled } = await whole(engine, comment('c1', 'temp-1'), update('temp-1', { n: 2 }))
    engine.resume('test')
    expect(await settled).toEqual({ status: 'done' })
    expect(stored('comment')).toMatchObject([{ noteId: 'note-1' }])
    expect(stored('note')).toMatchObject([{ id: 'note-1', n: 2 }])
  })
})
