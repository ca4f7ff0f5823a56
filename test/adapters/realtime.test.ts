import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createEventParser } from '../../src/adapters/sse/parser.ts'
import { eventSourceChannel } from '../../src/adapters/sse/index.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { webSocketChannel } from '../../src/adapters/websocket/index.ts'
import type { OpenChannel } from '../../src/core/channel-port.ts'
import { collect, everythingOf, hostile, listen } from './support/line-world.ts'

const CANARY = 'canary.eyJzdWIiOiJ1MSJ9~with-odd.chars'
const TICKET = 'canary-ticket-0123456789'
const auth = { token: async () => CANARY }

interface Kind {
  readonly name: string
  /** A server that sends these texts over a line: as they are, or as the data of events. */
  serve(texts: readonly string[]): ReturnType<typeof hostile>
  open(host: string, rest?: object): OpenChannel
  /** What is sent when the server speaks of itself. */
  say(type: string, data: object): string
}

const webSocket: Kind = {
  name: 'webSocketChannel',
  serve: (texts) =>
    hostile(
      (_, response) => response.end(JSON.stringify({ ticket: TICKET })),
      (socket) => texts.forEach((text) => socket.send(text)),
    ),
  open: (host, rest = {}) => webSocketChannel({ url: `ws://${host}/realtime`, ...rest }),
  say: (type, data) => JSON.stringify({ type, ...data }),
}

const events: Kind = {
  name: 'eventSourceChannel',
  serve: (texts) =>
    hostile((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      texts.forEach((text) => response.write(text))
    }),
  open: (host, rest = {}) => eventSourceChannel({ url: `http://${host}/events`, ...rest }),
  say: (type, data) => `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`,
}

const changed = { entity: 'note', cursor: 'c1' }

describe.each([webSocket, events])('$name', (kind) => {
  it('A7 tells that it opened, what came, and once that it closed', async () => {
    const { host } = await kind.serve([kind.say('changed', changed)])
    const line = listen(kind.open(host))
    expect(await line.message()).toEqual({ type: 'changed', ...changed })
    line.connection.close()
    line.connection.close()
    expect((await line.closed).code).toBe(1000)
    line.connection.send({ type: 'ping', at: 1 })
    await new Promise(setImmediate)
    expect(line.told).toEqual(['opened', 'message', 'closed'])
  })

  it('A7 closed before it opened never opens', async () => {
    const { host } = await kind.serve([])
    const line = listen(kind.open(host, { auth }))
    line.connection.close()
    expect((await line.closed).code).toBe(1000)
    await new Promise(setImmediate)
    expect(line.told).toEqual(['closed'])
  })

  it.each<[string, string, object]>([
    ['an unknown type', 'write', {}],
    ['a type of the prototype', 'constructor', {}],
    ['no entity', 'changed', { cursor: 'c' }],
    ['an entity that is too long', 'changed', { entity: 'x'.repeat(65), cursor: 'c' }],
    ['a cursor of another type', 'changed', { entity: 'note', cursor: {} }],
    ['a hello without a time', 'hello', {}],
    ['a hello with no time between beats', 'hello', { heartbeatMs: 0 }],
    ['more than 64 KiB less a little', 'changed', { ...changed, x: 'x'.repeat(65_000) }],
    ['a constructor', 'changed', { ...changed, constructor: { prototype: { admin: true } } }],
    ['deep nesting', 'changed', { ...changed, x: [[[[[[[[[[]]]]]]]]]] }],
  ])('S29 leaves out %s, tells so, and goes on', async (what, type, data) => {
    const { host } = await kind.serve([kind.say(type, data), kind.say('changed', changed)])
    const { errors, onIgnored } = collect()
    const line = listen(kind.open(host, { onIgnored }))
    await line.message()
    expect(line.messages.at(-1)).toEqual({ type: 'changed', ...changed })
    const isLong = what.startsWith('more')
    expect(errors.map(({ code }) => code)).toEqual(isLong ? [] : ['channel-message'])
    expect(Object.hasOwn(Object.prototype, 'admin')).toBe(false)
  })

  it('S29 leaves out __proto__ and text that is no JSON, though nobody asked to be told', async () => {
    const proto = kind.say('changed', changed).replace('"entity"', '"__proto__":{"admin":true},"entity"')
    const garbage = kind === events ? 'event: changed\ndata: <html>\n\n' : '<html>'
    const { host } = await kind.serve([proto, garbage, kind.say('changed', changed)])
    const line = listen(kind.open(host))
    expect(await line.message()).toEqual({ type: 'changed', ...changed })
    expect(line.messages).toHaveLength(1)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
  ])('D5 survives an onIgnored that %s', async (_, onIgnored) => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    onTestFinished(() => void process.off('unhandledRejection', unhandled))
    const { host } = await kind.serve([kind.say('nonsense', {}), kind.say('changed', changed)])
    const line = listen(kind.open(host, { onIgnored }))
    expect(await line.message()).toEqual({ type: 'changed', ...changed })
    await new Promise(setImmediate)
    expect(unhandled).not.toHaveBeenCalled()
  })

  it.each([
    [401, {}, 4401, undefined, 'AuthenticationError'],
    [403, {}, 4403, undefined, 'AuthenticationError'],
    [429, { 'retry-after': '7' }, 1013, 7_000, 'RateLimitError'],
    [503, { 'retry-after': '9' }, 1013, 9_000, 'RateLimitError'],
    [503, {}, 1013, undefined, 'RateLimitError'],
    [500, {}, 1006, undefined, 'ServerError'],
    [302, { location: 'http://127.0.0.1:1/' }, 1006, undefined, 'NetworkError'],
  ])('E3 answered %d %j closes with %d', async (status, headers, code, retryAfterMs, name) => {
    const { host } = await hostile((_, response) => response.writeHead(status, headers).end('{"ticket":"t"}'))
    const closed = await listen(kind.open(host, { auth })).closed
    expect(closed).toMatchObject({ code, error: { name } })
    expect(closed.retryAfterMs).toBe(retryAfterMs)
  })

  it.each([
    ['the token is refused', 401],
    ['the server fails', 500],
    ['the answer is a redirect', 302],
    ['the answer repeats the token', 200],
    ['the server says them in its farewell', 201],
    ['the connection breaks', 0],
  ])('E3 no token and no ticket is in what is told when %s', async (_, status) => {
    const { host, requests } = await hostile(
      ({ headers }, response) => {
        if (status === 0) return response.destroy()
        if (status === 201 && kind === events) {
          response.writeHead(200, { 'content-type': 'text/event-stream' })
          return response.end(events.say('close', { code: 4401, reason: headers.authorization?.split(' ')[1] }))
        }
        if (status === 201) return response.end(JSON.stringify({ ticket: TICKET }))
        response.writeHead(status, { location: `http://x/${CANARY}`, 'x-echo': headers.authorization ?? '' })
        response.end(JSON.stringify({ echo: headers.authorization, ticket: `${TICKET} ${CANARY}` }))
      },
      (socket) => socket.close(4401, `${CANARY} ${TICKET}`),
    )
    const { errors, onIgnored } = collect()
    const closed = await listen(kind.open(host, { auth, onIgnored })).closed
    expect(closed.error).toBeDefined()
    const shown = [closed.reason, closed.error, ...errors].map(everythingOf).join('\n')
    expect(shown).not.toContain(CANARY)
    expect(shown).not.toContain(TICKET)
    expect(requests[0]).toContain(CANARY)
  })

  it('E3 asks for a new token after a refusal, once', async () => {
    let refreshes = 0
    let token = 'old'
    const { host, requests } = await hostile((_, response) => response.writeHead(401).end())
    const refresh = async () => {
      refreshes += 1
      token = 'new'
    }
    const open = kind.open(host, { auth: { token: async () => token, refresh } })
    await listen(open).closed
    await listen(open).closed
    expect(refreshes).toBe(1)
    expect(requests.map((request) => request.split(' ').at(-1))).toEqual(['old', 'new'])
  })

  it.each([
    ['token', { token: () => Promise.reject(new Error(CANARY)) }],
    ['token that is no token', { token: async () => 'two words' }],
  ])('E3 closes with 4401 when there is no %s', async (_, auth) => {
    const { host, requests } = await kind.serve([])
    expect(await listen(kind.open(host, { auth })).closed).toMatchObject({ code: 4401, error: { name: 'AuthenticationError' } })
    expect(requests).toEqual([])
  })

  it('D5 says so when nobody listens', async () => {
    const { error, code } = await listen(kind.open('127.0.0.1:1')).closed
    expect([code, error?.name]).toEqual([1006, 'NetworkError'])
  })

  it.each([
    ['url', { url: 'ftp://example.com' }],
    ['url', { url: 'javascript:alert(1)' }],
    ['url', { url: '/realtime' }],
    ['url', { url: undefined }],
    ['url', { url: 'wss://user:pass@example.com' }],
    ['url', { url: 'https://user:pass@example.com' }],
    ['auth.token', { auth: {} }],
    ['auth.refresh', { auth: { token: async () => 'a', refresh: 'b' } }],
    ['entities', { entities: ['a b'] }],
    ['onIgnored', { onIgnored: true }],
    ['retries', { retries: 3 }],
  ])('B1 refuses a wrong %s: %j', (path, wrong) => {
    expect(() => kind.open('example.com', wrong)).toThrow(expect.objectContaining({ code: 'validation', path }))
  })
})

describe('webSocketChannel', () => {
  it('E3 exchanges the token for a ticket and sends only that with the socket', async () => {
    const { host, requests } = await webSocket.serve([])
    await listen(webSocket.open(host, { auth })).opened
    expect(requests).toEqual([`POST /realtime/ticket Bearer ${CANARY}`, `GET /realtime?ticket=${TICKET}`])
  })

  it.each(['{}', '[]', 'x'.repeat(100_000), '{"ticket":7}', '{"ticket":"a&b=c"}', '<html>'])(
    'S29 takes no ticket out of %.20s',
    async (body) => {
      const { host, requests } = await hostile((_, response) => response.end(body))
      expect((await listen(webSocket.open(host, { auth })).closed).code).toBe(1006)
      expect(requests).toHaveLength(1)
    },
  )

  it.each([
    [1012, '{"retryAfterMs":1500}', 1_500, 'RateLimitError'],
    [1013, '{"retryAfterMs":-1}', undefined, 'RateLimitError'],
    [1012, '{"retryAfterMs":1e300}', 86_400_000, 'RateLimitError'],
    [1012, 'restart', undefined, 'RateLimitError'],
    [1008, '', undefined, 'AuthenticationError'],
    [1011, '', undefined, 'NetworkError'],
  ])('S22 closed with %d %s is told so', async (code, reason, retryAfterMs, name) => {
    const { host } = await hostile(
      () => {},
      (socket) => socket.close(code, reason),
    )
    const closed = await listen(webSocket.open(host)).closed
    expect([closed.code, closed.retryAfterMs, closed.error?.name]).toEqual([code, retryAfterMs, name])
  })

  it('S29 ends a line over which 1 MB comes at once', async () => {
    const { host } = await webSocket.serve(['x'.repeat(1_000_000)])
    const line = listen(webSocket.open(host))
    expect([1006, 1009]).toContain((await line.closed).code)
    expect(line.messages).toEqual([])
  })

  it('A7 takes a WebSocket of your own, and subscribes to the entities that it is to tell of', async () => {
    let heard: (text: string) => void
    const subscription = new Promise<string>((resolve) => (heard = resolve))
    const { host } = await hostile(
      () => {},
      (socket) => socket.on('message', (data: Buffer) => heard(data.toString())),
    )
    const addresses: string[] = []
    class Mine extends WebSocket {
      constructor(url: string) {
        super(url)
        addresses.push(url)
      }
    }
    listen(webSocketChannel({ url: `ws://${host}/realtime`, WebSocket: Mine, entities: ['note'] }))
    expect(await subscription).toBe('{"type":"subscribe","entities":["note"]}')
    expect(addresses).toEqual([`ws://${host}/realtime`])
  })

  it("A7 takes the platform's WebSocket where there is one", async () => {
    const addresses: string[] = []
    class Platform extends WebSocket {
      constructor(url: string) {
        super(url)
        addresses.push(url)
      }
    }
    vi.stubGlobal('WebSocket', Platform)
    onTestFinished(() => void vi.unstubAllGlobals())
    const { host } = await webSocket.serve([])
    await listen(webSocket.open(host)).opened
    expect(addresses).toEqual([`ws://${host}/realtime`])
  })

  it('D5 survives a WebSocket that throws, with the ticket kept out of the error', async () => {
    class Broken extends WebSocket {
      constructor(url: string) {
        super(url.replace('ws://', `no scheme ${url}`))
      }
    }
    const { host } = await webSocket.serve([])
    const { error } = await listen(webSocket.open(host, { auth, WebSocket: Broken })).closed
    expect(error?.name).toBe('NetworkError')
    expect(everythingOf(error)).not.toContain(TICKET)
  })
})

describe('eventSourceChannel', () => {
  it('E3 sends the token in a header and the entities in the query', async () => {
    const { host, requests } = await events.serve([])
    await listen(events.open(host, { auth, entities: ['note', 'order'] })).opened
    expect(requests).toEqual([`GET /events?entities=note%2Corder Bearer ${CANARY}`])
  })

  it('S22 tells how long the server asks to stay away', async () => {
    const { host } = await events.serve([events.say('close', { code: 1012, retryAfterMs: 1_500 })])
    expect(await listen(events.open(host)).closed).toMatchObject({ code: 1012, retryAfterMs: 1_500 })
  })

  it('S29 ends a line over which an event without an end comes', async () => {
    const { host } = await events.serve([`data: ${'x'.repeat(1_000_000)}`])
    expect((await listen(events.open(host)).closed).code).toBe(1009)
  })

  it.each(['text/html', 'application/json', 'text/event-streams', ''])('S29 does not read %j', async (type) => {
    const { host } = await hostile((_, response) =>
      response.writeHead(200, { 'content-type': type }).end(events.say('changed', changed)),
    )
    const line = listen(events.open(host))
    expect((await line.closed).error?.name).toBe('ServerError')
    expect(line.told).toEqual(['closed'])
  })

  it('L6 ends a line that is silent for two of the heartbeats that the server told', async () => {
    const { host } = await events.serve([events.say('hello', { heartbeatMs: 100 })])
    expect((await listen(events.open(host)).closed).error?.name).toBe('TimeoutError')
  })

  it('L6 gives a line two hours at most to be silent, whatever the server told', async () => {
    const schedule = vi.spyOn(systemClock, 'schedule')
    onTestFinished(() => schedule.mockRestore())
    const { host } = await events.serve([events.say('hello', { heartbeatMs: 1e300 })])
    await listen(events.open(host)).message()
    await vi.waitFor(() => expect(schedule.mock.lastCall?.[1]).toBe(7_200_000))
  })

  it('A7 ends when the server ends it', async () => {
    const { host } = await hostile((_, response) =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': hi\n\n'),
    )
    expect(await listen(events.open(host)).closed).toMatchObject({ code: 1006, error: { name: 'NetworkError' } })
  })
})

describe('an event stream', () => {
  const all = [
    ': beat\n\nevent: a\ndata: 1\n\n',
    'event: a\r\ndata: 1\r\n\r\n',
    'event: a\rdata: 1\r\r: the end is seen with what follows',
    'id: 7\nevent:a\nretry: 5\nnonsense\ndata:1\n\n',
    'data: lost\nevent\nevent: a\ndata: 1\n\n'.replace('data: lost\n', ''),
  ]

  it.each(all)('A7 is read the same however it is cut: %j', (text) => {
    for (let size = 1; size <= text.length; size++) {
      const parser = createEventParser(1_000)
      const found = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
        parser.feed(text.slice(at * size, (at + 1) * size)),
      )
      expect([size, found.flat()]).toEqual([size, [{ type: 'a', data: '1' }]])
    }
  })

  it('A7 may hold data of several lines, and events without a type or without data', () => {
    const parser = createEventParser(1_000)
    expect(parser.feed('data: a\ndata:  b\ndata\n\nevent: x\n\ndata: c\n\n')).toEqual([
      { type: 'message', data: 'a\n b\n' },
      { type: 'message', data: 'c' },
    ])
  })

  it('S29 is given up when an event grows over the limit, in one line or in many', () => {
    expect(createEventParser(10).feed('data: 12345678')).toBeUndefined()
    expect(createEventParser(10).feed('data: 1\ndata: 2\n')).toBeUndefined()
    expect(createEventParser(10).feed('data: 1\n\ndata: 2\n\n')).toHaveLength(2)
    expect(createEventParser(10).feed(': beat\n'.repeat(9))).toEqual([])
  })
})
