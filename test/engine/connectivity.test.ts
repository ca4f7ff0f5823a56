import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { httpConnectivity, httpTransport } from '../../src/adapters/http/index.ts'
import type { Connectivity, SyncEngine } from '../../src/index.ts'
import { simulated } from '../testing/network/world.ts'
import { createWorld, type World } from '../support/world.ts'

const closers: (() => unknown)[] = []
let world: World
afterEach(async () => {
  await world?.close()
  for (const close of closers.splice(0)) close()
})

const PORTALS = {
  'a page (200)': (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>Log in'),
  'a redirect (302)': (response) => response.writeHead(302, { location: 'http://portal.invalid/' }).end(),
  'what the standard says (511)': (response) => response.writeHead(511, { 'content-type': 'text/html' }).end('<html>'),
} satisfies Record<string, (response: ServerResponse) => void>

type Portal = keyof typeof PORTALS

/** A café: behind its door is the real server, in it a portal, real as well, that answers everything until one has logged in. */
async function cafe(portal: Portal, rounds: number) {
  world = await createWorld({ store: 'memory' })
  let isClosed = false
  let left = rounds
  const seen = { writes: 0, probes: 0 }

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const headers = Object.entries(request.headers).flatMap(([name, value]) =>
      typeof value === 'string' && name !== 'host' && name !== 'connection' ? [[name, value] as [string, string]] : [],
    )
    const body = chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}
    const answer = await fetch(world.url + request.url, { method: request.method ?? 'GET', headers, ...body })
    const kept = [...answer.headers].filter(([name]) => !/^(?:content-encoding|transfer-encoding|connection)$/.test(name))
    response.writeHead(answer.status, Object.fromEntries(kept)).end(Buffer.from(await answer.arrayBuffer()))
  }

  const gateway = createServer((request, response) => {
    const isProbe = request.method === 'GET'
    seen[isProbe ? 'probes' : 'writes'] += 1
    if (!isProbe && left > 0 && !isClosed) {
      isClosed = true
      left -= 1
    }
    if (isClosed) PORTALS[portal](response)
    else void forward(request, response)
  })
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
  closers.push(
    () => gateway.close(),
    () => gateway.closeAllConnections(),
  )

  const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`
  let tell = (_: boolean): void => {}
  const connectivity: Connectivity = {
    ...httpConnectivity({ baseURL: url }),
    watch(listener) {
      tell = listener
      return () => {}
    },
  }
  const engine = await world.started({
    transport: httpTransport({ baseURL: url }),
    ports: { connectivity },
    retry: { strategy: 'constant', baseMs: 10, maxAttempts: 2 },
  })
  return {
    engine,
    seen,
    /** Logs in, whereupon the platform says that the network has come. */
    logIn(): void {
      isClosed = false
      tell(true)
    },
  }
}

function create(engine: SyncEngine, id: string) {
  return engine.enqueue({ type: 'create', entity: 'note', id, payload: { title: id } })
}

describe('a captive portal in front of the server', () => {
  it.each(Object.keys(PORTALS) as Portal[])(
    'D1 that answers with %s pauses `network`; nothing is counted, refused or lost, and all goes on after the log-in',
    async (portal) => {
      const rounds = 3
      const { engine, seen, logIn } = await cafe(portal, rounds)
      const pauses: number[] = []
      engine.on('network:offline', () => {
        pauses.push(seen.writes)
        void engine.operations.list({ status: 'live' }).then(() => logIn())
      })
      const operations = await Promise.all(['a', 'b', 'c'].map((id) => create(engine, id)))
      const ends = await Promise.all(operations.map(({ settled }) => settled))
      expect(ends).toEqual(ends.map(() => ({ status: 'done' })))
      expect(pauses).toHaveLength(rounds)
      expect(world.notes()).toEqual({ a: { id: 'a', title: 'a' }, b: { id: 'b', title: 'b' }, c: { id: 'c', title: 'c' } })
      const infos = await Promise.all(operations.map(({ id }) => engine.operations.get(id)))
      for (const info of infos) expect(info!.attempts).toBeLessThanOrEqual(2)
      expect(engine.history().filter(({ type }) => type === 'sync:failed' || type === 'sync:parked')).toEqual([])
      expect(engine.metrics().breaker.trips).toBe(0)
      expect(seen.writes).toBeLessThanOrEqual(3 * (rounds + 1))
      expect(seen.probes).toBeLessThanOrEqual(3 * rounds + rounds)
    },
  )

  it('D1 F8 while it lasts nothing is sent, and `explain` says why', async () => {
    const { engine, seen, logIn } = await cafe('a page (200)', 1)
    const gone = new Promise<void>((resolve) => void engine.on('network:offline', () => resolve()))
    const operation = await create(engine, 'a')
    await gone
    const later = await create(engine, 'b')
    const { held } = await engine.flush()
    expect([held, seen.writes]).toEqual([['network'], 1])
    const { lastError } = await engine.explain(operation.id)
    expect(lastError).toMatchObject({ name: 'NetworkError', code: 'unreachable' })
    logIn()
    expect([await operation.settled, await later.settled]).toEqual([{ status: 'done' }, { status: 'done' }])
  })

  it('D1 a page from the server itself, which the probe can reach, is an attempt like any other', async () => {
    world = await createWorld({ store: 'memory' })
    const sick = createServer((request, response) => {
      if (request.method === 'GET') response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      else PORTALS['a page (200)'](response)
    })
    await new Promise<void>((resolve) => sick.listen(0, '127.0.0.1', resolve))
    closers.push(
      () => sick.close(),
      () => sick.closeAllConnections(),
    )
    const url = `http://127.0.0.1:${(sick.address() as AddressInfo).port}`
    const engine = await world.started({
      transport: httpTransport({ baseURL: url }),
      ports: { connectivity: httpConnectivity({ baseURL: url }) },
      retry: { strategy: 'constant', baseMs: 10, maxAttempts: 2 },
    })
    const parked = new Promise<void>((resolve) => void engine.on('sync:parked', () => resolve()))
    const { id } = await create(engine, 'a')
    await parked
    expect(await engine.operations.get(id)).toMatchObject({ status: 'parked', attempts: 2, lastError: { code: 'unreadable' } })
    expect(engine.history().some(({ type }) => type === 'network:offline')).toBe(false)
  })
})

describe('a network that flaps', () => {
  it('D1 L9 100 changes in 10 s are two for the engine, and no request more than there are operations', async () => {
    const gapsMs = fc.array(fc.integer({ min: 1, max: 199 }), { minLength: 100, maxLength: 100 })
    await fc.assert(
      fc.asyncProperty(gapsMs, fc.boolean(), async (gaps, probes) => {
        const { time, engine, network, server } = await simulated({ probes, latencyMs: [20, 20] })
        const changes: string[] = []
        engine.on('network:*', ({ type }) => void changes.push(type))
        let online = true
        for (const [at, gap] of gaps.entries()) {
          network.setOnline((online = !online))
          if (at % 10 === 0) await time.runUntil(create(engine, `n${at}`))
          await time.run(gap)
        }
        network.setOnline(true)
        await time.run(60_000)
        expect(changes).toEqual(['network:offline', 'network:online'])
        expect([network.log().length, server.effects().length]).toEqual([10, 10])
        await time.runUntil(engine.stop())
      }),
      { numRuns: 20 },
    )
  })

  it('D1 L9 ten minutes behind a portal cost no request beyond those that were on their way', async () => {
    const { time, engine, network } = await simulated({ probes: true, latencyMs: [20, 20] })
    const operation = await time.runUntil(create(engine, 'a'))
    await time.runUntil(operation.settled)
    network.setCaptive(true)
    const held = await time.runUntil(Promise.all(['b', 'c', 'd'].map((id) => create(engine, id))))
    await time.run(600_000)
    const during = network.log().filter(({ fault }) => fault?.type === 'portal-page').length
    expect(during).toBeLessThanOrEqual(3)
    network.setCaptive(false)
    await time.runUntil(Promise.all(held.map(({ settled }) => settled)))
    expect(network.log().length - during).toBe(4)
  })
})
