import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { NetworkError, ServerError, TimeoutError } from '../../src/core/errors.ts'
import { answerJson, context, nobody, operation, request, serve, serveRaw, told } from './support/http-world.ts'

const send = (baseURL: string, options = {}, given = {}) => httpTransport({ baseURL, ...options }).send(request(), context(given))

describe('a request', () => {
  it('A10 carries the frozen bytes, the quoted key, the client and the sequence', async () => {
    const server = await serve((_, response) => answerJson(response, 200, { id: 'n1', title: 'Hi' }, { etag: '"8"' }))
    const transport = httpTransport({ baseURL: `${server.url}/api/v1/`, headers: { 'X-Tenant': 't1' } })
    const prepared = transport.prepare(operation({ baseVersion: '7', payload: { title: 'Grüße 🌍' } }))
    const outcome = await transport.send(prepared, context({ idempotencyKey: 'a"b\\c' }))
    expect(outcome).toEqual({ type: 'applied', version: '8', value: { id: 'n1', title: 'Hi' } })
    expect(server.received).toMatchObject([
      {
        method: 'PATCH',
        url: '/api/v1/note/n1',
        body: prepared.body,
        headers: {
          'content-type': 'application/merge-patch+json',
          'if-match': '"7"',
          'idempotency-key': '"a\\"b\\\\c"',
          'synchart-client': 'client-1',
          'synchart-sequence': '7',
          'x-tenant': 't1',
          accept: 'application/json, application/problem+json',
        },
      },
    ])
    expect(server.received[0]?.headers.authorization).toBeUndefined()
  })

  it('S5 is the same at each attempt, key, method, path, headers and body', async () => {
    const server = await serve((_, response) => answerJson(response, 503, {}))
    const transport = httpTransport({ baseURL: server.url })
    const stored = JSON.parse(JSON.stringify(transport.prepare(operation())))
    await transport.send(stored, context())
    await transport.send(stored, context())
    expect(server.received).toHaveLength(2)
    expect(server.received[0]).toEqual(server.received[1])
  })

  it('A8 without a body has none, and names no content type', async () => {
    const server = await serve((_, response) => response.writeHead(204).end())
    const transport = httpTransport({
      baseURL: server.url,
      routes: { note: { ping: () => ({ method: 'POST', path: '/ping' }) } },
    })
    for (const type of ['delete', 'ping']) {
      expect(await transport.send(transport.prepare(operation({ type })), context())).toEqual({ type: 'applied' })
    }
    expect(server.received).toMatchObject([
      { method: 'DELETE', url: '/note/n1', body: '' },
      { method: 'POST', url: '/ping', body: '' },
    ])
    expect(server.received.map(({ headers }) => headers['content-type'])).toEqual([undefined, undefined])
  })

  it.each(['a/b', '../../admin', 'ü 🌍', '%2e%2e', 'a?b#c', "it's", '...', '\\\\host'])(
    'A8 reaches the entity with the id %j and no other',
    async (id) => {
      const server = await serve((_, response) => answerJson(response, 200, {}))
      const transport = httpTransport({ baseURL: server.url })
      expect(told(await transport.send(transport.prepare(operation({ entityId: id })), context()))).toBe('applied')
      const [, entity, segment, ...more] = server.received[0]?.url.split('/') ?? []
      expect([entity, decodeURIComponent(segment ?? ''), more]).toEqual(['note', id, []])
    },
  )

  it.each([
    { path: 'https://evil.example/' },
    { path: '//evil.example/x' },
    { path: '/note//x' },
    { path: '/note/../admin' },
    { path: '/note/%2E%2e' },
    { path: '/note\\..\\x' },
    { path: '/note/.' },
    { path: '/no te' },
    { path: '/note#x' },
    { path: '' },
    { path: 'note' },
    { path: '/ü' },
    { method: 'GET' },
    { method: 'patch' },
    { method: 'CONNECT' },
  ])('A8 that a damaged row holds, %j, is refused and never sent', async (damage) => {
    const server = await serve((_, response) => answerJson(response, 200, {}))
    expect(told(await httpTransport({ baseURL: server.url }).send(request(damage), context()))).toBe(
      'rejected/definite invalid-request',
    )
    expect(server.received).toEqual([])
  })

  it.each(['line\r\nX-Evil: 1', 'ключ', '\u0000'])(
    'A10 with the key %j, which no header can carry, is refused and never sent',
    async (idempotencyKey) => {
      const server = await serve((_, response) => answerJson(response, 200, {}))
      expect(told(await send(server.url, {}, { idempotencyKey }))).toBe('rejected/definite invalid-request')
      expect(server.received).toEqual([])
    },
  )

  it('A8 larger than maxBodyBytes is refused and never sent; one as large is sent', async () => {
    const server = await serve((_, response) => answerJson(response, 200, {}))
    const transport = httpTransport({ baseURL: server.url, maxBodyBytes: 10 })
    expect(told(await transport.send(request({ body: '"ääää"' }), context()))).toBe('applied')
    expect(told(await transport.send(request({ body: '"äääää"' }), context()))).toBe('rejected/definite body-too-large')
    expect(server.received).toHaveLength(1)
  })
})

describe('an answer', () => {
  it.each([200, 201, 207])('D1 of a captive portal (%i with HTML) leaves the write unknown', async (status) => {
    const server = await serve((_, response) =>
      response.writeHead(status, { 'content-type': 'text/html' }).end('<html>Log in</html>'),
    )
    const outcome = await send(server.url)
    expect(outcome).toMatchObject({ type: 'unknown', error: { code: 'unreadable', status } })
    expect(outcome).toMatchObject({ error: expect.any(ServerError) })
  })

  it.each([
    ['no body', 'application/json', ''],
    ['another content type', 'text/plain', '{"id":"n1"}'],
    ['a type that only begins like JSON', 'application/jsonp', '{"id":"n1"}'],
    ['truncated JSON', 'application/json', '{"id":"n1"'],
    ['two values', 'application/json', '{} {}'],
    ['the key __proto__', 'application/json', '{"id":"n1","__proto__":{"admin":true}}'],
    ['the key __proto__ in disguise', 'application/json', '{"a":[{"\\u005f_proto__":{"admin":true}}]}'],
    ['the key constructor', 'application/json', '{"constructor":{"prototype":{"admin":true}}}'],
    ['65 levels', 'application/json', `${'['.repeat(65)}${']'.repeat(65)}`],
    ['a hundred thousand levels', 'application/json', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ])('S6 200 with %s leaves the write unknown, and S29 harms no prototype', async (_, type, body) => {
    const server = await serve((_request, response) => response.writeHead(200, { 'content-type': type }).end(body))
    expect(told(await send(server.url))).toBe('unknown unreadable')
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
  })

  it.each(['application/json; charset=utf-8', 'application/vnd.api+json', 'Application/JSON'])(
    'A10 in the type %s is read',
    async (type) => {
      const body = `${'['.repeat(64)}${']'.repeat(64)}`
      const server = await serve((_, response) => response.writeHead(200, { 'content-type': type }).end(body))
      expect(told(await send(server.url))).toBe('applied')
    },
  )

  it.each([301, 302, 303, 307, 308])('S6 %i is never followed: the other server hears nothing', async (status) => {
    const other = await serve((_, response) => answerJson(response, 200, {}))
    const server = await serve((_, response) => response.writeHead(status, { location: `${other.url}/stolen` }).end())
    const auth = { token: async () => 'secret' }
    expect(told(await send(server.url, { auth }))).toBe('rejected redirect')
    expect(other.received).toEqual([])
    expect(server.received).toHaveLength(1)
  })

  it.each([false, true])(
    'S6 of 10 MB (compressed: %s) is not read to its end and leaves the write unknown',
    async (compressed) => {
      const body = JSON.stringify('x'.repeat(10 * 2 ** 20))
      const server = await serve((_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', ...(compressed && { 'content-encoding': 'gzip' }) })
        response.end(compressed ? gzipSync(body) : body)
      })
      expect(told(await send(server.url))).toBe('unknown unreadable')
      expect(told(await send(server.url, { maxResponseBytes: 11 * 2 ** 20 }))).toBe('applied')
    },
  )

  it('S6 that never comes is a timeout and leaves the write unknown', async () => {
    const server = await serve(() => {})
    const outcome = await send(server.url, { timeoutMs: 50 })
    expect(told(outcome)).toBe('unknown timeout')
    expect(outcome).toMatchObject({ error: expect.any(TimeoutError) })
  })

  it('S6 that drips without end is a timeout too', async () => {
    const url = await serveRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n')
      const drip = setInterval(() => socket.write(' '), 10)
      socket.on('close', () => clearInterval(drip))
    })
    expect(told(await send(url, { timeoutMs: 200 }))).toBe('unknown timeout')
  })

  it.each([
    ['before its head', '', 'unknown network'],
    ['inside its head', 'HTTP/1.1 200 OK\r\nContent-Ty', 'unknown network'],
    [
      'inside its body',
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"id":',
      'unknown unreadable',
    ],
    [
      'inside a chunk',
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"id":',
      'unknown unreadable',
    ],
  ])('S6 cut off %s leaves the write unknown, by an end and by a reset', async (_, text, expected) => {
    expect(told(await send(await serveRaw((socket) => socket.end(text))))).toBe(expected)
    const reset = await send(await serveRaw((socket) => socket.write(text, () => socket.resetAndDestroy())))
    expect(told(reset)).toMatch(/^unknown (network|unreadable)$/)
  })

  it('S6 that is no HTTP leaves the write unknown', async () => {
    expect(told(await send(await serveRaw((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))))).toBe('unknown network')
  })

  it("S22 with 503 waits as long as the server says, by the server's clock", async () => {
    const headers = { date: 'Sun, 06 Nov 1994 08:49:37 GMT', 'retry-after': 'Sun, 06 Nov 1994 08:50:37 GMT' }
    const server = await serve((_, response) => answerJson(response, 503, {}, headers))
    expect(await send(server.url)).toMatchObject({ type: 'unknown', retryAfterMs: 60_000 })
  })

  it('A3 with 409 is judged by the type of its problem', async () => {
    const server = await serve((_, response) => {
      const problem = { type: 'https://example.com/problems/idempotency-in-progress', title: 'Conflict' }
      answerJson(response, 409, problem, { 'content-type': 'application/problem+json', 'retry-after': '1' })
    })
    expect(await send(server.url)).toMatchObject({
      type: 'unknown',
      retryAfterMs: 1000,
      error: { code: 'idempotency-in-progress' },
    })
  })
})

describe('without a connection', () => {
  it('S6 a refused one is certain: nothing was applied', async () => {
    const url = await nobody()
    const outcome = await send(url)
    expect(outcome).toMatchObject({ type: 'retry', error: { code: 'network', cause: { code: 'ECONNREFUSED' } } })
    expect(outcome).toMatchObject({ error: expect.any(NetworkError) })
    expect(told(await send(url.replace('127.0.0.1', 'localhost')))).toBe('retry network')
  })

  it('S6 an unknown host is certain: nothing was applied', async () => {
    expect(told(await send('http://host.invalid'))).toBe('retry network')
  })

  it('L10 a send that is called off under way is unknown, and one that never began is certain', async () => {
    const controller = new AbortController()
    const server = await serve(() => controller.abort())
    expect(told(await send(server.url, {}, { signal: controller.signal }))).toBe('unknown aborted')
    expect(told(await send(server.url, {}, { signal: controller.signal }))).toBe('retry aborted')
    expect(server.received).toHaveLength(1)
  })
})

it('L10 a process whose sends are done ends by itself while the server keeps the connection', async () => {
  const server = await serve((_, response) =>
    answerJson(response, 200, { id: 'n1' }, { connection: 'keep-alive', 'keep-alive': 'timeout=600' }),
  )
  const child = fork(fileURLToPath(new URL('workers/http-send.mjs', import.meta.url)), [server.url], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const output: string[] = []
  child.stdout?.on('data', (chunk) => output.push(String(chunk)))
  expect(await once(child, 'close')).toEqual([0, null])
  expect(output.join('')).toBe('applied\napplied\n')
})
