import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CheckResult, EngineOptions, EnqueueInput, SyncEngine } from '../../src/index.ts'
import { META } from '../../src/core/schema.ts'
import { openDatabase, type SqlValue } from '../../src/server/database.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (id: string): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: {} })

/** Behind everybody's back. */
async function sql(text: string, ...values: SqlValue[]): Promise<readonly Record<string, unknown>[]> {
  const database = await openDatabase(world.path)
  try {
    return database.prepare(text).all(...values)
  } finally {
    database.close()
  }
}

async function spoiled(name: string): Promise<void> {
  await sql(`INSERT INTO meta (name, value) VALUES (?, 'garbage') ON CONFLICT (name) DO UPDATE SET value = 'garbage'`, name)
}

async function owning(options: Partial<EngineOptions> = {}): Promise<SyncEngine> {
  const engine = await world.started(options)
  await eventOf(engine, 'lock:acquired')
  return engine
}

const told = ({ problems }: CheckResult): string[] => problems.map(({ key, repaired }) => `${key} ${repaired}`)

describe('B13 a row of meta that can not be read', () => {
  it('B13 is the name of the installation: it is given the same once more, and engines start again', async () => {
    const engine = await owning()
    const [before] = await sql(`SELECT value FROM meta WHERE name = 'install'`)
    await spoiled('install')
    await expect(world.started()).rejects.toThrow()
    expect(told(await engine.check())).toEqual(['install none'])
    expect(told(await engine.check({ repair: true }))).toEqual(['install quarantined'])
    expect(await sql(`SELECT value FROM meta WHERE name = 'install'`)).toEqual([before])
    const other = await world.started()
    expect(await other.check()).toMatchObject({ isSound: true })
  })

  it('E5 B13 is what parts were chosen: those of the options are followed again', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'a', project: 'p1' })
    await elsewhere(world, 'POST', '/note', { id: 'b', project: 'p2' })
    const engine = await owning({ entities: { note: { scopes: ['project:p1'] } } })
    await engine.scopes.set('note', ['project:p2'])
    await engine.synchronize()
    expect((await engine.view('note').list()).map(({ id }) => id)).toEqual(['b'])
    await spoiled('scopes/default')
    expect(told(await engine.check({ repair: true }))).toEqual(['scopes/default quarantined'])
    expect(await engine.scopes.list('note')).toEqual(['project:p1'])
    await engine.synchronize()
    expect((await engine.view('note').list()).map(({ id }) => id)).toEqual(['a'])
  })

  it('B13 counts the repairs: they go on, and what was set aside before stays', async () => {
    const engine = await owning()
    await spoiled('scopes/default')
    await engine.check({ repair: true })
    await spoiled('repairs')
    await spoiled('scopes/default')
    expect(told(await engine.check({ repair: true }))).toEqual(['scopes/default quarantined'])
    expect(await engine.check()).toMatchObject({ isSound: true })
    expect(await sql(`SELECT name FROM meta WHERE name LIKE 'aside/%'`)).toHaveLength(2)
  })

  it('B13 holds totals of conflicts that were forgotten: it is set aside, and they count anew', async () => {
    const engine = await owning()
    await spoiled('conflicts/default')
    expect(told(await engine.check({ repair: true }))).toEqual(['conflicts/default quarantined'])
    expect(await engine.check()).toMatchObject({ isSound: true })
    expect(await engine.conflicts.statistics()).toMatchObject({ total: 0 })
  })

  it('S21 B13 is how far something was pulled that has no name: it is removed', async () => {
    const engine = await owning()
    await spoiled('pull/default')
    expect(told(await engine.check({ repair: true }))).toEqual(['pull/default quarantined'])
    expect(await engine.check()).toMatchObject({ isSound: true })
  })

  it('B13 is of a user whose name can not be read either: no engine takes it for its own', async () => {
    const engine = await owning()
    await spoiled('pull/%zz/note')
    expect(await engine.check({ repair: true })).toMatchObject({ total: 0, isSound: true })
  })

  it('S18 B13 holds what pulls were asked for, and how far they came can not be read: a tab that follows can ask again', async () => {
    const engine = await owning()
    await engine.synchronize()
    const follower = await world.started()
    await spoiled('pull/default/note')
    await spoiled('pulls-wanted/default')
    expect(told(await follower.check({ repair: true }))).toEqual(['pull/default/note none', 'pulls-wanted/default quarantined'])
    expect(told(await engine.check({ repair: true }))).toEqual(['pull/default/note quarantined'])
    expect((await follower.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
  })

  it.each(['mended', 'removed'])('S32 B13 is not told of once somebody else has it %s', async (how) => {
    const engine = await owning()
    await engine.enqueue(create('a')).then(({ settled }) => settled)
    await engine.statistics.reset()
    const [before] = await sql(`SELECT value FROM meta WHERE name = 'statistics/default'`)
    const storage = world.storage()
    let isLeft = true
    const follower = await world.started({
      storage: {
        ...storage,
        async get(collection, key) {
          if (isLeft && collection === META && key === 'statistics/default') {
            isLeft = false
            await (how === 'removed'
              ? sql(`DELETE FROM meta WHERE name = 'statistics/default'`)
              : sql(`UPDATE meta SET value = ? WHERE name = 'statistics/default'`, String(before!['value'])))
          }
          return storage.get(collection, key)
        },
      },
    })
    isLeft = true
    await spoiled('statistics/default')
    expect(await follower.check({ repair: true })).toMatchObject({ total: 0, isSound: true })
    expect(isLeft).toBe(false)
  })
})
