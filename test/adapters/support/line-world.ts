import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'
import type { SyncError } from '../../../src/core/errors.ts'
import type { ChannelClosed, OpenChannel } from '../../../src/core/channel-port.ts'

export interface HostileServer {
  /** Without a scheme. */
  readonly host: string
  /** `method path authorization` of each request. */
  readonly requests: readonly string[]
}

/** A server that does with requests and sockets what the test wants. */
export async function hostile(
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
  onSocket: (socket: WebSocket) => void = () => {},
): Promise<HostileServer> {
  const requests: string[] = []
  const note = ({ method, url, headers }: IncomingMessage) =>
    requests.push([method, url, headers.authorization].filter(Boolean).join(' '))
  const server = createServer((request, response) => {
    note(request)
    onRequest(request, response)
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, request) => {
    note(request)
    socket.on('error', () => {})
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    server.close()
  })
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

/** Opens a line and keeps all that it tells, in order. */
export function listen(open: OpenChannel) {
  const told: string[] = []
  const messages: unknown[] = []
  let opened = () => {}
  let heard = () => {}
  let ended: (info: ChannelClosed) => void = () => {}
  const whenOpened = new Promise<void>((resolve) => (opened = resolve))
  const closed = new Promise<ChannelClosed>((resolve) => (ended = resolve))
  const connection = open({
    opened() {
      told.push('opened')
      opened()
    },
    message(data) {
      told.push('message')
      messages.push(data)
      heard()
    },
    closed(info) {
      told.push('closed')
      ended(info)
    },
  })
  onTestFinished(() => connection.close())
  return {
    connection,
    told,
    messages,
    opened: whenOpened,
    closed,
    async message(): Promise<unknown> {
      const count = messages.length
      if (count === 0) await new Promise<void>((resolve) => (heard = resolve))
      return messages.at(-1)
    },
  }
}

/** Whatever somebody could print of an error. */
export function everythingOf(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? ''
  const own = Object.getOwnPropertyNames(error).map((name) => `${name}=${String(Reflect.get(error, name))}`)
  return [...own, error.stack ?? '', everythingOf(error.cause)].join('\n')
}

export function collect() {
  const errors: SyncError[] = []
  return { errors, onIgnored: (error: SyncError) => void errors.push(error) }
}
