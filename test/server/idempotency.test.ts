import { describe, expect, it } from 'vitest'
import { problem, serve } from './support.ts'
import type { CallOptions } from './support.ts'

const plain = ({ status, text, headers }: { status: number; text: string; headers: Headers }) => [
  status,
  text,
  headers.get('etag'),
  headers.get('content-type'),
]

describe('a key that was answered', () => {
  it.each<[string, string, CallOptions, number]>([
    ['POST', '/note', { body: { id: 'new', ä: 'ö' } }, 201],
    ['POST', '/note', { body: { id: 'n1' } }, 409],
    ['PATCH', '/note/n1', { body: { a: 2 }, headers: { 'if-match': '"1"' } }, 200],
    ['PATCH', '/note/n1', { body: { a: 2 }, headers: { 'if-match': '"0"' } }, 412],
    ['PATCH', '/note/never', { body: { a: 2 } }, 404],
    ['PUT', '/note/n1', { body: { a: 2 } }, 200],
    ['DELETE', '/note/n1', { headers: { 'if-match': '"1"' } }, 204],
    ['DELETE', '/note/never', {}, 404],
  ])('A10 gets the same bytes again: %s %s %j → %d', async (method, path, options, status) => {
    const { server, call } = await serve()
    await call('POST', '/note', { key: 'setup', body: { id: 'n1', a: 1 } })
    const first = await call(method, path, { key: 'k', ...options })
    expect(first.status).toBe(status)
    expect(first.headers.get('idempotency-replayed')).toBe(null)
    await call('PUT', '/note/n1', { key: 'other', body: { meanwhile: true } })
    await call('PUT', '/note/never', { key: 'other2', body: { meanwhile: true } })
    const again = await call(method, path, { key: 'k', ...options })
    expect(plain(again)).toEqual(plain(first))
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(server.ledger().filter(({ key }) => key === 'k')).toHaveLength(status < 400 ? 1 : 0)
  })

  it.each<[string, string, string, CallOptions]>([
    ['method', 'PUT', '/note/n1', { body: { a: 2 }, headers: { 'if-match': '"1"' } }],
    ['path', 'PATCH', '/note/n2', { body: { a: 2 }, headers: { 'if-match': '"1"' } }],
    ['entity', 'PATCH', '/task/n1', { body: { a: 2 }, headers: { 'if-match': '"1"' } }],
    ['body', 'PATCH', '/note/n1', { body: { a: 3 }, headers: { 'if-match': '"1"' } }],
    ['If-Match', 'PATCH', '/note/n1', { body: { a: 2 }, headers: { 'if-match': '"2"' } }],
    ['missing If-Match', 'PATCH', '/note/n1', { body: { a: 2 } }],
  ])('S5 is refused with 422 for another %s, and nothing happens', async (_, method, path, options) => {
    const { server, call } = await serve()
    await call('POST', '/note', { key: 'setup', body: { id: 'n1', a: 1 } })
    await call('PATCH', '/note/n1', { key: 'k', body: { a: 2 }, headers: { 'if-match': '"1"' } })
    const reply = await call(method, path, { key: 'k', ...options })
    expect([reply.status, reply.json.type]).toEqual([422, problem('idempotency-key-reused')])
    expect(server.ledger()).toHaveLength(2)
  })

  it('S4 counts for each user by itself', async () => {
    const users = new Map([
      ['ta', 'ann'],
      ['tb', 'bob'],
    ])
    const { server, call } = await serve({ auth: { users: (token) => users.get(token) } })
    const create = (token: string, id: string) =>
      call('POST', '/note', { key: 'same', body: { id }, headers: { authorization: `Bearer ${token}` } })
    expect((await create('ta', 'a')).status).toBe(201)
    const other = await create('tb', 'b')
    expect([other.status, other.headers.get('idempotency-replayed')]).toEqual([201, null])
    expect(server.ledger().map(({ user, id }) => [user, id])).toEqual([
      ['ann', 'a'],
      ['bob', 'b'],
    ])
  })

  it('A10 is the same request whatever the spaces in the JSON and the escapes in the path', async () => {
    const { server, call } = await serve()
    const first = await call('PUT', '/note/a%2Fb', { key: 'k', text: '{"a":1}' })
    const again = await call('PUT', '/note/a%2fb', { key: 'k', text: '{ "a": 1 }' })
    expect(again.text).toBe(first.text)
    expect(server.ledger()).toHaveLength(1)
  })

  it('S4 has one effect when many requests with it come at once', async () => {
    const { server, call } = await serve()
    const replies = await Promise.all(Array.from({ length: 20 }, () => call('POST', '/note', { key: 'k', body: { id: 'n1' } })))
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(replies.filter(({ headers }) => headers.has('idempotency-replayed'))).toHaveLength(19)
    expect(server.ledger()).toHaveLength(1)
  })

  it('A10 may be used anew when its time is over, and old answers are forgotten', async () => {
    let now = 1_000_000
    const { server, call } = await serve({ clock: { now: () => now }, idempotencyTtlMs: 1000 })
    const create = (key: string, id: string) => call('POST', '/note', { key, body: { id } })
    await create('k1', 'a')
    now += 999
    expect((await create('k1', 'a')).headers.get('idempotency-replayed')).toBe('true')
    now += 1
    expect((await create('k1', 'b')).status).toBe(201)
    expect((await create('k1', 'b')).headers.get('idempotency-replayed')).toBe('true')
    expect(server.ledger().map(({ id }) => id)).toEqual(['a', 'b'])
  })
})

describe('the Idempotency-Key header', () => {
  it.each([
    ['POST', '/note', { id: 'n1' }],
    ['PATCH', '/note/n1', { a: 1 }],
    ['PUT', '/note/n1', { a: 1 }],
    ['DELETE', '/note/n1', undefined],
  ])('A10 is asked of %s', async (method, path, body) => {
    const { server, call } = await serve()
    const reply = await call(method, path, { body })
    expect([reply.status, reply.json.type]).toEqual([400, problem('idempotency-key-missing')])
    expect(server.ledger()).toEqual([])
  })

  it.each(['bare', '""', '"open', '"a" "b"', '"a", "b"', '"a";p=1', '"bad\\escape"', `"${'x'.repeat(256)}"`, '"caf\u00e9"'])(
    'A10 is refused if it is %s',
    async (header) => {
      const { call } = await serve()
      const reply = await call('POST', '/note', { body: { id: 'n1' }, headers: { 'idempotency-key': header } })
      expect([reply.status, reply.json.type]).toEqual([400, problem('idempotency-key-malformed')])
    },
  )

  it('A10 may hold escaped quotes and backslashes', async () => {
    const { server, call } = await serve()
    await call('POST', '/note', { body: { id: 'n1' }, headers: { 'idempotency-key': '"a\\"b\\\\c d"' } })
    expect(server.ledger()[0]?.key).toBe('a"b\\c d')
  })
})

describe('a refusal before the key is looked at', () => {
  it('A10 leaves the key free', async () => {
    const { server, call } = await serve()
    expect((await call('POST', '/note', { key: 'k', text: '{broken' })).status).toBe(400)
    expect((await call('POST', '/note', { key: 'k', body: { id: '' } })).status).toBe(422)
    expect((await call('POST', '/note', { key: 'k', body: { id: 'n1' } })).status).toBe(201)
    expect(server.ledger()).toHaveLength(1)
  })
})
