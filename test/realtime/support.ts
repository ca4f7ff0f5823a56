import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { createActor, fromCallback, waitFor, type AnyEventObject } from 'xstate'
import { channelMachine, type ChannelEvent, type ChannelReport, type ConnectionCommand } from '../../machines/channel.ts'
import { readChannelMessage } from '../../src/core/channel-message.ts'
import type { RealtimeOptions } from '../../src/core/options.ts'
import type { ChannelClosed, OpenChannel } from '../../src/core/channel-port.ts'

/** Beats that a busy machine can keep. */
export const settings: RealtimeOptions = {
  heartbeatMs: 1_000,
  connectTimeoutMs: 10_000,
  retry: { strategy: 'exponential', baseMs: 50, capMs: 500, maxAttempts: Infinity },
  fallbackMs: 60_000,
}

/** Holds a line for the machine. */
function connectionOver(open: OpenChannel) {
  return fromCallback<ConnectionCommand>(({ sendBack, receive }) => {
    const send = (event: ChannelEvent): void => sendBack(event)
    const closed = (info: ChannelClosed): void => send({ type: 'SOCKET.CLOSED', random: Math.random(), ...info })
    const connection = open({
      opened: () => send({ type: 'SOCKET.OPENED' }),
      message(data) {
        const message = readChannelMessage(data)
        if (message !== undefined) send({ type: 'SOCKET.MESSAGE', message, at: performance.now() })
      },
      closed,
    })
    receive(({ type }) => {
      if (type === 'BEAT') return connection.send({ type: 'ping', at: performance.now() })
      closed({ code: 4408, reason: '' })
      connection.close()
    })
    return () => connection.close()
  })
}

type ReportOf<Type> = Extract<ChannelReport, { type: `CHANNEL.${string & Type}` }>

/** The machine over a real line; it is disconnected when the test ends. */
export function runChannel(open: OpenChannel, options: Partial<RealtimeOptions> = {}) {
  const reports: ChannelReport[] = []
  const waiting: (() => void)[] = []
  let read = 0
  const parent = createActor(
    fromCallback<AnyEventObject>(({ receive }) =>
      receive((event) => {
        reports.push(event as ChannelReport)
        waiting.splice(0).forEach((wake) => wake())
      }),
    ),
  )
  parent.start()
  const logic = channelMachine.provide({ actors: { connection: connectionOver(open) } })
  const actor = createActor(logic, { input: { ...settings, ...options, parent } })
  actor.start()
  onTestFinished(() => void actor.stop())

  return {
    actor,
    reports,
    send: (type: 'CONNECT' | 'DISCONNECT' | 'WENT_OFFLINE' | 'CAME_ONLINE') => actor.send({ type }),
    /** The next report of that type that was not read yet; others before it are passed over. */
    async next<Type extends string>(type: Type): Promise<ReportOf<Type>> {
      for (;;) {
        const found = reports[read]
        if (found === undefined) await new Promise<void>((resolve) => waiting.push(resolve))
        else {
          read += 1
          if (found.type === `CHANNEL.${type}`) return found as ReportOf<Type>
        }
      }
    },
    /** Waits for the next hint of a change. */
    async change(): Promise<{ readonly entity: string; readonly cursor: string }> {
      for (;;) {
        const { message } = await this.next('MESSAGE')
        if (message.type === 'changed') return message
      }
    },
    until: (state: 'waiting' | 'gaveUp' | 'idle' | 'offline') =>
      waitFor(actor, (snapshot) => snapshot.matches(state), { timeout: 20_000 }),
  }
}

/** A network between client and server that can fall silent without closing anything. */
export async function silenceable(url: string) {
  const { hostname, port } = new URL(url)
  const sockets = new Set<Socket>()
  let isSilent = false
  const pass = (from: Socket, to: Socket): void => {
    sockets.add(from)
    from.on('error', () => {})
    from.on('data', (data) => {
      if (!isSilent) to.write(data)
    })
    from.on('close', () => {
      if (!isSilent) to.destroy()
    })
  }
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    pass(client, upstream)
    pass(upstream, client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    sockets.forEach((socket) => socket.destroy())
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    setSilent: (silent: boolean) => void (isSilent = silent),
    /** Connections of clients that they have not let go of. */
    connections: () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count))),
  }
}
