import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { SyncError, type EnqueueInput, type Entity, type SyncEvent } from '../../src/index.ts'
import { StorageConflictError } from '../../src/core/errors.ts'
import type { Write } from '../../src/core/ports.ts'
import { pullRequestsName } from '../../src/core/pull-request-row.ts'
import { LEASE, META, STORE_SCHEMA } from '../../src/core/schema.ts'
import { lateAnswer } from '../support/late-answer.ts'
import { sqlOn } from '../support/sql.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (id: string): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: { title: 'first' } })

/** As a browser does where the user clears the data of a site whose tabs are open. */
async function empty(): Promise<void> {
  const tables = [...Object.keys(STORE_SCHEMA.collections), 'sqlite_sequence']
  await sqlOn(world.path, `BEGIN; ${tables.map((name) => `DELETE FROM ${name};`).join(' ')} COMMIT`)
}

it('S1 S8 what is enqueued in a store that was emptied is sent, though an answer to what stood there before comes later', async () => {
  const engine = await world.started({ lock: { heartbeatMs: 60_000, staleMs: 120_000, pollMs: 60_000 } })
  const [held, answer] = gate()
  world.intercept(async (_, send, count) => {
    if (count === 1) await held
    return send()
  })
  const started = eventOf(engine, 'sync:started')
  await engine.enqueue(create('a'))
  await started
  await empty()
  const later = await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { title: 'second' } })
  answer()
  expect(await later.settled).toEqual({ status: 'done' })
  expect(world.notes()).toEqual({ a: { id: 'a', title: 'second' } })
})

it('S1 S10 a tab that begins an emptied store anew keeps what is enqueued there, though an answer to what stood there before comes to the one that owned it', async () => {
  const lock = { heartbeatMs: 60_000, staleMs: 120_000, pollMs: 60_000 }
  const former = await world.started({ lock })
  const { isApplied, release } = lateAnswer(world)
  await former.enqueue(create('a'))
  await isApplied
  const lost = eventOf(former, 'lock:lost')
  await empty()
  const fresh = world.engine({ lock })
  const acquired = eventOf(fresh, 'lock:acquired')
  await fresh.start()
  await acquired
  fresh.pause('test')
  const later = await fresh.enqueue(create('c'))
  release()
  await lost
  fresh.resume('test')
  expect(await later.settled).toEqual({ status: 'done' })
  expect(world.notes()).toEqual({ a: { id: 'a', title: 'first' }, c: { id: 'c', title: 'first' } })
})

it('S14 L3 every engine shows what a store that was emptied while it was open holds by now, whatever it had shown before', async () => {
  for (let taken = 0; taken < 3; taken++) await (await world.started()).stop()
  const engines = [await world.started(), await world.started()]
  const [first, second] = engines
  await (
    await first!.enqueue(create('a'))
  ).settled
  await (
    await first!.enqueue(create('b'))
  ).settled
  const shown = engines.map((engine) => {
    const seen: { list: readonly Entity[] } = { list: [] }
    engine
      .view('note')
      .watch()
      .subscribe((list) => void (seen.list = list))
    return seen
  })
  const idsOf = (list: readonly Entity[]): string[] => list.map(({ id, status }) => `${id} ${status}`).toSorted()
  for (const seen of shown) await expect.poll(() => idsOf(seen.list)).toEqual(['a synced', 'b synced'])
  const told = engines.map((engine) => eventOf(engine, 'storage:error', isEmptied))
  await empty()
  await Promise.all(told)
  await (
    await second!.enqueue(create('c'))
  ).settled
  for (const seen of shown) await expect.poll(() => idsOf(seen.list)).toEqual(['c synced'])
  await first!.synchronize({ full: true })
  for (const seen of shown) await expect.poll(() => idsOf(seen.list)).toEqual(['a synced', 'b synced', 'c synced'])
  expect(await first!.check()).toMatchObject({ isSound: true })
})

it('S14 L3 what was read of a store before it was emptied tells nothing of what stands there from then on', async () => {
  const owner = await world.started({ ports: { random: () => 0.9 } })
  const storage = world.storage()
  const [isRead, found] = gate()
  const [read, goOn] = gate()
  let isHeld = false
  const follower = await world.started({
    storage: {
      ...storage,
      async scan(collection, query) {
        const rows = await storage.scan(collection, query)
        if (!isHeld || query.index !== 'changed' || rows.length === 0) return rows
        found()
        await read
        return rows
      },
      async commit(writes, options) {
        if (!writes.some((write) => isOf(write, LEASE))) return storage.commit(writes, options)
        await setImmediate()
        throw new StorageConflictError('Others are always quicker.')
      },
    },
  })
  let shown: string[] = []
  follower
    .view('note')
    .watch()
    .subscribe((list) => (shown = list.map(({ id, status }) => `${id} ${status}`)))
  await (
    await owner.enqueue(create('a'))
  ).settled
  await expect.poll(() => shown).toEqual(['a synced'])
  isHeld = true
  await (
    await owner.enqueue(create('b'))
  ).settled
  await isRead
  const told = eventOf(follower, 'storage:error', isEmptied)
  await owner.stop()
  await empty()
  await told
  const fresh = await world.started({ ports: { random: () => 0.1 } })
  goOn()
  await expect.poll(() => shown).toEqual([])
  await (
    await fresh.enqueue(create('c'))
  ).settled
  await expect.poll(() => shown).toEqual(['c synced'])
})

it('L5 what was asked to be pulled into a store that was emptied meanwhile is asked for anew', async () => {
  const owner = await world.started()
  for (let at = 0; at < 3; at++) await owner.synchronize()
  owner.pause('test')
  const storage = world.storage()
  const [asked, ask] = gate()
  const follower = await world.started({
    storage: {
      ...storage,
      async commit(writes, options) {
        const keys = await storage.commit(writes, options)
        if (writes.some((write) => isOf(write, pullRequestsName('default')))) ask()
        return keys
      },
    },
  })
  const synchronized = follower.synchronize()
  await asked
  const told = eventOf(follower, 'storage:error', isEmptied)
  await empty()
  await told
  owner.resume('test')
  expect((await synchronized).pulled).toEqual([{ entity: 'note', isComplete: true }])
})

function gate(): readonly [Promise<void>, () => void] {
  let open = (): void => {}
  return [new Promise((resolve) => (open = resolve)), () => open()]
}

function isEmptied(event: SyncEvent): boolean {
  return event.type === 'storage:error' && event.error instanceof SyncError && event.error.code === 'storage-emptied'
}

function isOf({ collection, ...write }: Write, name: string): boolean {
  return collection === META && 'value' in write && 'name' in write.value && write.value.name === name
}
