import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ServerError, type CheckResult, type EngineOptions, type EnqueueInput, type SyncEngine } from '../../src/index.ts'
import { openDatabase } from '../../src/server/database.ts'
import { lateAnswer } from '../support/late-answer.ts'
import { elsewhere } from '../support/other-client.ts'
import { rowsOf } from '../support/rows.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (id: string, more: Partial<EnqueueInput> = {}): EnqueueInput => ({
  type: 'create',
  entity: 'note',
  id,
  payload: { n: 1 },
  ...more,
})

/** Behind everybody's back: `change` is an expression of SQL over `value`, of rows where `which` holds. */
async function damaged(table: string, which: string, change: string): Promise<void> {
  const database = await openDatabase(world.path)
  try {
    database.prepare(`UPDATE ${table} SET value = ${change} WHERE ${which}`).run()
  } finally {
    database.close()
  }
}

async function owning(options: Partial<EngineOptions> = {}): Promise<SyncEngine> {
  const engine = await world.started({ coalesce: false, ...options })
  await eventOf(engine, 'lock:acquired')
  return engine
}

const told = ({ problems }: CheckResult): string[] =>
  problems.map(({ code, repaired, message }) => `${code} ${/field (\w+)/.exec(message)?.[1] ?? '-'} ${repaired}`)

/** What was found is repaired, and afterwards there is nothing to find. */
async function repairedBy(engine: SyncEngine): Promise<string[]> {
  expect(await engine.check()).toMatchObject({ isSound: false })
  const repaired = await engine.check({ repair: true })
  expect(await engine.check()).toMatchObject({ total: 0, isSound: true })
  return told(repaired)
}

describe('B13 a field of an operation that contradicts the others', () => {
  it('B15 B13 is its key: it is found by the one that the application chose again', async () => {
    const engine = await owning()
    engine.pause('test')
    const operation = await engine.enqueue(create('a', { idempotencyKey: 'mine' }))
    await damaged('operations', 'seq = 1', `json_set(value, '$.chosenKey', 'default/other')`)
    expect(await repairedBy(engine)).toEqual(['field chosenKey mended'])
    expect((await engine.enqueue(create('a', { idempotencyKey: 'mine' }))).id).toBe(operation.id)
    expect(await engine.operations.count('live')).toBe(1)
  })

  it('B15 B13 is that by which others are taken for it, where it is another user’s: the next is one of its own', async () => {
    const engine = await owning()
    engine.pause('test')
    const operation = await engine.enqueue(create('a', { dedupeKey: 'one' }))
    await damaged('operations', 'seq = 1', `json_set(value, '$.dedupeKey', 'somebody/one')`)
    expect(await repairedBy(engine)).toEqual(['field dedupeKey mended'])
    expect((await engine.enqueue(create('b', { dedupeKey: 'one' }))).id).not.toBe(operation.id)
  })

  it('B15 B13 is another than that by which others are taken for it: that stays', async () => {
    const engine = await owning()
    engine.pause('test')
    const operation = await engine.enqueue(create('a', { dedupeKey: 'one' }))
    await damaged('operations', 'seq = 1', `json_remove(value, '$.rank')`)
    expect(await repairedBy(engine)).toEqual(['field rank mended'])
    expect((await engine.enqueue(create('a', { dedupeKey: 'one' }))).id).toBe(operation.id)
  })

  it('B13 L5 is the time that it waits for, where that is lost: it is due at once', async () => {
    world.intercept(async () => ({ type: 'retry', error: new ServerError('Busy.') }))
    const hour = 3_600_000
    const first = await owning({ retry: { strategy: 'constant', baseMs: hour, capMs: hour } })
    const { id } = await first.enqueue(create('a'))
    await eventOf(first, 'sync:retry')
    await first.stop()
    world.intercept(undefined)
    await damaged('operations', 'seq = 1', `json_remove(value, '$.dueAt')`)
    const engine = await owning()
    expect(await repairedBy(engine)).toEqual(['field dueAt mended'])
    expect(await engine.operations.handle(id).settled).toEqual({ status: 'done' })
  })

  it('B13 L5 is its lane: it goes on as soon as what was sent in its place is parked', async () => {
    const hour = 3_600_000
    await elsewhere(world, 'POST', '/note', { id: 'a' })
    world.intercept(async () => ({ type: 'retry', error: new ServerError('Busy.') }))
    const engine = await owning({
      entities: { note: { conflict: 'manual' } },
      retry: { strategy: 'constant', baseMs: hour, capMs: hour },
    })
    const first = await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:retry')
    await damaged('operations', 'seq = 1', `json_set(json_remove(value, '$.lane'), '$.dueAt', 1)`)
    const late = lateAnswer(world)
    const second = await engine.enqueue(create('a', { payload: { n: 2 } }))
    await late.isApplied
    expect(told(await engine.check({ repair: true }))).toEqual(['field lane mended'])
    late.release()
    for (const { id } of [second, first])
      await eventOf(engine, 'sync:parked', (event) => 'operation' in event && event.operation.id === id)
  })

  it('B13 A11 is when it ended: it is kept as if it had ended now', async () => {
    const engine = await owning()
    await (
      await engine.enqueue(create('a'))
    ).settled
    await damaged('operations', 'seq = 1', `json_remove(value, '$.finishedAt')`)
    expect(await repairedBy(engine)).toEqual(['field finishedAt mended'])
    expect(await rowsOf(world.storage())).toMatchObject([{ status: 'done', finishedAt: expect.any(Number) as number }])
  })

  it('S9 B13 is what it is said to be merged into, though it waits itself: what depends on it goes after it', async () => {
    const engine = await owning()
    engine.pause('test')
    const refused = await engine.enqueue(create('ghost', { type: 'update' }))
    const parent = await engine.enqueue(create('a'))
    const child = await engine.enqueue(create('b', { dependsOn: [parent.id] }))
    await damaged('operations', 'seq = 2', `json_set(value, '$.supersededBy', '${refused.id}')`)
    expect(await repairedBy(engine)).toEqual(['field supersededBy mended'])
    engine.resume('test')
    expect(await refused.settled).toMatchObject({ status: 'rejected' })
    expect(await child.settled).toEqual({ status: 'done' })
  })

  it('B13 is what it was merged into, where that is lost: it is told of, with what a person can do about one that has ended', async () => {
    const engine = await owning({ coalesce: true })
    engine.pause('test')
    await engine.enqueueAll([create('a'), create('a', { type: 'update', payload: { n: 2 } })])
    engine.resume('test')
    await engine.flush()
    await damaged('operations', `status = 'superseded'`, `json_remove(value, '$.supersededBy')`)
    const found = await engine.check({ repair: true })
    expect(told(found)).toEqual(['field supersededBy none'])
    expect(found.problems[0]?.message).toContain('Enqueue it anew if the server lacks it.')
    expect(found.isSound).toBe(false)
  })
})

describe('B13 a field of an entity that contradicts the others', () => {
  it.each([
    ['rev', `'$.rev', 'new'`],
    ['generation', `'$.generation', -1`],
    ['deletedAt', `'$.deletedAt', 'yesterday'`],
    ['scopes', `'$.scopes', json('{"project:p1":"one"}')`],
    ['earlier', `'$.earlier', json('[{"upTo":5},{"upTo":3}]')`],
  ])('B13 is set aside with it, and the entity is pulled anew (%s)', async (field, place) => {
    await elsewhere(world, 'POST', '/note', { id: 'a', n: 1 })
    const engine = await owning()
    await engine.synchronize()
    await damaged('entities', `key = 'default/note/a'`, `json_set(value, ${place})`)
    expect(await repairedBy(engine)).toEqual([`field ${field} quarantined`])
    await engine.synchronize()
    expect(await engine.view('note').get('a')).toMatchObject({ value: { n: 1 } })
  })
})

describe('B13 a field of a conflict that contradicts the others', () => {
  async function inConflict(): Promise<SyncEngine> {
    await elsewhere(world, 'POST', '/note', { id: 'a', n: 1 })
    const engine = await owning({ entities: { note: { conflict: 'manual' } } })
    await engine.synchronize()
    engine.pause('test')
    await engine.enqueue(create('a', { type: 'update', payload: { n: 2 } }))
    await elsewhere(world, 'PATCH', '/note/a', { n: 3 })
    engine.resume('test')
    await eventOf(engine, 'sync:parked')
    return engine
  }

  it('S12 B13 hides one that nobody has decided about: it is in the inbox again', async () => {
    const engine = await inConflict()
    await damaged('conflicts', '1', `json_set(value, '$.status', 'resolved')`)
    expect(told(await engine.check())).toEqual(['conflict - none', 'field - none'])
    expect(await repairedBy(engine)).toEqual(['conflict - mended'])
    expect(await engine.conflicts.list({ status: 'pending' })).toHaveLength(1)
  })

  it('B13 is when it was decided: it stands in the history where it was found', async () => {
    const engine = await inConflict()
    const [conflict] = await engine.conflicts.list()
    await engine.conflicts.resolve(conflict!.id, 'local')
    await engine.flush()
    await damaged('conflicts', '1', `json_set(json_remove(value, '$.resolvedAt'), '$.since', 1)`)
    expect(await repairedBy(engine)).toEqual(['field - mended'])
    expect(await engine.conflicts.history()).toMatchObject([{ id: conflict!.id }])
  })
})
