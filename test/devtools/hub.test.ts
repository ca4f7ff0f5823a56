import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { memoryStorage } from '../../src/adapters/memory.ts'
import { traceLineOf } from '../../src/core/trace-line.ts'
import { advance, type TracedActors, type TraceLine } from '../../src/core/trace.ts'
import { inspectTo } from '../../src/devtools/inspect-to.ts'
import { createSyncEngine } from '../../src/index.ts'
import { startInspector, type InspectServer } from './inspector-world.ts'

/** A page that is none: what it was told. */
interface Listener {
  readonly socket: WebSocket
  readonly messages: Record<string, unknown>[]
  readonly lines: TraceLine[]
  readonly actors: TracedActors
}

let server: InspectServer
const sockets: WebSocket[] = []
beforeEach(async () => {
  server = await startInspector([])
})
afterEach(async () => {
  vi.unstubAllGlobals()
  for (const socket of sockets.splice(0)) socket.terminate()
  await server.close()
})

async function connected(path: 'page' | 'engine', heard: (data: unknown) => void = () => {}): Promise<WebSocket> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, ['synchart.1'], {
    origin: new URL(server.url).origin,
  })
  sockets.push(socket)
  // Before it is open: what is told at once comes with the answer.
  socket.on('message', heard)
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
  return socket
}

async function page(): Promise<Listener> {
  const told: Omit<Listener, 'socket'> = { messages: [], lines: [], actors: new Map() }
  const socket = await connected('page', (data) => {
    const message = JSON.parse(String(data)) as Record<string, unknown>
    told.messages.push(message)
    for (const one of Array.isArray(message['lines']) ? message['lines'] : []) {
      const line = traceLineOf(one)
      if (line === undefined) throw new Error('No line of a trace.')
      told.lines.push(line)
      advance(told.actors, line)
    }
  })
  return { socket, ...told }
}

async function engine(name: string): Promise<{ socket: WebSocket; tell(message: object): void }> {
  const socket = await connected('engine')
  const tell = (message: object): void => socket.send(JSON.stringify(message))
  tell({ type: 'hello', name })
  return { socket, tell }
}

const status = (summary: string): object => ({
  type: 'status',
  status: { summary, waiting: 0, health: 100, totals: [], queue: [], conflicts: [] },
})
const summaries = ({ messages }: Listener): unknown[] =>
  messages.flatMap((message) => (message['type'] === 'status' ? [(message['status'] as { summary: string }).summary] : []))
const made = (actor: string, name: string): TraceLine => ({ type: 'actor', at: 1, actor, name, machine: 'operation' })
const moved = (actor: string, at: number, value: string): TraceLine => ({ type: 'step', at, actor, event: 'E', taken: [], value })
const states = ({ actors }: Listener): Record<string, unknown> =>
  Object.fromEntries([...actors].map(([actor, { value }]) => [actor, value]))

describe('what the inspector passes on', () => {
  it('F2 a page that comes later, or is loaded anew, is told what was and how each engine stands, though nothing happens any more', async () => {
    const { tell } = await engine('notes')
    tell({ type: 'lines', lines: [made('a1', 'slot-1'), moved('a1', 2, 'idle')] })
    tell(status('It rests.'))
    const first = await page()
    await expect.poll(() => summaries(first)).toEqual(['It rests.'])
    first.socket.close()
    const second = await page()
    await expect.poll(() => summaries(second)).toEqual(['It rests.'])
    expect(states(second)).toEqual({ 'e1:a1': 'idle' })
    expect(second.messages.map(({ type, engine: name }) => [type, name])).toContainEqual(['hello', 'notes'])
  })

  it('F2 a page that can take no more is told, when it can, what leads over the lines that were left out, and the last status', async () => {
    const [slow, quick] = [await page(), await page()]
    const { tell } = await engine('notes')
    tell({ type: 'lines', lines: [made('a1', 'slot-1'), made('a2', 'slot-2')] })
    await expect.poll(() => slow.lines.length).toBe(2)
    slow.socket.pause()
    const padding = 'x'.repeat(4_000)
    const bundle = (at: number): TraceLine[] =>
      Array.from({ length: 200 }, (_, i) => ({ type: 'notice', at: at + i, event: padding }))
    for (let i = 0; i < 60; i++) tell({ type: 'lines', lines: bundle(1_000 * i) })
    tell({
      type: 'lines',
      lines: [moved('a1', 90_000, 'sending'), { type: 'state', at: 90_000, actor: 'a2', status: 'stopped' }],
    })
    tell({ type: 'lines', lines: [made('a3', 'slot-3'), moved('a3', 90_001, 'recording')] })
    tell(status('It is busy.'))
    await expect.poll(() => summaries(quick), { timeout: 20_000 }).toEqual(['It is busy.'])
    expect(slow.lines.length).toBe(2)
    slow.socket.resume()
    await expect.poll(() => summaries(slow), { timeout: 20_000 }).toEqual(['It is busy.'])
    expect(states(slow)).toEqual({ 'e1:a1': 'sending', 'e1:a3': 'recording' })
    expect(states(quick)).toEqual(states(slow))
    const gaps = slow.lines.flatMap((line) =>
      line.type === 'notice' && line.event === 'inspector:left-out' ? [Number(line.fields?.['lines'])] : [],
    )
    const told = slow.messages.reduce((sum, { dropped }) => sum + Number(dropped ?? 0), 0)
    expect(gaps.length).toBeGreaterThan(0)
    expect(told).toBe(gaps.reduce((sum, one) => sum + one, 0))
    const shown = slow.lines.filter((line) => line.type === 'notice' && line.event === padding).length
    // The last lines are 2 steps, 1 actor and 1 end; what was not shown of all is what the gaps say.
    expect(shown + told).toBeGreaterThanOrEqual(60 * 200)
    expect(shown + told).toBeLessThanOrEqual(60 * 200 + 4)
  }, 60_000)

  it('F2 engines of one name are told apart, and one that comes back is another', async () => {
    const listener = await page()
    const [one, two] = [await engine('notes'), await engine('notes')]
    one.tell({ type: 'lines', lines: [made('a1', 'slot-1'), moved('a1', 2, 'idle')] })
    two.tell({ type: 'lines', lines: [made('a1', 'slot-1'), moved('a1', 3, 'sending')] })
    await expect.poll(() => states(listener)).toEqual({ 'e1:a1': 'idle', 'e2:a1': 'sending' })
    one.socket.close()
    await expect.poll(() => states(listener)).toEqual({ 'e2:a1': 'sending' })
    const again = await engine('notes')
    again.tell({ type: 'lines', lines: [made('a1', 'slot-1'), moved('a1', 4, 'recording')] })
    await expect.poll(() => states(listener)).toEqual({ 'e2:a1': 'sending', 'e3:a1': 'recording' })
    const names = listener.messages.flatMap(({ type, engine: name }) => (type === 'hello' ? [name] : []))
    expect(new Set(names.slice(-3))).toEqual(new Set(['notes', 'notes 2', 'notes 3']))
  })

  it('F2 engines are told apart also where the name of one ends in the number of another', async () => {
    const listener = await page()
    const named = (): unknown[] => listener.messages.flatMap(({ type, engine: name }) => (type === 'hello' ? [name] : []))
    await engine('notes 2')
    await expect.poll(() => named().length).toBe(1)
    await engine('notes')
    await expect.poll(() => named().length).toBe(2)
    expect(new Set(named()).size).toBe(2)
  })

  it('F2 what is no message of an engine closes its line, and harms neither the others nor the page', async () => {
    const listener = await page()
    const good = await engine('good')
    const deep = `{"type":"lines","lines":[{"type":"state","at":1,"actor":"a1","status":"active","value":${'{"a":'.repeat(200_000)}"x"${'}'.repeat(200_000)}}]}`
    const endless = `{"type":"status","status":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
    for (const message of [
      'no JSON',
      '[]',
      'null',
      '{"type":"lines"}',
      '{"type":"hello","name":7}',
      '{"type":"__proto__"}',
      endless,
    ]) {
      const { socket } = await engine('bad')
      const closed = new Promise((resolve) => socket.on('close', resolve))
      socket.send(message)
      expect(await closed).toBe(1_003)
    }
    const bad = await engine('deep')
    bad.socket.send(deep)
    bad.tell({ type: 'lines', lines: [null, 7, { type: 'step' }, made('a1', 'slot-1')] })
    good.tell({ type: 'lines', lines: [made('a1', 'slot-1'), moved('a1', 2, 'idle')] })
    await expect.poll(() => states(listener), { timeout: 20_000 }).toEqual({ 'e1:a1': 'idle', 'e9:a1': undefined })
  })
})

describe('an engine', () => {
  it('F2 that the platform lets open no socket now tries again', async () => {
    let refusals = 0
    vi.stubGlobal('WebSocket', function refusing() {
      refusals += 1
      vi.stubGlobal('WebSocket', WebSocket)
      throw new DOMException('No', 'SecurityError')
    })
    const notes = createSyncEngine({
      storage: memoryStorage(),
      transport: httpTransport({ baseURL: 'http://127.0.0.1:1' }),
      entities: { note: {} },
      recorder: {},
    })
    const listener = await page()
    const stop = inspectTo(notes, { url: server.url, name: 'notes' })
    await expect.poll(() => listener.messages, { timeout: 5_000 }).toContainEqual({ type: 'hello', engine: 'notes' })
    expect(refusals).toBe(1)
    stop()
  })
})

describe('who opens the address of the inspector', () => {
  it('F2 without its last slash is led to the page, whose script lies below it', async () => {
    const answer = await fetch(server.url.slice(0, -1), { redirect: 'manual' })
    expect(answer.status).toBe(308)
    expect(answer.headers.get('location')).toBe(new URL(server.url).pathname)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const followed = await fetch(server.url.slice(0, -1))
    expect([followed.url, followed.status]).toEqual([server.url, 200])
  })
})

describe('who is turned away', () => {
  it('F2 and hangs up at once, or never does, neither ends the inspector nor holds it', async () => {
    const { host, hostname, port } = new URL(server.url)
    const asked = `GET /guessed/engine HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
    const turnedAway = (hasHungUp: boolean): Promise<unknown> =>
      new Promise((done) => {
        const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
        socket.on('error', () => {}).on('close', done)
        socket.write(asked, () => void (hasHungUp && socket.resetAndDestroy()))
        if (!hasHungUp) socket.on('end', done).resume()
      })
    for (let i = 0; i < 20; i++) await turnedAway(true)
    await turnedAway(false)
    const listener = await page()
    const { tell } = await engine('notes')
    tell({ type: 'lines', lines: [made('a1', 'slot-1')] })
    await expect.poll(() => states(listener)).toEqual({ 'e1:a1': undefined })
  })
})
