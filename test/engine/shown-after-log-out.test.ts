import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Observable } from 'rxjs'
import type { SyncEngine } from '../../src/index.ts'
import { bothChange } from '../support/conflicts.ts'
import { lateAnswer } from '../support/late-answer.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

/** What a page shows: the last that each of its streams has told. */
interface Page {
  readonly seen: Record<string, unknown>
  readonly told: readonly string[]
}

function pageOf(engine: SyncEngine): Page {
  const page = { seen: {} as Record<string, unknown>, told: [] as string[] }
  const show = (name: string, stream: Observable<unknown>): void =>
    void stream.subscribe((value) => {
      page.seen[name] = value
      page.told.push(name)
    })
  show('notes', engine.view('note').watch())
  show('b', engine.view('note').watch('b'))
  show('operations', engine.operations.watch({ status: ['queued', 'parked', 'done'] }))
  show('count', engine.operations.watchCount('done'))
  show('conflicts', engine.conflicts.watch())
  return page
}

const NOBODY = { notes: [], b: undefined, operations: [], count: 0, conflicts: [] }

/** An engine of alice with a note, a conflict that waits for her and an operation that waits, and a page that shows them. */
async function shown(): Promise<{ engine: SyncEngine; page: Page }> {
  const engine = await world.started({ user: 'alice', entities: { note: { conflict: 'manual' } } })
  const page = pageOf(engine)
  await bothChange(world, engine)
  await eventOf(engine, 'sync:parked')
  engine.pause('test')
  await engine.enqueue({ type: 'create', entity: 'note', id: 'b', payload: { title: 'Private' } })
  await expect.poll(() => page.seen['conflicts']).toHaveLength(1)
  await expect.poll(() => page.seen['operations']).toHaveLength(3)
  expect(page.seen['b']).toMatchObject({ value: { title: 'Private' } })
  return { engine, page }
}

describe('a page that watches what is the user’s', () => {
  it.each(['wipe', 'keep'] as const)('E3 shows nothing of who has logged out, where the rest is to %s', async (pending) => {
    const { engine, page } = await shown()
    await engine.logOut({ pending })
    await expect.poll(() => page.seen).toEqual(NOBODY)
  })

  it('E3 A8 shows nothing in another tab either', async () => {
    const { engine } = await shown()
    const other = await world.started({ user: 'alice', entities: { note: { conflict: 'manual' } } })
    const page = pageOf(other)
    await expect.poll(() => page.seen['conflicts']).toHaveLength(1)
    await engine.logOut({ pending: 'wipe' })
    await expect.poll(() => page.seen).toEqual(NOBODY)
  })

  it('E3 S14 shows nothing more of what is answered after it', async () => {
    const engine = await world.started({ user: 'alice' })
    const late = lateAnswer(world)
    const page = pageOf(engine)
    await engine.enqueue({ type: 'create', entity: 'note', id: 'b', payload: { title: 'Private' } })
    await late.isApplied
    const isOut = engine.logOut({ pending: 'keep' })
    await eventOf(engine, 'engine:logged-out')
    await expect.poll(() => page.seen).toEqual(NOBODY)
    const toldBefore = page.told.length
    late.release()
    await isOut
    expect([page.seen, page.told.length]).toEqual([NOBODY, toldBefore])
  })

  it('E3 shows who logs in again what was kept', async () => {
    const { engine, page } = await shown()
    await engine.logOut({ pending: 'keep' })
    await expect.poll(() => page.seen).toEqual(NOBODY)
    await engine.start()
    await expect.poll(() => page.seen['b']).toMatchObject({ value: { title: 'Private' } })
    await expect.poll(() => page.seen['conflicts']).toHaveLength(1)
    await expect.poll(() => page.seen['operations']).toHaveLength(3)
  })

  it('A4 shows what it has shown where the engine is stopped only', async () => {
    const { engine, page } = await shown()
    const before = { ...page.seen }
    await engine.stop()
    expect(page.seen).toEqual(before)
  })
})
