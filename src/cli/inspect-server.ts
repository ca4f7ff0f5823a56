import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { SyncError } from '../core/errors.ts'
import { WIRE_PROTOCOL } from '../devtools/wire.ts'
import { createHub } from './inspect-hub.ts'
import { inspectorPage, lead, refuse } from './inspect-page.ts'

export interface InspectServerOptions {
  readonly port: number
  /** NDJSON to show; undefined: engines connect. */
  readonly trace?: Uint8Array | undefined
  /** Pages of these origins may connect engines of theirs. */
  readonly origins?: readonly string[] | undefined
}

export interface InspectServer {
  /** With the token; whoever has it may look and connect an engine. */
  readonly url: string
  close(): Promise<void>
}

/** Of one message: a bundle of an engine that has recorded for long. */
const MAX_PAYLOAD = 16 * 1_048_576
const TOKEN_BYTES = 24

/** Serves the inspector on the loopback of this machine. */
export async function startInspectServer({ port, trace, origins = [] }: InspectServerOptions): Promise<InspectServer> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url')
  const page = await inspectorPage(trace)
  const hub = createHub()
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(WIRE_PROTOCOL) ? WIRE_PROTOCOL : false),
  })
  const server = createServer((request, response) => {
    const path = pathOf(request)
    if (path === undefined) refuse(response)
    else if (request.url === `/${token}`) lead(response, `/${token}/`)
    else page(path, request, response)
  })
  server.on('upgrade', upgrade)
  const bound = await listen(port)
  // As browsers tell them: without the port where that is HTTP's own.
  const names = ['127.0.0.1', 'localhost'].map((name) => new URL(`http://${name}:${bound}`))
  const own = new Set(names.map(({ origin }) => origin))
  const hosts = new Set<string | undefined>(names.map(({ host }) => host))

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const join = joiner(request)
    if (join === undefined) return turnAway(socket)
    sockets.handleUpgrade(request, socket, head, join)
  }

  /** A page of the inspector has its origin; an engine none, or that of an application that was named. */
  function joiner(request: IncomingMessage): ((socket: WebSocket) => void) | undefined {
    const { origin } = request.headers
    const path = pathOf(request)
    if (path === 'page' && origin !== undefined && own.has(origin)) return hub.addPage
    if (path === 'engine' && (origin === undefined || own.has(origin) || origins.includes(origin))) return hub.addEngine
    return undefined
  }

  /** Below the token; undefined for who has another one, or calls this machine by a name of its own. */
  function pathOf({ url = '', headers }: IncomingMessage): string | undefined {
    const [, given = '', ...rest] = url.split('?')[0]?.split('/') ?? []
    return hosts.has(headers.host) && isSame(given, token) ? rest.join('/') : undefined
  }

  function listen(at: number): Promise<number> {
    return new Promise((resolve, reject) => {
      server.once('error', (cause) =>
        reject(new SyncError('not-listening', `Port ${at} can't be used. Give another, as --port 0.`, { cause })),
      )
      server.listen(at, '127.0.0.1', () => {
        const address = server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : at)
      })
    })
  }

  return {
    url: `http://127.0.0.1:${bound}/${token}/`,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets.clients) socket.terminate()
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** Who is turned away may have hung up before, or never do it. */
function turnAway(socket: Duplex): void {
  socket.on('error', () => socket.destroy())
  socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n', () => socket.destroy())
}

function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)]
  return a.length === b.length && timingSafeEqual(a, b)
}
