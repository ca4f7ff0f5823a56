import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { createServer, startServer } from '../../src/server/index.ts'
import { problem, serve } from './support.ts'

const nested = (depth: number): string => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth)

describe('bodies', () => {
  it.each([
    ['POST', '/note', '{"id":"n1","__proto__":{"admin":true}}'],
    ['PUT', '/note/n1', '{"a":{"constructor":{"prototype":{"admin":true}}}}'],
    ['PATCH', '/note/n0', '{"list":[{"prototype":1}]}'],
    ['PATCH', '/note/n0', '{"__proto__":null}'],
  ])('S29 refuses keys that reach a prototype: %s %s %s', async (method, path, text) => {
    const { server, call } = await serve()
    await call('POST', '/note', { key: 'k0', body: { id: 'n0' } })
    const reply = await call(method, path, { key: 'k1', text })
    expect([reply.status, reply.json.type]).toEqual([422, problem('invalid-body')])
    expect(server.ledger()).toHaveLength(1)
    expect(Object.hasOwn(Object.prototype, 'admin')).toBe(false)
  })

  it('S29 gives a resource no inherited fields when it is patched by their names', async () => {
    const { call } = await serve()
    await call('POST', '/note', { key: 'k0', body: { id: 'n0' } })
    const reply = await call('PATCH', '/note/n0', { key: 'k1', text: '{"toString":{"a":1},"hasOwnProperty":null}' })
    expect(reply.json).toEqual({ id: 'n0', toString: { a: 1 }, version: '2' })
  })

  it('E10 takes 64 levels of nesting and refuses more, however deep', async () => {
    const { call } = await serve()
    expect((await call('PUT', '/note/a', { key: 'k1', text: nested(64) })).status).toBe(201)
    expect((await call('PUT', '/note/b', { key: 'k2', text: nested(65) })).json.type).toBe(problem('invalid-body'))
    expect((await call('PUT', '/note/c', { key: 'k3', text: nested(100_000) })).json.type).toBe(problem('invalid-body'))
    expect(
      (await call('PUT', '/note/d', { key: 'k4', text: `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}` })).json.type,
    ).toBe(problem('invalid-body'))
  })

  it.each(['', '{', '[]', 'null', '"text"', '1', '{"id":"a"} {"id":"b"}'])(
    'E10 refuses %j, which is no JSON object',
    async (text) => {
      const { server, call } = await serve()
      const reply = await call('POST', '/note', { key: 'k', text, headers: { 'content-type': 'application/json' } })
      expect([400, 422]).toContain(reply.status)
      expect(server.ledger()).toEqual([])
    },
  )

  it('E10 refuses a number that would turn into null, and bytes that are no UTF-8', async () => {
    const { server, call } = await serve()
    expect((await call('POST', '/note', { key: 'k', text: '{"id":"a","n":1e999}' })).json.type).toBe(problem('invalid-body'))
    const response = await fetch(`${server.url}/note`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': '"k"' },
      body: Buffer.from([...Buffer.from('{"id":"'), 0xff, 0x22, 0x7d]),
    })
    expect(response.status).toBe(400)
  })

  it('E10 answers 413 to more than the limit, announced or not', async () => {
    const { server, call } = await serve({ bodyLimitBytes: 1000 })
    const body = { id: 'n1', text: 'x'.repeat(1000) }
    expect((await call('POST', '/note', { key: 'k1', body })).json.type).toBe(problem('content-too-large'))
    expect(await sendChunked(`${server.url}/note`, JSON.stringify(body))).toBe(413)
    expect(await sendChunked(`${server.url}/note`, '{"id":"small"}')).toBe(201)
    expect(server.ledger()).toHaveLength(1)
  })

  it('E10 answers 413 to 20 MB while it keeps serving others', async () => {
    const { call } = await serve()
    const huge = call('POST', '/note', { key: 'k1', text: `{"id":"n1","text":"${'x'.repeat(20_000_000)}"}` })
    const small = call('POST', '/note', { key: 'k2', body: { id: 'n2' } })
    expect((await small).status).toBe(201)
    expect((await huge).status).toBe(413)
  })

  it('E10 does not let patches grow a resource over the limit', async () => {
    const { call } = await serve({ bodyLimitBytes: 1000 })
    await call('POST', '/note', { key: 'k1', body: { id: 'n1', a: 'x'.repeat(600) } })
    const reply = await call('PATCH', '/note/n1', { key: 'k2', body: { b: 'x'.repeat(600) } })
    expect([reply.status, reply.json.type]).toEqual([413, problem('content-too-large')])
    expect((await call('GET', '/note/n1')).json.b).toBe(undefined)
  })

  it.each([
    ['POST', '/note', 'text/plain'],
    ['POST', '/note', 'application/merge-patch+json'],
    ['POST', '/note', 'application/json; charset=latin1'],
    ['PATCH', '/note/n1', 'application/json'],
    ['PUT', '/note/n1', 'application/x-www-form-urlencoded'],
    ['POST', '/batch', 'text/plain'],
  ])('E10 answers 415 to %s %s of type %s', async (method, path, type) => {
    const { call } = await serve()
    const reply = await call(method, path, { key: 'k', text: '{"id":"n1"}', headers: { 'content-type': type } })
    expect([reply.status, reply.json.type]).toEqual([415, problem('unsupported-media-type')])
  })

  it('E10 takes a charset of utf-8 in any spelling', async () => {
    const { call } = await serve()
    for (const [at, type] of ['application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'].entries()) {
      expect(
        (await call('POST', '/note', { key: `k${at}`, text: `{"id":"n${at}"}`, headers: { 'content-type': type } })).status,
      ).toBe(201)
    }
  })
})

describe('ids', () => {
  it.each([
    'a/b',
    '../../etc/passwd',
    '%2e%2e',
    'a b?c=d#e',
    '日本語',
    '🙂',
    "o'; DROP TABLE resources; --",
    'x'.repeat(1024),
    '%',
    '\\',
    'a.',
  ])('E10 keeps %j as it is', async (id) => {
    const { server, call } = await serve()
    const path = `/note/${encodeURIComponent(id)}`
    expect((await call('POST', '/note', { key: 'k1', body: { id } })).json.id).toBe(id)
    expect((await call('PATCH', path, { key: 'k2', body: { a: 1 } })).json).toEqual({ id, a: 1, version: '2' })
    expect((await call('GET', path)).json).toEqual({ id, a: 1, version: '2' })
    expect((await call('GET', '/note')).json.changes).toMatchObject([{ id }])
    expect((await call('DELETE', path, { key: 'k3' })).status).toBe(204)
    expect(server.ledger().map((entry) => entry.id)).toEqual([id, id, id])
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a number', 7],
    ['an empty text', ''],
    ['a dot', '.'],
    ['two dots', '..'],
    ['a control character', 'a\0b'],
    ['a line break', 'a\nb'],
    ['a lone surrogate', '\ud800'],
    ['1,025 bytes', 'ä'.repeat(512) + 'x'],
  ])('E10 refuses %s as an id', async (_, id) => {
    const { call } = await serve()
    const reply = await call('POST', '/note', { key: 'k', body: { id } })
    expect([reply.status, reply.json.type]).toEqual([422, problem('invalid-id')])
  })

  it.each([
    ['/note/%ff', 400],
    ['/note/%zz', 400],
    ['/note/a/b', 404],
    ['/note/', 422],
    ['/1note/a', 404],
    ['/__proto__/a', 404],
    ['/batch/a', 404],
    ['/', 404],
  ])('E10 answers PUT %s with %d', async (path, status) => {
    const { call } = await serve()
    expect((await call('PUT', path, { key: 'k', body: { a: 1 } })).status).toBe(status)
  })
})

describe('headers', () => {
  it.each([
    ['if-match', '5'],
    ['if-match', '"a'],
    ['if-match', '"a" "b"'],
    ['if-match', '"a",'],
    ['if-none-match', ''],
    ['synchart-sequence', '-1'],
    ['synchart-sequence', '1e3'],
    ['synchart-client', 'a b'],
    ['synchart-client', 'x'.repeat(129)],
  ])('E10 answers 400 to %s: %s', async (name, value) => {
    const { server, call } = await serve()
    const reply = await call('PUT', '/note/n1', { key: 'k', body: { a: 1 }, headers: { [name]: value } })
    expect([reply.status, reply.json.type]).toEqual([400, problem('invalid-header')])
    expect(server.ledger()).toEqual([])
  })

  it('E10 reads a long list of tags in time that grows with its length', async () => {
    const { call } = await serve()
    const reply = await call('PUT', '/note/n1', { key: 'k', body: { a: 1 }, headers: { 'if-match': `"a"${' '.repeat(7000)}x` } })
    expect(reply.status).toBe(400)
  })
})

describe('credentials', () => {
  it.each(['', 'Bearer', 'Bearer wrong', 'Basic dGE6', 'bearer ta ta', 'Bearer ta"'])(
    'E3 answers 401 to %j, for every route',
    async (authorization) => {
      const { server, call } = await serve({ auth: { users: (token) => (token === 'ta' ? 'ann' : undefined) } })
      for (const [method, path] of [
        ['POST', '/note'],
        ['POST', '/batch'],
        ['GET', '/note'],
        ['GET', '/note/n1'],
        ['DELETE', '/note/n1'],
      ] as const) {
        const body = method === 'POST' ? { body: { id: 'n1', operations: [] } } : {}
        const reply = await call(method, path, { key: 'k', ...body, headers: { authorization } })
        expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
      }
      expect(server.ledger()).toEqual([])
      expect((await call('GET', '/note', { headers: { authorization: 'bearer ta' } })).status).toBe(200)
    },
  )
})

describe('a page whose own name leads to this machine', () => {
  it.each(['rebound.example', 'rebound.example:4000', 'localhost.rebound.example', 'rebound.example#.localhost', '['])(
    'E10 reads nothing as %s, where nobody has to say who he is',
    async (host) => {
      const { url } = (await serve({ inspect: true })).server
      expect(await callAs(`${url}/note`, host)).toEqual([421, problem('misdirected')])
      expect(await callAs(`${url}/_ledger`, host)).toEqual([421, problem('misdirected')])
    },
  )

  it.each(['localhost', 'LOCALHOST:4000', 'board.localhost:4000', '127.0.0.1', '[::1]:4000', '192.168.0.7'])(
    'E10 is no page that calls %s',
    async (host) => {
      const { url } = (await serve()).server
      expect(await callAs(`${url}/note`, host)).toEqual([200, undefined])
    },
  )

  it('E10 is kept out by the credentials that it lacks, or was let in', async () => {
    const asked = await serve({ auth: { users: () => 'u1' } })
    expect(await callAs(`${asked.server.url}/note`, 'api.example')).toEqual([401, problem('unauthorized')])
    const open = await serve({ hostname: '0.0.0.0' })
    expect(await callAs(`${open.server.url}/note`, 'api.example')).toEqual([200, undefined])
  })
})

describe('options', () => {
  it.each([
    ['bodyLimitBytes', { bodyLimitBytes: 0 }],
    ['idempotencyTtlMs', { idempotencyTtlMs: Number.NaN }],
    ['changeLogLimit', { changeLogLimit: 1.5 }],
    ['entities', { entities: ['a/b'] }],
    ['entities', { entities: ['batch'] }],
    ['faults.rate', { faults: { rate: 2 } }],
    ['faults.weights.delay', { faults: { rate: 1, weights: { delay: -1 } } }],
  ])('B1 refuses a wrong %s with its name', async (path, options) => {
    await expect(createServer(options)).rejects.toMatchObject({ code: 'validation', path })
  })

  it('D5 says what to do when the database or the port can not be had', async () => {
    await expect(createServer({ database: '/nowhere/at/all/server.db' })).rejects.toMatchObject({
      code: 'storage-unavailable',
      cause: expect.anything(),
    })
    const { server } = await serve()
    const port = Number(new URL(server.url).port)
    await expect(startServer({ port })).rejects.toMatchObject({ code: 'listen', cause: { code: 'EADDRINUSE' } })
  })
})

/** Sends the body without saying how long it is; gives the status. */
function sendChunked(url: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': '"chunked"' } },
      (incoming) => {
        incoming.resume()
        resolve(incoming.statusCode ?? 0)
      },
    )
    outgoing.on('error', reject)
    for (let at = 0; at < body.length; at += 100) outgoing.write(body.slice(at, at + 100))
    outgoing.end()
  })
}

/** Gives the status, and the type of the problem. */
async function callAs(url: string, host: string): Promise<readonly [number | undefined, string | undefined]> {
  const [incoming] = (await once(request(url, { headers: { host } }).end(), 'response')) as [IncomingMessage]
  const { type } = JSON.parse(await text(incoming)) as { type?: string }
  return [incoming.statusCode, type]
}
