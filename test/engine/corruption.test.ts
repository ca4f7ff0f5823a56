import { createServer, type Server } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StorageCorruptError, type EnqueueInput, type SyncEngine, type SyncEvent } from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { openDatabase } from '../../src/server/database.ts'
import { sqlOn } from '../support/sql.ts'
import { createWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (id: string, payload: object = {}): EnqueueInput => ({ type: 'create', entity: 'note', id, payload })
const update = (id: string, payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id, payload })

/** Overwrites a stored operation behind everybody's back. */
async function overwrite(sequence: number, change: (text: string) => string): Promise<void> {
  const database = await openDatabase(world.path)
  try {
    const row = database.prepare('SELECT value FROM operations WHERE seq = ?').get(sequence)
    database.prepare('UPDATE operations SET value = ? WHERE seq = ?').run(change(String(row!['value'])), sequence)
  } finally {
    database.close()
  }
}

/** Three operations in lane a, two in lane b; the first of a is damaged. */
async function damaged(change: (text: string) => string): Promise<{ ids: string[] }> {
  const engine = await world.started({ coalesce: false })
  engine.pause('test')
  const operations = await engine.enqueueAll([
    create('a'),
    update('a', { n: 1 }),
    update('a', { n: 2 }),
    create('b'),
    update('b', { n: 1 }),
  ])
  await engine.stop()
  await overwrite(1, change)
  return { ids: operations.map(({ id }) => id) }
}

function quarantines(engine: SyncEngine): SyncEvent[] {
  const heard: SyncEvent[] = []
  engine.on('sync:quarantined', (event) => void heard.push(event))
  return heard
}

describe('a stored operation that can not be read', () => {
  it('S14 S28 is seen no more once it is discarded, where it was seen before it was damaged', async () => {
    const engine = await world.started()
    engine.pause('test')
    await engine.enqueue(create('a', { title: 'ours' }))
    expect(await engine.view('note').get('a')).toMatchObject({ status: 'pending' })
    await overwrite(1, () => 'garbage')
    await engine.operations.discard('#1')
    expect(await engine.view('note').get('a')).toBeUndefined()
  })

  it('S28 E1 has not ended for who waits for that, in whichever tab, until it is mended or discarded', async () => {
    const engine = await world.started()
    engine.pause('test')
    const [mended, discarded] = await engine.enqueueAll([create('a'), create('b')])
    const other = await world.started()
    let whole = ''
    await overwrite(1, (text) => ((whole = text), 'garbage'))
    await overwrite(2, () => 'garbage')
    const ends = [engine, other].map(({ operations }) => operations.handle(discarded!.id).settled)
    const later = [engine, other].map(({ operations }) => operations.handle(mended!.id).settled)
    const told: unknown[] = []
    for (const end of later) void end.then((one) => told.push(one))
    await engine.operations.discard('#2')
    expect(await Promise.all(ends)).toEqual([{ status: 'forgotten' }, { status: 'forgotten' }])
    expect(told).toEqual([])
    await overwrite(1, () => whole)
    engine.resume('test')
    expect(await Promise.all(later)).toEqual([{ status: 'done' }, { status: 'done' }])
  })

  it.each<[string, (text: string) => string]>([
    ['is cut off', (text) => text.slice(0, 40)],
    ['is no JSON', () => 'garbage'],
    ['is another thing', () => '{"seq":1}'],
    ['has a status that does not exist', (text) => text.replace('"queued"', '"dreaming"')],
    ['waits for a time that is none', (text) => text.replace('"attempts"', '"dueAt":{"toString":1},"attempts"')],
    ['has a request of another shape', (text) => text.replace('"attempts"', '"request":{"method":1},"attempts"')],
  ])('S28 that %s blocks its own lane only, is told of once, and can be discarded', async (_, change) => {
    const { ids } = await damaged(change)
    const engine = world.engine({ coalesce: false })
    const heard = quarantines(engine)
    await engine.start()
    await Promise.all([ids[3]!, ids[4]!].map((id) => engine.operations.handle(id).settled))
    await engine.flush()
    const added = await engine.enqueue(update('a', { n: 3 }))
    await (
      await engine.enqueue(create('c'))
    ).settled
    await engine.operations.retry(ids[1]!)
    await engine.flush()
    expect(Object.keys(world.notes()).toSorted()).toEqual(['b', 'c'])
    expect(await engine.operations.handle(ids[1]!).status()).toBe('queued')
    expect(heard).toMatchObject([{ sequence: 1 }])
    expect((heard[0] as { error?: unknown }).error).toBeInstanceOf(StorageCorruptError)
    expect((await engine.explain(ids[1])).waitingFor.join()).toContain("operations.discard('#1')")

    await engine.operations.discard('#1')
    expect(await engine.operations.handle(ids[1]!).settled).toMatchObject({ status: 'rejected' })
    expect(await added.settled).toMatchObject({ status: 'rejected' })
    expect((await engine.enqueue(create('a'))).settled).toBeDefined()
    await expect(engine.operations.discard('#1')).rejects.toMatchObject({ code: 'not-corrupt' })
  })

  it('S28 alone in its lane is told of, too', async () => {
    const first = await world.started()
    first.pause('test')
    await first.enqueueAll([create('a'), create('b')])
    await first.stop()
    await overwrite(1, () => 'garbage')
    const engine = world.engine()
    const heard = quarantines(engine)
    await engine.start()
    await engine.flush()
    expect(heard).toMatchObject([{ sequence: 1 }])
    expect(Object.keys(world.notes())).toEqual(['b'])
  })

  it('S28 in the middle of a lane is not overtaken, and what is before it goes', async () => {
    const first = await world.started({ coalesce: false })
    first.pause('test')
    const operations = await first.enqueueAll([create('a'), update('a', { n: 1 }), update('a', { n: 2 })])
    await first.stop()
    await overwrite(2, () => 'garbage')
    const engine = await world.started()
    expect(await engine.operations.handle(operations[0]!.id).settled).toEqual({ status: 'done' })
    await engine.flush()
    expect(world.notes()).toEqual({ a: { id: 'a' } })
    await engine.operations.discard('#2')
    expect(await engine.operations.handle(operations[2]!.id).settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({ a: { id: 'a', n: 2 } })
  })

  it('S9 S28 holds what depends on it, until it is discarded', async () => {
    const first = await world.started()
    first.pause('test')
    const parent = await first.enqueue(create('a'))
    const child = await first.enqueue({ ...create('b'), dependsOn: [parent.id] })
    await first.stop()
    await overwrite(1, () => 'garbage')
    const engine = await world.started()
    await engine.flush()
    expect(world.notes()).toEqual({})
    expect((await engine.explain(child.id)).waitingFor.join()).toContain("operations.discard('#1')")
    await engine.operations.discard('#1')
    expect(await engine.operations.handle(child.id).settled).toEqual({ status: 'done' })
  })

  it.each(['#99', '#x', '#'])('S28 %s, which names no unreadable row, is refused', async (id) => {
    const engine = await world.started()
    engine.pause('test')
    await engine.enqueue(create('a'))
    await expect(engine.operations.discard(id)).rejects.toMatchObject({ code: 'not-corrupt' })
    await expect(engine.operations.discard('#1')).rejects.toMatchObject({ code: 'not-corrupt' })
  })
})

describe('keys that could reach a prototype', () => {
  it.each(['{"__proto__":{"polluted":1}}', '{"a":{"constructor":1}}', '{"a":[{"prototype":1}]}'])(
    'S29 %s is refused as a payload',
    async (text) => {
      const engine = await world.started()
      await expect(engine.enqueue(create('a', JSON.parse(text)))).rejects.toMatchObject({ name: 'ValidationError' })
      expect(await engine.operations.list()).toEqual([])
    },
  )

  it('S29 in the answer of a server reach nothing, and the operation is not lost', async () => {
    const { server, url } = await answering('{"id":"a","__proto__":{"polluted":"yes"}}')
    try {
      const engine = await world.started({ transport: httpTransport({ baseURL: url }), retry: { maxAttempts: 2, baseMs: 1 } })
      const operation = await engine.enqueue(create('a'))
      await new Promise<void>((resolve) => engine.on('sync:parked', () => resolve()))
      expect(await engine.operations.get(operation.id)).toMatchObject({ lastError: { code: 'unreadable' } })
      expect('polluted' in {}).toBe(false)
    } finally {
      server.close()
    }
  })
})

async function answering(body: string): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(201, { 'content-type': 'application/json' }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('There is no port.')
  return { server, url: `http://127.0.0.1:${address.port}` }
}

describe('a lease that can not be read', () => {
  it('D5 L5 is told of by flush() and explain(), for nobody can send', async () => {
    const engine = await world.started()
    engine.pause('test')
    const { id } = await engine.enqueue(create('a'))
    await engine.stop()
    const database = await openDatabase(world.path)
    database.prepare("UPDATE meta SET value = '{}' WHERE name = 'lease'").run()
    database.close()
    const next = await world.started()
    await expect(next.flush()).rejects.toBeInstanceOf(StorageCorruptError)
    expect((await next.explain(id)).summary).toContain("the lease, which can't be read")
    expect(await next.operations.get(id)).toMatchObject({ status: 'queued' })
  })
})

describe('a lease that names no versions of what the last owner knew', () => {
  it.each(['null', '"x"', '{"note":{"toString":"x"}}', '{"note":"2"}'])(
    'D10 L5 is taken over all the same: %s',
    async (versions) => {
      const engine = await world.started()
      engine.pause('test')
      const { id } = await engine.enqueue(create('a'))
      await engine.stop()
      await sqlOn(world.path, `UPDATE meta SET value = json_set(value, '$.versions', json('${versions}')) WHERE name = 'lease'`)
      const next = await world.started({ entities: { note: { version: 2, migrations: { 2: {} } } } })
      expect(await next.operations.handle(id).settled).toEqual({ status: 'done' })
    },
  )
})

describe('an install id that no header can hold', () => {
  it('S7 S28 starts no engine, so that no operation is refused for it', async () => {
    const engine = await world.started()
    engine.pause('test')
    const { id } = await engine.enqueue(create('a'))
    await engine.stop()
    const database = await openDatabase(world.path)
    database.prepare("UPDATE meta SET value = json_set(value, '$.id', '💥') WHERE name = 'install'").run()
    database.close()
    await expect(world.engine().start()).rejects.toMatchObject({ name: expect.stringContaining('Storage') })
    const mended = await openDatabase(world.path)
    mended.prepare("UPDATE meta SET value = json_set(value, '$.id', 'i1') WHERE name = 'install'").run()
    mended.close()
    expect(await (await world.started()).operations.handle(id).settled).toEqual({ status: 'done' })
  })
})

describe('a record of log-outs that can not be read', () => {
  it.each(["json_remove(value, '$.rev')", "json_set(value, '$.epoch', -1)", "'{}'"])(
    'E3 L5 S28 (%s) starts no engine, for nobody knows who may write, and nothing is lost',
    async (damage) => {
      const engine = await world.started()
      engine.pause('test')
      const { id } = await engine.enqueue(create('a'))
      await engine.logOut({ pending: 'keep' })
      const database = await openDatabase(world.path)
      database.exec(`UPDATE meta SET value = ${damage} WHERE name LIKE 'session/%'`)
      database.exec("UPDATE meta SET value = json_set(value, '$.rev', 'VRA') WHERE name = 'edits'")
      database.close()
      await expect(world.engine().start()).rejects.toBeInstanceOf(StorageCorruptError)
      const mended = await openDatabase(world.path)
      mended.exec("DELETE FROM meta WHERE name LIKE 'session/%'")
      mended.close()
      expect(await (await world.started()).operations.handle(id).settled).toEqual({ status: 'done' })
    },
  )
})

describe('what tabs want to be pulled', () => {
  it.each([
    ['is counted beyond all numbers', "json_set(value, '$.rev', 9007199254740992)"],
    ['can not be read', "'{}'"],
  ])('L5 L8 is asked for anew where it %s', async (_, damage) => {
    const engine = await world.started()
    await engine.synchronize()
    await engine.stop()
    const database = await openDatabase(world.path)
    database.prepare(`UPDATE meta SET value = ${damage} WHERE name LIKE 'pulls-wanted%'`).run()
    database.close()
    const next = await world.started()
    expect((await next.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
  })
})

describe('the counter of edits', () => {
  it.each(["'{}'", "json_set(value, '$.rev', 'VRA')", "json_set(value, '$.rev', 0)"])(
    'L1 L5 is begun anew where it is damaged (%s), and the owner goes on',
    async (damage) => {
      const engine = await world.started()
      engine.pause('test')
      const { id } = await engine.enqueue(create('a'))
      await engine.operations.edit(id, { title: 'edited' })
      await engine.stop()
      const database = await openDatabase(world.path)
      database.prepare(`UPDATE meta SET value = ${damage} WHERE name = 'edits'`).run()
      database.close()
      const next = await world.started()
      expect(await next.operations.handle(id).settled).toEqual({ status: 'done' })
    },
  )
})
