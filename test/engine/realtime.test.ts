import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { filter, firstValueFrom } from 'rxjs'
import type { Connectivity, EngineOptions } from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { memoryStorage } from '../../src/adapters/memory.ts'
import { webSocketChannel } from '../../src/adapters/websocket/index.ts'
import type { ChannelListener, OpenChannel } from '../../src/core/channel-port.ts'
import { createServer } from '../../src/server/index.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

function realtime(): NonNullable<EngineOptions['realtime']> {
  return {
    channel: webSocketChannel({ url: `${world.url.replace('http', 'ws')}/realtime` }),
    heartbeatMs: 500,
    retry: { strategy: 'constant', baseMs: 50, capMs: 50, maxAttempts: Infinity },
  }
}

describe('an engine with a realtime channel', () => {
  it('A7 shows what another client writes as soon as the server tells of it', async () => {
    const engine = await world.started({ realtime: realtime() })
    await eventOf(engine, 'realtime:connected')
    const seen = firstValueFrom(
      engine
        .view('note')
        .watch('n1')
        .pipe(filter((note) => note !== undefined)),
    )
    await elsewhere(world, 'POST', '/note', { id: 'n1', title: 'theirs' })
    expect(await seen).toMatchObject({ value: { title: 'theirs' }, status: 'synced' })
    expect(await firstValueFrom(engine.realtime$)).toMatchObject({ phase: 'connected' })
  })

  it('A7 pulls by themselves fall by 90 % while it is connected', async () => {
    const pull = { everyMs: 100 }
    const told = await world.started({ pull, realtime: realtime() })
    await eventOf(told, 'realtime:connected')
    await told.synchronize()
    let [polls, pollsOfTold] = [0, 0]
    told.on('pull:completed', () => void (pollsOfTold += 1))
    const untold = await world.started({ pull, storage: memoryStorage() })
    await new Promise<void>((resolve) => untold.on('pull:completed', () => (++polls === 30 ? resolve() : undefined)))
    expect(pollsOfTold).toBeLessThanOrEqual(polls / 10)
  })

  it('C8 opens it at run time, and B1 says what is missing where there is none', async () => {
    const engine = await world.started({ realtime: realtime() })
    await eventOf(engine, 'realtime:connected')
    engine.disableRealtime()
    expect(await firstValueFrom(engine.realtime$)).toMatchObject({ phase: 'off' })
    const connected = eventOf(engine, 'realtime:connected')
    engine.enableRealtime()
    await connected
    await engine.stop()
    const other = await world.started()
    expect(() => other.enableRealtime()).toThrow(/no realtime channel/)
  })

  it('C8 A7 polls as who never had a line, once that is disabled', async () => {
    const pull = { everyMs: 200 }
    const told = await world.started({ pull, realtime: realtime() })
    await eventOf(told, 'realtime:connected')
    await told.synchronize()
    told.disableRealtime()
    let [polls, pollsOfTold] = [0, 0]
    told.on('pull:completed', () => void (pollsOfTold += 1))
    const untold = await world.started({ pull, storage: memoryStorage() })
    await new Promise<void>((resolve) => untold.on('pull:completed', () => (++polls === 12 ? resolve() : undefined)))
    expect(pollsOfTold).toBeGreaterThanOrEqual(polls / 3)
  })

  it('C8 tells that the line is gone, once, when it is disabled and when the engine stops', async () => {
    const engine = await world.started({ realtime: realtime() })
    const told: string[] = []
    engine.on('realtime:*', ({ type }) => void told.push(type))
    await eventOf(engine, 'realtime:connected')
    engine.disableRealtime()
    engine.disableRealtime()
    const connected = new Promise<void>((resolve) => engine.on('realtime:connected', () => resolve()))
    engine.enableRealtime()
    await connected
    await engine.stop()
    expect(told.slice(-3)).toEqual(['realtime:disconnected', 'realtime:connected', 'realtime:disconnected'])
  })

  it('C8 A6 may be switched off by who sees it, at each step: sending goes on, and all are told alike', async () => {
    for (const step of ['connecting', 'connected']) {
      const engine = world.engine({ storage: memoryStorage(), realtime: realtime() })
      const [told, shown]: [string[], string[]] = [[], []]
      engine.on('realtime:*', ({ type }) => void told.push(type))
      engine.on('engine:error', ({ error }) => void told.push(String(error)))
      const isOff = new Promise<void>((resolve) =>
        engine.realtime$.subscribe(({ phase }) => {
          if (phase !== step) return
          engine.disableRealtime()
          resolve()
        }),
      )
      engine.realtime$.subscribe(({ phase }) => void shown.push(phase))
      await engine.start()
      await isOff
      const { settled } = await engine.enqueue({ type: 'create', entity: 'note', id: step, payload: {} })
      expect(await settled).toMatchObject({ status: 'done' })
      expect(shown.at(-1)).toBe('off')
      expect(told).toEqual(step === 'connected' ? ['realtime:connected', 'realtime:disconnected'] : [])
    }
  })

  it('E3 C8 is opened again as soon as the user has logged in, though credentials were refused', async () => {
    const server = await createServer({ auth: { users: (token) => (token === 'new' ? 'ann' : undefined) } })
    onTestFinished(() => server.close())
    const { url } = await server.listen()
    let token = 'old'
    const auth = { token: async () => token }
    const channel = webSocketChannel({ url: `${url.replace('http', 'ws')}/realtime`, auth })
    const transport = httpTransport({ baseURL: url, auth })
    const engine = world.engine({ transport, realtime: { ...realtime(), channel, fallbackMs: 3_600_000 } })
    const [refused, paused] = [eventOf(engine, 'realtime:unauthorized'), eventOf(engine, 'engine:paused')]
    await engine.start()
    await Promise.all([refused, paused])
    token = 'new'
    const connected = eventOf(engine, 'realtime:connected')
    engine.resume('auth')
    await connected
  })

  it('E1 one engine of a store holds the line, and the next one when that leaves', async () => {
    const owner = await world.started({ realtime: realtime() })
    await eventOf(owner, 'realtime:connected')
    const follower = await world.started({ realtime: realtime() })
    expect(await firstValueFrom(follower.realtime$)).toMatchObject({ phase: 'off' })
    const connected = eventOf(follower, 'realtime:connected')
    await owner.stop()
    await connected
  })

  it('S20 L6 makes up for what it missed while the server was away', async () => {
    const engine = await world.started({ realtime: realtime() })
    await eventOf(engine, 'realtime:connected')
    engine.pause('test')
    await elsewhere(world, 'POST', '/note', { id: 'n1', title: 'missed' })
    engine.disableRealtime()
    engine.resume('test')
    engine.enableRealtime()
    const seen = engine
      .view('note')
      .watch('n1')
      .pipe(filter((note) => note !== undefined))
    expect(await firstValueFrom(seen)).toMatchObject({ value: { title: 'missed' } })
  })
})

/** A line in the hand of the test: opens, breaks and stays silent as that says. */
function lineOf() {
  const listeners: ChannelListener[] = []
  const open: OpenChannel = (listener) => {
    listeners.push(listener)
    let isClosed = false
    return {
      send() {},
      close() {
        if (!isClosed) listener.closed({ code: 1000, reason: '' })
        isClosed = true
      },
    }
  }
  const opened = (count: number) => vi.waitUntil(() => listeners[count - 1], { timeout: 20_000 })
  return { open, opened }
}

describe('a realtime channel that fails', () => {
  const retry = { strategy: 'constant', baseMs: 20, capMs: 20, maxAttempts: Infinity } as const

  it('S20 L6 tells that the line broke, opens another, and pulls what was changed meanwhile', async () => {
    const line = lineOf()
    const engine = await world.started({ realtime: { channel: line.open, retry } })
    const phases: string[] = []
    engine.realtime$.subscribe(({ phase }) => phases.push(phase))
    const first = await line.opened(1)
    first.opened()
    await eventOf(engine, 'realtime:connected')
    await elsewhere(world, 'POST', '/note', { id: 'n1', title: 'missed' })
    const disconnected = eventOf(engine, 'realtime:disconnected')
    first.closed({ code: 1006, reason: '' })
    await disconnected
    const second = await line.opened(2)
    second.opened()
    const seen = engine.view('note').watch('n1')
    expect(await firstValueFrom(seen.pipe(filter((note) => note !== undefined)))).toMatchObject({ value: { title: 'missed' } })
    expect(phases.filter((phase) => phase !== 'off')).toEqual(['connecting', 'connected', 'connecting', 'connected'])
  })

  it('L6 a line that answers no beat is cut, and another opened', async () => {
    const line = lineOf()
    const engine = await world.started({ realtime: { channel: line.open, heartbeatMs: 100, retry } })
    const first = await line.opened(1)
    first.opened()
    await eventOf(engine, 'realtime:disconnected')
    await line.opened(2)
    expect(await firstValueFrom(engine.realtime$)).toMatchObject({ missedBeats: 1 })
  })

  it('A7 L5 a channel that throws is told of, and polling and writes go on', async () => {
    const cause = new Error('no sockets here')
    const channel = (): never => {
      throw cause
    }
    const engine = await world.started({ realtime: { channel } })
    expect(await eventOf(engine, 'engine:error')).toMatchObject({ part: 'realtime', error: cause })
    expect(await firstValueFrom(engine.realtime$)).toMatchObject({ phase: 'polling' })
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    expect(await operation.settled).toEqual({ status: 'done' })
    await elsewhere(world, 'POST', '/note', { id: 'n1', title: 'theirs' })
    await engine.synchronize()
    expect(await engine.view('note').get('n1')).toMatchObject({ value: { title: 'theirs' } })
  })

  it('D1 what is enabled while there is no network is opened when there is one again', async () => {
    const line = lineOf()
    let tell = (_: boolean): void => {}
    const connectivity: Connectivity = {
      online: () => true,
      watch(listener) {
        tell = listener
        return () => {}
      },
    }
    const engine = await world.started({ realtime: { channel: line.open, retry }, ports: { connectivity } })
    await line.opened(1)
    engine.disableRealtime()
    const offline = eventOf(engine, 'network:offline')
    tell(false)
    await offline
    engine.enableRealtime()
    tell(true)
    const last = await line.opened(3)
    const connected = eventOf(engine, 'realtime:connected')
    last.opened()
    await connected
  })

  it('B1 what it tells that is no message, or of no entity, changes nothing; what it tells can be listened to', async () => {
    const line = lineOf()
    const engine = await world.started({ realtime: { channel: line.open, retry } })
    const first = await line.opened(1)
    first.opened()
    await eventOf(engine, 'realtime:connected')
    const heard = firstValueFrom(engine.messages$)
    for (const data of [undefined, 'x', {}, { type: 'pong', at: 'now' }, { type: 'changed', entity: 'other', cursor: '1' }])
      first.message(data)
    first.message({ type: 'changed', entity: 'note', cursor: '1' })
    expect(await heard).toEqual({ type: 'changed', entity: 'note', cursor: '1' })
  })
})
