import { describe, expect, it } from 'vitest'
import type { ServerResponse } from 'node:http'
import { httpTransport, type HttpTransportOptions } from '../../src/adapters/http/index.ts'
import { SyncError } from '../../src/core/errors.ts'
import type { Pulled, PullRequest } from '../../src/core/ports.ts'
import { answerJson, nobody, serve, serveRaw, type Received } from './support/http-world.ts'

const request: PullRequest = { entity: 'note', cursor: 'c1', limit: 100 }
const good = { id: 'a', version: '1', value: { title: 'Hi' } }

function page(given: object = {}): object {
  return { changes: [good], cursor: 'c2', hasMore: false, ...given }
}

function pullFrom(
  url: string,
  given: Partial<PullRequest> = {},
  options: Partial<HttpTransportOptions> = {},
  signal = new AbortController().signal,
) {
  return httpTransport({ baseURL: url, ...options }).pull!({ ...request, ...given }, { signal })
}

async function pulled(
  answer: (request: Received, response: ServerResponse) => void,
  given: Partial<PullRequest> = {},
  options: Partial<HttpTransportOptions> = {},
): Promise<Pulled> {
  return pullFrom((await serve(answer)).url, given, options)
}

const sends =
  (value: unknown, headers: Record<string, string> = {}) =>
  (_: Received, response: ServerResponse) =>
    answerJson(response, 200, value, headers)

/** A failure in a few words; its error is one of ours and says what to do. */
function told(result: Pulled): string {
  if (!('error' in result)) return result.type
  expect(result.error).toBeInstanceOf(SyncError)
  expect(result.error.message.length).toBeGreaterThan(20)
  return `${result.type} ${result.error.code}`
}

describe('a page of changes', () => {
  it('B12 brings changes, tombstones, cursor, ETag and total', async () => {
    const changes = [good, { id: 'b', version: '2', deleted: true }, { id: 'c', version: 3, value: {} }, { id: 'd', value: {} }]
    const result = await pulled(sends(page({ changes, hasMore: true, total: 9, unknown: 1 }), { etag: '"e1"' }))
    expect(result).toEqual({
      type: 'page',
      changes: [
        good,
        { id: 'b', version: '2', deleted: true },
        { id: 'c', version: '3', value: {} },
        { id: 'd', version: undefined, value: {} },
      ],
      unusable: [],
      cursor: 'c2',
      hasMore: true,
      etag: '"e1"',
      total: 9,
    })
  })

  it('E5 is asked for with its scope, whatever stands in it', async () => {
    const server = await serve(sends(page()))
    await pullFrom(server.url, { scope: 'owner:a&cursor=b/é #1' })
    const query = new URL(server.received[0]!.url, 'http://x').searchParams
    expect([...query]).toEqual([
      ['scope', 'owner:a&cursor=b/é #1'],
      ['cursor', 'c1'],
      ['limit', '100'],
    ])
  })

  it('B12 is asked for with cursor, limit and ETag, and with no body', async () => {
    const server = await serve(sends(page()))
    await pullFrom(server.url, { cursor: 'a/b&c=d é', etag: '"e1"' })
    await pullFrom(server.url, { cursor: undefined })
    const [first, second] = server.received
    const query = new URL(first!.url, 'http://x').searchParams
    expect([first!.method, first!.body, query.get('cursor'), query.get('limit'), first!.headers['if-none-match']]).toEqual([
      'GET',
      '',
      'a/b&c=d é',
      '100',
      '"e1"',
    ])
    expect([new URL(second!.url, 'http://x').searchParams.get('cursor'), second!.headers['if-none-match']]).toEqual([
      null,
      undefined,
    ])
  })

  it.each<[string, unknown]>([
    ['no object', []],
    ['null', null],
    ['no changes', page({ changes: undefined })],
    ['changes that are no list', page({ changes: { a: 1 } })],
    ['no cursor', page({ cursor: undefined })],
    ['a cursor that is a number', page({ cursor: 7 })],
    ['a cursor that is null', page({ cursor: null })],
    ['an empty cursor', page({ cursor: '' })],
    ['a cursor without end', page({ cursor: 'x'.repeat(4_097) })],
    ['no hasMore', page({ hasMore: undefined })],
    ['hasMore as text', page({ hasMore: 'false' })],
  ])('B1 with %s is no page, and nothing of it is taken', async (_, body) => {
    expect(told(await pulled(sends(body)))).toBe('failed unreadable')
  })

  it.each<[string, string | undefined, unknown]>([
    ['no object', undefined, 'text'],
    ['no id', undefined, { version: '1', value: {} }],
    ['an id that is a number', undefined, { id: 7, version: '1', value: {} }],
    ['an empty id', undefined, { id: '', version: '1', value: {} }],
    ['an id without end', undefined, { id: 'x'.repeat(4_097), version: '1', value: {} }],
    ['a version with a quote', 'b', { id: 'b', version: 'a"b', value: {} }],
    ['a version that is an object', 'b', { id: 'b', version: {}, value: {} }],
    ['no value', 'b', { id: 'b', version: '1' }],
    ['a value that is a list', 'b', { id: 'b', version: '1', value: [] }],
    ['a value that is null', 'b', { id: 'b', version: '1', value: null }],
    ['deleted as text', 'b', { id: 'b', version: '1', deleted: 'yes' }],
  ])('B16 has one change with %s: that one is told of, and the others are taken', async (_, id, change) => {
    const result = await pulled(sends(page({ changes: [change, good] })))
    expect(result).toMatchObject({ type: 'page', changes: [good], unusable: [{ id, error: { code: 'unusable-change' } }] })
  })

  it.each(['__proto__', 'constructor', 'prototype'])(
    'S29 has one value with a key %s: only that change is left out',
    async (key) => {
      const body = `{"changes":[{"id":"b","version":"1","value":{"deep":{"${key}":{"polluted":true}}}},${JSON.stringify(good)}],"cursor":"c2","hasMore":false}`
      const result = await pulled((_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(body))
      expect(result).toMatchObject({ type: 'page', changes: [good], unusable: [{ id: 'b' }] })
      expect(Reflect.get({}, 'polluted')).toBeUndefined()
    },
  )

  it('S29 has a value that is nested without end: only that change is left out', async () => {
    let deep: object = {}
    for (let level = 0; level < 1_000; level++) deep = { deep }
    expect(await pulled(sends(page({ changes: [{ id: 'b', value: deep }, good] })))).toMatchObject({
      changes: [good],
      unusable: [{ id: 'b' }],
    })
  })

  it.each<[string, unknown]>([
    ['a text', '9'],
    ['negative', -1],
    ['a fraction', 1.5],
    ['too large to count', 2 ** 53],
  ])('B9 has a total that is %s, which is left out', async (_, total) => {
    expect(await pulled(sends(page({ total })))).not.toHaveProperty('total')
  })

  it.each(['W/"e1"', '"e1"', 'unquoted', '"a", "b"'])('B12 has the ETag %s, which is given back as it came', async (etag) => {
    const server = await serve(({ headers }, response) =>
      headers['if-none-match'] === etag ? response.writeHead(304).end() : answerJson(response, 200, page(), { etag }),
    )
    const first = await pullFrom(server.url)
    expect(first).toMatchObject({ type: 'page', etag })
    expect(await pullFrom(server.url, { etag })).toEqual({ type: 'unchanged' })
  })
})

describe('a page that can not be had', () => {
  it.each<[string, string, number, Record<string, string>, string]>([
    ['HTML', 'failed unreadable', 200, { 'content-type': 'text/html' }, '<html>Log in</html>'],
    ['JSON that was cut off', 'failed unreadable', 200, { 'content-type': 'application/json' }, '{"changes":[{"id":"a"'],
    ['nothing', 'failed unreadable', 200, {}, ''],
    ['204', 'failed unreadable', 204, {}, ''],
    ['410', 'expired', 410, {}, ''],
    ['400 invalid-cursor', 'expired', 400, { 'content-type': 'application/problem+json' }, '{"type":"invalid-cursor"}'],
    ['another 400', 'failed', 400, { 'content-type': 'application/problem+json' }, '{"type":"invalid-parameter"}'],
    ['403', 'failed', 403, {}, ''],
    ['404', 'failed', 404, {}, ''],
    ['a redirect', 'failed', 302, { location: 'http://example.invalid/' }, ''],
    ['500', 'failed', 500, {}, ''],
  ])('B1 %s: %s', async (_, expected, status, headers, body) => {
    const result = await pulled((_request, response) => response.writeHead(status, headers).end(body))
    expect(told(result).startsWith(expected)).toBe(true)
  })

  it.each([429, 503])('A9 %i tells when to come again', async (status) => {
    const result = await pulled((_, response) => answerJson(response, status, {}, { 'retry-after': '7' }))
    expect(result).toMatchObject({ type: 'failed', retryAfterMs: 7_000 })
  })

  it('E3 401 is asked again once with credentials that were renewed', async () => {
    let token = 'old'
    const auth = { token: async () => token, refresh: async () => void (token = 'new') }
    const answer = ({ headers }: Received, response: ServerResponse) =>
      headers.authorization === 'Bearer new' ? answerJson(response, 200, page()) : answerJson(response, 401, {})
    expect(told(await pulled(answer, {}, { auth }))).toBe('page')
    expect(told(await pulled((_, response) => answerJson(response, 401, {}), {}, { auth }))).toMatch(/^auth/)
  })

  it('B1 D5 a page larger than maxPageBytes is refused, and its size is its own option, which the error names', async () => {
    const large = sends(page({ changes: [{ id: 'a', version: '1', value: { text: 'x'.repeat(20_000) } }] }))
    expect(await pulled(large, {}, { maxPageBytes: 20_000 })).toMatchObject({
      type: 'failed',
      error: { message: expect.stringContaining('maxPageBytes') },
    })
    expect(told(await pulled(large, {}, { maxPageBytes: 30_000 }))).toBe('page')
    const huge = sends(page({ changes: [{ id: 'a', version: '1', value: { text: 'x'.repeat(17_000_000) } }] }))
    expect(told(await pulled(huge))).toMatch(/^failed /)
  })

  it('D5 one that is led elsewhere is no write, and the error says so', async () => {
    expect(await pulled((_, response) => response.writeHead(301).end())).toMatchObject({
      error: { code: 'redirect', message: expect.stringContaining('answered the GET with 301') },
    })
  })

  it('B1 an answer that is cut off, nobody there, no answer in time', async () => {
    const cut = await serveRaw((socket) =>
      socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{"changes":[]'),
    )
    expect(told(await pullFrom(cut))).toMatch(/^failed /)
    expect(told(await pullFrom(await nobody()))).toMatch(/^failed /)
    const mute = await serve(() => {})
    expect(told(await pullFrom(mute.url, {}, { timeoutMs: 50 }))).toMatch(/^failed timeout/)
  })

  it('A8 one that is called off ends at once', async () => {
    const controller = new AbortController()
    const mute = await serve(() => controller.abort())
    expect(told(await pullFrom(mute.url, {}, {}, controller.signal))).toMatch(/^failed /)
    expect(told(await pullFrom(mute.url, {}, {}, AbortSignal.abort()))).toMatch(/^failed aborted/)
    expect(mute.received).toHaveLength(1)
  })
})
