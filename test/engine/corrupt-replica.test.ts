import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../../src/server/database.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

/** A replica of two notes, which something that is no engine of ours has then changed. */
async function pulledAnd(...statements: readonly string[]): Promise<void> {
  const engine = await world.started()
  await engine.enqueueAll(['a', 'b'].map((id) => ({ type: 'create', entity: 'note', id, payload: { title: id } })))
  await engine.synchronize({ full: true })
  await engine.stop()
  const database = await openDatabase(world.path)
  try {
    for (const statement of statements) database.exec(statement)
  } finally {
    database.close()
  }
}

const divided = { note: { scopes: ['to:me', 'to:you'] } }

/** A replica of one note, pulled in two parts; `where` names the row that something has then changed. */
async function pulledInPartsAnd(damage: string, where: string): Promise<void> {
  const engine = await world.started({ entities: divided })
  await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { to: 'me' } })
  await engine.synchronize()
  await engine.stop()
  const database = await openDatabase(world.path)
  database.exec(`UPDATE meta SET value = ${damage} WHERE ${where}`)
  database.close()
}

async function pullEnds(): Promise<void> {
  const engine = await world.started({ entities: divided })
  expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
  expect((await engine.view('note').list()).map(({ id }) => id)).toEqual(['a'])
  expect(await engine.check()).toMatchObject({ isSound: true })
}

describe('how far a part of an entity has been pulled', () => {
  it.each(["json_remove(value, '$.scope')", "json_set(value, '$.scope', 'to:you')", "json_set(value, '$.scope', 5)"])(
    'S28 L8 is begun anew where its row is not of the part that it is named for (%s), and the pull ends',
    async (damage) => {
      await pulledInPartsAnd(damage, "name LIKE 'pull/%/to\\%3Ame' ESCAPE '\\'")
      await pullEnds()
    },
  )

  it.each(['[]', '["to:me"]', '["to:me", "to:us"]', '["to:me", "to:me"]'])(
    'S28 L8 is found where others are said to be followed (%s), and the pull ends',
    async (parts) => {
      await pulledInPartsAnd(`json_set(value, '$.parts', json('${parts}'))`, "name = 'pull/default/note'")
      await pullEnds()
    },
  )
})

const UNKNOWN_PULL = "UPDATE meta SET value = json_set(value, '$.etag', 5) WHERE name LIKE 'pull/%'"

describe('a stored entity of which it can not be told when a pull has met it', () => {
  it.each(["json('[1]')", "'many'", '9007199254740992', '1e300', '-1', '0.5'])(
    'S28 L8 (%s) is pulled anew where it was lost how far pulls had come, and the pull ends',
    async (generation) => {
      await pulledAnd(
        UNKNOWN_PULL,
        `UPDATE entities SET value = json_set(value, '$.generation', ${generation}) WHERE key LIKE '%/a'`,
      )
      const engine = await world.started()
      expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
      expect((await engine.view('note').list()).map(({ id }) => id)).toEqual(['a', 'b'])
      expect(await engine.check()).toMatchObject({ isSound: true })
    },
  )
})

describe('a stored entity with a revision that is none', () => {
  it('S28 is shown, and repaired where it is shown', async () => {
    await pulledAnd(
      `UPDATE entities SET value = json_set(value, '$.rev', json('{"toString":1,"valueOf":1}')) WHERE key LIKE '%/a'`,
    )
    const engine = await world.started()
    expect((await engine.view('note').list()).map(({ id }) => id).toSorted()).toEqual(['a', 'b'])
    await eventOf(engine, 'lock:acquired')
    expect((await engine.check({ repair: true })).problems).toMatchObject([{ entityId: 'a', repaired: 'quarantined' }])
    await engine.synchronize()
    expect((await engine.view('note').list()).map(({ id }) => id).toSorted()).toEqual(['a', 'b'])
    expect(await engine.check()).toMatchObject({ isSound: true })
  })

  it('S14 L3 is shown as it is by a tab that was opened while the newest seemed to be newer than it is (seed 90112)', async () => {
    const engine = await world.started()
    const save = async (type: string, id: string, payload: object): Promise<void> =>
      void (await (
        await engine.enqueue({ type, entity: 'note', id, payload })
      ).settled)
    await save('create', 'a', { n: 1 })
    const database = await openDatabase(world.path)
    database.exec("UPDATE entities SET rev = rev + 1000, value = json_set(value, '$.rev', json_extract(value, '$.rev') + 1000)")
    database.close()
    const other = await world.started()
    expect(await other.view('note').get('a')).toMatchObject({ value: { n: 1 } })
    await save('create', 'b', { n: 1 })
    await save('update', 'a', { n: 2 })
    await expect
      .poll(async () => (await other.view('note').list()).map(({ id, value }) => [id, value['n']]))
      .toEqual([
        ['a', 2],
        ['b', 1],
      ])
  })
})
