import { describe, expect, it } from 'vitest'
import { eventSourceChannel } from '../../src/adapters/sse/index.ts'
import { collectGarbage } from '../../src/adapters/sqlite/collect-garbage.ts'
import { webSocketChannel } from '../../src/adapters/websocket/index.ts'
import type { OpenChannel } from '../../src/core/channel-port.ts'
import { startServer } from '../../src/server/index.ts'
import { caller, serve } from '../server/support.ts'
import { runChannel, settings, silenceable } from './support.ts'

interface Auth {
  readonly token: () => Promise<string | undefined>
  readonly refresh?: () => Promise<void>
}

type Open = (url: string, auth?: Auth) => OpenChannel

const overWebSocket: Open = (url, auth) =>
  webSocketChannel({ url: `${url.replace('http', 'ws')}/realtime`, ...(auth && { auth }) })
const overEvents: Open = (url, auth) => eventSourceChannel({ url: `${url}/realtime/events`, ...(auth && { auth }) })

const lines: readonly (readonly [string, Open])[] = [
  ['WebSocket', overWebSocket],
  ['Server-Sent Events', overEvents],
]

/** A token that runs out; a refresh that is counted brings the next one. */
function credentials() {
  const valid = new Set(['t1'])
  let current = 1
  let refreshes = 0
  return {
    users: (token: string) => (valid.has(token) ? 'ann' : undefined),
    auth: {
      token: async () => `t${current}`,
      refresh: async () => {
        refreshes += 1
        current += 1
      },
    },
    accept: (token: string) => void valid.add(token),
    revoke: (token: string) => void valid.delete(token),
    refreshes: () => refreshes,
  }
}

describe.each(lines)('the channel over %s', (name, open) => {
  it('A7 hears of what another client changed', async () => {
    const { server, call } = await serve()
    const channel = runChannel(open(server.url))
    channel.send('CONNECT')
    await channel.next('CONNECTED')
    await channel.next('HEALTH')
    await call('POST', '/note', { key: 'k1', body: { id: 'n1' } })
    const { cursor } = (await call('GET', '/note')).json
    expect(await channel.change()).toEqual({ type: 'changed', entity: 'note', cursor })
  })

  it('C5 knows its health from beat to beat', async () => {
    const { server } = await serve()
    const channel = runChannel(open(server.url), { heartbeatMs: 200 })
    channel.send('CONNECT')
    for (let beat = 0; beat < 3; beat++) {
      const { latencyMs, missedBeats } = await channel.next('HEALTH')
      expect(missedBeats).toBe(0)
      if (name === 'WebSocket') expect(latencyMs).toBeGreaterThan(0)
      else expect(latencyMs).toBeUndefined()
    }
  })

  it('S22 comes back after a restart, and not before the time that the server asked for', async () => {
    const first = await startServer({ realtime: { restartAfterMs: 700 } })
    const channel = runChannel(open(first.url))
    channel.send('CONNECT')
    await channel.next('HEALTH')
    const closing = first.close()
    await channel.next('DISCONNECTED')
    const lostAt = performance.now()
    expect((await channel.until('waiting')).context.retryAfterMs).toBe(700)
    await closing
    const { server } = await serve({ port: Number(new URL(first.url).port) })
    await channel.next('CONNECTED')
    expect(performance.now() - lostAt).toBeGreaterThanOrEqual(690)
    await channel.next('HEALTH')
    await caller(server.url)('POST', '/note', { key: 'k1', body: { id: 'n1' } })
    expect((await channel.change()).entity).toBe('note')
  })

  it('L6 notices within two heartbeats that the network went silent, and comes back with it', async () => {
    const { server } = await serve({ realtime: { heartbeatMs: settings.heartbeatMs } })
    const network = await silenceable(server.url)
    const channel = runChannel(open(network.url), { connectTimeoutMs: 500 })
    channel.send('CONNECT')
    await channel.next('HEALTH')
    network.setSilent(true)
    const silentAt = performance.now()
    await channel.next('DISCONNECTED')
    const noticedMs = performance.now() - silentAt
    // A quarter of a beat is left to a busy machine.
    expect(noticedMs).toBeLessThan(2.25 * settings.heartbeatMs)
    network.setSilent(false)
    await channel.next('CONNECTED')
  })

  it('L10 lets go of the line soon after it has ended, though the network is silent: it keeps no process alive', async () => {
    const { server } = await serve()
    const network = await silenceable(server.url)
    const channel = runChannel(open(network.url))
    channel.send('CONNECT')
    await channel.next('HEALTH')
    network.setSilent(true)
    channel.actor.stop()
    await expect.poll(network.connections, { timeout: 15_000 }).toBe(0)
  })

  it('E3 renews a token that ran out once, and goes on', async () => {
    const { users, auth, accept, revoke, refreshes } = credentials()
    const { server } = await serve({ auth: { users }, realtime: { heartbeatMs: 200 } })
    const channel = runChannel(open(server.url, auth))
    channel.send('CONNECT')
    await channel.next('HEALTH')
    accept('t2')
    revoke('t1')
    await channel.next('DISCONNECTED')
    await channel.next('CONNECTED')
    expect(refreshes()).toBe(1)
    expect(channel.reports.map(({ type }) => type)).not.toContain('CHANNEL.UNAUTHORIZED')
  })

  it('E3 is refused with a new token too, reports it and waits; a log-in brings it up', async () => {
    const { users, auth, accept, revoke, refreshes } = credentials()
    revoke('t1')
    const { server } = await serve({ auth: { users } })
    const channel = runChannel(open(server.url, auth))
    channel.send('CONNECT')
    await channel.next('UNAUTHORIZED')
    expect(refreshes()).toBe(1)
    expect(channel.actor.getSnapshot().value).toBe('gaveUp')
    expect(channel.actor.getSnapshot().context.error).toMatchObject({ name: 'AuthenticationError' })
    for (const token of ['t2', 't3', 't4']) accept(token)
    channel.send('CONNECT')
    await channel.next('CONNECTED')
  })

  it('A7 gives up on a server that is away, and recovers when it is told to', async () => {
    const away = await startServer()
    await away.close()
    const retry = { ...settings.retry, baseMs: 5, maxAttempts: 3 }
    const channel = runChannel(open(away.url), { retry })
    channel.send('CONNECT')
    await channel.next('GAVE_UP')
    expect(channel.actor.getSnapshot().context.error).toMatchObject({ name: 'NetworkError' })
    await serve({ port: Number(new URL(away.url).port) })
    channel.send('CONNECT')
    await channel.next('CONNECTED')
  })

  it('A7 recovers by itself after fallbackMs', async () => {
    const away = await startServer()
    await away.close()
    const retry = { ...settings.retry, baseMs: 5, maxAttempts: 2 }
    const channel = runChannel(open(away.url), { retry, fallbackMs: 200 })
    channel.send('CONNECT')
    await channel.next('GAVE_UP')
    await serve({ port: Number(new URL(away.url).port) })
    await channel.next('CONNECTED')
  })

  it('D1 lets go of the line while there is no network', async () => {
    const { server } = await serve({ realtime: { maxConnections: 1 } })
    const channel = runChannel(open(server.url))
    channel.send('CONNECT')
    await channel.next('HEALTH')
    channel.send('WENT_OFFLINE')
    await channel.next('DISCONNECTED')
    const other = runChannel(open(server.url))
    other.send('CONNECT')
    await other.next('HEALTH')
    other.send('DISCONNECT')
    await other.until('idle')
    channel.send('CAME_ONLINE')
    await channel.next('CONNECTED')
    await channel.next('HEALTH')
  })

  it('L9 comes in when there is a place, where the server is full', async () => {
    const { server } = await serve({ realtime: { maxConnections: 1, restartAfterMs: 100 } })
    const first = runChannel(open(server.url))
    first.send('CONNECT')
    await first.next('HEALTH')
    const second = runChannel(open(server.url))
    second.send('CONNECT')
    expect((await second.until('waiting')).context.retryAfterMs).toBeGreaterThan(0)
    first.send('DISCONNECT')
    await second.next('HEALTH')
  })

  it('L9 gives its place back, though garbage was collected since it came in', async () => {
    const { server } = await serve({ realtime: { maxConnections: 1, restartAfterMs: 100 } })
    const first = runChannel(open(server.url))
    first.send('CONNECT')
    await first.next('HEALTH')
    collectGarbage()
    first.send('DISCONNECT')
    const second = runChannel(open(server.url))
    second.send('CONNECT')
    await second.next('HEALTH')
  })
})

describe('hints', () => {
  it('S20 lost, doubled and late ones leave a client that pulls on each of them, and now and then, where polling leaves it', async () => {
    const { server, call } = await serve({ faults: { rate: 0, pushRate: 0.8, seed: 5 } })
    const channel = runChannel(overWebSocket(server.url))
    channel.send('CONNECT')
    await channel.next('HEALTH')
    const follower = puller(server.url)
    for (let at = 0; at < 40; at++) {
      await call('PUT', `/note/n${at % 7}`, { key: `k${at}`, body: { at } })
      if (at % 5 === 0) await call('DELETE', `/note/n${(at + 3) % 7}`, { key: `d${at}` })
      if (at % 10 === 9) for (const report of channel.reports) if (report.type === 'CHANNEL.MESSAGE') await follower.pull()
    }
    await follower.pull()
    const poller = puller(server.url)
    await poller.pull()
    expect(follower.replica()).toEqual(poller.replica())
    expect(channel.reports.filter(({ type }) => type === 'CHANNEL.MESSAGE').length).toBeGreaterThan(5)
  })
})

/** A client that knows nothing but pulls. */
function puller(url: string) {
  const call = caller(url)
  const rows = new Map<string, unknown>()
  let cursor = ''
  return {
    async pull(): Promise<void> {
      for (let hasMore = true; hasMore;) {
        const { json } = await call('GET', `/note?cursor=${cursor}&limit=3`)
        for (const change of json.changes) {
          if ('value' in change) rows.set(change.id, change.value)
          else rows.delete(change.id)
        }
        ;({ cursor, hasMore } = json)
      }
    },
    replica: () => Object.fromEntries([...rows].toSorted(([a], [b]) => a.localeCompare(b))),
  }
}
