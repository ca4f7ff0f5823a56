import { STATUS_CODES } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Answer } from '../answer.ts'
import type { Session } from '../authenticate.ts'
import { problemAnswer, Refusal } from '../problems.ts'
import { admit, type Admission } from './admission.ts'
import { serverRestarts, type Member } from './hub.ts'
import { endSocket, seatSocket } from './socket.ts'

const maxPayload = 64 * 1024

/** Serves `/realtime` of an HTTP server. Returns the function that ends its sockets. */
export function serveSockets(server: Server, parts: Admission): () => void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate: false, clientTracking: false })
  const members = new Set<Member>()
  const { hub, settings } = parts
  const { restartAfterMs } = settings.realtime

  const seat = (request: IncomingMessage, socket: Duplex, head: Buffer, session: Session): void =>
    sockets.handleUpgrade(request, socket, head, (ws) => {
      ws.on('error', ignore)
      if (hub.isFull()) return endSocket(ws, { code: 1013, reason: JSON.stringify({ retryAfterMs: restartAfterMs }) })
      const member = seatSocket(ws, session, hub, settings)
      members.add(member)
      ws.on('close', () => members.delete(member))
    })

  server.on('upgrade', (request, socket, head) => {
    socket.on('error', ignore)
    try {
      seat(request, socket, head, sessionOf(request, parts))
    } catch (error) {
      if (error instanceof Refusal) return refuse(socket, error.answer)
      refuse(socket, problemAnswer('internal', 'Try again later.'))
      parts.options.onError?.(error)
    }
  })

  return () => [...members].forEach((member) => member.end(serverRestarts(restartAfterMs)))
}

/** @throws Refusal */
function sessionOf({ url = '', headers }: IncomingMessage, parts: Admission): Session {
  const target = URL.canParse(url, 'http://localhost') ? new URL(url, 'http://localhost') : undefined
  if (target?.pathname !== '/realtime') throw new Refusal('not-found', 'There is a WebSocket at /realtime only.')
  return admit(parts, { ...headers, ticket: target.searchParams.get('ticket') })
}

function refuse(socket: Duplex, { status, headers, body }: Answer): void {
  const text = body ?? ''
  const lines = Object.entries({ ...headers, connection: 'close', 'content-length': String(Buffer.byteLength(text)) })
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines.map(([name, value]) => `${name}: ${value}`)]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`, () => socket.destroy())
}

/** A connection that breaks is gone, and that is enough. */
function ignore(): void {}
