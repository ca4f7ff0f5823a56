import { connect as connectTcp, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

export interface Closed {
  readonly code: number
  readonly reason: string
}

/** A WebSocket as a client sees it. */
export interface Line {
  readonly messages: readonly Record<string, unknown>[]
  /** The next message that is not read yet. */
  next(): Promise<Record<string, unknown>>
  send(message: object): void
  /** Sends a text, or bytes, as they are. */
  sendRaw(data: string | Buffer): void
  close(): void
  readonly closed: Promise<Closed>
}

/** Opens a line that is closed when the test ends. Rejects with the status if the server refuses. */
export function openLine(url: string, headers: Record<string, string> = {}): Promise<Line> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers, perMessageDeflate: false })
  onTestFinished(() => socket.terminate())
  const messages: Record<string, unknown>[] = []
  const waiting: (() => void)[] = []
  let read = 0
  socket.on('message', (data: Buffer) => {
    messages.push(JSON.parse(data.toString()))
    waiting.splice(0).forEach((wake) => wake())
  })
  const closed = new Promise<Closed>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  )
  const line: Line = {
    messages,
    async next() {
      while (read >= messages.length) await new Promise<void>((resolve) => waiting.push(resolve))
      return messages[read++]!
    },
    send: (message) => socket.send(JSON.stringify(message)),
    sendRaw: (data) => socket.send(data),
    close: () => socket.close(),
    closed,
  }
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('unexpected-response', (_, response) => reject(new Error(`refused with ${response.statusCode}`)))
    socket.on('open', () => resolve(line))
  })
}

const handshake = (path: string): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '',
    '',
  ].join('\r\n')

/** A client that speaks bytes: shakes hands, and then neither reads nor answers anything. */
export async function openDeafSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connectTcp(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  socket.write(handshake('/realtime'))
  await new Promise((resolve) => socket.once('data', resolve))
  socket.pause()
  return socket
}

/** A text frame of a client with the mask 0. */
export function frame(text: string): Buffer {
  const bytes = Buffer.from(text)
  if (bytes.length > 125) throw new RangeError('Only short frames.')
  return Buffer.concat([Buffer.from([0x81, 0x80 | bytes.length, 0, 0, 0, 0]), bytes])
}

/** What comes over an event stream, field by field. */
export interface EventStream {
  readonly response: Response
  /** The next block of lines, without the empty line behind it; undefined at the end. */
  next(): Promise<string | undefined>
  cancel(): Promise<void>
}

export async function openEvents(url: string, headers: Record<string, string> = {}): Promise<EventStream> {
  const response = await fetch(url, { headers })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  let ended = false
  onTestFinished(() => reader.cancel().catch(() => {}))
  return {
    response,
    async next() {
      while (!text.includes('\n\n') && !ended) {
        const { done, value } = await reader.read()
        ended = done
        text += value ?? ''
      }
      const at = text.indexOf('\n\n')
      if (at < 0) return undefined
      const block = text.slice(0, at)
      text = text.slice(at + 2)
      return block
    },
    cancel: () => reader.cancel(),
  }
}
