import { filter, firstValueFrom } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/adapters/system-clock.ts'
import type { CheckResult, EngineOptions, EnqueueInput, SyncEngine } from '../../src/index.ts'
import type { SqlValue } from '../../src/server/database.ts'
import { openDatabase } from '../../src/server/database.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (id: string, payload: object = {}): EnqueueInput => ({ type: 'create', entity: 'note', id, payload })
const update = (id: string, payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id, payload })

/** Behind everybody's back. */
async function sql(text: string, ...values: SqlValue[]): Promise<void> {
  const database = await openDatabase(world.path)
  try {
    database.prepare(text).run(...values)
  } finally {
    database.close()
  }
}

/** Changes what is stored of a row, and leaves its columns. */
async function overwrite(table: string, key: string, where: string | number, change: (text: string) => string): Promise<void> {
  const database = await openDatabase(world.path)
  try {
    const row = database.prepare(`SELECT value FROM ${table} WHERE ${key} = ?`).get(where)
    database.prepare(`UPDATE ${table} SET value = ? WHERE ${key} = ?`).run(change(String(row!['value'])), where)
  } finally {
    database.close()
  }
}

async function paused(...inputs: EnqueueInput[]): Promise<{ engine: SyncEngine; ids: string[] }> {
  const engine = await world.started({ coalesce: false })
  await eventOf(engine, 'lock:acquired')
  engine.pause('test')
  const operations = await engine.enqueueAll(inputs)
  return { engine, ids: operations.map(({ id }) => id) }
}

function codesOf({ problems }: CheckResult): string[] {
  return problems.map(({ code, repaired }) => `${code} ${repaired}`)
}

/** By somebody else. */
async function patched(body: string): Promise<void> {
  const headers = { 'idempotency-key': '"other"', 'content-type': 'application/merge-patch+json' }
  await fetch(`${world.url}/note/a`, { method: 'PATCH', headers, body })
}

/** What was found is repaired, and afterwards there is nothing to find. */
async function repairedBy(engine: SyncEngine): Promise<CheckResult> {
  const found = await engine.check()
  const repaired = await engine.check({ repair: true })
  expect(repaired.total).toBe(found.total)
  expect(found.isSound).toBe(false)
  expect(await engine.check({ repair: true })).toMatchObject({ total: 0, isSound: true })
  return repaired
}

describe('B13 the consistency checker', () => {
  it('S32 B13 finds nothing in a store that is sound, while it is drained, and counts what it has looked at', async () => {
    const engine = await world.started()
    const work = Promise.all(
      Array.from({ length: 60 }, async (_, n) => (await engine.enqueue(create(`n${n % 20}`, { n }))).settled),
    )
    const looks: CheckResult[] = []
    for (let n = 0; n < 20; n++) looks.push(await engine.check({ repair: n % 2 === 0 }))
    await work
    await engine.flush()
    looks.push(await engine.check())
    expect(looks.flatMap(({ problems }) => problems)).toEqual([])
    expect(looks.at(-1)).toMatchObject({ isSound: true, total: 0, checked: { operations: 60, entities: 20 } })
    expect(await eventOf(engine, 'integrity:checked')).toMatchObject({ isSound: true, total: 0 })
  })

  it.each([
    ['queued without a turn', (text: string) => text.replace(/,"rank":\d+/, ''), 'a'],
    ['in a line of another', (text: string) => text.replace('"lane":"default/note/a"', '"lane":"default/note/zz"'), 'a'],
    ['queued and looked at again as if parked', (text: string) => text.replace('"rank"', '"dueAt":9007199254740991,"rank"'), 'a'],
  ])('B13 mends an operation that is %s, and then it is sent', async (_, change) => {
    const { engine, ids } = await paused(create('a', { n: 1 }), create('b'))
    await overwrite('operations', 'seq', 1, change)
    const result = await repairedBy(engine)
    expect(result.problems[0]).toMatchObject({
      code: 'field',
      collection: 'operations',
      key: 1,
      operationId: ids[0],
      repaired: 'mended',
    })
    engine.resume('test')
    expect(await engine.operations.handle(ids[0]!).settled).toEqual({ status: 'done' })
    expect(Object.keys(world.notes()).toSorted()).toEqual(['a', 'b'])
  })

  it.each(['rank', 'lane', 'id'])(
    'B13 mends an operation that the index of %s does not have, and then it is sent',
    async (column) => {
      const { engine, ids } = await paused(create('a', { n: 1 }))
      await sql(`UPDATE operations SET ${column} = NULL WHERE seq = 1`)
      expect(codesOf(await repairedBy(engine))).toEqual(['place mended'])
      engine.resume('test')
      expect(await engine.operations.handle(ids[0]!).settled).toEqual({ status: 'done' })
    },
  )

  it('B13 mends an operation that has ended and still stands in its line', async () => {
    const { engine } = await paused(create('a'))
    engine.resume('test')
    await engine.flush()
    await sql(`UPDATE operations SET lane = 'default/note/a' WHERE seq = 1`)
    expect(codesOf(await repairedBy(engine))).toEqual(['place mended'])
  })

  it('S4 S32 B13 does not send again what has ended and says that it stands in its line, and then that goes on', async () => {
    const { engine } = await paused(create('a'))
    engine.resume('test')
    await engine.flush()
    engine.pause('test')
    const next = await engine.enqueue(update('a', { n: 1 }))
    const sent = world.attempts.length
    await overwrite('operations', 'seq', 1, (text) => text.replace('"entity"', '"lane":"default/note/a","entity"'))
    await sql(`UPDATE operations SET lane = 'default/note/a' WHERE seq = 1`)
    engine.resume('test')
    expect(await eventOf(engine, 'sync:quarantined')).toMatchObject({ sequence: 1, error: { name: 'ConsistencyError' } })
    expect(world.attempts).toHaveLength(sent)
    expect(codesOf(await repairedBy(engine))).toEqual(['field mended'])
    expect(await next.settled).toEqual({ status: 'done' })
    expect(world.attempts).toHaveLength(sent + 1)
  })

  it('L1 S32 B13 mends an operation that was on its way when its owner died, and then it is sent', async () => {
    world.intercept(() => new Promise(() => {}))
    const dying = await world.started()
    const operation = await dying.enqueue(create('a'))
    await eventOf(dying, 'sync:started')
    await dying.stop()
    world.intercept(undefined)
    await overwrite('operations', 'seq', 1, (text) => text.replace(/,"lane":"[^"]+"/, ''))
    const engine = await world.started()
    await eventOf(engine, 'lock:acquired')
    await engine.enqueue(create('b')).then(({ settled }) => settled)
    expect(codesOf(await repairedBy(engine))).toEqual(['field mended'])
    expect(await engine.operations.handle(operation.id).settled).toEqual({ status: 'done' })
  })

  it('S32 S28 B13 leaves an operation that can not be read where it is, tells of it, and loses nothing', async () => {
    const { engine, ids } = await paused(create('a'), update('a', { n: 1 }), create('b'))
    await overwrite('operations', 'seq', 1, () => 'garbage')
    for (const _ of [1, 2]) {
      const result = await engine.check({ repair: true })
      expect(result).toMatchObject({ total: 1, quarantined: 1, isSound: false })
      expect(result.problems[0]).toMatchObject({ code: 'unreadable', key: 1, repaired: 'quarantined' })
      expect(result.problems[0]!.message).toContain("operations.discard('#1')")
    }
    expect(engine.history().filter(({ type }) => type === 'sync:quarantined')).toHaveLength(1)
    engine.resume('test')
    expect(await engine.operations.handle(ids[2]!).settled).toEqual({ status: 'done' })
    expect(await engine.operations.handle(ids[1]!).status()).toBe('queued')
    await engine.operations.discard('#1')
    expect(await engine.operations.handle(ids[1]!).settled).toMatchObject({ status: 'rejected' })
    expect(await engine.check()).toMatchObject({ isSound: true })
  })

  it('B13 tells of a transaction that lacks a part, and of operations that wait for each other', async () => {
    const { engine, ids } = await paused(create('a'), create('b'))
    await engine.transaction((tx) => {
      tx.enqueue(create('c'))
      tx.enqueue(create('d'))
    })
    await sql('DELETE FROM operations WHERE seq = 4')
    await overwrite('operations', 'seq', 1, (text) => text.replace('"attempts"', `"dependsOn":["${ids[1]}"],"attempts"`))
    expect(codesOf(await engine.check({ repair: true }))).toEqual(['transaction none'])
    await overwrite('operations', 'seq', 2, (text) => text.replace('"attempts"', `"dependsOn":["${ids[0]}"],"attempts"`))
    expect(codesOf(await engine.check({ repair: true })).toSorted()).toEqual(['dependency none', 'transaction none'])
  })

  it('B13 tells of an operation that is said to be merged into one on another entity', async () => {
    const engine = await world.started()
    await eventOf(engine, 'lock:acquired')
    engine.pause('test')
    const [, survivor, other] = await engine.enqueueAll([create('a'), update('a', { n: 1 }), create('b')])
    engine.resume('test')
    await engine.flush()
    expect(await engine.check()).toMatchObject({ isSound: true })
    await overwrite('operations', 'seq', 1, (text) =>
      text.replace(`"supersededBy":"${survivor!.id}"`, `"supersededBy":"${other!.id}"`),
    )
    expect(codesOf(await engine.check({ repair: true }))).toEqual(['superseded none'])
  })

  it('B13 sets aside an entity that can not be read, and it is pulled anew', async () => {
    const { engine } = await paused(create('a', { n: 1 }), create('b', { n: 2 }))
    engine.resume('test')
    await engine.synchronize()
    await overwrite('entities', 'key', 'default/note/a', (text) => text.slice(0, 20))
    expect(codesOf(await engine.check())).toEqual(['unreadable none'])
    expect(codesOf(await engine.check({ repair: true }))).toEqual(['unreadable quarantined'])
    await engine.synchronize()
    expect(await engine.check()).toMatchObject({ isSound: true })
    expect(await engine.view('note').get('a')).toMatchObject({ value: { n: 1 } })
  })

  it('S14 B13 every tab shows again what was set aside, also where that was the newest of all', async () => {
    const { engine } = await paused(create('a', { n: 1 }))
    engine.resume('test')
    await engine.synchronize()
    const follower = await world.started()
    const shown = follower.view('note').watch()
    await firstValueFrom(shown.pipe(filter(([one]) => one?.value['n'] === 1)))
    const news = firstValueFrom(shown.pipe(filter(([one]) => one?.value['n'] === 2)))
    await overwrite('entities', 'key', 'default/note/a', (text) => text.replace('"value"', '"deletedAt":1,"value"'))
    await patched('{"n":2}')
    expect(codesOf(await engine.check({ repair: true }))).toEqual(['field quarantined'])
    await engine.synchronize({ full: true })
    expect(await news).toHaveLength(1)
  })

  it('B13 S21 resets how far an entity was pulled where that can not be read: what has gone meanwhile is gone', async () => {
    const { engine } = await paused(create('a'), create('b'))
    engine.resume('test')
    await engine.synchronize({ full: true })
    engine.pause('test')
    await overwrite('meta', 'name', 'pull/default/note', () => 'garbage')
    const other = await fetch(`${world.url}/note/a`, { method: 'DELETE', headers: { 'idempotency-key': '"gone"' } })
    expect(other.status).toBe(204)
    expect(codesOf(await repairedBy(engine))).toEqual(['unreadable quarantined'])
    engine.resume('test')
    await engine.synchronize()
    expect((await engine.view('note').list()).map(({ id }) => id)).toEqual(['b'])
  })

  it.each(['edits', 'pulls-wanted/default', 'statistics/default'])(
    'B13 replaces the row %s where it can not be read',
    async (name) => {
      const { engine, ids } = await paused(create('a'))
      await engine.operations.retry(ids[0]!)
      engine.resume('test')
      await engine.synchronize()
      await engine.statistics.reset()
      await overwrite('meta', 'name', name, () => 'garbage')
      expect(codesOf(await repairedBy(engine))).toEqual(['unreadable quarantined'])
      const operation = await engine.enqueue(update('a', { n: 1 }))
      expect(await operation.settled).toEqual({ status: 'done' })
      expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
      await engine.statistics.reset()
    },
  )

  it('B13 finds and repairs in a tab that follows what any tab may write', async () => {
    const { engine: owner, ids } = await paused(create('a'))
    const follower = await world.started()
    await overwrite('operations', 'seq', 1, (text) => text.replace(/,"rank":\d+/, ''))
    expect(codesOf(await follower.check({ repair: true }))).toEqual(['field mended'])
    owner.resume('test')
    expect(await follower.operations.handle(ids[0]!).settled).toEqual({ status: 'done' })
  })

  it.each([[{ repair: 1 }], [{ entities: ['nobody'] }], [{ fix: true }], [null]])('B13 refuses %j', async (options) => {
    const engine = await world.started()
    await expect(engine.check(options as never)).rejects.toMatchObject({ name: 'ValidationError' })
  })

  it('B13 refuses while the engine does not run', async () => {
    await expect(world.engine().check()).rejects.toMatchObject({ code: 'not-started' })
  })
})

describe('B13 the inbox of conflicts', () => {
  async function inConflict(options: Partial<EngineOptions> = {}): Promise<SyncEngine> {
    const engine = await world.started({ entities: { note: { conflict: 'manual' } }, ...options })
    await (
      await engine.enqueue(create('a', { n: 1 }))
    ).settled
    engine.pause('test')
    await engine.enqueue(update('a', { n: 2 }))
    await patched('{"n":3}')
    engine.resume('test')
    await eventOf(engine, 'sync:parked')
    return engine
  }

  it('B13 has a conflict again that was lost, and it can be decided', async () => {
    const engine = await inConflict()
    expect(await engine.check()).toMatchObject({ isSound: true })
    await sql('DELETE FROM conflicts')
    expect(codesOf(await repairedBy(engine))).toEqual(['conflict mended'])
    const [conflict] = await engine.conflicts.list()
    await engine.conflicts.resolve(conflict!.id, 'local')
    await engine.flush()
    expect(world.notes()).toMatchObject({ a: { n: 2 } })
  })

  it('B13 closes a conflict whose operation is gone', async () => {
    const engine = await inConflict()
    await sql('DELETE FROM operations WHERE seq = 2')
    expect(codesOf(await repairedBy(engine))).toEqual(['conflict mended'])
    expect(await engine.conflicts.list()).toEqual([])
    expect(await engine.conflicts.history()).toMatchObject([{ resolution: 'discarded', strategy: 'repair' }])
  })

  it('B13 closes it at one time, however late it is when that is written', async () => {
    let late = 0
    const clock = { ...systemClock, now: () => systemClock.now() + late++ }
    const engine = await inConflict({ ports: { clock } })
    await sql('DELETE FROM operations WHERE seq = 2')
    await repairedBy(engine)
    expect(await engine.check()).toMatchObject({ isSound: true })
  })

  it('S32 B13 tells only of the operation that the index of ids lacks, not of its conflict', async () => {
    const engine = await inConflict()
    await sql('UPDATE operations SET id = NULL WHERE status = ?', 'parked')
    expect(codesOf(await repairedBy(engine))).toEqual(['place mended'])
    expect(await engine.conflicts.list({ status: 'pending' })).toHaveLength(1)
  })

  it('B13 sets aside a conflict that can not be read, and makes it anew of its operation', async () => {
    const engine = await inConflict()
    await sql(`UPDATE conflicts SET value = 'garbage'`)
    const found = await engine.check({ repair: true })
    expect(codesOf(found).toSorted()).toContain('conflict mended')
    expect(await engine.check({ repair: true })).toMatchObject({ total: 0 })
    expect(await engine.conflicts.list()).toHaveLength(1)
  })

  async function settledConflict(): Promise<SyncEngine> {
    const engine = await inConflict()
    const [conflict] = await engine.conflicts.list()
    await engine.conflicts.resolve(conflict!.id, 'local')
    await engine.flush()
    return engine
  }

  it('B13 sets aside one that is settled and can not be read, and tells of it', async () => {
    const engine = await settledConflict()
    await sql(`UPDATE conflicts SET value = 'garbage'`)
    const repaired = await repairedBy(engine)
    expect(codesOf(repaired)).toEqual(['unreadable quarantined'])
    expect(repaired.problems[0]!.message).toContain('It was set aside')
    expect(await engine.conflicts.history()).toEqual([])
  })

  it.each(['status', 'since'])('B13 mends one that the index by %s does not have', async (column) => {
    const engine = await settledConflict()
    await sql(`UPDATE conflicts SET ${column} = NULL`)
    const repaired = await repairedBy(engine)
    expect(codesOf(repaired)).toEqual(['place mended'])
    expect(repaired.problems[0]).toMatchObject({ collection: 'conflicts', entity: 'note', entityId: 'a' })
    expect(await engine.conflicts.history()).toHaveLength(1)
  })

  it('B13 mends one that an index has where it does not belong', async () => {
    const engine = await settledConflict()
    await sql(`UPDATE conflicts SET status = 'pending'`)
    expect(codesOf(await repairedBy(engine))).toEqual(['place mended'])
    expect(await engine.conflicts.list()).toEqual([])
    expect(await engine.conflicts.history()).toHaveLength(1)
  })

  it('B13 mends one that stands in the inbox as open though it is settled', async () => {
    const engine = await settledConflict()
    await sql(`UPDATE conflicts SET status = 'pending', value = replace(value, '"status":"resolved"', '"status":"pending"')`)
    const repaired = await repairedBy(engine)
    expect(codesOf(repaired)).toEqual(['field mended'])
    expect(repaired.problems[0]!.message).toContain('contradicts its resolution')
    expect(await engine.conflicts.list()).toEqual([])
    expect(await engine.conflicts.history()).toHaveLength(1)
  })

  it('B13 tells of a conflict or an entity in the wrong place, and leaves both until it is told to repair them, and owns the lease', async () => {
    const engine = await settledConflict()
    const follower = await world.started({ entities: { note: { conflict: 'manual' } } })
    await sql('UPDATE conflicts SET since = NULL')
    await sql('UPDATE entities SET rev = NULL')
    expect(codesOf(await follower.check()).toSorted()).toEqual(['place none', 'place none'])
    expect(codesOf(await follower.check({ repair: true })).toSorted()).toEqual(['place mended', 'place none'])
    const repaired = await repairedBy(engine)
    expect(codesOf(repaired)).toEqual(['place mended'])
    expect(repaired.problems[0]).toMatchObject({ collection: 'entities', entity: 'note', entityId: 'a' })
  })

  it('S14 B13 mends an entity that an index has where it does not belong: other tabs see it change again', async () => {
    const engine = await settledConflict()
    await sql('UPDATE entities SET rev = rev + 1000')
    expect(codesOf(await repairedBy(engine))).toEqual(['place mended'])
    expect(await engine.view('note').get('a')).toMatchObject({ value: { n: 2 } })
  })
})
