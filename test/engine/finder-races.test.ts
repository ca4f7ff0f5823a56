import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Storage } from '../../src/index.ts'
import { createLaneFinder } from '../../src/engine/lane-finder.ts'
import { createStore } from '../../src/engine/store.ts'
import { OPERATIONS, STORE_SCHEMA } from '../../src/core/schema.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const create = (id: string) => ({ type: 'create', entity: 'note', id, payload: {} })

describe('what was claimed ahead', () => {
  it('L5 is rolled back after a pause that came before its turn', async () => {
    const engine = await world.started({ concurrency: 1 })
    engine.pause('setup')
    const parent = await engine.enqueue({ type: 'update', entity: 'note', id: 'missing', payload: { n: 1 } })
    const dependants = await engine.enqueueAll(
      Array.from({ length: 5 }, (_, n) => ({
        ...create(`n${n}`),
        dependsOn: [parent.id],
        optimistic: n === 0 ? { rollback: () => engine.pause('test') } : {},
      })),
    )
    engine.resume('setup')
    await eventOf(engine, 'engine:paused', (event) => 'reason' in event && event.reason === 'test')
    await dependants[0]!.settled
    await engine.flush()
    engine.resume('test')
    for (const { settled } of dependants) expect(await settled).toMatchObject({ status: 'rejected' })
  })
})

describe('the search for lanes', () => {
  const row = (id: string, more: object) => ({
    id,
    rev: 1,
    user: 'u',
    type: 'create',
    entity: 'note',
    entityId: id,
    payload: {},
    status: 'queued',
    priority: 'medium',
    idempotencyKey: id,
    enqueuedAt: 1,
    attempts: 0,
    unknownAttempts: 0,
    reconciliations: 0,
    lane: `u/note/${id}`,
    ...more,
  })

  /** A store in which the answer to the next read of an index is held back until `meanwhile` has run. */
  async function finderOver(rows: readonly object[]) {
    const storage = world.storage()
    await storage.open(STORE_SCHEMA)
    const add = (value: object) => storage.commit([{ type: 'append', collection: OPERATIONS, value }])
    for (const value of rows) await add(value)
    let held: { readonly index: string; readonly meanwhile: () => Promise<void> } | undefined
    async function slowly<T>(index: string | undefined, answer: T): Promise<T> {
      if (held === undefined || index !== held.index) return answer
      const { meanwhile } = held
      held = undefined
      await meanwhile()
      return answer
    }
    const slow: Storage = {
      ...storage,
      scan: async (collection, query) => slowly(query.index, await storage.scan(collection, query)),
      scanMany: async (collection, queries) => slowly(queries[0]?.index, await storage.scanMany(collection, queries)),
    }
    const finder = createLaneFinder(
      createStore(slow),
      'u',
      () => false,
      () => {},
    )
    return { finder, add, during: (index: string, meanwhile: () => Promise<void>) => void (held = { index, meanwhile }) }
  }

  it('L5 finds what was queued here while a page was read', async () => {
    const { finder, add, during } = await finderOver([row('a', { rank: 10 })])
    during('rank', async () => {
      await add(row('b', { rank: 20 }))
      finder.queued('u/note/b', 20)
    })
    const found = [...(await finder.next(10, 100)), ...(await finder.next(10, 100))]
    expect(found).toEqual(expect.arrayContaining(['u/note/a', 'u/note/b']))
  })

  it('L5 looks at everything again when told so while a page was read', async () => {
    const { finder, add, during } = await finderOver([row('a', { rank: 10 })])
    await finder.next(10, 100)
    finder.queued('u/note/c', 30)
    await add(row('c', { rank: 30 }))
    during('rank', async () => {
      await add(row('urgent', { rank: 1 }))
      finder.forget()
    })
    const found = [...(await finder.next(10, 100)), ...(await finder.next(10, 100))]
    expect(found).toContain('u/note/urgent')
  })

  it('L5 finds what became due while it looked at what is due', async () => {
    const { finder, add, during } = await finderOver([])
    during('due', async () => {
      await add(row('retried', { status: 'waiting', dueAt: 0 }))
      finder.forget()
    })
    const found = [...(await finder.next(10, 100)), ...(await finder.next(10, 100))]
    expect(found).toEqual(['u/note/retried'])
  })

  it('L4 comes to all that is due and to what is queued, however much is due that can not go', async () => {
    const waits = Array.from({ length: 600 }, (_, n) => row(`n${n}`, { status: 'waiting', dueAt: 5 }))
    const { finder } = await finderOver([...waits, row('queued', { rank: 10 })])
    const found = new Set<string>()
    for (let looks = 0; looks < 4; looks++)
      for (const lane of await finder.next(10, 5)) {
        found.add(lane)
        finder.block(lane)
      }
    expect(found.size).toBe(601)
    finder.waitUntil(5)
    expect((await finder.next(10, 5)).slice(0, 1)).toEqual(['u/note/n0'])
  })
})
