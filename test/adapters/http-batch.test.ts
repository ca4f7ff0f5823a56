import { describe, expect, it } from 'vitest'
import { httpTransport, type HttpTransportOptions } from '../../src/adapters/http/index.ts'
import type { BatchItem, Outcome } from '../../src/core/ports.ts'
import { answerJson, item, nobody, operation, serve, serveRaw, told } from './support/http-world.ts'

const items = (count: number) => Array.from({ length: count }, (_, i) => item(i + 1))
const ok = { status: 200, headers: { ETag: '"2"', 'Content-Type': 'application/json' }, body: { id: 'n1' } }

async function send(
  baseURL: string,
  given: readonly BatchItem[],
  options: Partial<HttpTransportOptions> = {},
): Promise<readonly Outcome[]> {
  const transport = httpTransport({ baseURL, ...options })
  if (transport.sendBatch === undefined) throw new Error('This transport has no batch.')
  return transport.sendBatch(given, { clientId: 'client-1', signal: new AbortController().signal })
}

const answering = (status: number, value: unknown, headers: Record<string, string> = {}) =>
  serve((_, response) => answerJson(response, status, value, headers))

describe('a batch', () => {
  it('A5 is one request with the method, path, headers, key and frozen body of each operation', async () => {
    const server = await answering(200, { results: [ok, { status: 204, headers: {} }] })
    const { prepare } = httpTransport({ baseURL: server.url })
    const update = prepare(operation({ baseVersion: '1' }))
    const remove = prepare(operation({ type: 'delete' }))
    const outcomes = await send(server.url, [
      { request: update, idempotencyKey: 'a', sequence: 1 },
      { request: remove, idempotencyKey: 'b"c', sequence: 2 },
    ])
    expect(outcomes).toEqual([{ type: 'applied', version: '2', value: { id: 'n1' } }, { type: 'applied' }])
    expect(server.received).toHaveLength(1)
    expect(server.received[0]).toMatchObject({
      method: 'POST',
      url: '/batch',
      headers: { 'synchart-client': 'client-1', 'content-type': 'application/json' },
    })
    expect(JSON.parse(server.received[0]?.body ?? '')).toEqual({
      atomic: false,
      operations: [
        {
          method: 'PATCH',
          path: '/note/n1',
          headers: {
            'Content-Type': 'application/merge-patch+json',
            'If-Match': '"1"',
            'Idempotency-Key': '"a"',
            'Synchart-Client': 'client-1',
            'Synchart-Sequence': '1',
          },
          body: { title: 'Hi' },
        },
        {
          method: 'DELETE',
          path: '/note/n1',
          headers: { 'Idempotency-Key': '"b\\"c"', 'Synchart-Client': 'client-1', 'Synchart-Sequence': '2' },
          body: null,
        },
      ],
    })
  })

  it('D6 judges each operation by its own result: one that fails does not touch the others', async () => {
    const results = [
      ok,
      { status: 412, body: { type: 'about:blank' } },
      { status: 409, headers: { 'retry-after': 2 }, body: { type: 'urn:problem:idempotency-in-progress' } },
      { status: 429, headers: { 'Retry-After': '3' } },
      { status: 422, body: { detail: 'too long' } },
      { status: 401 },
      { status: 404 },
      { status: 200, headers: {}, body: null },
      { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' },
      { status: 302, headers: { location: 'https://evil.example' } },
    ]
    const server = await answering(200, { results })
    const outcomes = await send(server.url, items(results.length))
    expect(outcomes.map(told)).toEqual([
      'applied',
      'conflict/stale conflict',
      'unknown idempotency-in-progress',
      'retry rate-limit',
      'rejected/definite client',
      'auth authentication',
      'rejected/definite client',
      'unknown unreadable',
      'unknown unreadable',
      'rejected redirect',
    ])
    expect(outcomes[2]).toMatchObject({ retryAfterMs: 2000 })
    expect(outcomes[3]).toMatchObject({ retryAfterMs: 3000 })
  })

  it.each([
    ['null', null],
    ['a text', 'ok'],
    ['no status', { body: {} }],
    ['a status that is a text', { status: '200', body: {} }],
    ['a fraction', { status: 200.5, body: {} }],
    ['nothing', []],
    ['a status of no answer', { status: 0 }],
  ])('S6 with %s in place of a result leaves that operation unknown, and only that', async (_, malformed) => {
    const server = await answering(200, { results: [ok, malformed, ok] })
    expect((await send(server.url, items(3))).map(told)).toEqual(['applied', expect.stringMatching(/^unknown /), 'applied'])
  })

  it('S29 with __proto__ in one result leaves that operation unknown, and harms nothing', async () => {
    const body = `{"results":[${JSON.stringify(ok)},{"status":200,"body":{"__proto__":{"admin":true}}},{"__proto__":{"status":200,"body":{}}}]}`
    const server = await serve((_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(body))
    expect((await send(server.url, items(3))).map(told)).toEqual(['applied', 'unknown unreadable', 'unknown unreadable'])
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
  })

  it.each([
    ['too few results', { results: [ok] }],
    ['too many results', { results: [ok, ok, ok] }],
    ['no results', {}],
    ['results that are no array', { results: { 0: ok, 1: ok, length: 2 } }],
    ['a list', [ok, ok]],
    ['null', null],
  ])('S6 answered with %s leaves all its operations unknown', async (_, value) => {
    const server = await answering(200, value)
    expect((await send(server.url, items(2))).map(told)).toEqual(['unknown unreadable', 'unknown unreadable'])
  })

  it.each([
    [200, 'text/html', '<html>', 'unknown unreadable'],
    [200, 'application/json', '', 'unknown unreadable'],
    [204, 'application/json', '', 'unknown unreadable'],
    [401, 'application/json', '{}', 'auth authentication'],
    [407, 'application/json', '{}', 'retry offline'],
    [408, 'application/json', '{}', 'unknown timeout'],
    [429, 'application/json', '{}', 'retry rate-limit'],
    [500, 'application/json', '{}', 'unknown server'],
    [503, 'application/json', '{}', 'unknown server'],
    [404, 'text/html', 'none', 'retry batch-unsupported'],
    [405, 'application/json', '{}', 'retry batch-unsupported'],
    [501, 'application/json', '{}', 'retry batch-unsupported'],
    [302, 'application/json', '{}', 'retry batch-unsupported'],
    [400, 'application/json', '{}', 'retry batch-unsupported'],
    [403, 'application/json', '{}', 'retry batch-unsupported'],
    [409, 'application/json', '{}', 'retry batch-unsupported'],
    [413, 'application/json', '{}', 'retry batch-unsupported'],
    [422, 'application/json', '{}', 'retry batch-unsupported'],
  ])(
    'D6 answered as a whole with %i %s %j means for each operation %s, and rejects none',
    async (status, type, body, expected) => {
      const server = await serve((_, response) => response.writeHead(status, { 'content-type': type }).end(body))
      expect((await send(server.url, items(2))).map(told)).toEqual([expected, expected])
      expect(server.received).toHaveLength(1)
    },
  )

  it('D6 without a server, and cut off, has one outcome for each operation', async () => {
    expect((await send(await nobody(), items(2))).map(told)).toEqual(['retry network', 'retry network'])
    const reset = await serveRaw((socket) => socket.destroy())
    expect((await send(reset, items(2))).map(told)).toEqual(['unknown network', 'unknown network'])
  })

  it('A5 of no operations sends nothing', async () => {
    const server = await answering(200, { results: [] })
    expect(await send(server.url, [])).toEqual([])
    expect(server.received).toEqual([])
  })
})

describe('the limits of a batch', () => {
  const applyAll = () =>
    serve(({ url, body }, response) => {
      if (url.startsWith('/note')) return answerJson(response, 200, { id: url })
      const { operations } = JSON.parse(body) as { operations: readonly { path: string }[] }
      answerJson(response, 200, { results: operations.map(({ path }) => ({ ...ok, body: { id: path } })) })
    })

  it('A5 divide it by number, in order, with each outcome in its place', async () => {
    const server = await applyAll()
    const outcomes = await send(server.url, items(25), { batch: { path: '/bulk', maxOperations: 10 } })
    expect(outcomes.map((outcome) => outcome.type === 'applied' && outcome.value)).toEqual(
      items(25).map(({ request }) => ({ id: request.path })),
    )
    expect(server.received.map(({ url, body }) => [url, JSON.parse(body).operations.length])).toEqual([
      ['/bulk', 10],
      ['/bulk', 10],
      ['/bulk', 5],
    ])
  })

  it('A5 divide it by size', async () => {
    const server = await applyAll()
    const outcomes = await send(server.url, items(10), { maxBodyBytes: 1000 })
    expect(outcomes.map(told)).toEqual(items(10).map(() => 'applied'))
    expect(server.received.length).toBeGreaterThan(1)
    for (const { body } of server.received) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(1000)
  })

  it('D6 refuse only the operation that can not be sent, and send alone what fits into no envelope', async () => {
    const server = await applyAll()
    const long = (length: number) => JSON.stringify('x'.repeat(length - 2))
    const given = [
      item(1, { body: long(1001) }),
      item(2),
      item(3, { body: long(950) }),
      item(4, { path: '//evil' }),
      item(5, { body: '{}},{"method":"DELETE"' }),
      item(6),
    ]
    const outcomes = await send(server.url, given, { maxBodyBytes: 1000 })
    expect(outcomes.map(told)).toEqual([
      'rejected/definite body-too-large',
      'applied',
      'applied',
      'rejected/definite invalid-request',
      'rejected/definite invalid-request',
      'applied',
    ])
    expect(server.received.map(({ method, url, headers }) => [method, url, headers['idempotency-key']])).toEqual([
      ['POST', '/batch', undefined],
      ['PATCH', '/note/n3', '"key-3"'],
    ])
  })

  it('S9 end it at the first request that fails as a whole: what was not sent is certainly not applied', async () => {
    const server = await serve((_, response) => answerJson(response, 500, {}))
    const outcomes = await send(server.url, items(3), { batch: { maxOperations: 2 } })
    expect(outcomes.map(told)).toEqual(['unknown server', 'unknown server', 'retry server'])
    expect(server.received).toHaveLength(1)
  })
})
