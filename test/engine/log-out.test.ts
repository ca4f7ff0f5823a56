import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  LoggedOutError,
  PendingOperationsError,
  StorageConflictError,
  StorageUnavailableError,
  type EnqueueInput,
  type Storage,
  type SyncEngine,
  type Write,
} from '../../src/index.ts'
import { CONFLICTS, ENTITIES, isRecord, META, OPERATIONS, STORE_SCHEMA } from '../../src/core/schema.ts'
import { sessionName } from '../../src/core/session.ts'
import { bothChange } from '../support/conflicts.ts'
import { faultyStorage } from '../support/faulty-storage.ts'
import { sqlOn } from '../support/sql.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (id: string): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: { title: id } })

/** Every row of the store in which the user is named, and how many there are in all. */
async function rowsNaming(user: string): Promise<readonly unknown[]> {
  const storage = world.storage()
  await storage.open(STORE_SCHEMA)
  const found: unknown[] = []
  for (const collection of [OPERATIONS, ENTITIES, META, CONFLICTS]) {
    const rows = await storage.scan(collection, { limit: 1_000 })
    found.push(...rows.filter((row) => JSON.stringify(row).includes(user)).map(({ key }) => `${collection}/${key}`))
  }
  await storage.close()
  return found
}

/** An engine with everything a user may leave: an entity, a dead letter, statistics, scopes, a pull and what waits. */
async function livedIn(user: string): Promise<SyncEngine> {
  const engine = await world.started({ user, entities: { note: {}, part: { scopes: ['a:1'] } } })
  await (
    await engine.enqueue(create(`${user}-old`))
  ).settled
  await (
    await engine.enqueue({ ...create(`${user}-gone`), type: 'update' })
  ).settled
  await engine.scopes.set('part', ['a:2'])
  await engine.synchronize()
  engine.pause('test')
  await engine.enqueueAll([create(`${user}-1`), create(`${user}-2`)])
  return engine
}

function stopped(engine: SyncEngine): Promise<void> {
  return new Promise((resolve) => {
    engine.state$.subscribe(({ phase }) => {
      if (phase === 'stopped') resolve()
    })
  })
}

describe('a log-out that wipes', () => {
  it('E3 removes all that is of the user and nothing of another, and tells what was given up', async () => {
    const bob = await livedIn('bob')
    await bob.stop()
    const alice = await livedIn('alice')
    const result = await alice.logOut({ pending: 'wipe' })
    expect(result.givenUp).toMatchObject({ count: 2, inDoubt: 0 })
    expect(result.givenUp.operations.map(({ entityId, isInDoubt }) => [entityId, isInDoubt])).toEqual([
      ['alice-1', false],
      ['alice-2', false],
    ])
    expect(result.removed).toMatchObject({ operations: 4 })
    expect(await rowsNaming('alice')).toEqual([])
    const again = await world.started({ user: 'bob' })
    const ids = (await again.operations.list({ status: ['queued', 'rejected'] })).map(({ entityId }) => entityId)
    expect(new Set(['bob-gone', 'bob-1', 'bob-2'])).toEqual(new Set([...ids, 'bob-1', 'bob-2']))
    await again.flush()
    expect(Object.keys(world.notes()).toSorted()).toEqual(['alice-old', 'bob-1', 'bob-2', 'bob-old'])
    expect(await again.view('note').get('bob-old')).toMatchObject({ status: 'synced' })
  })

  it('E3 S25 removes conflicts as well, and what a repair has set aside', async () => {
    const alice = await world.started({ user: 'alice', entities: { note: { conflict: 'manual' } } })
    await bothChange(world, alice)
    await eventOf(alice, 'sync:parked')
    const storage = world.storage()
    await storage.open(STORE_SCHEMA)
    const broken = { collection: META, key: 'pull/alice/x', raw: '{"user":"alice"', at: 0 }
    await storage.commit([{ type: 'put', collection: META, value: { name: 'aside/meta/pull/1', ...broken } }])
    await storage.close()
    const { removed } = await alice.logOut({ pending: 'wipe' })
    expect(removed).toMatchObject({ conflicts: 1 })
    expect(await rowsNaming('alice')).toEqual([])
  })

  it('E3 S25 S28 removes also what is damaged of the user, and no such row of another', async () => {
    const bob = await world.started({ user: 'bob' })
    const done = await bob.enqueue({ ...create('b'), payload: { user: 'alice' } })
    await done.settled
    await bob.stop()
    const alice = await world.started({ user: 'alice', entities: { note: { conflict: 'manual' } } })
    await bothChange(world, alice)
    await eventOf(alice, 'sync:parked')
    for (const collection of [OPERATIONS, CONFLICTS])
      await sqlOn(world.path, `UPDATE ${collection} SET value = substr(value, 1, length(value) - 1)`)
    const { givenUp, removed } = await alice.logOut({ pending: 'wipe' })
    expect(givenUp.count).toBe(1)
    expect(removed).toMatchObject({ operations: 2, conflicts: 1 })
    expect(await rowsNaming('alice')).toEqual(['operations/1', 'entities/bob/note/b'])
  })

  it('E3 S25 leaves what a repair has set aside of another user, whatever that is called', async () => {
    const aside = (key: string, raw: string): Write => ({ type: 'put', collection: META, value: { name: `aside/${key}`, raw } })
    const others = ['entities/bob/note/2/1', 'meta/pull/bob/note/2', 'meta/edits/2', 'conflicts/c/2']
    const own = ['entities/2/note/x/3', 'meta/pull/2/note/4', 'conflicts/d/5']
    const storage = world.storage()
    await storage.open(STORE_SCHEMA)
    await storage.commit(others.map((key) => aside(key, '{"user":"bob","payload":{"user":"2"}')))
    await storage.commit([aside('entities/bob/note/a/6', '{"key":"bob/note/a","value":{"user":"2"}')])
    await storage.commit(own.map((key) => aside(key, '{"user":"2"')))
    const user = await world.started({ user: '2' })
    await user.logOut({ pending: 'wipe' })
    const left = await storage.scan(META, { gt: ['aside/'], lt: ['aside0'], limit: 9 })
    await storage.close()
    expect(left.map(({ key }) => key)).toEqual([...others, 'entities/bob/note/a/6'].map((key) => `aside/${key}`).toSorted())
  })

  it('E3 leaves a user who logs in again with nothing of before, and everything works', async () => {
    const alice = await livedIn('alice')
    await alice.logOut({ pending: 'wipe' })
    await alice.start()
    expect(await alice.operations.count('live')).toBe(0)
    expect(await alice.view('note').list()).toEqual([])
    expect((await alice.statistics.get()).enqueued).toBe(0)
    expect(await alice.scopes.list('part')).toEqual(['a:1'])
    alice.resume('test')
    await (
      await alice.enqueue(create('alice-new'))
    ).settled
    await alice.synchronize()
    expect((await alice.view('note').list()).map(({ id }) => id).toSorted()).toEqual(['alice-new', 'alice-old'])
  })

  it('S6 E3 settles what is in flight, and tells what may have been applied', async () => {
    const alice = await world.started({ user: 'alice', stopTimeoutMs: 50, concurrency: 2 })
    world.intercept(async ({ request }, send) => {
      if (JSON.parse(request.body ?? '{}').id !== 'lost') return send()
      await send()
      return new Promise(() => {})
    })
    const operations = await alice.enqueueAll([create('lost'), create('kept')])
    const lost = operations[0]!.settled
    await operations[1]!.settled
    const { givenUp } = await alice.logOut({ pending: 'wipe' })
    expect(givenUp).toMatchObject({ count: 1, inDoubt: 1, operations: [{ entityId: 'lost', isInDoubt: true }] })
    expect(await lost).toEqual({ status: 'forgotten' })
    expect(Object.keys(world.notes()).toSorted()).toEqual(['kept', 'lost'])
    expect(await rowsNaming('alice')).toEqual([])
  })

  it('E3 by a follower stops the owner, which sends nothing more, and is done when that has left', async () => {
    const owner = await world.started({ user: 'alice' })
    await eventOf(owner, 'lock:acquired')
    const follower = await world.started({ user: 'alice' })
    owner.pause('test')
    await follower.enqueueAll([create('a'), create('b')])
    const left = stopped(owner)
    const { givenUp } = await follower.logOut({ pending: 'wipe' })
    await left
    expect(givenUp.count).toBe(2)
    expect(owner.history().map(({ type }) => type)).toContain('engine:logged-out')
    expect(world.attempts).toEqual([])
    expect(await rowsNaming('alice')).toEqual([])
  })

  it('E3 S10 deposes an owner that does not run, which then writes nothing more', async () => {
    const deaf = world.storage()
    const owner = await world.started({
      user: 'alice',
      storage: { ...deaf, watch: () => () => {} },
      lock: { heartbeatMs: 60_000, staleMs: 120_000, pollMs: 50 },
    })
    await eventOf(owner, 'lock:acquired')
    owner.pause('test')
    const other = await world.started({
      user: 'alice',
      stopTimeoutMs: 20,
      lock: { heartbeatMs: 60_000, staleMs: 120_000, pollMs: 20 },
    })
    await other.enqueue(create('a'))
    await other.logOut({ pending: 'wipe' })
    await expect(owner.enqueue(create('b'))).rejects.toBeInstanceOf(LoggedOutError)
    await stopped(owner)
    expect(await rowsNaming('alice')).toEqual([])
    expect(world.attempts).toEqual([])
  })

  it('E3 S25 of another user’s engine that owns the lease waits for nothing', async () => {
    const bob = await world.started({ user: 'bob' })
    await eventOf(bob, 'lock:acquired')
    const alice = await world.started({ user: 'alice' })
    await alice.enqueue(create('a'))
    expect((await alice.logOut({ pending: 'wipe' })).givenUp.count).toBe(1)
    expect(await rowsNaming('alice')).toEqual([])
    expect(await (await bob.enqueue(create('b'))).settled).toEqual({ status: 'done' })
  })

  it('E3 is a new log-in where a tab starts as soon as it hears of it, which nobody ends', async () => {
    const storage = world.storage()
    let before = Promise.resolve<unknown>(undefined)
    const options = { user: 'alice', stopTimeoutMs: 200 }
    const alice = await world.started({
      ...options,
      storage: { ...storage, open: (schema) => before.then(() => storage.open(schema)) },
    })
    await eventOf(alice, 'lock:acquired')
    const other = await world.started(options)
    other.on('engine:logged-out', () => {
      before = other.start().then(() => eventOf(other, 'lock:acquired'))
    })
    const hears = eventOf(other, 'engine:logged-out')
    await alice.logOut()
    await hears
    expect(await (await other.enqueue(create('a'))).settled).toEqual({ status: 'done' })
    expect(other.history().map(({ type }) => type)).not.toContain('lock:lost')
  })

  it('E3 tells of each operation once, though the next log-in of the user finishes it at the same time', async () => {
    const alice = await livedIn('alice')
    await alice.stop()
    const [reached, removed, tried] = [gate(), gate(), gate()]
    const leaving = await world.started({
      user: 'alice',
      storage: whereOperationsGo(world.storage(), async (commit) => {
        reached.open()
        await removed.opened
        return commit().finally(tried.open)
      }),
    })
    leaving.pause('test')
    const left = leaving.logOut({ pending: 'wipe' })
    await reached.opened
    const back = await world.started({
      user: 'alice',
      storage: whereOperationsGo(world.storage(), async (commit) => {
        const keys = await commit()
        removed.open()
        await tried.opened
        return keys
      }),
    })
    expect(back.history()[0]).toMatchObject({ type: 'engine:wiped', wiped: { givenUp: { count: 2 } } })
    expect((await left).givenUp).toEqual({ count: 0, inDoubt: 0, operations: [] })
  })

  it('S14 E3 does not count revisions anew, by which other users’ tabs find what is new', async () => {
    const alice = await livedIn('alice')
    const bob = await world.started({ user: 'bob' })
    const view = bob.view('note')
    expect(await view.list()).toEqual([])
    await alice.logOut({ pending: 'wipe' })
    await eventOf(bob, 'lock:acquired')
    const watcher = await world.started({ user: 'bob' })
    expect(await watcher.view('note').list()).toEqual([])
    const seen = new Promise<void>((resolve) => {
      watcher
        .view('note')
        .watch('b')
        .subscribe((note) => {
          if (note?.status === 'synced') resolve()
        })
    })
    await (
      await bob.enqueue(create('b'))
    ).settled
    await seen
    expect(await view.get('b')).toMatchObject({ status: 'synced' })
  })

  it.each([1, 2, 3, 4, 5])(
    'S1 E3 that is cut off after %i commits is finished by the next start of the user, before anything is sent or shown',
    async (after) => {
      const alice = await livedIn('alice')
      await alice.stop()
      const dying = failingAfter(world.storage())
      const leaving = await world.started({
        user: 'alice',
        storage: dying.storage,
        lock: { heartbeatMs: 60_000, staleMs: 120_000, pollMs: 50 },
      })
      leaving.pause('test')
      await eventOf(leaving, 'lock:acquired')
      await leaving.enqueue(create('alice-3'))
      dying.allow(after)
      await expect(leaving.logOut({ pending: 'wipe' })).rejects.toMatchObject({ code: 'storage-unavailable' })
      const sent = world.attempts.length
      const back = await world.started({
        user: 'alice',
        lock: { heartbeatMs: 100, staleMs: 1_000, pollMs: 20 },
        stopTimeoutMs: 20,
      })
      expect(back.history()[0]).toMatchObject({ type: 'engine:wiped' })
      expect(await back.operations.count('live')).toBe(0)
      expect(await back.view('note').list()).toEqual([])
      await back.stop()
      expect(world.attempts).toHaveLength(sent)
    },
  )
})

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open: () => open() }
}

/** Commits that remove operations are made in this way. */
function whereOperationsGo(
  storage: Storage,
  around: (commit: () => ReturnType<Storage['commit']>) => ReturnType<Storage['commit']>,
): Storage {
  return {
    ...storage,
    commit(writes, options) {
      const removes = writes.some(({ type, collection }) => type === 'delete' && collection === OPERATIONS)
      return removes ? around(() => storage.commit(writes, options)) : storage.commit(writes, options)
    },
  }
}

/** Its commits fail from the given one on. */
function failingAfter(storage: Storage): { storage: Storage; allow(commits: number): void } {
  let left = Infinity
  return {
    allow: (commits) => void (left = commits),
    storage: {
      ...storage,
      async commit(writes, options) {
        if (--left < 0) throw new StorageUnavailableError('The test says so.')
        return storage.commit(writes, options)
      },
    },
  }
}

describe('a log-out that is blocked by what is pending', () => {
  it('E3 is the default: it tells how many, and nothing has changed', async () => {
    const alice = await livedIn('alice')
    const refused = await alice.logOut().catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(PendingOperationsError)
    expect(refused).toMatchObject({ code: 'pending-operations', count: 2, retryable: false })
    await alice.enqueue(create('alice-3'))
    alice.resume('test')
    await alice.flush()
    expect(await alice.operations.count('live')).toBe(0)
    expect((await alice.logOut()).givenUp.count).toBe(0)
    expect(await rowsNaming('alice')).toEqual([])
    expect(Object.keys(world.notes())).toContain('alice-3')
  })

  it('S1 E3 loses nothing that another tab enqueues at the same moment', async () => {
    await world.close()
    world = await createWorld({ store: 'memory' })
    for (let round = 0; round < 20; round++) {
      const [one, two] = [await world.started({ user: 'alice' }), await world.started({ user: 'alice' })]
      one.pause('test')
      two.pause('test')
      const giveWay = async (times: number): Promise<void> => {
        for (let at = 0; at < times; at++) await one.operations.count('live')
      }
      const [out, accepted] = await Promise.allSettled([
        giveWay(round % 5).then(() => one.logOut()),
        giveWay(Math.floor(round / 5)).then(() => two.enqueue(create(`n${round}`))),
      ])
      expect([out.status, accepted.status].filter((status) => status === 'fulfilled')).toHaveLength(1)
      await Promise.all([one.stop(), two.stop()])
      const next = await world.started({ user: 'alice' })
      next.pause('test')
      expect(await next.operations.count('live')).toBe(accepted.status === 'fulfilled' ? 1 : 0)
      await next.logOut({ pending: 'wipe' })
    }
  })

  it('E3 a question that nobody ended is called off by the next write', async () => {
    const dying = failingAfter(world.storage())
    const asker = await world.started({ user: 'alice', storage: dying.storage })
    const alice = await world.started({ user: 'alice' })
    dying.allow(1)
    await expect(asker.logOut()).rejects.toMatchObject({ code: 'storage-unavailable' })
    await alice.enqueue(create('a'))
    await expect(alice.logOut()).rejects.toMatchObject({ code: expect.stringMatching('pending-operations') })
  })
})

describe('a log-out that keeps', () => {
  it('S1 E3 leaves all for the next log-in of the user, and stops every tab', async () => {
    const alice = await livedIn('alice')
    const other = await world.started({ user: 'alice' })
    const left = stopped(other)
    expect(await alice.logOut({ pending: 'keep' })).toMatchObject({ kept: 2, givenUp: { count: 0 }, removed: { operations: 0 } })
    await left
    expect(other.history().filter(({ type }) => type === 'engine:stopped')).toHaveLength(1)
    const bob = await world.started({ user: 'bob' })
    await bob.flush()
    await bob.stop()
    expect(Object.keys(world.notes())).toEqual(['alice-old'])
    const again = await world.started({ user: 'alice' })
    await again.flush()
    expect(Object.keys(world.notes()).toSorted()).toEqual(['alice-1', 'alice-2', 'alice-old'])
  })
})

it('E3 another policy, and a log-out of an engine that does not run, are refused', async () => {
  const engine = await world.started()
  // @ts-expect-error no such policy
  await expect(engine.logOut({ pending: 'forget' })).rejects.toMatchObject({ code: 'validation', path: 'pending' })
  await engine.logOut()
  await expect(engine.logOut()).rejects.toMatchObject({ code: 'not-started' })
})

describe('a log-out that can not be', () => {
  const isSession = (write: Write): boolean =>
    write.type === 'put' && write.collection === META && isRecord(write.value) && write.value['name'] === sessionName('alice')

  it('E3 because the user is logged out elsewhere at that moment, says that; nothing is stored there any more', async () => {
    const storage = world.storage()
    const alice = await world.started({ user: 'alice' })
    let left: Promise<unknown> | undefined
    const get: Storage['get'] = async (collection, key) => {
      if (key === sessionName('alice')) await (left ??= alice.logOut({ pending: 'keep' }))
      return storage.get(collection, key)
    }
    const tab = await world.started({
      user: 'alice',
      storage: { ...storage, get, watch: () => () => {} },
      ports: { clock: createVirtualClock() },
    })
    const refused = await tab.logOut({ pending: 'keep' }).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(LoggedOutError)
    expect(refused).toMatchObject({ code: 'logged-out', message: expect.stringContaining('start()') as string })
    await expect(tab.enqueue(create('a'))).rejects.toMatchObject({
      code: expect.stringMatching(/^(logged-out|not-started)$/) as string,
    })
    expect(await rowsNaming('note/a')).toEqual([])
  })

  it('E3 while other tabs write all the time says so, and the user stays logged in', async () => {
    const storage = faultyStorage(world.storage())
    const alice = await world.started({ user: 'alice', storage })
    storage.failCommits((writes) => (writes.some(isSession) ? new StorageConflictError('Somebody was quicker.') : undefined))
    for (const pending of ['keep', 'block'] as const)
      await expect(alice.logOut({ pending })).rejects.toMatchObject({ code: 'busy', retryable: true })
    storage.failCommits(undefined)
    expect(await (await alice.enqueue(create('a'))).settled).toEqual({ status: 'done' })
    expect(await alice.logOut()).toMatchObject({ kept: 0, givenUp: { count: 0 } })
  })

  it('E3 D5 another engine that opens its storage meanwhile: the error says so, and that engine finishes it', async () => {
    const storage = world.storage()
    const alice = await world.started({ user: 'alice', storage })
    alice.pause('test')
    await alice.enqueue(create('a'))
    const bob = world.engine({ user: 'alice', storage })
    let started: Promise<void> | undefined
    alice.on('engine:stopped', () => void (started = bob.start()))
    await expect(alice.logOut({ pending: 'wipe' })).rejects.toMatchObject({ code: 'storage-in-use' })
    await started
    expect(await bob.operations.list()).toEqual([])
    expect(await eventOf(bob, 'engine:wiped')).toMatchObject({ wiped: { givenUp: { count: 1 } } })
  })

  it('E3 a start in the midst of it waits, and begins a new log-in', async () => {
    const alice = await world.started({ user: 'alice' })
    alice.pause('test')
    await alice.enqueue(create('a'))
    let started: Promise<void> | undefined
    const stop = alice.on('engine:stopped', () => {
      stop()
      started = alice.start()
    })
    expect(await alice.logOut({ pending: 'wipe' })).toMatchObject({ givenUp: { count: 1 } })
    await started
    expect(await alice.operations.list()).toEqual([])
    alice.resume('test')
    expect(await (await alice.enqueue(create('b'))).settled).toEqual({ status: 'done' })
    expect(Object.keys(world.notes())).toEqual(['b'])
  })
})
