import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { observeEngine } from '../../src/adapters/opentelemetry/index.ts'
import { webSocketChannel } from '../../src/adapters/websocket/index.ts'
import { formatMetrics } from '../../src/index.ts'
import { serveOnLoopback } from '../support/loopback.ts'
import { inMemoryTelemetry } from '../support/telemetry.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const CANARY = 'canary-5e77'
/** An entity for each: what the server answers to a write of it. */
const ANSWERS = [
  '400',
  '403',
  '404',
  '409',
  '412',
  '418',
  '422',
  '429',
  '500',
  '503',
  '302',
  'page',
  'torn',
  'reset',
  'strange',
] as const

/** A server that says the credentials wherever an error can say something. */
async function startEchoServer(): Promise<{ readonly url: string; echoes(): number; close(): Promise<void> }> {
  let echoes = 0
  async function echo(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const said = request.headers.authorization ?? ''
    if (said.includes(CANARY)) echoes += 1
    const answer =
      ANSWERS.find((one) => Buffer.concat(chunks).includes(`"is-${one}"`)) ?? (request.method === 'GET' ? '500' : '401')
    if (answer === 'reset') return request.socket.destroy()
    const problem = JSON.stringify({ type: `https://example.org/${said}`, title: said, detail: `You said ${said}`, [said]: said })
    const headers = { 'X-Echo': said, 'Retry-After': `1, ${said}`, Location: `/${said}`, ETag: `"${said}"`, Warning: said }
    if (answer === 'page') return response.writeHead(200, { ...headers, 'Content-Type': 'text/html' }).end(`<p>${said}</p>`)
    if (answer === 'torn')
      return response.writeHead(500, { ...headers, 'Content-Type': 'application/json' }).end(problem.slice(0, -3))
    if (answer === 'strange')
      return response.writeHead(400, { ...headers, 'Content-Type': `application/${said.replace(' ', '-')}` }).end(problem)
    response.writeHead(Number(answer), { ...headers, 'Content-Type': 'application/problem+json' }).end(problem)
  }

  const { url, close } = await serveOnLoopback((request, response) => void echo(request, response))
  return { url, close, echoes: () => echoes }
}

/** Every text that can be reached from here: fields, messages, stacks, causes. */
function textsIn(root: unknown): readonly string[] {
  const texts: string[] = []
  const seen = new Set<unknown>()
  const left: unknown[] = [root]
  while (left.length > 0) {
    const one = left.pop()
    if (typeof one === 'string') texts.push(one)
    if (typeof one !== 'object' || one === null || seen.has(one)) continue
    seen.add(one)
    if (one instanceof Map || one instanceof Set) left.push(...one)
    for (const name of Object.getOwnPropertyNames(one)) left.push(name, Object.getOwnPropertyDescriptor(one, name)?.value)
  }
  return texts
}

describe('credentials', () => {
  it('B17 A6 B10 that a server echoes in its errors show up in no event, log line, row, metric, span, statistic, error or cause', async () => {
    const echo = await startEchoServer()
    const telemetry = inMemoryTelemetry()
    const sinks: unknown[] = []
    const write = (message: string, fields: unknown): void => void sinks.push(message, fields)
    const auth = { token: async () => CANARY, refresh: async () => Promise.reject(new Error(`No ${CANARY}`)) }
    const engine = await world.started({
      transport: httpTransport({ baseURL: echo.url, auth }),
      logger: { debug: write, info: write, warn: write, error: write },
      inspect: (event) => void sinks.push(event),
      realtime: { channel: webSocketChannel({ url: `${echo.url.replace('http', 'ws')}/realtime`, auth }) },
    })
    const end = observeEngine(engine, { ...telemetry, ids: true })
    engine.on('*', (event) => void sinks.push(event))
    engine.state$.subscribe((state) => void sinks.push(state))
    engine.realtime$.subscribe((state) => void sinks.push(state))
    engine.progress$.subscribe((progress) => void sinks.push(progress))
    const payload = (one: string) => ({ kind: `is-${one}` })
    await engine.enqueueAll(ANSWERS.map((one) => ({ type: 'create', entity: 'note', id: one, payload: payload(one) })))
    for (const one of ANSWERS)
      await vi.waitFor(
        async () =>
          expect(
            (await engine.operations.list({ status: EVERY })).find(({ entityId }) => entityId === one)?.lastError,
          ).toBeDefined(),
        { timeout: 20_000, interval: 50 },
      )
    sinks.push(await engine.synchronize())
    await engine.enqueue({ type: 'update', entity: 'note', id: 'none', payload: {} })
    await eventOf(engine, 'engine:paused', (event) => event.type === 'engine:paused' && event.reason === 'auth')
    const all = await engine.operations.list({ status: EVERY })
    for (const { id } of all) sinks.push(await engine.explain(id))
    sinks.push(all, await engine.explain(), await engine.conflicts.list(), engine.history())
    sinks.push(engine.metrics(), formatMetrics(engine.metrics()), await engine.statistics.get())
    await engine.stop()
    end()
    sinks.push(await telemetry.metrics(), telemetry.spans())
    await telemetry.end()
    await echo.close()
    expect(echo.echoes()).toBeGreaterThan(ANSWERS.length)
    const texts = textsIn(sinks)
    expect(texts.filter((text) => text.includes('The server says')).length).toBeGreaterThan(5)
    expect(texts.filter((text) => text.includes(CANARY))).toEqual([])
    for (const file of [world.path, `${world.path}-wal`])
      expect((await readFile(file).catch(() => Buffer.alloc(0))).includes(CANARY)).toBe(false)
    expect((await readFile(world.path)).includes('The server')).toBe(true)
  }, 60_000)
})

const EVERY = ['queued', 'waiting', 'sending', 'reconciling', 'rollingBack', 'parked', 'done', 'rejected', 'cancelled'] as const
