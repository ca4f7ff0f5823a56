import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SyncEngine } from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { serveOnLoopback } from '../support/loopback.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

let world: World
let answer: Answer | undefined
let url: string
let close: () => Promise<void>

/** A proxy in front of the real server that answers in its place as long as the test says so. */
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
  answer = undefined
  const proxy = await serveOnLoopback((request, response) => {
    request.resume()
    if (answer !== undefined) return answer(request, response)
    void forward(request, response)
  })
  url = proxy.url
  close = proxy.close
})
afterEach(async () => {
  await world.close()
  await close()
})

async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const headers = Object.entries(request.headers).filter(([name]) => /^(content-type|if-|idempotency|synchart)/.test(name))
  const answered = await fetch(world.url + request.url, {
    method: request.method!,
    headers: Object.fromEntries(headers) as Record<string, string>,
    ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
  })
  response.writeHead(answered.status, Object.fromEntries(answered.headers)).end(await answered.text())
}

function started(timeoutMs = 150): Promise<SyncEngine> {
  return world.started({
    transport: httpTransport({ baseURL: url, timeoutMs }),
    retry: { strategy: 'constant', baseMs: 20 },
  })
}

const html: Answer = (_, response) =>
  void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please log in to the hotel</html>')
const empty: Answer = (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end()
const cutOff: Answer = (_, response) => void response.writeHead(201, { 'content-type': 'application/json' }).end('{"id":')
const huge: Answer = (_, response) =>
  void response.writeHead(201, { 'content-type': 'application/json' }).end(`"${'x'.repeat(10 * 1_048_576)}"`)
const never: Answer = () => {}
const endless: Answer = (_, response) => void response.writeHead(201, { 'content-type': 'application/json' }).write('{"id":"')
const torn: Answer = (request) => void request.socket.destroy()
const failed: Answer = (_, response) => void response.writeHead(500).end('Internal Server Error')
const odd: Answer = (_, response) => void response.writeHead(299, { 'content-type': 'application/json' }).end('{')

describe('a server that answers strangely', () => {
  it.each<[string, Answer, string, string]>([
    ['HTML with 200', html, 'ServerError', 'unreadable'],
    ['an empty 200', empty, 'ServerError', 'unreadable'],
    ['JSON that is cut off', cutOff, 'ServerError', 'unreadable'],
    ['10 MB', huge, 'ServerError', 'unreadable'],
    ['a status that nobody knows', odd, 'ServerError', 'unreadable'],
    ['nothing, ever', never, 'TimeoutError', 'timeout'],
    ['a body without an end', endless, 'TimeoutError', 'timeout'],
    ['a closed connection', torn, 'NetworkError', 'network'],
    ['a plain 500', failed, 'ServerError', 'server'],
  ])(
    'S4 S6 %s: nothing is lost or rolled back, the error is typed, and it is done once the server is sane',
    async (_, strange, name, code) => {
      const engine = await started(code === 'timeout' ? 150 : 20_000)
      let rolledBack = 0
      answer = strange
      const operation = await engine.enqueue({
        type: 'create',
        entity: 'note',
        id: 'a',
        payload: { n: 1 },
        optimistic: { rollback: () => void (rolledBack += 1) },
      })
      await eventOf(engine, 'sync:retry')
      expect(await engine.operations.get(operation.id)).toMatchObject({ lastError: { name, code } })
      answer = undefined
      expect(await operation.settled).toEqual({ status: 'done' })
      expect(world.notes()).toEqual({ a: { id: 'a', n: 1 } })
      expect(world.server.ledger()).toHaveLength(1)
      expect(new Set(world.attempts.map(({ context }) => context.idempotencyKey)).size).toBe(1)
      expect(rolledBack).toBe(0)
    },
  )

  it.each([301, 302, 307, 308])(
    'S4 a redirect (%i) is never followed; the operation can be retried when the address is right',
    async (status) => {
      const engine = await started()
      const followed: string[] = []
      answer = (request, response) => {
        followed.push(request.url ?? '')
        response.writeHead(status, { location: `${world.url}/elsewhere` }).end()
      }
      const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
      expect(await operation.settled).toMatchObject({
        status: 'rejected',
        error: { name: 'ClientError', code: 'redirect', status },
      })
      expect(followed).toEqual(['/note'])
      answer = undefined
      expect(await (await engine.operations.retry(operation.id)).settled).toEqual({ status: 'done' })
      expect(world.server.ledger()).toHaveLength(1)
    },
  )

  it('S6 a redirect after an unknown outcome parks the operation', async () => {
    const engine = await started()
    let count = 0
    answer = (request, response) => {
      count += 1
      if (count === 1) return torn(request, response)
      response.writeHead(302, { location: '/' }).end()
    }
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    await eventOf(engine, 'sync:parked')
    expect(await engine.operations.get(operation.id)).toMatchObject({ status: 'parked', lastError: { code: 'redirect' } })
    answer = undefined
    await engine.operations.retry(operation.id)
    expect(await operation.settled).toEqual({ status: 'done' })
  })

  it('S6 a transport that never answers is given up after sendTimeoutMs', async () => {
    const engine = await world.started({ sendTimeoutMs: 500 })
    world.intercept((_, send, count) => (count <= 2 ? new Promise(() => {}) : send()))
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    const put = await eventOf(engine, 'sync:retry')
    expect(put).toMatchObject({ operation: { lastError: { name: 'TimeoutError', code: 'timeout' } } })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.attempts).toHaveLength(3)
    expect(world.attempts[0]!.context.signal.aborted).toBe(true)
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new TypeError('Bug in the transport.')
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('Bug in the transport.'))],
  ])('S6 a transport that %s has an unknown outcome', async (_, misbehave) => {
    const engine = await world.started()
    // A transport of an application may do anything.
    world.intercept((_attempt, send, count) => (count === 1 ? (misbehave() as ReturnType<typeof send>) : send()))
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(engine.history().find(({ type }) => type === 'sync:retry')).toMatchObject({
      operation: { lastError: { name: 'NetworkError', code: 'transport' } },
    })
  })
})

describe('a page with an error status, of a proxy that has lost the API', () => {
  it.each(['delete', 'update'])('S6 does not settle a %s whose first answer was lost: it is parked as it is', async (type) => {
    const engine = await started()
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    ).settled
    let asked = 0
    answer = (_, response) => {
      asked += 1
      if (asked === 1) return void response.destroy()
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>default backend - 404</h1>')
    }
    let rolledBack = 0
    const optimistic = { rollback: () => void (rolledBack += 1) }
    const change = type === 'delete' ? {} : { payload: { n: 1 } }
    const operation = await engine.enqueue({ type, entity: 'note', id: 'a', ...change, optimistic })
    await eventOf(engine, 'sync:parked')
    expect([await operation.status(), rolledBack]).toEqual(['parked', 0])
    answer = undefined
    await engine.operations.retry(operation.id)
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual(type === 'delete' ? {} : { a: { id: 'a', n: 1 } })
  })
})
