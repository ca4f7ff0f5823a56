import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { onTestFinished } from 'vitest'
import type { BatchItem, Outcome, OutgoingOperation, PreparedRequest, SendContext } from '../../../src/core/ports.ts'

export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface TestServer {
  readonly url: string
  readonly received: Received[]
}

/** A real server on the loopback; it ends with the test. */
export async function serve(answer: (request: Received, response: ServerResponse) => void): Promise<TestServer> {
  const received: Received[] = []
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const seen = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      }
      received.push(seen)
      answer(seen, response)
    })
  }
  return { url: await listen(createServer(listener)), received }
}

/** A server that writes to the bare socket whatever it likes. */
export async function serveRaw(answer: (socket: Socket) => void): Promise<string> {
  return listen(
    createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => answer(socket))
    }),
  )
}

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** An address where nobody listens. */
export async function nobody(): Promise<string> {
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

export function answerJson(response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(value))
}

export function operation(given: Partial<OutgoingOperation> = {}): OutgoingOperation {
  return { id: 'op1', type: 'update', entity: 'note', entityId: 'n1', payload: { title: 'Hi' }, ...given }
}

export function context(given: Partial<SendContext> = {}): SendContext {
  return { idempotencyKey: 'key-1', clientId: 'client-1', sequence: 7, signal: new AbortController().signal, ...given }
}

export function request(given: Partial<PreparedRequest> = {}): PreparedRequest {
  return {
    method: 'PATCH',
    path: '/note/n1',
    headers: { 'Content-Type': 'application/merge-patch+json' },
    body: '{"title":"Hi"}',
    ...given,
  }
}

/** The outcome in a few words, as `unknown unreadable`. */
export function told(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'none'
  if (outcome.type === 'applied') return 'applied'
  const detail =
    outcome.type === 'conflict' ? `/${outcome.reason}` : outcome.type === 'rejected' && outcome.definite ? '/definite' : ''
  return `${outcome.type}${detail} ${outcome.error.code}`
}

/** Where a secret occurs in a value: own fields (hidden ones too), causes, stacks and what printing it shows. */
export function placesOf(secret: string, value: unknown): readonly string[] {
  const places: string[] = []
  const seen = new Set<unknown>()
  const walk = (at: string, part: unknown): void => {
    if (typeof part === 'string' && part.includes(secret)) places.push(at)
    if ((typeof part !== 'object' && typeof part !== 'function') || part === null || seen.has(part)) return
    seen.add(part)
    for (const key of Reflect.ownKeys(part)) walk(`${at}.${String(key)}`, Object.getOwnPropertyDescriptor(part, key)?.value)
  }
  walk('outcome', value)
  if (JSON.stringify(value).includes(secret)) places.push('JSON')
  if (inspect(value, { depth: Infinity, showHidden: true }).includes(secret)) places.push('inspect')
  return places
}

/** An operation of a batch, by its number. */
export const item = (sequence: number, given: Partial<PreparedRequest> = {}): BatchItem => ({
  request: request({ path: `/note/n${sequence}`, ...given }),
  idempotencyKey: `key-${sequence}`,
  sequence,
})
