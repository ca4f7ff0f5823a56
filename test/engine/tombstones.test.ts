import { describe, expect, it, vi } from 'vitest'
import { memoryStorage } from '../../src/adapters/memory.ts'
import { DEFAULTS } from '../../src/core/options.ts'
import type { Write } from '../../src/core/ports.ts'
import { ENTITIES, META, OPERATIONS, STORE_SCHEMA } from '../../src/core/schema.ts'
import { createForgetting } from '../../src/engine/forgetting.ts'
import { forgetTombstones } from '../../src/engine/maintenance.ts'
import { createReplica } from '../../src/engine/replica.ts'
import { createStore } from '../../src/engine/store.ts'
import { row } from '../core/coalesce-world.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const LATER = 1_000_000_000_000

async function storeWith(deletedAt: readonly (number | undefined)[]) {
  const storage = memoryStorage()
  await storage.open(STORE_SCHEMA)
  const lease: Write = { type: 'put', collection: META, value: { name: 'lease', owner: 'me', epoch: 1, beat: 0, rev: 1 } }
  const rows = deletedAt.map((at, index): Write => {
    const own = at === undefined ? { value: { index } } : { deletedAt: at }
    return { type: 'put', collection: ENTITIES, value: { key: `u/note/${index}`, rev: index + 1, ...own } }
  })
  await storage.commit([lease, ...rows])
  return { store: createStore(storage), keys: async () => (await storage.scan(ENTITIES, { limit: 1_000 })).map(({ key }) => key) }
}

describe('tombstones', () => {
  it('A4 are forgotten once their time is up', async () => {
    const { store, keys } = await storeWith([1, LATER, undefined])
    await forgetTombstones(store, DEFAULTS.retention, 1, LATER, (task) => task())
    expect(await keys()).toEqual(['u/note/1', 'u/note/2'])
  })

  it('S14 the newest row stays, or the next would have a revision that tabs take for old', async () => {
    const { store, keys } = await storeWith([1, 2, 3])
    await forgetTombstones(store, DEFAULTS.retention, 1, LATER, (task) => task())
    expect(await keys()).toEqual(['u/note/2'])
    expect((await store.newestEntity()).rev).toBe(3)
  })

  it('S32 B13 what has a value, and by damage stands among them, is not forgotten', async () => {
    const { store, keys } = await storeWith([1, undefined])
    const damaged = { key: 'u/note/0', rev: 1, deletedAt: 1, value: { index: 0 } }
    await store.storage.commit([{ type: 'put', collection: ENTITIES, value: damaged }])
    await forgetTombstones(store, DEFAULTS.retention, 1, LATER, (task) => task())
    expect(await keys()).toEqual(['u/note/0', 'u/note/1'])
  })

  it('A4 are forgotten by many pages, the newest row among the oldest', async () => {
    const { store, keys } = await storeWith([...Array.from({ length: 600 }, () => 2), 1])
    await forgetTombstones(store, DEFAULTS.retention, 1, LATER, (task) => task())
    expect(await keys()).toEqual(['u/note/600'])
  })

  it('S19 stay while an operation on the entity lives: the answer to it may be older', async () => {
    const { store, keys } = await storeWith([1, 2, 3, undefined])
    const live = row(1, 'update', {}, { user: 'u', entityId: '1', lane: 'u/note/1', status: 'waiting', attempts: 1 })
    await store.commit([{ type: 'put', collection: OPERATIONS, value: live }])
    await forgetTombstones(store, DEFAULTS.retention, 1, LATER, (task) => task())
    expect(await keys()).toEqual(['u/note/1', 'u/note/3'])
  })

  it('S18 one that a page brings back to life while it is about to be forgotten lives', async () => {
    const { store, keys } = await storeWith([1, undefined])
    const replica = createReplica(store, 'u', createVirtualClock(), () => ({}))
    const row = { name: 'pull/u/note', generation: 1, isPartial: false, met: 0, cursor: '2' }
    await store.commit([{ type: 'put', collection: META, value: { ...row, cursor: '1' } }])
    const changes = [{ id: '0', version: '2', value: { isBack: true } }]
    let paged: Promise<unknown> = Promise.resolve()
    const interrupted: typeof store = {
      ...store,
      async tombstonesUntil(...given) {
        const found = await store.tombstonesUntil(...given)
        const writer = { epoch: 1, signal: new AbortController().signal }
        paged = replica.applyPage(writer, { entity: 'note', changes, alsoMet: [], row })
        for (let turns = 0; turns < 1_000; turns++) await Promise.resolve()
        return found
      },
    }
    await forgetTombstones(interrupted, DEFAULTS.retention, 1, LATER, replica.inTurn)
    expect(await paged).toBe('applied')
    expect(await keys()).toEqual(['u/note/0', 'u/note/1'])
    expect((await store.entity('u/note/0'))?.value).toEqual({ isBack: true })
  })
})

describe('the clean-up of an owner', () => {
  async function forgettingOf(deletedAt: readonly (number | undefined)[]) {
    const { store, keys } = await storeWith(deletedAt)
    const clock = createVirtualClock()
    const failures: unknown[] = []
    const forgetting = createForgetting(store, DEFAULTS.retention, {
      isOwner: () => true,
      epoch: () => 1,
      now: () => LATER,
      monotonic: clock.monotonic,
      inTurn: (task) => task(),
      audit: undefined,
      failed: (error) => failures.push(error),
    })
    const raise = async (index: number): Promise<void> => {
      await store.commit([
        { type: 'put', collection: ENTITIES, value: { key: `u/note/${index}`, rev: 100 + index, deletedAt: 1 } },
      ])
    }
    return { forgetting, clock, keys, raise, failures }
  }

  it('L9 forgets tombstones in a quiet moment, though nothing was sent', async () => {
    const { forgetting, keys, failures } = await forgettingOf([1, 2, undefined])
    forgetting.quiet()
    await vi.waitFor(async () => expect(await keys()).toEqual(['u/note/2']))
    expect(failures).toEqual([])
  })

  it('L9 is not done in each quiet moment: after an hour, or what has ended meanwhile', async () => {
    const { forgetting, clock, keys, raise } = await forgettingOf([1, undefined])
    forgetting.quiet()
    await vi.waitFor(async () => expect(await keys()).toEqual(['u/note/1']))
    await raise(2)
    await raise(3)
    forgetting.quiet()
    await clock.advance(3_599_999)
    forgetting.quiet()
    await new Promise((resolve) => setImmediate(resolve))
    expect(await keys()).toEqual(['u/note/1', 'u/note/2', 'u/note/3'])
    await clock.advance(1)
    forgetting.quiet()
    await vi.waitFor(async () => expect(await keys()).toEqual(['u/note/1', 'u/note/3']))
    await raise(4)
    forgetting.quiet()
    await new Promise((resolve) => setImmediate(resolve))
    expect(await keys()).toEqual(['u/note/1', 'u/note/3', 'u/note/4'])
    for (let ended = 0; ended < 5_000; ended++) forgetting.ended()
    forgetting.quiet()
    await vi.waitFor(async () => expect(await keys()).toEqual(['u/note/1', 'u/note/4']))
  })

  it('L9 is done also where so much ends that there is no quiet moment', async () => {
    const { forgetting, keys, raise } = await forgettingOf([1, undefined])
    forgetting.quiet()
    await vi.waitFor(async () => expect(await keys()).toEqual(['u/note/1']))
    await raise(2)
    await raise(3)
    for (let ended = 0; ended < 9_999; ended++) forgetting.ended()
    // What follows takes no time in this store.
    await new Promise((resolve) => setImmediate(resolve))
    expect(await keys()).toEqual(['u/note/1', 'u/note/2', 'u/note/3'])
    forgetting.ended()
    await vi.waitFor(async () => expect(await keys()).toEqual(['u/note/1', 'u/note/3']))
  })
})
