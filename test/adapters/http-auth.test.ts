import { describe, expect, it } from 'vitest'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { AuthenticationError } from '../../src/core/errors.ts'
import type { Outcome } from '../../src/core/ports.ts'
import { answerJson, context, nobody, placesOf, request, serve, serveRaw, told } from './support/http-world.ts'

const CANARY = 'canary.eyJzdWIiOiJ1MSJ9/with+odd=chars'

/** A server that takes one token, and credentials that start with an older one. The refresh takes until `together` requests were refused. */
async function authWorld(accepted = 'new', together = 1) {
  let token = 'old'
  let refreshes = 0
  let refused = 0
  let allRefused = () => {}
  const whenAllRefused = new Promise<void>((resolve) => (allRefused = resolve))
  const server = await serve(({ headers }, response) => {
    if (headers.authorization === `Bearer ${accepted}`) return answerJson(response, 200, {})
    answerJson(response, 401, {})
    refused += 1
    if (refused === together) allRefused()
  })
  const auth = {
    token: async () => token,
    refresh: async () => {
      refreshes += 1
      await whenAllRefused
      token = 'new'
    },
  }
  return { server, auth, refreshes: () => refreshes }
}

const sends = (transport: ReturnType<typeof httpTransport>, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, i) => transport.send(request(), context({ idempotencyKey: `key-${i}`, sequence: i }))),
  )

describe('credentials', () => {
  it('E3 are fetched for each send and never stored in the request', async () => {
    const server = await serve((_, response) => answerJson(response, 200, {}))
    let count = 0
    const transport = httpTransport({ baseURL: server.url, auth: { token: async () => `t${++count}` } })
    await transport.send(request(), context())
    await transport.send(request(), context())
    expect(server.received.map(({ headers }) => headers.authorization)).toEqual(['Bearer t1', 'Bearer t2'])
  })

  it('E3 may be absent', async () => {
    const server = await serve((_, response) => answerJson(response, 200, {}))
    await httpTransport({ baseURL: server.url, auth: { token: async () => undefined } }).send(request(), context())
    expect(server.received[0]?.headers.authorization).toBeUndefined()
  })

  it('E3 out of date under 50 concurrent sends are refreshed once, and every send succeeds with its own key', async () => {
    const { server, auth, refreshes } = await authWorld('new', 50)
    const outcomes = await sends(httpTransport({ baseURL: server.url, auth }), 50)
    expect(outcomes.map(told)).toEqual(outcomes.map(() => 'applied'))
    expect(refreshes()).toBe(1)
    const keys = server.received
      .filter(({ headers }) => headers.authorization === 'Bearer new')
      .map(({ headers }) => headers['idempotency-key'])
    expect(new Set(keys).size).toBe(50)
    expect(keys).toHaveLength(50)
  })

  it('E3 whose 401 comes after the refresh of another send are not refreshed again', async () => {
    let token = 'old'
    let refreshes = 0
    let answerLate = () => {}
    const server = await serve(({ headers }, response) => {
      const answer = () => answerJson(response, headers.authorization === 'Bearer new' ? 200 : 401, {})
      if (headers['idempotency-key'] === '"late"' && headers.authorization === 'Bearer old') answerLate = answer
      else answer()
    })
    const auth = { token: async () => token, refresh: async () => void ((token = 'new'), (refreshes += 1)) }
    const transport = httpTransport({ baseURL: server.url, auth })
    const late = transport.send(request(), context({ idempotencyKey: 'late' }))
    await expect.poll(() => server.received.length, { timeout: 10_000 }).toBe(1)
    expect(told(await transport.send(request(), context()))).toBe('applied')
    answerLate()
    expect(told(await late)).toBe('applied')
    expect(refreshes).toBe(1)
  })

  it('S24 refused even after the refresh give auth, with one repetition a send', async () => {
    const { server, auth, refreshes } = await authWorld('another', 5)
    const outcomes = await sends(httpTransport({ baseURL: server.url, auth }), 5)
    expect(outcomes.map(told)).toEqual(outcomes.map(() => 'auth authentication'))
    expect(refreshes()).toBe(1)
    expect(server.received).toHaveLength(10)
  })

  it('S24 without a refresh give auth at the first 401', async () => {
    const { server, auth } = await authWorld()
    const outcome = await httpTransport({ baseURL: server.url, auth: { token: auth.token } }).send(request(), context())
    expect(outcome).toMatchObject({ type: 'auth', error: expect.any(AuthenticationError) })
    expect(server.received).toHaveLength(1)
  })

  it('S24 whose refresh fails give auth to all sends, from one refresh, and the next send may try again', async () => {
    const { server, auth } = await authWorld('new', 50)
    let tries = 0
    const refresh = async () => {
      tries += 1
      if (tries === 1) throw Object.assign(new Error('invalid_grant'), { code: 'E_GRANT' })
      await auth.refresh()
    }
    const transport = httpTransport({ baseURL: server.url, auth: { token: auth.token, refresh } })
    const outcomes = await sends(transport, 50)
    expect(outcomes.map(told)).toEqual(outcomes.map(() => 'auth authentication'))
    expect(outcomes[0]).toMatchObject({ error: { cause: { message: 'invalid_grant', code: 'E_GRANT' } } })
    expect(tries).toBe(1)
    expect(told(await transport.send(request(), context()))).toBe('applied')
  })

  it('E3 whose 401 comes after a log-in that followed a refresh in vain are the new ones', async () => {
    let token = 'old'
    let answerLate = () => {}
    const server = await serve(({ headers }, response) => {
      const answer = () => answerJson(response, headers.authorization === 'Bearer new' ? 200 : 401, {})
      if (headers['idempotency-key'] === '"late"' && headers.authorization === 'Bearer old') answerLate = answer
      else answer()
    })
    const auth = { token: async () => token, refresh: () => Promise.reject(new Error('invalid_grant')) }
    const transport = httpTransport({ baseURL: server.url, auth })
    const late = transport.send(request(), context({ idempotencyKey: 'late' }))
    await expect.poll(() => server.received.length, { timeout: 10_000 }).toBe(1)
    expect(told(await transport.send(request(), context()))).toBe('auth authentication')
    token = 'new'
    answerLate()
    expect(told(await late)).toBe('applied')
  })

  it.each([
    ['rejects', async () => Promise.reject(new Error('no session'))],
    [
      'throws',
      () => {
        throw new Error('no session')
      },
    ],
    [
      'throws what is no error',
      () => {
        throw Object.create(null)
      },
    ],
    ['gives an object', async () => ({ accessToken: 'x' }) as unknown as string],
    ['gives a line break', async () => 'a\r\nX-Evil: 1'],
    ['gives an empty text', async () => ''],
  ])('S24 whose token function %s give auth, and nothing is sent', async (_, token) => {
    const server = await serve((_request, response) => answerJson(response, 200, {}))
    expect(told(await httpTransport({ baseURL: server.url, auth: { token } }).send(request(), context()))).toBe(
      'auth authentication',
    )
    expect(server.received).toEqual([])
  })

  it('S24 that never come do not hang the send: nothing was sent', async () => {
    const server = await serve((_, response) => answerJson(response, 200, {}))
    const transport = httpTransport({ baseURL: server.url, timeoutMs: 50, auth: { token: () => new Promise(() => {}) } })
    expect(told(await transport.send(request(), context()))).toBe('retry timeout')
    expect(server.received).toEqual([])
  })

  it('L10 that come when the send was called off already are not used: nothing was sent', async () => {
    const server = await serve((_, response) => answerJson(response, 200, {}))
    const controller = new AbortController()
    const token = async () => {
      controller.abort()
      return 'token'
    }
    const outcome = await httpTransport({ baseURL: server.url, auth: { token } }).send(
      request(),
      context({ signal: controller.signal }),
    )
    expect(told(outcome)).toBe('retry aborted')
    expect(server.received).toEqual([])
  })

  it('S24 whose refresh never ends do not block the refresh after it', async () => {
    const { server, auth, refreshes } = await authWorld()
    let tries = 0
    const refresh = () => (++tries === 1 ? new Promise<void>(() => {}) : auth.refresh())
    const transport = httpTransport({ baseURL: server.url, timeoutMs: 300, auth: { token: auth.token, refresh } })
    expect(told(await transport.send(request(), context()))).toMatch(/^(retry timeout|auth authentication)$/)
    await expect.poll(async () => told(await transport.send(request(), context())), { timeout: 10_000 }).toBe('applied')
    expect(refreshes()).toBe(1)
  })
})

describe('a token', () => {
  const auth = { token: async () => CANARY }

  it.each(['https://u:p@127.0.0.1', 'https://u@127.0.0.1'])('S26 has no place in the base URL %s', (baseURL) => {
    expect(() => httpTransport({ baseURL })).toThrow(/baseURL/)
  })

  it('S26 shows in no outcome, however the exchange fails', async () => {
    const echo = { title: `Bearer ${CANARY}`, detail: `${CANARY} is not valid`, type: 'about:blank' }
    const statuses = [300, 302, 400, 401, 403, 404, 407, 409, 412, 413, 422, 428, 429, 500, 503, 511, 599]
    const urls = [await nobody(), 'http://host.invalid']
    for (const status of statuses)
      urls.push((await serve((_, response) => answerJson(response, status, echo, { location: '/' }))).url)
    urls.push((await serve((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(CANARY))).url)
    urls.push((await serve((_, response) => answerJson(response, 200, 'x'.repeat(2 ** 21)))).url)
    urls.push(await serveRaw((socket) => socket.resetAndDestroy()))
    urls.push(await serveRaw((socket) => socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n${CANARY}`)))
    urls.push(await serveRaw((socket) => socket.end(`HTTP/1.1 nonsense ${CANARY}\r\n\r\n`)))
    const silent = (await serve(() => {})).url
    urls.push(silent)
    const outcomes = await Promise.all(urls.map((baseURL) => everyCall(baseURL, baseURL === silent ? 50 : 20_000)))
    const failed = outcomes.flat()
    expect(failed.length).toBe(urls.length * 3)
    expect(failed.flatMap((outcome) => placesOf(CANARY, outcome))).toEqual([])
  })

  async function everyCall(baseURL: string, timeoutMs: number): Promise<readonly unknown[]> {
    const transport = httpTransport({ baseURL, auth, timeoutMs })
    const items = [{ request: request(), idempotencyKey: 'k', sequence: 1 }]
    const { signal } = new AbortController()
    return Promise.all([
      transport.send(request(), context()),
      transport.sendBatch?.(items, { clientId: 'c', signal }),
      transport.fetch('note', 'n1', { signal }),
    ])
  }

  it('S26 shows in no outcome when the login library fails with it', async () => {
    const server = await serve((_, response) => answerJson(response, 401, {}))
    const fail = async (): Promise<void> => {
      throw Object.assign(new Error(`POST /token with ${CANARY}`), {
        config: { headers: { Authorization: `Bearer ${CANARY}` } },
        cause: new Error(CANARY),
      })
    }
    const outcome: Outcome = await httpTransport({ baseURL: server.url, auth: { ...auth, refresh: fail } }).send(
      request(),
      context(),
    )
    expect(told(outcome)).toBe('auth authentication')
    expect(placesOf(CANARY, outcome)).toEqual([])
  })

  it('S26 is found by the search of this test where it does show', () => {
    const error = new Error('x', { cause: { config: { headers: { Authorization: `Bearer ${CANARY}` } } } })
    expect(placesOf(CANARY, { type: 'retry', error })).toEqual(['outcome.error.cause.config.headers.Authorization', 'inspect'])
  })
})
