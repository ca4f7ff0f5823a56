import { describe, expect, it } from 'vitest'
import { problem, serve } from './support.ts'

describe('POST /{entity}', () => {
  it('E10 creates a resource and answers 201 with a strong ETag and the resource', async () => {
    const { call } = await serve()
    const reply = await call('POST', '/note', { key: 'k1', body: { id: 'n1', title: 'Hi' } })
    expect(reply.status).toBe(201)
    expect(reply.headers.get('etag')).toBe('"1"')
    expect(reply.headers.get('content-type')).toBe('application/json')
    expect(reply.json).toEqual({ id: 'n1', title: 'Hi', version: '1' })
  })

  it('E10 refuses to create what exists with 409 already-exists as problem+json', async () => {
    const { call } = await serve()
    await call('POST', '/note', { key: 'k1', body: { id: 'n1' } })
    const reply = await call('POST', '/note', { key: 'k2', body: { id: 'n1' } })
    expect(reply.status).toBe(409)
    expect(reply.headers.get('content-type')).toBe('application/problem+json')
    expect(reply.json).toMatchObject({
      type: problem('already-exists'),
      status: 409,
      title: expect.any(String),
      detail: expect.any(String),
    })
  })

  it('S19 recreates a deleted resource at a version that was never used before', async () => {
    const { call } = await serve()
    await call('POST', '/note', { key: 'k1', body: { id: 'n1', title: 'old' } })
    await call('DELETE', '/note/n1', { key: 'k2' })
    const reply = await call('POST', '/note', { key: 'k3', body: { id: 'n1' } })
    expect(reply.status).toBe(201)
    expect(reply.json).toEqual({ id: 'n1', version: '3' })
  })

  it('E10 sets the version itself, whatever the body says', async () => {
    const { call } = await serve()
    const reply = await call('POST', '/note', { key: 'k1', body: { id: 'n1', version: '99', a: 1 } })
    expect(reply.json).toEqual({ id: 'n1', a: 1, version: '1' })
  })
})

describe('PATCH /{entity}/{id}', () => {
  it('E10 merges as RFC 7396 says: null removes, objects merge, arrays replace', async () => {
    const { call } = await serve()
    await call('POST', '/note', { key: 'k1', body: { id: 'n1', a: { b: 1, c: 2 }, list: [1, 2], gone: true } })
    const reply = await call('PATCH', '/note/n1', {
      key: 'k2',
      body: { a: { c: null, d: { e: null, f: 3 } }, list: [3], gone: null },
    })
    expect(reply.status).toBe(200)
    expect(reply.json).toEqual({ id: 'n1', a: { b: 1, d: { f: 3 } }, list: [3], version: '2' })
    expect(reply.headers.get('etag')).toBe('"2"')
  })

  it.each([
    ['the current version', '"1"', 200],
    ['one of several versions', '"7", "1"', 200],
    ['any version', '*', 200],
    ['an older version', '"0"', 412],
    ['the current version as a weak tag', 'W/"1"', 412],
  ])('E10 with If-Match of %s', async (_, ifMatch, status) => {
    const { call } = await serve()
    await call('POST', '/note', { key: 'k1', body: { id: 'n1', a: 1 } })
    const reply = await call('PATCH', '/note/n1', { key: 'k2', body: { a: 2 }, headers: { 'if-match': ifMatch } })
    expect(reply.status).toBe(status)
    const expected = status === 200 ? { a: 2, version: '2' } : { type: problem('precondition-failed') }
    expect(reply.json).toMatchObject(expected)
    expect((await call('GET', '/note/n1')).json.a).toBe(status === 200 ? 2 : 1)
  })

  it('E10 answers 404 for what does not exist or was deleted, and 412 if the request has If-Match', async () => {
    const { call } = await serve()
    await call('POST', '/note', { key: 'k1', body: { id: 'n1' } })
    await call('DELETE', '/note/n1', { key: 'k2' })
    for (const id of ['n1', 'never']) {
      expect((await call('PATCH', `/note/${id}`, { key: `p-${id}`, body: { a: 1 } })).status).toBe(404)
      const conditional = await call('PATCH', `/note/${id}`, { key: `c-${id}`, body: { a: 1 }, headers: { 'if-match': '"1"' } })
      expect(conditional.status).toBe(412)
    }
  })
})

describe('PUT /{entity}/{id}', () => {
  it('E10 replaces the whole resource with 200, or makes it with 201', async () => {
    const { call } = await serve()
    const made = await call('PUT', '/note/n1', { key: 'k1', body: { a: 1 } })
    expect([made.status, made.json]).toEqual([201, { id: 'n1', a: 1, version: '1' }])
    const replaced = await call('PUT', '/note/n1', { key: 'k2', body: { id: 'n1', b: 2 } })
    expect([replaced.status, replaced.json]).toEqual([200, { id: 'n1', b: 2, version: '2' }])
  })

  it('E10 keeps If-None-Match: * and If-Match', async () => {
    const { call } = await serve()
    const put = (key: string, headers: Record<string, string>) => call('PUT', '/note/n1', { key, body: { key }, headers })
    expect((await put('k1', { 'if-match': '"1"' })).status).toBe(412)
    expect((await put('k2', { 'if-none-match': '*' })).status).toBe(201)
    expect((await put('k3', { 'if-none-match': '*' })).status).toBe(412)
    expect((await put('k4', { 'if-match': '"1"' })).status).toBe(200)
    expect((await put('k5', { 'if-match': '"1"' })).status).toBe(412)
    expect((await call('GET', '/note/n1')).json).toEqual({ id: 'n1', key: 'k4', version: '2' })
  })

  it('E10 refuses a body whose id is not the one in the path', async () => {
    const { call } = await serve()
    const reply = await call('PUT', '/note/n1', { key: 'k1', body: { id: 'n2' } })
    expect([reply.status, reply.json.type]).toEqual([422, problem('invalid-id')])
    expect((await call('GET', '/note/n1')).status).toBe(404)
  })
})

describe('DELETE /{entity}/{id}', () => {
  it('E10 answers 204 without a body, then 404', async () => {
    const { call } = await serve()
    await call('POST', '/note', { key: 'k1', body: { id: 'n1' } })
    const reply = await call('DELETE', '/note/n1', { key: 'k2', headers: { 'if-match': '"1"' } })
    expect([reply.status, reply.text]).toEqual([204, ''])
    expect((await call('GET', '/note/n1')).status).toBe(404)
    expect((await call('DELETE', '/note/n1', { key: 'k3' })).status).toBe(404)
    expect((await call('DELETE', '/note/n1', { key: 'k4', headers: { 'if-match': '"1"' } })).status).toBe(404)
  })

  it('E10 answers 412 and keeps the resource if it has changed', async () => {
    const { call } = await serve()
    await call('POST', '/note', { key: 'k1', body: { id: 'n1' } })
    await call('PATCH', '/note/n1', { key: 'k2', body: { a: 1 } })
    expect((await call('DELETE', '/note/n1', { key: 'k3', headers: { 'if-match': '"1"' } })).status).toBe(412)
    expect((await call('GET', '/note/n1')).json).toEqual({ id: 'n1', a: 1, version: '2' })
  })
})

describe('GET /{entity}/{id}', () => {
  it('B12 answers 200 with the ETag, 304 for what the client has, 404 for what is not there', async () => {
    const { call } = await serve()
    await call('POST', '/note', { key: 'k1', body: { id: 'n1' } })
    const found = await call('GET', '/note/n1')
    expect([found.status, found.headers.get('etag'), found.json]).toEqual([200, '"1"', { id: 'n1', version: '1' }])
    for (const tag of ['"1"', 'W/"1"', '"0", "1"', '*']) {
      const same = await call('GET', '/note/n1', { headers: { 'if-none-match': tag } })
      expect([same.status, same.text, same.headers.get('etag')]).toEqual([304, '', '"1"'])
    }
    expect((await call('GET', '/note/n1', { headers: { 'if-none-match': '"0"' } })).status).toBe(200)
    expect((await call('GET', '/note/n2')).json.type).toBe(problem('not-found'))
  })
})

describe('routes', () => {
  it('E10 tells which methods a path takes', async () => {
    const { call } = await serve()
    const collection = await call('DELETE', '/note', { key: 'k1' })
    expect([collection.status, collection.headers.get('allow')]).toEqual([405, 'GET, POST'])
    const item = await call('POST', '/note/n1', { key: 'k1', body: { id: 'n1' } })
    expect([item.status, item.headers.get('allow')]).toEqual([405, 'GET, PATCH, PUT, DELETE'])
  })

  it('E10 serves the entities that are allowed and no other', async () => {
    const { call } = await serve({ entities: ['note'] })
    expect((await call('POST', '/note', { key: 'k1', body: { id: 'n1' } })).status).toBe(201)
    const other = await call('POST', '/task', { key: 'k2', body: { id: 't1' } })
    expect([other.status, other.json.type]).toEqual([404, problem('unknown-entity')])
    expect((await call('GET', '/task')).status).toBe(404)
  })

  it('E10 shows ledger and state over HTTP only where that was asked for', async () => {
    const closed = await serve()
    expect((await closed.call('GET', '/_ledger')).status).toBe(404)
    expect((await closed.call('GET', '/_state/note')).status).toBe(404)
    const open = await serve({ inspect: true })
    await open.call('POST', '/note', {
      key: 'k1',
      body: { id: 'n1' },
      headers: { 'synchart-client': 'c1', 'synchart-sequence': '7' },
    })
    const { entries } = (await open.call('GET', '/_ledger')).json
    expect(entries).toEqual(open.server.ledger())
    expect(entries).toMatchObject([
      { seq: 1, user: 'anonymous', client: 'c1', sequence: 7, key: 'k1', entity: 'note', id: 'n1', method: 'POST' },
    ])
    expect((await open.call('GET', '/_state/note')).json).toEqual({ resources: [{ id: 'n1', version: '1' }] })
    expect(open.server.state('note')).toEqual([{ id: 'n1', version: '1' }])
  })

  it('E10 lets pages of the named origins in, and only those', async () => {
    const { call } = await serve({ corsOrigins: ['http://app.test'] })
    const allowed = await call('GET', '/note', { headers: { origin: 'http://app.test' } })
    expect(allowed.headers.get('access-control-allow-origin')).toBe('http://app.test')
    expect(allowed.headers.get('access-control-expose-headers')).toContain('ETag')
    const refused = await call('GET', '/note', { headers: { origin: 'http://other.test' } })
    expect(refused.headers.get('access-control-allow-origin')).toBe(null)
  })

  it('E10 serves a Request without a network', async () => {
    const { server } = await serve()
    const request = new Request('http://local/note', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': '"k1"' },
      body: '{"id":"n1"}',
    })
    expect((await server.fetch(request)).status).toBe(201)
    expect(server.ledger()).toHaveLength(1)
  })
})
