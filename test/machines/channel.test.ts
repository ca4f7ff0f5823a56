import { describe, expect, it } from 'vitest'
import { createActor, fromCallback, type AnyEventObject } from 'xstate'
import { channelMachine, type ChannelEvent, type ChannelReport, type ConnectionCommand } from '../../machines/channel.ts'
import type { RealtimeOptions } from '../../src/core/options.ts'
import type { ChannelClosed } from '../../src/core/channel-port.ts'
import { machineClock } from '../../src/engine/machine-clock.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const options: RealtimeOptions = {
  heartbeatMs: 10_000,
  connectTimeoutMs: 20_000,
  retry: { strategy: 'exponential', baseMs: 500, capMs: 60_000, maxAttempts: 4 },
  fallbackMs: 300_000,
}

/** What the other end does with a line: refuses it with a close, lets it open and answers beats, or is silent. */
type Server = 'answers' | 'opens only' | 'silent' | 'dies' | Pick<ChannelClosed, 'code' | 'retryAfterMs'>

function makeChannel(server: Server | ((line: number) => Server), random = 0.999_999) {
  const clock = createVirtualClock()
  const reports: string[] = []
  const told: ChannelReport[] = []
  const openedAt: number[] = []
  let close: (info: Pick<ChannelClosed, 'code' | 'retryAfterMs'>) => void = () => {}
  const parent = createActor(
    fromCallback<AnyEventObject>(({ receive }) =>
      receive((event) => {
        reports.push(event.type.replace('CHANNEL.', ''))
        told.push(event as ChannelReport)
      }),
    ),
  )
  parent.start()
  const connection = fromCallback<ConnectionCommand>(({ sendBack, receive }) => {
    const line = openedAt.length
    const now = (): Server => (typeof server === 'function' ? server(line) : server)
    const is = now()
    openedAt.push(clock.monotonic())
    const send = (event: ChannelEvent): void => sendBack(event)
    close = (info) => send({ type: 'SOCKET.CLOSED', reason: '', random, ...info })
    if (is === 'dies') throw new Error('no socket')
    receive(({ type }) => {
      if (type === 'CUT') close({ code: 4408 })
      const at = clock.monotonic()
      if (type === 'BEAT' && now() === 'answers')
        clock.schedule(() => {
          if (now() === 'answers') send({ type: 'SOCKET.MESSAGE', message: { type: 'pong', at }, at: clock.monotonic() })
        }, 40)
    })
    if (typeof is === 'object') clock.schedule(() => close(is), 1)
    else if (is !== 'silent') clock.schedule(() => send({ type: 'SOCKET.OPENED' }), 1)
  })
  const actor = createActor(channelMachine.provide({ actors: { connection } }), {
    input: { ...options, parent },
    clock: machineClock(clock),
  })
  actor.start()
  return {
    clock,
    reports,
    told,
    openedAt,
    close: (info: Pick<ChannelClosed, 'code' | 'retryAfterMs'>) => close(info),
    state: () => JSON.stringify(actor.getSnapshot().value).replaceAll(/[{}"]/g, '').replaceAll(':', '.'),
    async send(type: 'CONNECT' | 'DISCONNECT' | 'WENT_OFFLINE' | 'CAME_ONLINE'): Promise<void> {
      actor.send({ type })
      await clock.advance(1)
    },
  }
}

const gaps = (times: readonly number[]): number[] => times.slice(1).map((time, at) => time - (times[at] ?? 0))

describe('the realtime line', () => {
  it('C8 is not opened before it is asked for, and is closed when it is unwanted', async () => {
    const line = makeChannel('answers')
    await line.clock.advance(3_600_000)
    expect(line.openedAt).toEqual([])
    await line.send('CONNECT')
    expect(line.reports).toEqual(['CONNECTED'])
    await line.send('DISCONNECT')
    expect([line.state(), line.reports]).toEqual(['idle', ['CONNECTED', 'DISCONNECTED']])
    expect(line.clock.pending()).toBeLessThanOrEqual(1)
  })

  it('C5 tells how long each beat took', async () => {
    const line = makeChannel('answers')
    await line.send('CONNECT')
    await line.clock.advance(3 * options.heartbeatMs)
    const health = { type: 'CHANNEL.HEALTH', latencyMs: 40, missedBeats: 0 }
    expect(line.told.filter(({ type }) => type === 'CHANNEL.HEALTH')).toEqual([health, health, health])
  })

  it('L6 that falls silent is noticed within two heartbeats, whenever that happens', async () => {
    for (let after = 0; after <= options.heartbeatMs; after += 500) {
      let answers = true
      const line = makeChannel(() => (answers ? 'answers' : 'silent'))
      await line.send('CONNECT')
      await line.clock.advance(after)
      answers = false
      await line.clock.advance(2 * options.heartbeatMs)
      expect([after, line.reports.includes('DISCONNECTED')]).toEqual([after, true])
    }
  })

  it('L6 that opens and never answers is noticed within one, and the missed beat is told', async () => {
    const line = makeChannel('opens only')
    await line.send('CONNECT')
    await line.clock.advance(options.heartbeatMs)
    expect(line.reports).toEqual(['CONNECTED', 'DISCONNECTED', 'HEALTH'])
    expect(line.told[2]).toEqual({ type: 'CHANNEL.HEALTH', latencyMs: undefined, missedBeats: 1 })
  })

  it('L6 that does not open in time is given up and tried again', async () => {
    const line = makeChannel((nth) => (nth === 0 ? 'silent' : 'answers'))
    await line.send('CONNECT')
    await line.clock.advance(options.connectTimeoutMs + options.retry.baseMs + 100)
    expect(line.reports).toEqual(['CONNECTED', 'HEALTH'])
  })

  it('A7 backs off, gives up after maxAttempts, and tries again after fallbackMs', async () => {
    const line = makeChannel({ code: 1006 })
    await line.send('CONNECT')
    await line.clock.advance(60_000)
    expect(gaps(line.openedAt)).toEqual([500, 1_000, 2_000])
    expect([line.state(), line.reports]).toEqual(['gaveUp', ['GAVE_UP']])
    await line.clock.advance(options.fallbackMs)
    expect(line.openedAt).toHaveLength(8)
  })

  it.each(['CONNECT', 'CAME_ONLINE'] as const)('A7 that was given up is tried at once on %s', async (type) => {
    const line = makeChannel((nth) => (nth < 4 ? { code: 1006 } : 'answers'))
    await line.send('CONNECT')
    await line.clock.advance(60_000)
    expect(line.state()).toBe('gaveUp')
    await line.send(type)
    expect(line.reports).toEqual(['GAVE_UP', 'CONNECTED'])
  })

  it('L9 that opens and is lost at once does not make the waits short again', async () => {
    const line = makeChannel('answers')
    await line.send('CONNECT')
    for (const windowMs of [500, 1_000, 2_000]) {
      await line.clock.advance(options.heartbeatMs - 100)
      line.close({ code: 1006 })
      await line.clock.advance(windowMs - 10)
      expect(line.reports.at(-1)).toBe('DISCONNECTED')
      await line.clock.advance(10)
    }
    await line.clock.advance(1_000)
    line.close({ code: 1006 })
    expect(line.state()).toBe('gaveUp')
  })

  it('L9 that lived for a beat makes the waits short again', async () => {
    const line = makeChannel('answers')
    await line.send('CONNECT')
    for (let nth = 0; nth < 20; nth++) {
      await line.clock.advance(options.heartbeatMs + 100)
      line.close({ code: 1006 })
      await line.clock.advance(options.retry.baseMs + 1)
    }
    expect(line.openedAt).toHaveLength(21)
    expect(line.reports).not.toContain('GAVE_UP')
  })

  it.each([0, 0.5, 0.999_999])(
    'S22 is not tried before the time that the server asked for, with the jitter %d',
    async (random) => {
      const line = makeChannel((nth) => (nth === 0 ? { code: 1012, retryAfterMs: 90_000 } : 'answers'), random)
      await line.send('CONNECT')
      await line.send('CONNECT')
      await line.send('WENT_OFFLINE')
      await line.send('CAME_ONLINE')
      await line.clock.advance(89_990)
      expect(line.openedAt).toHaveLength(1)
      await line.clock.advance(options.retry.baseMs + 10)
      expect(line.openedAt).toHaveLength(2)
    },
  )

  it('S22 of a server that asks again and again is never given up', async () => {
    const line = makeChannel({ code: 1013, retryAfterMs: 1_000 })
    await line.send('CONNECT')
    await line.clock.advance(3_600_000)
    expect(line.reports).toEqual([])
    expect(line.openedAt.length).toBeGreaterThan(50)
  })

  it.each([1008, 4401, 4403])('A7 refused with %d is tried once more with new credentials, then waits', async (code) => {
    const line = makeChannel({ code })
    await line.send('CONNECT')
    await line.clock.advance(options.fallbackMs - 10)
    expect([line.openedAt.length, line.state(), line.reports]).toEqual([2, 'gaveUp', ['UNAUTHORIZED']])
    await line.send('CONNECT')
    await line.clock.advance(10)
    expect(line.openedAt).toHaveLength(4)
  })

  it('D1 is taken down while there is no network, and up at once when it is back', async () => {
    const line = makeChannel('answers')
    await line.send('CONNECT')
    await line.send('WENT_OFFLINE')
    await line.clock.advance(3_600_000)
    expect([line.openedAt.length, line.reports.at(-1)]).toEqual([1, 'DISCONNECTED'])
    await line.send('CAME_ONLINE')
    expect([line.openedAt.length, line.reports.at(-1)]).toEqual([2, 'CONNECTED'])
  })

  it('L5 survives the death of what holds it', async () => {
    const line = makeChannel((nth) => (nth === 0 ? 'dies' : 'answers'))
    await line.send('CONNECT')
    expect([line.state(), line.reports]).toEqual(['gaveUp', ['FAILED']])
    await line.clock.advance(options.fallbackMs)
    expect(line.reports).toEqual(['FAILED', 'CONNECTED'])
  })
})
