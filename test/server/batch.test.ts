import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '../../src/server/database.ts'
import { problem, serve, temporaryFolder } from './support.ts'
import type { Call, Result } from './support.ts'

interface Operation {
  readonly method: string
  readonly path: string
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

const keyed = (key: string, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Operation => ({
  method,
  path,
  headers: { 'Idempotency-Key': `"${key}"`, ...headers },
  body: body ?? null,
})

const send = (call: Call, operations: readonly unknown[], atomic = false) =>
  call('POST', '/batch', { body: { atomic, operations }, headers: { 'synchart-client': 'c1' } })
const statuses = (results: readonly Result[]): number[] => results.map(({ status }) => status)

describe('POST /batch', () => {
  it('A5 answers each operation in order as it would be answered alone', async () => {
    const { server, call } = await serve()
    const reply = await send(call, [
      keyed('k1', 'POST', '/note', { id: 'n1', a: 1 }, { 'Synchart-Sequence': '1' }),
      keyed('k2', 'PATCH', '/note/n1', { a: 2 }, { 'If-Match': '"1"', 'Synchart-Sequence': '2' }),
      keyed('k3', 'PATCH', '/note/n1', { a: 3 }, { 'If-Match': '"1"' }),
      keyed('k4', 'DELETE', '/note/n1'),
      keyed('k5', 'PATCH', '/note/n1', { a: 4 }),
    ])
    expect(reply.status).toBe(200)
    const { results } = reply.json
    expect(statuses(results)).toEqual([201, 200, 412, 204, 404])
    expect(results[0]).toEqual({
      status: 201,
      headers: { 'content-type': 'application/json', etag: '"1"' },
      body: { id: 'n1', a: 1, version: '1' },
    })
    expect(results[2]?.body.type).toBe(problem('precondition-failed'))
    expect(results[3]).toEqual({ status: 204, headers: {}, body: null })
    expect(server.ledger().map(({ key, client, sequence }) => [key, client, sequence])).toEqual([
      ['k1', 'c1', 1],
      ['k2', 'c1', 2],
      ['k4', 'c1', null],
    ])
  })

  it('A10 replays a batch that is sent again, and knows an operation whether it comes alone or in a batch', async () => {
    const { server, call } = await serve()
    const operations = [
      keyed('k1', 'POST', '/note', { id: 'n1' }),
      keyed('k2', 'PATCH', '/note/n1', '{"a": 1}', { 'if-match': '"1"' }),
    ]
    const first = await send(call, operations)
    const again = await send(call, operations)
    expect(statuses(first.json.results)).toEqual([201, 200])
    expect(again.json.results.map((result) => [result.status, result.body, result.headers['idempotency-replayed']])).toEqual(
      first.json.results.map((result) => [result.status, result.body, 'true']),
    )
    const alone = await call('PATCH', '/note/n1', { key: 'k2', body: { a: 1 }, headers: { 'if-match': '"1"' } })
    expect([alone.status, alone.json, alone.headers.get('idempotency-replayed')]).toEqual([
      200,
      first.json.results[1]?.body,
      'true',
    ])
    await call('POST', '/note', { key: 'k3', body: { id: 'n3' } })
    const inBatch = await send(call, [keyed('k3', 'POST', '/note', { id: 'n3' })])
    expect(inBatch.json.results[0]).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } })
    expect(server.ledger()).toHaveLength(3)
  })

  it('S4 has one effect for a key that comes twice in one batch', async () => {
    const { server, call } = await serve()
    const reply = await send(call, [
      keyed('k', 'POST', '/note', { id: 'n1' }),
      keyed('k', 'POST', '/note', { id: 'n1' }),
      keyed('k', 'POST', '/note', { id: 'n2' }),
    ])
    expect(statuses(reply.json.results)).toEqual([201, 201, 422])
    expect(server.ledger()).toHaveLength(1)
  })

  it('B14 applies an atomic batch as a whole', async () => {
    const { server, call } = await serve()
    const reply = await send(call, [keyed('k1', 'POST', '/note', { id: 'n1' }), keyed('k2', 'POST', '/task', { id: 't1' })], true)
    expect(statuses(reply.json.results)).toEqual([201, 201])
    expect(server.ledger()).toHaveLength(2)
  })

  it.each([
    ['is refused', keyed('k2', 'PATCH', '/note/never', { a: 1 }), 404],
    ['is malformed', { method: 'POST', path: '/note', body: { id: 'x' } }, 400],
  ])('B14 applies nothing of an atomic batch of which one operation %s', async (_, bad, status) => {
    const { server, call } = await serve()
    const operations = [keyed('k1', 'POST', '/note', { id: 'n1' }), bad, keyed('k3', 'POST', '/note', { id: 'n3' })]
    const reply = await send(call, operations, true)
    expect(statuses(reply.json.results)).toEqual([424, status, 424])
    expect(reply.json.results[0]?.body.type).toBe(problem('batch-aborted'))
    expect([server.ledger(), server.state('note')]).toEqual([[], []])
  })

  it('S4 S11 a late copy of an atomic batch that was refused is refused again, though it would be taken by now', async () => {
    const { server, call } = await serve()
    const operations = [keyed('k1', 'POST', '/note', { id: 'n1' }), keyed('k2', 'PATCH', '/note/late', { a: 1 })]
    const first = await send(call, operations, true)
    await call('POST', '/note', { key: 'k3', body: { id: 'late' } })
    const again = await send(call, operations, true)
    expect(statuses(again.json.results)).toEqual([424, 404])
    expect(again.json.results.map(({ body }) => body)).toEqual(first.json.results.map(({ body }) => body))
    expect(server.ledger().map(({ key }) => key)).toEqual(['k3'])
    expect(statuses((await send(call, operations.slice(0, 1), true)).json.results)).toEqual([424])
  })

  it.each([
    ['is malformed', { method: 'POST', path: '/note', body: { id: 'x' } }],
    ['has the key of another', keyed('k', 'POST', '/note', { id: 'x' })],
  ])('B14 keeps nothing of an atomic batch of which one operation %s: it is refused whenever it comes', async (_, bad) => {
    const { call } = await serve()
    await call('POST', '/note', { key: 'k', body: { id: 'other' } })
    const create = keyed('k1', 'POST', '/note', { id: 'n1' })
    await send(call, [create, bad], true)
    const later = await send(call, [create], true)
    expect(later.json.results[0]).toMatchObject({ status: 201, headers: { 'content-type': 'application/json', etag: '"2"' } })
  })

  it('A10 what was applied before is answered as before, whatever becomes of a batch that holds it', async () => {
    const { call } = await serve()
    const create = keyed('k1', 'POST', '/note', { id: 'n1' })
    await send(call, [create])
    await send(call, [create, keyed('k2', 'PATCH', '/note/never', { a: 1 })], true)
    expect(statuses((await send(call, [create])).json.results)).toEqual([201])
  })

  it('S28 keeps the other operations when one breaks inside the server, and nothing of that one', async () => {
    const database = join(await temporaryFolder(), 'server.db')
    const errors: unknown[] = []
    const { server, call } = await serve({ database, onError: (error) => errors.push(error) })
    const repair = await breakWritesOf(database, 'bad')
    const operations = ['n1', 'bad', 'n3'].map((id) => keyed(id, 'POST', '/note', { id }))
    expect(statuses((await send(call, operations)).json.results)).toEqual([201, 500, 201])
    expect(errors).toHaveLength(1)
    expect(server.ledger().map(({ key }) => key)).toEqual(['n1', 'n3'])
    expect(server.state('note')).toMatchObject([{ id: 'n1' }, { id: 'n3' }])
    await repair()
    const retried = (await send(call, operations)).json.results
    expect(retried.map(({ headers }) => headers['idempotency-replayed'])).toEqual(['true', undefined, 'true'])
  })

  it('S3 leaves nothing of a single write or an atomic batch that breaks inside the server', async () => {
    const database = join(await temporaryFolder(), 'server.db')
    const { server, call } = await serve({ database })
    const repair = await breakWritesOf(database, 'bad')
    const operations = ['n1', 'bad'].map((id) => keyed(id, 'POST', '/note', { id }))
    expect((await call('POST', '/note', { key: 'bad', body: { id: 'bad' } })).json.type).toBe(problem('internal'))
    expect((await send(call, operations, true)).status).toBe(500)
    expect([server.ledger(), server.state('note')]).toEqual([[], []])
    await repair()
    const reply = await call('POST', '/note', { key: 'bad', body: { id: 'bad' } })
    expect([reply.status, reply.headers.get('idempotency-replayed')]).toEqual([201, null])
  })

  it('S28 answers 500 to what needs a resource that can not be read, and tells the owner of the server why', async () => {
    const database = join(await temporaryFolder(), 'server.db')
    const errors: unknown[] = []
    const { call } = await serve({ database, onError: (error) => errors.push(error) })
    await call('POST', '/note', { key: 'k0', body: { id: 'n1' } })
    await change(database, `UPDATE resources SET body = '{broken'`)
    expect((await call('PATCH', '/note/n1', { key: 'k1', body: { a: 1 } })).status).toBe(500)
    expect(errors).toMatchObject([{ code: 'storage-corrupt' }])
  })

  it.each<[string, unknown, string]>([
    ['an array', [], 'invalid-batch'],
    ['no operations', {}, 'invalid-batch'],
    ['operations that are no array', { operations: {} }, 'invalid-batch'],
    ['atomic that is no boolean', { atomic: 1, operations: [] }, 'invalid-batch'],
    ['an operation that is null', { operations: [null] }, 'invalid-batch'],
    ['an operation without a method', { operations: [{ path: '/note' }] }, 'invalid-batch'],
    ['an operation without a path', { operations: [{ method: 'PUT' }] }, 'invalid-batch'],
    ['headers that are no texts', { operations: [{ method: 'PUT', path: '/note/a', headers: { a: 1 } }] }, 'invalid-batch'],
    [
      '1,001 operations',
      { operations: Array.from({ length: 1001 }, (_, at) => keyed(`k${at}`, 'DELETE', '/note/a')) },
      'content-too-large',
    ],
  ])('E10 refuses %s as a whole', async (_, body, name) => {
    const { call } = await serve()
    const reply = await call('POST', '/batch', { body })
    expect(reply.json.type).toBe(problem(name))
  })

  it('E10 answers what is no write with its own refusal', async () => {
    const { call } = await serve()
    const reply = await send(call, [
      keyed('k1', 'GET', '/note/n1'),
      keyed('k2', 'POST', '/batch', { operations: [] }),
      keyed('k3', 'POST', '/note', '{broken'),
      keyed('k4', 'POST', '/note', { id: 'n1' }, { 'Content-Type': 'text/plain' }),
      keyed('k5', 'POST', 'http://other.test/note', { id: 'n1' }),
      keyed('k6', 'PUT', '/note/%ff', { a: 1 }),
    ])
    expect(statuses(reply.json.results)).toEqual([405, 404, 400, 415, 404, 400])
  })

  it('A5 takes 1,000 operations at once', async () => {
    const { server, call } = await serve()
    const reply = await send(
      call,
      Array.from({ length: 1000 }, (_, at) => keyed(`k${at}`, 'POST', '/note', { id: `n${at}` })),
    )
    expect(reply.json.results).toHaveLength(1000)
    expect(server.ledger()).toHaveLength(1000)
  })
})

/** Lets the database fail at the last step of a write to this id. Gives the function that ends it. */
async function breakWritesOf(database: string, id: string): Promise<() => Promise<void>> {
  await change(
    database,
    `CREATE TRIGGER broken BEFORE INSERT ON ledger WHEN NEW.id = '${id}' BEGIN SELECT RAISE(ABORT, 'broken'); END`,
  )
  return () => change(database, 'DROP TRIGGER broken')
}

/** With the server's own SQLite: two copies of it in one process undo each other's file locks. */
async function change(database: string, sql: string): Promise<void> {
  const connection = await openDatabase(database)
  connection.exec(sql)
  connection.close()
}
