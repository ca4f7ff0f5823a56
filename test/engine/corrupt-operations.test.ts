import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EngineOptions, EnqueueInput, Operation, SyncEngine } from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { openDatabase } from '../../src/server/database.ts'
import { createWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (id: string, more: Partial<EnqueueInput> = {}): EnqueueInput => ({
  type: 'create',
  entity: 'note',
  id,
  payload: {},
  ...more,
})

async function enqueued(inputs: readonly EnqueueInput[]): Promise<readonly Operation[]> {
  const engine = await world.started({ coalesce: false })
  engine.pause('test')
  const operations = await engine.enqueueAll(inputs)
  await engine.stop()
  return operations
}

/** Behind everybody's back: `change` is an expression of SQL over `value`, `columns` what is set of the indexed ones. */
async function damaged(sequence: number, change: string, columns = 'seq = seq'): Promise<void> {
  const database = await openDatabase(world.path)
  try {
    database.prepare(`UPDATE operations SET value = ${change}, ${columns} WHERE seq = ?`).run(sequence)
  } finally {
    database.close()
  }
}

/** One tab that owns the lease, and one that follows. */
async function twoTabs(options: Partial<EngineOptions> = {}): Promise<{ owner: SyncEngine; follower: SyncEngine }> {
  const owner = await world.started(options)
  const owned = new Promise<void>((resolve) => {
    owner.state$.subscribe(({ phase }) => phase === 'draining' && resolve())
  })
  await owned
  return { owner, follower: await world.started(options) }
}

describe('a stored operation with a field that can not be what it is', () => {
  it.each([
    ['its transaction has a thousand million members', `'$.transaction', json('{"id":"t","place":0,"size":1000000000}')`],
    ['its transaction is none', `'$.transaction', 5`],
    ['it waits for what is no id', `'$.dependsOn', json('[5]')`],
    ['it waits for what is no list', `'$.dependsOn', 5`],
    ['it was merged into what is no id', `'$.supersededBy', json('{}')`],
    ['its attempts can not be counted', `'$.attempts', -1e300`],
    ['its revision can not be counted', `'$.rev', 9007199254740992`],
    ['its priority is none', `'$.priority', 'VRA'`],
  ])('S28 blocks its own lane only, and is told of: %s', async (_, place) => {
    const [first, second, other] = await enqueued([create('a'), { ...create('a'), type: 'update' }, create('b')])
    await damaged(1, `json_set(value, ${place})`)
    const engine = await world.started()
    await engine.flush()
    expect(await engine.operations.handle(other!.id).status()).toBe('done')
    expect(await engine.operations.handle(second!.id).status()).toBe('queued')
    expect(await engine.operations.get(first!.id)).toBeUndefined()
    expect((await engine.check()).problems).toMatchObject([{ code: 'unreadable', key: 1 }])
    expect(await engine.view('note').list()).toHaveLength(1)
  })
})

describe('stored operations that name each other', () => {
  it('S28 L5 as merged into itself: what waits for it ends, and so does the flush', async () => {
    const [first, , third] = await enqueued([create('a'), create('b'), create('c')])
    await damaged(
      1,
      `json_remove(json_set(value, '$.status', 'superseded', '$.supersededBy', '${first!.id}'), '$.rank', '$.lane')`,
    )
    await damaged(3, `json_set(value, '$.dependsOn', json('["${first!.id}"]'))`)
    const engine = await world.started()
    expect(await engine.operations.handle(third!.id).settled).toMatchObject({ status: 'rejected' })
    await engine.flush()
    expect(Object.keys(world.notes())).toEqual(['b'])
  })

  it('S28 L5 as waiting for each other: a flush ends in whichever tab, and others go on', async () => {
    const [first, second] = await enqueued([create('a'), create('b'), create('c')])
    await damaged(1, `json_set(value, '$.dependsOn', json('["${second!.id}"]'))`)
    await damaged(2, `json_set(value, '$.dependsOn', json('["${first!.id}"]'))`)
    const { owner, follower } = await twoTabs()
    expect(await follower.flush()).toMatchObject({ deferred: 2 })
    expect(await owner.flush()).toMatchObject({ deferred: 2 })
    expect(Object.keys(world.notes())).toEqual(['c'])
  })

  it('S28 L5 as waiting for itself: a flush ends in whichever tab, and others go on', async () => {
    const [first] = await enqueued([create('a'), create('b')])
    await damaged(1, `json_set(value, '$.dependsOn', json('["${first!.id}"]'))`)
    const { owner, follower } = await twoTabs()
    expect(await follower.flush()).toMatchObject({ deferred: 1 })
    expect(await owner.flush()).toMatchObject({ deferred: 1 })
    expect(Object.keys(world.notes())).toEqual(['b'])
  })

  it('S28 L5 as waiting for one on its way that stands behind it: a flush ends in whichever tab, and others go on', async () => {
    const [first, second] = await enqueued([create('a'), { ...create('a'), type: 'update' }, create('b')])
    await damaged(1, `json_set(value, '$.dependsOn', json('["${second!.id}"]'))`)
    await damaged(
      2,
      `json_remove(json_set(value, '$.status', 'sending', '$.attempts', 1, '$.unknownAttempts', 1, '$.dueAt', -1), '$.rank')`,
      'rank = NULL, dueAt = -1',
    )
    const { owner, follower } = await twoTabs()
    expect(await follower.flush()).toMatchObject({ deferred: 2 })
    expect(await owner.flush()).toMatchObject({ deferred: 2 })
    expect(Object.keys(world.notes())).toEqual(['b'])
    expect((await owner.explain(first!.id)).waitingFor.join()).toContain(second!.id)
  })

  it.each([
    "json_remove(value, '$.rank')",
    "json_set(value, '$.lane', 'default/note/z')",
    "json_remove(value, '$.lane')",
    "json_set(value, '$.rank', 'later')",
  ])('S28 L5 one that its owner does not come upon (%s) keeps no flush waiting', async (change) => {
    await enqueued([create('a'), create('b')])
    await damaged(1, change)
    const { owner, follower } = await twoTabs()
    await follower.flush()
    await owner.flush()
    expect(Object.keys(world.notes())).toContain('b')
    expect((await owner.check({ repair: true })).isSound).toBe(true)
    await owner.flush()
    expect(Object.keys(world.notes()).toSorted()).toEqual(['a', 'b'])
  })
})

describe('an operation that stands in the lane of another', () => {
  it('B1 S28 L5 is told of as a contradiction and not sent, and what is behind it goes once a check has mended it', async () => {
    await enqueued([create('a'), { ...create('a'), type: 'update' }, create('b')])
    await damaged(1, `json_set(value, '$.entityId', 'z')`)
    const { owner, follower } = await twoTabs()
    await follower.flush()
    expect(Object.keys(world.notes())).toEqual(['b'])
    const told = owner.history().filter((event) => event.type === 'sync:quarantined')
    expect(told).toMatchObject([{ sequence: 1, error: { name: 'ConsistencyError', code: 'consistency', retryable: false } }])
    expect(told[0]?.error.message).toContain('check({ repair: true })')
    await owner.check({ repair: true })
    await owner.flush()
    await follower.flush()
    expect(await owner.operations.count('queued')).toBe(0)
    expect(Object.keys(world.notes())).toContain('z')
  })
})

describe('an operation that has ended and still stands in a lane', () => {
  it('S28 L5 D5 keeps no flush waiting, in whichever tab, and explain() says how the lane is mended', async () => {
    const [, second] = await enqueued([create('z'), create('a'), create('b')])
    const ended = `'$.status', 'done', '$.finishedAt', value ->> '$.enqueuedAt', '$.lane', 'default/note/a'`
    await damaged(1, `json_remove(json_set(value, ${ended}), '$.rank')`, `lane = 'default/note/a', rank = NULL`)
    const { owner, follower } = await twoTabs()
    expect(await follower.flush()).toMatchObject({ deferred: 1 })
    expect(await owner.flush()).toMatchObject({ deferred: 1 })
    expect(Object.keys(world.notes())).toEqual(['b'])
    expect((await owner.explain(second!.id)).waitingFor.join()).toContain('check({ repair: true })')
    await owner.check({ repair: true })
    await follower.flush()
    expect(Object.keys(world.notes()).toSorted()).toEqual(['a', 'b'])
  })
})

describe('a transaction that is sent one by one', () => {
  async function enqueuedTogether(): Promise<void> {
    const engine = await world.started()
    engine.pause('test')
    await engine.transaction((tx) => ['a', 'b'].forEach((id) => tx.enqueue(create(id))))
    await engine.enqueue(create('c'))
    await engine.stop()
  }

  it.each([
    ['can not be read', `'{}'`],
    ['waits for a person', `json_remove(json_set(value, '$.status', 'parked', '$.dueAt', 9007199254740991), '$.rank')`],
  ])('S28 L5 S31 keeps no flush waiting, in whichever tab, where its first member %s', async (_, change) => {
    await enqueuedTogether()
    await damaged(1, change)
    const { owner, follower } = await twoTabs({ transport: httpTransport({ baseURL: world.url, batch: false }) })
    await follower.flush()
    await owner.flush()
    expect(Object.keys(world.notes())).toEqual(['c'])
  })

  it('S28 L5 lets all go that is enqueued after it, where the turn of a member is no number', async () => {
    await enqueuedTogether()
    await damaged(2, `json_set(value, '$.rank', 'later')`)
    const transport = httpTransport({ baseURL: world.url, batch: false })
    const { owner, follower } = await twoTabs({ transport })
    await owner.flush()
    const added = await follower.enqueue(create('d'))
    expect(await added.settled).toEqual({ status: 'done' })
    await follower.flush()
    await owner.check({ repair: true })
    await owner.flush()
    expect(Object.keys(world.notes()).toSorted()).toEqual(['a', 'b', 'c', 'd'])
  })
})
