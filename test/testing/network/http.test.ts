import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createSyncEngine } from '../../../src/index.ts'
import { memoryStorage } from '../../../src/adapters/memory.ts'
import { sqliteStorage } from '../../../src/adapters/sqlite/index.ts'
import { createServer, startServer } from '../../../src/server/index.ts'
import {
  createSimulatedNetwork,
  createSimulatedTime,
  type NetworkFault,
  type SimulatedNetworkOptions,
} from '../../../src/testing/index.ts'
import { answerJson, context, nobody, request, serve, told } from '../../adapters/support/http-world.ts'

/** One request by axios over the loopback, in real time: how it ends, and what came to the server. */
async function sent(fault: NetworkFault | undefined, options: Partial<SimulatedNetworkOptions> = {}) {
  const { url, received } = await serve((_, response) => answerJson(response, 200, { id: 'n1', title: 'Hi' }, { etag: '"4"' }))
  const network = createSimulatedNetwork({ faults: () => fault, ...options })
  const outcome = await network.transport({ baseURL: url, timeoutMs: 500 }).send(request(), context())
  return { outcome, received, network }
}

describe('a simulated network over real HTTP', () => {
  it('D8 changes nothing of what it lets through', async () => {
    const { outcome, received, network } = await sent(undefined)
    expect(outcome).toEqual({ type: 'applied', version: '4', value: { id: 'n1', title: 'Hi' } })
    expect(received).toMatchObject([
      { method: 'PATCH', url: '/note/n1', body: '{"title":"Hi"}', headers: { 'idempotency-key': '"key-1"' } },
    ])
    expect(network.log()).toMatchObject([{ path: '/note/n1', idempotencyKey: 'key-1', answer: 200 }])
  })

  it.each<[NetworkFault, string, number]>([
    [{ type: 'request-lost' }, 'unknown network', 0],
    [{ type: 'response-lost' }, 'unknown network', 1],
    [{ type: 'truncated' }, 'unknown unreadable', 1],
    [{ type: 'portal-page' }, 'unknown unreadable', 0],
    [{ type: 'late', thereMs: 20, backMs: 20 }, 'applied', 1],
    [{ type: 'duplicated', afterMs: 0 }, 'applied', 2],
    [{ type: 'error-status', status: 429, retryAfter: '7' }, 'retry rate-limit', 0],
    [{ type: 'error-status', status: 503 }, 'unknown server', 0],
    [
      { type: 'error-status', status: 409, problemType: 'urn:synchart:problem:idempotency-in-progress' },
      'unknown idempotency-in-progress',
      0,
    ],
    [{ type: 'error-status', status: 401 }, 'auth authentication', 0],
    [{ type: 'error-status', status: 412 }, 'conflict/stale conflict', 0],
    [{ type: 'error-status', status: 403 }, 'rejected authentication', 0],
    [{ type: 'error-after-effect', status: 500 }, 'unknown server', 1],
  ])('D8 %o ends as %s, and the server has had it %i times', async (fault, outcome, times) => {
    const result = await sent(fault)
    expect(told(result.outcome)).toBe(outcome)
    await expect.poll(() => result.received.length).toBe(times)
  })

  it('D8 hands Retry-After on as it is written', async () => {
    expect((await sent({ type: 'error-status', status: 429, retryAfter: '7' })).outcome).toMatchObject({ retryAfterMs: 7_000 })
    const garbled = (await sent({ type: 'error-status', status: 429, retryAfter: '-5' })).outcome
    expect('retryAfterMs' in garbled ? garbled.retryAfterMs : undefined).toBeUndefined()
  })

  it('D8 a late request whose sender gave up comes to the server all the same', async () => {
    const { outcome, received } = await sent({ type: 'late', thereMs: 700 })
    expect(told(outcome)).toBe('unknown timeout')
    expect(received).toEqual([])
    await expect.poll(() => received.length).toBe(1)
  })

  it('D8 an empty answer that is truncated is none', async () => {
    const { url } = await serve((_, response) => void response.writeHead(204).end())
    const transport = createSimulatedNetwork({ faults: () => ({ type: 'truncated' }) }).transport({ baseURL: url })
    expect(told(await transport.send(request({ method: 'DELETE', body: null }), context()))).toBe('unknown unreadable')
  })

  it('D8 shows what really goes wrong as it is', async () => {
    const network = createSimulatedNetwork()
    const transport = network.transport({ baseURL: await nobody() })
    expect(told(await transport.send(request(), context()))).toBe('retry network')
    expect(network.log()).toMatchObject([{ fault: undefined, answer: 'ECONNREFUSED' }])
  })

  it('F6 speaks to a backend without a port, by its fetch handler', async () => {
    const backend = await createServer()
    onTestFinished(() => backend.close())
    const time = createSimulatedTime()
    const network = createSimulatedNetwork({
      time,
      faults: ({ number }) => (number === 1 ? { type: 'error-after-effect', status: 504 } : undefined),
      wire: async ({ url, ...request }) => {
        const response = await backend.fetch(new Request(url, request))
        return { status: response.status, headers: Object.fromEntries(response.headers), data: await response.text() }
      },
    })
    const transport = network.transport({ baseURL: 'http://api.test' })
    const create = request({
      method: 'POST',
      path: '/note',
      headers: { 'Content-Type': 'application/json' },
      body: '{"id":"n1"}',
    })
    expect(told(await time.runUntil(transport.send(create, context())))).toBe('unknown server')
    expect(await time.runUntil(transport.send(create, context()))).toMatchObject({ type: 'applied', value: { id: 'n1' } })
    expect(backend.ledger()).toHaveLength(1)
  })

  it('D8 says so where a wire of the application throws', async () => {
    const network = createSimulatedNetwork({
      wire: () => {
        throw new Error('not today')
      },
    })
    const outcome = await network.transport({ baseURL: 'http://api.test' }).send(request(), context())
    expect(outcome).toMatchObject({ type: 'unknown', error: { cause: { message: 'not today' } } })
  })

  it('S4 D8 brings notes from SQLite to a real server in real time, each once, through drawn faults', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'synchart-testing-'))
    const server = await startServer()
    onTestFinished(async () => {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    })
    const network = createSimulatedNetwork({ seed: 5, faults: { rate: 0.3, delayMaxMs: 50, retryAfterMaxSeconds: 0 } })
    const engine = createSyncEngine({
      storage: sqliteStorage({ path: join(folder, 'notes.db') }),
      transport: network.transport({ baseURL: server.url }),
      entities: { note: {} },
      retry: { baseMs: 10, capMs: 50, maxAttempts: 1_000 },
      breaker: { failureThreshold: 1_000 },
      ports: { connectivity: network.connectivity },
    })
    await engine.start()
    const ids = Array.from({ length: 40 }, (_, at) => `n${at}`)
    const operations = await engine.enqueueAll(ids.map((id) => ({ type: 'create', entity: 'note', id, payload: { title: id } })))
    await Promise.all(operations.map(({ settled }) => settled))
    expect(new Set(server.ledger().map(({ id }) => id))).toEqual(new Set(ids))
    expect(server.ledger()).toHaveLength(40)
    expect(network.log().filter(({ fault }) => fault !== undefined).length).toBeGreaterThan(5)
    network.setFaults(undefined)
    await engine.stop()
  })

  it('F6 D8 brings notes to a real server in virtual time: hours of backoff in the time that the requests need', async () => {
    const server = await startServer()
    onTestFinished(() => server.close())
    const time = createSimulatedTime()
    const network = createSimulatedNetwork({
      time,
      seed: 4,
      latencyMs: [20, 200],
      faults: { rate: 0.6, retryAfterMaxSeconds: 900 },
    })
    const engine = createSyncEngine({
      storage: memoryStorage(),
      transport: network.transport({ baseURL: server.url, timeoutMs: 5_000 }),
      entities: { note: {} },
      retry: { baseMs: 30_000, capMs: 600_000 },
      ports: { ...time.ports, connectivity: network.connectivity },
    })
    await time.runUntil(engine.start())
    const ids = Array.from({ length: 20 }, (_, at) => `n${at}`)
    const operations = await time.runUntil(
      engine.enqueueAll(ids.map((id) => ({ type: 'create', entity: 'note', id, payload: { title: id } }))),
    )
    const ends = await time.runUntil(Promise.all(operations.map(({ settled }) => settled)), { limitMs: 86_400_000 })
    expect(ends.every(({ status }) => status === 'done')).toBe(true)
    expect(server.ledger()).toHaveLength(20)
    expect(network.log().length).toBeGreaterThan(20)
    expect(time.elapsedMs()).toBeGreaterThan(600_000)
    await time.runUntil(engine.stop())
  })
})
