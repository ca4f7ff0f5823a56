import { once } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { createServer } from '../../src/server/index.ts'
import { createHub } from '../../src/server/realtime/hub.ts'
import { frame, openDeafSocket, openEvents, openLine } from './line.ts'
import { problem, serve } from './support.ts'

const users = (token: string) => ({ ta: 'ann', tb: 'bob' })[token]
const ann = { authorization: 'Bearer ta' }

async function ticketOf(call: Awaited<ReturnType<typeof serve>>['call'], headers: Record<string, string> = {}) {
  return String((await call('POST', '/realtime/ticket', { headers })).json.ticket)
}

describe('a WebSocket at /realtime', () => {
  it('A7 E10 says hello, then tells of each committed change with the cursor that a pull would end with', async () => {
    const { server, call } = await serve({ realtime: { heartbeatMs: 12_000 } })
    const line = await openLine(`${server.url}/realtime`)
    expect(await line.next()).toEqual({ type: 'hello', heartbeatMs: 12_000 })
    await call('POST', '/note', { key: 'k1', body: { id: 'n1' } })
    const { cursor } = (await call('GET', '/note')).json
    expect(await line.next()).toEqual({ type: 'changed', entity: 'note', cursor })
    await call('DELETE', '/note/n1', { key: 'k2' })
    expect(await line.next()).toMatchObject({ type: 'changed', entity: 'note' })
  })

  it('A7 tells once for each entity, however many writes there were in a turn', async () => {
    const { server, call } = await serve()
    const line = await openLine(`${server.url}/realtime`)
    await line.next()
    const writes = ['note', 'order', 'note', 'note'].map((entity, at) => ({
      method: 'POST',
      path: `/${entity}`,
      headers: { 'Idempotency-Key': `"k${at}"` },
      body: { id: `x${at}` },
    }))
    await call('POST', '/batch', { body: { operations: writes } })
    line.send({ type: 'ping', at: 1 })
    expect([(await line.next())['entity'], (await line.next())['entity'], await line.next()]).toEqual([
      'note',
      'order',
      { type: 'pong', at: 1 },
    ])
  })

  it('A7 tells once for several transactions in a turn, with the newest cursor, and again for the next turn', async () => {
    const told: unknown[] = []
    let head = 0
    const hub = createHub({
      cursorOf: (entity) => `${entity}-${head}`,
      deliver: (send) => send(),
      maxConnections: 1,
      heartbeatMs: 60_000,
      restartAfterMs: 1_000,
      onError: () => {},
    })
    hub.join({ wants: () => true, push: ({ cursor }) => told.push(cursor), beat() {}, end() {} })
    for (const entity of ['note', 'order', 'note']) {
      head += 1
      hub.changed(entity)
    }
    await new Promise(setImmediate)
    hub.changed('note')
    await new Promise(setImmediate)
    expect(told).toEqual(['note-3', 'order-3', 'note-3'])
    hub.close()
  })

  it('A7 tells nothing of what was refused, replayed or rolled back', async () => {
    const { server, call } = await serve()
    await call('POST', '/note', { key: 'k1', body: { id: 'n1' } })
    const line = await openLine(`${server.url}/realtime`)
    await call('POST', '/note', { key: 'k1', body: { id: 'n1' } })
    await call('POST', '/note', { key: 'k2', body: { id: 'n1' } })
    const aborted = [
      { method: 'POST', path: '/note', headers: { 'Idempotency-Key': '"k3"' }, body: { id: 'n2' } },
      { method: 'POST', path: '/note', headers: { 'Idempotency-Key': '"k4"' }, body: { id: 'n1' } },
    ]
    await call('POST', '/batch', { body: { atomic: true, operations: aborted } })
    line.send({ type: 'ping', at: 7 })
    expect([await line.next(), await line.next()]).toMatchObject([{ type: 'hello' }, { type: 'pong', at: 7 }])
  })

  it('E5 tells only of the entities that were subscribed to', async () => {
    const { server, call } = await serve()
    const line = await openLine(`${server.url}/realtime`)
    line.send({ type: 'subscribe', entities: ['order'] })
    line.send({ type: 'ping', at: 1 })
    await line.next()
    await line.next()
    await call('POST', '/note', { key: 'k1', body: { id: 'n1' } })
    await call('POST', '/order', { key: 'k2', body: { id: 'o1' } })
    expect((await line.next())['entity']).toBe('order')
  })

  it('L10 is ended with 1012 and a time to stay away when the server stops, which does not wait for it', async () => {
    const { server } = await serve({ realtime: { restartAfterMs: 2_500 } })
    const line = await openLine(`${server.url}/realtime`)
    const deaf = await openDeafSocket(server.url)
    await server.close()
    expect(await line.closed).toEqual({ code: 1012, reason: '{"retryAfterMs":2500}' })
    if (!deaf.destroyed) await once(deaf.resume(), 'close')
    await expect(openLine(`${server.url}/realtime`)).rejects.toThrow('ECONNREFUSED')
  })

  it('L10 that was refused keeps no server from stopping, though its client does not close', { timeout: 10_000 }, async () => {
    const { server } = await serve({ realtime: { maxConnections: 1 } })
    await openLine(`${server.url}/realtime`)
    await openDeafSocket(server.url)
    await server.close()
  })

  it('L6 that gives no sign of life is cut, and one that does is kept', async () => {
    const { server } = await serve({ realtime: { heartbeatMs: 300 } })
    const line = await openLine(`${server.url}/realtime`)
    const deaf = await openDeafSocket(server.url)
    await once(deaf.resume(), 'close')
    line.send({ type: 'ping', at: 1 })
    await line.next()
    expect(await line.next()).toEqual({ type: 'pong', at: 1 })
  })

  it('L9 is ended with 1013 where there are too many', async () => {
    const { server, call } = await serve({ realtime: { maxConnections: 2, restartAfterMs: 3_000 } })
    const [first] = [await openLine(`${server.url}/realtime`), await openLine(`${server.url}/realtime`)]
    const third = await openLine(`${server.url}/realtime`)
    expect(await third.closed).toEqual({ code: 1013, reason: '{"retryAfterMs":3000}' })
    const events = await call('GET', '/realtime/events')
    expect([events.status, events.headers.get('retry-after')]).toEqual([503, '3'])
    first.close()
    await first.closed
    expect(await (await openLine(`${server.url}/realtime`)).next()).toMatchObject({ type: 'hello' })
  })

  it('L9 whose client does not read is ended, while others are served', async () => {
    const { server } = await serve({ realtime: { maxBufferedBytes: 10_000 } })
    const deaf = await openDeafSocket(server.url)
    const line = await openLine(`${server.url}/realtime`)
    const gone = once(deaf, 'close')
    const pings = Buffer.concat(Array.from({ length: 20_000 }, () => frame('{"type":"ping","at":1}')))
    for (let round = 0; round < 20 && !deaf.destroyed; round++) {
      if (!deaf.write(pings)) await Promise.race([once(deaf, 'drain'), gone])
    }
    deaf.resume()
    await gone
    line.send({ type: 'ping', at: 2 })
    await line.next()
    expect(await line.next()).toEqual({ type: 'pong', at: 2 })
  })
})

describe('who may listen', () => {
  it('E3 is asked for a bearer token or a ticket', async () => {
    const { server, call } = await serve({ auth: { users } })
    await expect(openLine(`${server.url}/realtime`)).rejects.toThrow('refused with 401')
    await expect(openLine(`${server.url}/realtime`, { authorization: 'Bearer no' })).rejects.toThrow('refused with 401')
    expect(await (await openLine(`${server.url}/realtime`, ann)).next()).toMatchObject({ type: 'hello' })
    expect((await call('POST', '/realtime/ticket')).status).toBe(401)
    const reply = await call('POST', '/realtime/ticket', { headers: ann })
    expect([reply.status, reply.json.expiresInMs, reply.headers.get('cache-control')]).toEqual([200, 30_000, 'no-store'])
    const line = await openLine(`${server.url}/realtime?ticket=${String(reply.json.ticket)}`)
    expect(await line.next()).toMatchObject({ type: 'hello' })
  })

  it('E3 gets in once with a ticket, not with one that is too old, made up, or of a token that is no longer taken', async () => {
    let nowMs = 1_000
    const revoked = new Set<string>()
    const { server, call } = await serve({
      clock: { now: () => nowMs },
      auth: { users: (token) => (revoked.has(token) ? undefined : users(token)) },
    })
    const open = (ticket: string) => openLine(`${server.url}/realtime?ticket=${ticket}`)
    const ticket = await ticketOf(call, ann)
    await open(ticket)
    await expect(open(ticket)).rejects.toThrow('refused with 401')
    const old = await ticketOf(call, ann)
    nowMs += 30_000
    await expect(open(old)).rejects.toThrow('refused with 401')
    await expect(open('')).rejects.toThrow('refused with 401')
    await expect(open('x'.repeat(5_000))).rejects.toThrow('refused with 401')
    const late = await ticketOf(call, ann)
    revoked.add('ta')
    await expect(open(late)).rejects.toThrow('refused with 401')
  })

  it('E3 is sent away with 4401 once the token is no longer taken', async () => {
    const revoked = new Set<string>()
    const auth = { users: (token: string) => (revoked.has(token) ? undefined : users(token)) }
    const { server } = await serve({ auth, realtime: { heartbeatMs: 300 } })
    const line = await openLine(`${server.url}/realtime`, ann)
    const bobs = await openLine(`${server.url}/realtime`, { authorization: 'Bearer tb' })
    const events = await openEvents(`${server.url}/realtime/events`, ann)
    revoked.add('ta')
    expect((await line.closed).code).toBe(4401)
    let block = await events.next()
    while (block === ': beat' || block?.startsWith('retry')) block = await events.next()
    expect(block).toBe('event: close\ndata: {"code":4401}')
    bobs.send({ type: 'ping', at: 3 })
    await bobs.next()
    expect(await bobs.next()).toEqual({ type: 'pong', at: 3 })
  })

  it('D5 is refused with 500 where the function that knows the users fails, and its error is told', async () => {
    const error = new Error('no database')
    const onError = vi.fn()
    const auth = {
      users() {
        throw error
      },
    }
    const { server } = await serve({ auth, onError })
    await expect(openLine(`${server.url}/realtime`, ann)).rejects.toThrow('500')
    expect(onError.mock.calls).toEqual([[error]])
  })

  it('D5 stays while the function that knows the users fails, and its error is told', async () => {
    const errors: unknown[] = []
    let fails = false
    let told = () => {}
    const auth = {
      users(token: string) {
        if (fails) throw new Error('no database')
        return users(token)
      },
    }
    const onError = (error: unknown): void => {
      errors.push(error)
      told()
    }
    const { server } = await serve({ auth, onError, realtime: { heartbeatMs: 300 } })
    const line = await openLine(`${server.url}/realtime`, ann)
    fails = true
    await new Promise<void>((resolve) => (told = resolve))
    fails = false
    expect(errors[0]).toMatchObject({ message: 'no database' })
    line.send({ type: 'ping', at: 1 })
    await line.next()
    expect(await line.next()).toEqual({ type: 'pong', at: 1 })
  })

  it.each([
    ['https://evil.example', undefined, 403],
    ['https://evil.example', ['https://app.example'], 403],
    ['https://app.example.evil.example', ['https://app.example'], 403],
    ['null', ['https://app.example'], 403],
    ['https://app.example', ['https://app.example'], 200],
    ['https://evil.example', '*', 200],
  ] as const)('E10 a page of %s, where %j may call, gets %d', async (origin, corsOrigins, status) => {
    const { server, call } = await serve(corsOrigins === undefined ? {} : { corsOrigins })
    const line = openLine(`${server.url}/realtime`, { origin })
    if (status === 200) expect(await (await line).next()).toMatchObject({ type: 'hello' })
    else await expect(line).rejects.toThrow(`refused with ${status}`)
    expect((await call('POST', '/realtime/ticket', { headers: { origin } })).status).toBe(status)
    const events = await openEvents(`${server.url}/realtime/events`, { origin })
    expect(events.response.status).toBe(status)
  })
})

describe('hostile clients (S29, E10)', () => {
  it.each<[string, string | Buffer, number]>([
    ['garbage', 'garbage', 1008],
    ['cut JSON', '{"type":"ping"', 1008],
    ['HTML', '<!doctype html><script>alert(1)</script>', 1008],
    ['an array', '[]', 1008],
    ['a type of its own', '{"type":"write"}', 1008],
    ['no type', '{}', 1008],
    ['a type of the prototype', '{"type":"constructor"}', 1008],
    ['__proto__', '{"type":"ping","at":1,"__proto__":{"admin":true}}', 1008],
    ['constructor', '{"type":"subscribe","entities":["note"],"constructor":{"prototype":{"admin":true}}}', 1008],
    ['a ping without a number', '{"type":"ping","at":"1"}', 1008],
    ['a ping of infinity', '{"type":"ping","at":1e999}', 1008],
    ['entities that are no list', '{"type":"subscribe","entities":"note"}', 1008],
    ['entities that are no names', '{"type":"subscribe","entities":["__proto__"]}', 1008],
    ['deep nesting', `{"type":"ping","at":1,"x":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 1008],
    ['bytes', Buffer.from('{"type":"ping","at":1}'), 1003],
    ['1 MB', 'x'.repeat(1_000_000), 1009],
    ['64 KiB and a byte', 'x'.repeat(65_537), 1009],
  ])('S29 that send %s are sent away, and the server goes on', async (_, data, code) => {
    const { server } = await serve({ entities: ['note'] })
    const line = await openLine(`${server.url}/realtime`)
    const other = await openLine(`${server.url}/realtime`)
    line.sendRaw(data)
    expect((await line.closed).code).toBe(code)
    other.send({ type: 'ping', at: 1 })
    await other.next()
    expect(await other.next()).toEqual({ type: 'pong', at: 1 })
    expect(Object.hasOwn(Object.prototype, 'admin')).toBe(false)
  })

  it.each([
    ['/note', '', 404],
    ['/realtime/', '', 404],
    ['//', '', 404],
    ['/realtime', 'Sec-WebSocket-Version: 99\r\n', 400],
    ['/realtime', 'Sec-WebSocket-Key: short\r\n', 400],
  ])('E10 that ask to upgrade at %s with %j get %d', async (path, extra, status) => {
    const { server } = await serve()
    const { connect } = await import('node:net')
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${extra}\r\n`)
    const [data] = (await once(socket, 'data')) as [Buffer]
    expect(data.toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    socket.destroy()
  })

  it('E10 that send masked nonsense, or leave in the midst, do no harm', async () => {
    const { server } = await serve()
    for (const bytes of [
      [0xff, 0xff, 0xff],
      [0x81, 0x85, 0, 0],
      [0x81, 0x05, 1, 2, 3, 4, 5],
      [0x88, 0x80],
    ]) {
      const socket = await openDeafSocket(server.url)
      socket.end(Buffer.from(bytes))
      socket.resume()
      await once(socket, 'close')
    }
    expect(await (await openLine(`${server.url}/realtime`)).next()).toMatchObject({ type: 'hello' })
  })
})

describe('Server-Sent Events at /realtime/events', () => {
  it('A7 E10 tell of the same changes, and beat', async () => {
    const { server, call } = await serve({ realtime: { heartbeatMs: 50, restartAfterMs: 2_000 } })
    const events = await openEvents(`${server.url}/realtime/events`)
    expect(events.response.headers.get('content-type')).toBe('text/event-stream')
    expect(await events.next()).toBe('retry: 2000\nevent: hello\ndata: {"heartbeatMs":50}')
    expect(await events.next()).toBe(': beat')
    await call('POST', '/note', { key: 'k1', body: { id: 'n1' } })
    const { cursor } = (await call('GET', '/note')).json
    let block = await events.next()
    while (block === ': beat') block = await events.next()
    expect(block).toBe(`event: changed\ndata: {"entity":"note","cursor":"${cursor}"}`)
  })

  it('E3 take a bearer token or a ticket, once', async () => {
    const { server, call } = await serve({ auth: { users } })
    const ticket = await ticketOf(call, ann)
    expect((await openEvents(`${server.url}/realtime/events?ticket=${ticket}`)).response.status).toBe(200)
    expect((await call('GET', `/realtime/events?ticket=${ticket}`)).status).toBe(401)
    expect((await openEvents(`${server.url}/realtime/events`, ann)).response.status).toBe(200)
    expect((await call('GET', '/realtime/events')).json.type).toBe(problem('unauthorized'))
  })

  it('E5 tell of the entities that were asked for', async () => {
    const { server, call } = await serve({ entities: ['note', 'order'] })
    const events = await openEvents(`${server.url}/realtime/events?entities=order`)
    await events.next()
    await call('POST', '/note', { key: 'k1', body: { id: 'n1' } })
    await call('POST', '/order', { key: 'k2', body: { id: 'o1' } })
    expect(await events.next()).toContain('"entity":"order"')
    expect((await call('GET', '/realtime/events?entities=nothing')).json.type).toBe(problem('unknown-entity'))
    expect((await call('GET', '/realtime/events?token=ta')).json.type).toBe(problem('invalid-parameter'))
  })

  it('E5 tell of nothing where no entity was asked for, as a WebSocket that subscribes to none', async () => {
    const { server, call } = await serve({ entities: ['note'] })
    const events = await openEvents(`${server.url}/realtime/events?entities=`)
    expect(await events.next()).toContain('event: hello')
    await call('POST', '/note', { key: 'k1', body: { id: 'n1' } })
    await server.close()
    expect(await events.next()).toContain('event: close')
  })

  it('L9 free their place when the client leaves', async () => {
    const { server } = await serve({ realtime: { maxConnections: 1 } })
    const first = await openEvents(`${server.url}/realtime/events`)
    await first.next()
    await first.cancel()
    let status = 503
    while (status === 503) status = (await openEvents(`${server.url}/realtime/events`)).response.status
    expect(status).toBe(200)
  })

  it('L9 end for a client that does not read', async () => {
    const server = await createServer({ realtime: { maxBufferedBytes: 2_000 } })
    const { body } = await server.fetch(new Request('http://localhost/realtime/events'))
    const reader = body!.getReader()
    await reader.read()
    for (let at = 0; at < 100; at++) {
      const headers = { 'content-type': 'application/json', 'idempotency-key': `"k${at}"` }
      await server.fetch(new Request('http://localhost/note', { method: 'POST', headers, body: `{"id":"n${at}"}` }))
      await new Promise(setImmediate)
    }
    await expect(reader.read()).rejects.toThrow('reads too slowly')
    await server.close()
  })

  it('L10 end with a time to stay away when the server stops', async () => {
    const { server } = await serve({ realtime: { restartAfterMs: 1_500 } })
    const events = await openEvents(`${server.url}/realtime/events`)
    await events.next()
    const closing = server.close()
    expect(await events.next()).toBe('event: close\ndata: {"code":1012,"retryAfterMs":1500}')
    expect(await events.next()).toBeUndefined()
    await closing
  })

  it('E10 answer HEAD with 405, and /realtime without an upgrade with 426', async () => {
    const { call } = await serve()
    expect((await call('HEAD', '/realtime/events')).status).toBe(405)
    expect((await call('GET', '/realtime')).json.type).toBe(problem('upgrade-required'))
  })
})

describe('faults of pushes', () => {
  it('S20 lose, double and reorder them, and spare the requests', async () => {
    const { server, call } = await serve({ faults: { rate: 0, pushRate: 1, seed: 3 } })
    const line = await openLine(`${server.url}/realtime`)
    await line.next()
    for (let at = 0; at < 30; at++) {
      expect((await call('POST', '/note', { key: `k${at}`, body: { id: `n${at}` } })).status).toBe(201)
      await new Promise(setImmediate)
    }
    line.send({ type: 'ping', at: 1 })
    const cursors: unknown[] = []
    for (let message = await line.next(); message['type'] !== 'pong'; message = await line.next()) cursors.push(message['cursor'])
    const versions = cursors.map((cursor) => Number(Buffer.from(String(cursor), 'base64url').toString().split(' ').at(-1)))
    const distinct = new Set(versions)
    expect(versions.length).toBeGreaterThan(distinct.size)
    expect(distinct.size).toBeLessThan(30)
    expect(versions.toSorted((a, b) => a - b)).not.toEqual(versions)
  })

  it('B1 take a rate from 0 to 1', async () => {
    await expect(createServer({ faults: { rate: 0, pushRate: 2 } })).rejects.toMatchObject({ path: 'faults.pushRate' })
    for (const heartbeatMs of [0, 2 ** 31])
      await expect(createServer({ realtime: { heartbeatMs } })).rejects.toMatchObject({ path: 'realtime.heartbeatMs' })
  })
})
