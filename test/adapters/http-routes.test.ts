import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { httpTransport, type HttpTransportOptions } from '../../src/adapters/http/index.ts'
import { ValidationError } from '../../src/core/errors.ts'
import { answerJson, nobody, operation, serve } from './support/http-world.ts'

const baseURL = 'http://127.0.0.1:1'
const { prepare } = httpTransport({ baseURL })

describe('the default routes', () => {
  it.each([
    [
      'create',
      undefined,
      { method: 'POST', path: '/note', headers: { 'Content-Type': 'application/json' }, body: '{"title":"Hi","id":"n1"}' },
    ],
    [
      'create',
      '7',
      { method: 'POST', path: '/note', headers: { 'Content-Type': 'application/json' }, body: '{"title":"Hi","id":"n1"}' },
    ],
    [
      'update',
      undefined,
      { method: 'PATCH', path: '/note/n1', headers: { 'Content-Type': 'application/merge-patch+json' }, body: '{"title":"Hi"}' },
    ],
    [
      'update',
      '7',
      {
        method: 'PATCH',
        path: '/note/n1',
        headers: { 'Content-Type': 'application/merge-patch+json', 'If-Match': '"7"' },
        body: '{"title":"Hi"}',
      },
    ],
    [
      'replace',
      '7',
      {
        method: 'PUT',
        path: '/note/n1',
        headers: { 'Content-Type': 'application/json', 'If-Match': '"7"' },
        body: '{"title":"Hi"}',
      },
    ],
    [
      'replace',
      undefined,
      { method: 'PUT', path: '/note/n1', headers: { 'Content-Type': 'application/json' }, body: '{"title":"Hi"}' },
    ],
    ['delete', '7', { method: 'DELETE', path: '/note/n1', headers: { 'If-Match': '"7"' }, body: null }],
    ['delete', undefined, { method: 'DELETE', path: '/note/n1', headers: {}, body: null }],
    [
      'mark as read',
      '7',
      {
        method: 'POST',
        path: '/note/n1/mark%20as%20read',
        headers: { 'Content-Type': 'application/json', 'If-Match': '"7"' },
        body: '{"title":"Hi"}',
      },
    ],
  ])('A8 make of %s on version %s the request of the wire contract', (type, baseVersion, expected) => {
    expect(prepare(operation({ type, baseVersion }))).toEqual(expected)
  })

  it('A8 send the id of the entity with a create, whatever the payload says', () => {
    expect(JSON.parse(prepare(operation({ type: 'create', payload: { id: 'other', a: 1 } })).body ?? '')).toEqual({
      id: 'n1',
      a: 1,
    })
    expect(prepare(operation({ type: 'create', payload: null })).body).toBe('{"id":"n1"}')
  })

  it.each([
    ['entityId', { entityId: '' }],
    ['entityId', { entityId: '.' }],
    ['entityId', { entityId: '..' }],
    ['entityId', { entityId: 'a\ud800' }],
    ['entity', { entity: '..' }],
    ['type', { type: '..' }],
    ['baseVersion', { baseVersion: 'a"b' }],
    ['baseVersion', { baseVersion: 'a\r\nb' }],
    ['payload', { type: 'create', payload: [1] }],
    ['payload', { type: 'create', payload: 'text' }],
  ])('B16 refuse a wrong %s, %j, at once', (_, given) => {
    expect(() => prepare(operation(given))).toThrow(ValidationError)
  })

  it('S5 give the same request for the same operation, and one that stays below the base URL, whatever its parts', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('create', 'update', 'delete', 'replace', '..', '%2e%2e', '//host', 'constructor', '__proto__'),
    )
    fc.assert(
      fc.property(part, part, part, (type, entity, entityId) => {
        const made = attempt(() => prepare(operation({ type, entity, entityId })))
        if (made === undefined)
          return [type, entity, entityId].some((text) => ['', '.', '..'].includes(text) || /\p{Surrogate}/u.test(text))
        expect(prepare(operation({ type, entity, entityId }))).toEqual(made)
        const { origin, pathname, search, hash } = new URL(`https://api.example${made.path}`)
        return origin === 'https://api.example' && pathname === made.path && search === '' && hash === ''
      }),
    )
  })

  function attempt<T>(task: () => T): T | undefined {
    try {
      return task()
    } catch (error) {
      if (error instanceof ValidationError) return undefined
      throw error
    }
  }
})

describe("an application's own routes", () => {
  it('A8 replace the path of an entity, for all its operations and for reading', async () => {
    const server = await serve((_, response) => answerJson(response, 200, { id: 'n1' }))
    const transport = httpTransport({ baseURL: server.url, routes: { note: { path: '/api/v2/notes' } } })
    expect(transport.prepare(operation({ type: 'create' })).path).toBe('/api/v2/notes')
    expect(transport.prepare(operation({ entityId: 'a/b' })).path).toBe('/api/v2/notes/a%2Fb')
    expect(transport.prepare(operation({ entity: 'other' })).path).toBe('/other/n1')
    await transport.fetch('note', 'n1', { signal: new AbortController().signal })
    expect(server.received[0]?.url).toBe('/api/v2/notes/n1')
  })

  it('A8 replace the request of one type of operation', () => {
    const transport = httpTransport({
      baseURL,
      routes: {
        note: {
          archive: ({ entityId }) => ({
            method: 'PUT',
            path: `/archive/${encodeURIComponent(entityId)}?silent=1`,
            headers: { Prefer: 'return=minimal' },
            body: { archived: true },
          }),
          clear: () => ({ method: 'DELETE', path: '/archive' }),
          patch: ({ payload }) => ({
            method: 'PATCH',
            path: '/x',
            headers: { 'content-type': 'application/json-patch+json' },
            body: payload,
          }),
        },
      },
    })
    expect(transport.prepare(operation({ type: 'archive' }))).toEqual({
      method: 'PUT',
      path: '/archive/n1?silent=1',
      headers: { 'Content-Type': 'application/json', Prefer: 'return=minimal' },
      body: '{"archived":true}',
    })
    expect(transport.prepare(operation({ type: 'clear' }))).toEqual({
      method: 'DELETE',
      path: '/archive',
      headers: {},
      body: null,
    })
    expect(transport.prepare(operation({ type: 'patch' })).headers).toEqual({ 'content-type': 'application/json-patch+json' })
    expect(transport.prepare(operation({ type: 'update' })).method).toBe('PATCH')
  })

  it.each([
    ['a host', { method: 'POST', path: '//evil.example' }],
    ['a scheme', { method: 'POST', path: 'https://evil.example/' }],
    ['a dot segment', { method: 'POST', path: '/note/../admin' }],
    ['a method that reads', { method: 'GET', path: '/x' }],
    ['a credential', { method: 'POST', path: '/x', headers: { authorization: 'Bearer x' } }],
    ['a cookie', { method: 'POST', path: '/x', headers: { Cookie: 'a=b' } }],
    ['its own key', { method: 'POST', path: '/x', headers: { 'idempotency-key': 'x' } }],
    ['a line break', { method: 'POST', path: '/x', headers: { 'X-A': 'a\r\nb' } }],
    ['a type that is not JSON', { method: 'POST', path: '/x', headers: { 'Content-Type': 'text/plain' }, body: 'x' }],
    ['a body that JSON can not hold', { method: 'POST', path: '/x', body: 1n }],
    ['no route', undefined],
  ])('B16 with %s are refused', (_, route) => {
    const options = { baseURL, routes: { note: { update: () => route } } } as unknown as HttpTransportOptions
    expect(() => httpTransport(options).prepare(operation())).toThrow(ValidationError)
  })

  it('D5 that throw keep their cause', () => {
    const cause = new Error('boom')
    const broken = httpTransport({
      baseURL,
      routes: {
        note: {
          update: () => {
            throw cause
          },
        },
      },
    })
    expect(() => broken.prepare(operation())).toThrow(expect.objectContaining({ path: 'routes.note.update', cause }))
  })
})

describe('the options', () => {
  const token = async (): Promise<string> => 'x'

  it.each([
    [undefined],
    [{}],
    [{ baseURL: '/api' }],
    [{ baseURL: 'ftp://example.com' }],
    [{ baseURL: 'javascript:alert(1)' }],
    [{ baseURL: 'http://a.example/?x=1' }],
    [{ baseURL: 'http://a.example/#x' }],
    [{ baseURL, timeoutMs: 0 }],
    [{ baseURL, timeoutMs: 2 ** 31 }],
    [{ baseURL, timeoutMs: '30' }],
    [{ baseURL, timeoutMs: Number.NaN }],
    [{ baseURL, maxBodyBytes: -1 }],
    [{ baseURL, maxResponseBytes: 1.5 }],
    [{ baseURL, auth: {} }],
    [{ baseURL, auth: { token: 'x' } }],
    [{ baseURL, auth: { token, refresh: 1 } }],
    [{ baseURL, headers: { 'a b': 'c' } }],
    [{ baseURL, headers: { a: 'b\n' } }],
    [{ baseURL, headers: { Authorization: 'x' }, auth: { token } }],
    [{ baseURL, headers: { Host: 'x' } }],
    [{ baseURL, batch: true }],
    [{ baseURL, batch: { path: 'batch' } }],
    [{ baseURL, batch: { maxOperations: 0 } }],
    [{ baseURL, routes: { note: { path: '//x' } } }],
    [{ baseURL, routes: { note: { path: '/x/' } } }],
    [{ baseURL, routes: { note: { update: 'PATCH' } } }],
    [{ baseURL, routes: { note: null } }],
    [{ baseURL, baseUrl: 'x' }],
  ])('B16 %j are refused with the name of what is wrong', (options) => {
    expect(() => httpTransport(options as HttpTransportOptions)).toThrow(
      expect.objectContaining({ code: 'validation', name: 'ValidationError' }),
    )
  })

  it('A8 leave sendBatch out where the API has no batch endpoint', () => {
    expect(httpTransport({ baseURL, batch: false }).sendBatch).toBeUndefined()
    expect(httpTransport({ baseURL }).sendBatch).toBeTypeOf('function')
  })
})

describe('reading an entity', () => {
  const { signal } = new AbortController()

  it('A3 finds its value and version, without a key and without changing anything', async () => {
    const server = await serve((_, response) => answerJson(response, 200, { id: 'a/b', version: '3' }))
    expect(await httpTransport({ baseURL: server.url }).fetch('note', 'a/b', { signal })).toEqual({
      type: 'found',
      value: { id: 'a/b', version: '3' },
      version: '3',
    })
    expect(server.received).toMatchObject([{ method: 'GET', url: '/note/a%2Fb', body: '' }])
    expect(server.received[0]?.headers['idempotency-key']).toBeUndefined()
  })

  it.each([404, 410])('A3 with %i finds that it is absent', async (status) => {
    const server = await serve((_, response) => answerJson(response, status, {}))
    expect(await httpTransport({ baseURL: server.url }).fetch('note', 'n1', { signal })).toEqual({ type: 'absent' })
  })

  it.each([404, 410])('S6 with %i and a page fails, for it is not the API that says so', async (status) => {
    const server = await serve(
      (_, response) => void response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>?</h1>'),
    )
    expect(await httpTransport({ baseURL: server.url }).fetch('note', 'n1', { signal })).toMatchObject({
      type: 'failed',
      error: { code: 'unreadable', status, retryable: true },
    })
  })

  it.each([
    [200, [], 'unreadable'],
    [200, 'text', 'unreadable'],
    [200, null, 'unreadable'],
    [204, undefined, 'unreadable'],
    [302, {}, 'redirect'],
    [403, {}, 'authentication'],
    [429, {}, 'rate-limit'],
    [500, {}, 'server'],
  ])('A3 with %i and %j fails with a reason', async (status, value, code) => {
    const server = await serve((_, response) =>
      value === undefined ? response.writeHead(status).end() : answerJson(response, status, value),
    )
    expect(await httpTransport({ baseURL: server.url }).fetch('note', 'n1', { signal })).toMatchObject({
      type: 'failed',
      error: { code },
    })
  })

  it('S24 with 401 says that credentials are needed', async () => {
    const server = await serve((_, response) => answerJson(response, 401, {}))
    expect(await httpTransport({ baseURL: server.url }).fetch('note', 'n1', { signal })).toMatchObject({
      type: 'auth',
      error: { code: 'authentication', status: 401 },
    })
  })

  it('A3 fails with a reason where there is no server, and where no URL can carry the id', async () => {
    const transport = httpTransport({ baseURL: await nobody() })
    expect(await transport.fetch('note', 'n1', { signal })).toMatchObject({ type: 'failed', error: { code: 'network' } })
    expect(await transport.fetch('note', '..', { signal })).toMatchObject({ type: 'failed', error: { code: 'validation' } })
  })
})
