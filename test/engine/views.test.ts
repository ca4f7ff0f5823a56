import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { firstValueFrom, filter, tap } from 'rxjs'
import type { Entity, EntityChange, EnqueueInput, JsonObject, Storage } from '../../src/index.ts'
import { ClientError, StorageUnavailableError } from '../../src/index.ts'
import { ENTITIES } from '../../src/core/schema.ts'
import { openDatabase } from '../../src/server/database.ts'
import { faultyStorage, records, unavailableOnce } from '../support/faulty-storage.ts'
import { elsewhere } from '../support/other-client.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (id: string, payload: object): EnqueueInput => ({ type: 'create', entity: 'note', id, payload })
const update = (id: string, payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id, payload })

interface Note {
  readonly id: string
  readonly title: string
  readonly version?: string
}

describe('a view', () => {
  it('A4 shows a write at once as pending, with its operation, and as synced once the server has confirmed it', async () => {
    const engine = await world.started()
    engine.pause('test')
    const notes = engine.view<Note>('note')
    const seen: (Entity<Note> | undefined)[] = []
    expect(await notes.get('a')).toBeUndefined()
    notes.watch('a').subscribe((entity) => seen.push(entity))
    const operation = await engine.enqueue(create('a', { title: 'Hi' }))
    expect(await notes.get('a')).toEqual({
      id: 'a',
      value: { id: 'a', title: 'Hi' },
      status: 'pending',
      operationIds: [operation.id],
    })
    engine.resume('test')
    await operation.settled
    expect(await notes.get('a')).toEqual({
      id: 'a',
      value: { id: 'a', title: 'Hi', version: '1' },
      status: 'synced',
      version: '1',
      operationIds: [],
    })
    expect(seen.map((entity) => entity?.status)).toEqual([undefined, 'pending', 'synced'])
  })

  it('A4 tells who watches one entity nothing when another changes', async () => {
    const engine = await world.started()
    world.intercept(async ({ request }, send) => (request.body?.includes('"a"') === true ? new Promise(() => {}) : send()))
    const seen: (Entity | undefined)[] = []
    engine
      .view('note')
      .watch('a')
      .subscribe((entity) => seen.push(entity))
    expect(await engine.view('note').get('a')).toBeUndefined()
    const started = eventOf(engine, 'sync:started')
    await engine.enqueue(create('a', { title: 'Hi' }))
    await started
    await (
      await engine.enqueue(create('b', {}))
    ).settled
    expect(await engine.view('note').get('b')).toMatchObject({ status: 'synced' })
    expect(seen).toMatchObject([undefined, { id: 'a', status: 'pending' }])
  })

  it('S14 folds the live operations over the base in their order, and S15 leaves out the one that was refused', async () => {
    const engine = await world.started()
    await (
      await engine.enqueue(create('a', { title: 'old', n: 0 }))
    ).settled
    engine.pause('test')
    const notes = engine.view('note')
    const first = await engine.enqueue(update('a', { title: 'one' }))
    const second = await engine.enqueue(update('a', { n: 2 }))
    expect((await notes.get('a'))?.value).toMatchObject({ title: 'one', n: 2 })
    await engine.operations.discard(first.id)
    expect((await notes.get('a'))?.value).toMatchObject({ title: 'old', n: 2 })
    expect((await notes.get('a'))?.operationIds).toEqual([second.id])
    await engine.operations.discard(second.id)
    expect(await notes.get('a')).toMatchObject({ value: { title: 'old', n: 0 }, status: 'synced' })
  })

  it('S15 takes back a create and a delete that the server refuses: what was absent is absent, and what was there is there', async () => {
    const engine = await world.started()
    const notes = engine.view('note')
    await (
      await engine.enqueue(create('a', { title: 'kept' }))
    ).settled
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
    await engine.stop()
    const next = await world.started({ entities: { note: { conflict: 'remoteWins' } } })
    const view = next.view('note')
    const operation = await next.enqueue({ type: 'delete', entity: 'note', id: 'a' })
    const shown = await view.get('a')
    expect(await operation.settled).toMatchObject({ status: 'rejected' })
    expect(shown).toBeUndefined()
    expect(await view.get('a')).toMatchObject({ value: { title: 'theirs' }, status: 'synced' })
    await expect(notes.get('a')).rejects.toMatchObject({ name: 'StorageClosedError' })
  })

  it('E1 another engine on the same store sees the write while it is pending, and when it is confirmed', async () => {
    const owner = await world.started()
    const follower = await world.started()
    owner.pause('test')
    const seen = follower.view('note').watch('a')
    const pending = firstValueFrom(seen.pipe(filter((entity) => entity?.status === 'pending')))
    const synced = firstValueFrom(seen.pipe(filter((entity) => entity?.status === 'synced')))
    await owner.enqueue(create('a', { title: 'Hi' }))
    expect((await pending)?.value).toEqual({ id: 'a', title: 'Hi' })
    owner.resume('test')
    expect(await synced).toMatchObject({ value: { title: 'Hi', version: '1' }, version: '1' })
    expect(await owner.view('note').list()).toEqual(await follower.view('note').list())
  })

  it('E1 sees what is deleted elsewhere, where nothing is pulled', async () => {
    const owner = await world.started()
    const follower = await world.started()
    await (
      await owner.enqueue(create('a', {}))
    ).settled
    const seen = follower.view('note').watch('a')
    const gone = firstValueFrom(seen.pipe(filter((entity) => entity === undefined)))
    expect(await follower.view('note').get('a')).toBeDefined()
    await (
      await owner.enqueue({ type: 'delete', entity: 'note', id: 'a' })
    ).settled
    expect(await gone).toBeUndefined()
  })

  it.each([
    ['', 2],
    [', though all of them fill a page', 1_001],
  ])('S14 S18 goes on to show changes where an entity by damage stands as newer than all others%s', async (_, count) => {
    const owner = await world.started()
    await Promise.all(
      (await owner.enqueueAll(Array.from({ length: count }, (_, i) => create(`n${i}`, { title: 'Hi' })))).map(
        ({ settled }) => settled,
      ),
    )
    const database = await openDatabase(world.path)
    database.exec("UPDATE entities SET rev = rev + 10000 WHERE key = 'default/note/n0'")
    database.close()
    const follower = await world.started()
    const seen = follower.view<Note>('note')
    expect(await seen.list()).toHaveLength(count)
    const changed = firstValueFrom(
      seen.watch('n1').pipe(filter((entity) => entity?.value.title === 'Ho' && entity.status === 'synced')),
    )
    await owner.enqueue(update('n1', { title: 'Ho' }))
    expect(await changed).toMatchObject({ id: 'n1' })
  })

  it('S14 shows nothing that never was, in a tab whose timers are called late', async () => {
    const quiet = await createWorld({ store: 'memory' })
    const hidden = await quiet.started({ ports: { clock: createVirtualClock() } })
    const other = await quiet.started()
    await (
      await hidden.enqueue(create('a', { n: 1 }))
    ).settled
    hidden.pause('test')
    const seen: (Entity | undefined)[] = []
    const notes = hidden.view('note')
    const shown = firstValueFrom(notes.watch('a'))
    notes.watch('a').subscribe((entity) => seen.push(entity))
    await shown
    await other.enqueue(update('a', { title: 'theirs' }))
    const own = await hidden.enqueue(update('a', { n: 2 }))
    expect((await notes.get('a'))?.value).toMatchObject({ n: 2, title: 'theirs' })
    await hidden.operations.discard(own.id)
    expect((await notes.get('a'))?.value).toMatchObject({ n: 1, title: 'theirs' })
    expect(seen.map((entity) => entity?.value)).toMatchObject([{ n: 1 }, { n: 2, title: 'theirs' }, { n: 1, title: 'theirs' }])
    await quiet.close()
  })

  it('S14 shows its own commit though it had begun to look at what others committed long before', async () => {
    const clock = createVirtualClock()
    const storage = world.storage()
    let notice = (): void => {}
    const watch: Storage['watch'] = (listener) =>
      storage.watch((...changed) => {
        listener(...changed)
        notice()
      })
    const hidden = await world.started({ storage: { ...storage, watch }, ports: { clock } })
    const other = await world.started()
    hidden.pause('test')
    other.pause('test')
    const notes = hidden.view('note')
    await notes.list()
    const noticed = new Promise<void>((resolve) => (notice = resolve))
    await other.enqueue(create('a', { title: 'theirs' }))
    await noticed
    clock.suspend(1_000)
    await hidden.enqueue(create('b', { title: 'ours' }))
    expect(await notes.get('b')).toMatchObject({ status: 'pending' })
  })

  it('S14 L2 shows after a takeover what the last owner committed before it died and told nobody of', async () => {
    const quiet = await createWorld({ store: 'memory' })
    const dying = faultyStorage(quiet.storage())
    const owner = await quiet.started({ storage: dying })
    owner.pause('test')
    const first = await owner.enqueue(create('a', { n: 1 }))
    const heir = await quiet.started({ storage: { ...quiet.storage(), watch: () => () => {} } })
    const notes = heir.view('note')
    expect(await notes.get('a')).toMatchObject({ status: 'pending' })
    const seen = firstValueFrom(notes.watch('a').pipe(filter((entity) => entity === undefined)))
    await owner.operations.discard(first.id)
    dying.failCommits(() => new StorageUnavailableError('it is dead'))
    await eventOf(heir, 'lock:acquired')
    expect(await seen).toBeUndefined()
    dying.failCommits(undefined)
    await quiet.close()
  })

  it('S14 a store that can not be read is told of; who asks is refused, and who watches is shown it once it can be', async () => {
    const storage = faultyStorage(world.storage())
    const engine = await world.started({ storage })
    engine.pause('test')
    await engine.enqueue(create('a', { title: 'Hi' }))
    const fault = new StorageUnavailableError('Not now.')
    storage.failReads((method, collection) => (method === 'scan' && collection === ENTITIES ? fault : undefined))
    const notes = engine.view<Note>('note')
    const told = eventOf(engine, 'storage:error', (event) => 'error' in event && event.error === fault)
    const seen = firstValueFrom(notes.watch('a').pipe(filter((entity) => entity !== undefined)))
    await told
    await expect(notes.get('a')).rejects.toBe(fault)
    storage.failReads(undefined)
    expect(await seen).toMatchObject({ value: { title: 'Hi' }, status: 'pending' })
    expect(await notes.get('a')).toMatchObject({ status: 'pending' })
  })

  it('S14 what another tab wrote while the store could not be read is looked up again', async () => {
    const owner = await world.started()
    await eventOf(owner, 'lock:acquired')
    owner.pause('test')
    const storage = faultyStorage(world.storage())
    const engine = await world.started({ storage })
    const notes = engine.view<Note>('note')
    await notes.list()
    const fault = new StorageUnavailableError('Not now.')
    storage.failReads((method, collection) => (method === 'scan' && collection === ENTITIES ? fault : undefined))
    const told = eventOf(engine, 'storage:error', (event) => 'error' in event && event.error === fault)
    const seen = firstValueFrom(notes.watch('a').pipe(filter((entity) => entity !== undefined)))
    await owner.enqueue(create('a', { title: 'theirs' }))
    await told
    storage.failReads(undefined)
    expect(await seen).toMatchObject({ value: { title: 'theirs' }, status: 'pending' })
  })

  it('S14 nothing seems to be gone while another tab confirms faster than can be looked (seed 34558)', async () => {
    const owner = await world.started()
    await eventOf(owner, 'lock:acquired')
    let release = (): void => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    world.intercept(async ({ request }, send) => {
      if (request.body?.includes('"id":"a"') === true) await released
      return send()
    })
    const storage = world.storage()
    let looks = -Infinity
    const scan: Storage['scan'] = async (collection, query) => {
      const page = await storage.scan(collection, query)
      if (collection !== ENTITIES || query.index !== 'changed' || query.reverse === true) return page
      looks += 1
      if (looks >= 1 && looks <= 4) await (await owner.enqueue(create(`n${looks}`, {}))).settled
      if (looks === 5) {
        release()
        await operation.settled
      }
      return page
    }
    const notes = (await world.started({ storage: { ...storage, scan } })).view<Note>('note')
    const operation = await owner.enqueue(create('a', { title: 'Hi' }))
    await firstValueFrom(notes.watch('a').pipe(filter((entity) => entity !== undefined)))
    const shown: (string | undefined)[] = []
    const isConfirmed = firstValueFrom(
      notes.watch('a').pipe(
        tap((entity) => shown.push(entity?.status)),
        filter((entity) => entity?.status === 'synced'),
      ),
    )
    looks = 0
    await owner.enqueue(create('n0', {}))
    await isConfirmed
    expect(shown).toEqual(['pending', 'synced'])
  })

  it('S14 shows what was committed though the answer to the commit was lost', async () => {
    const storage = faultyStorage(world.storage())
    const engine = await world.started({ storage })
    const notes = engine.view('note')
    await notes.list()
    const shown = (id: string, status: Entity['status']) =>
      firstValueFrom(notes.watch(id).pipe(filter((entity) => entity?.status === status)))
    const unrecorded = unavailableOnce()
    storage.loseAnswers((writes) => (records(writes, 'done') ? unrecorded() : undefined))
    const operation = await engine.enqueue(create('a', { title: 'Hi' }))
    await operation.settled
    expect(await shown('a', 'synced')).toMatchObject({ value: { title: 'Hi' }, version: '1', operationIds: [] })
    engine.pause('test')
    const unaccepted = unavailableOnce()
    storage.loseAnswers((writes) => (writes.some(({ type }) => type === 'append') ? unaccepted() : undefined))
    const { id } = await engine.enqueue(create('b', { title: 'Ho' }))
    expect(await shown('b', 'pending')).toMatchObject({ value: { title: 'Ho' }, operationIds: [id] })
  })

  it('C2 tells which fields changed, and emits events of it', async () => {
    const engine = await world.started()
    engine.pause('test')
    const notes = engine.view('note')
    await notes.list()
    const changes: EntityChange[] = []
    notes.changes$.subscribe((some) => changes.push(...some))
    await engine.enqueue(create('a', { title: 'Hi', address: { street: 'one', city: 'x' } }))
    await engine.enqueue(update('a', { address: { street: 'two' } }))
    await engine.enqueue({ type: 'delete', entity: 'note', id: 'a' })
    expect(changes.map(({ type, fields }) => [type, fields])).toEqual([
      ['created', ['title', 'address', 'id']],
      ['updated', ['address.street']],
      ['deleted', ['title', 'address', 'id']],
    ])
    expect(engine.history().filter(({ type }) => type.startsWith('entity:'))).toMatchObject([
      { type: 'entity:created', entity: 'note', id: 'a' },
      { type: 'entity:updated', id: 'a', fields: ['address.street'] },
      { type: 'entity:deleted', id: 'a' },
    ])
  })

  it('A4 shows what an action of the application does, if it says so', async () => {
    const engine = await world.started({
      entities: { note: { actions: { publish: (value) => value && { ...value, published: true } } } },
    })
    engine.pause('test')
    await engine.enqueue(create('a', {}))
    await engine.enqueue({ type: 'publish', entity: 'note', id: 'a', payload: null })
    expect((await engine.view('note').get('a'))?.value).toEqual({ id: 'a', published: true })
  })

  it('S15 is as it was when an action of the application is given up, though what that does changes the value in its place', async () => {
    const publish = (value: JsonObject | undefined) => value && Object.assign(value, { published: true })
    const engine = await world.started({ entities: { note: { actions: { publish } } } })
    await (
      await engine.enqueue(create('a', {}))
    ).settled
    engine.pause('test')
    const { id } = await engine.enqueue({ type: 'publish', entity: 'note', id: 'a', payload: null })
    expect((await engine.view('note').get('a'))?.value).toMatchObject({ published: true })
    await engine.operations.discard(id)
    expect((await engine.view('note').get('a'))?.value).not.toHaveProperty('published')
  })

  it('S15 is as it was when a change is refused, though the application has made it in the value that it was shown', async () => {
    const engine = await world.started()
    const notes = engine.view<{ title: string; tags: string[] }>('note')
    await (
      await engine.enqueue(create('a', { title: 'old', tags: ['old'] }))
    ).settled
    const { value } = (await notes.get('a'))!
    value.title = 'new'
    value.tags.push('new')
    world.intercept(async () => ({ type: 'rejected', definite: true, error: new ClientError('No.') }))
    const operation = await engine.enqueue({ type: 'replace', entity: 'note', id: 'a', payload: value })
    expect(await operation.settled).toMatchObject({ status: 'rejected' })
    expect(await notes.get('a')).toMatchObject({ value: { title: 'old', tags: ['old'] } })
  })

  it('B4 shows a conflict that waits for a decision as such', async () => {
    const engine = await world.started({ entities: { note: { conflict: 'manual' } } })
    await (
      await engine.enqueue(create('a', { title: 'old' }))
    ).settled
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
    const parked = eventOf(engine, 'sync:parked')
    await engine.enqueue(update('a', { title: 'ours' }))
    await parked
    expect(await engine.view('note').get('a')).toMatchObject({ status: 'conflict', value: { title: 'ours' } })
  })

  it('watches over a restart of the engine', async () => {
    const engine = await world.started()
    const lists: number[] = []
    engine
      .view('note')
      .watch()
      .subscribe((all) => lists.push(all.length))
    engine.pause('test')
    await engine.enqueue(create('a', {}))
    await engine.stop()
    const other = await world.started()
    await other.enqueue(create('b', {}))
    await other.stop()
    await engine.start()
    await firstValueFrom(
      engine
        .view('note')
        .watch()
        .pipe(filter((all) => all.length === 2)),
    )
    expect(lists.at(-1)).toBe(2)
  })
})
