import { systemClock } from '../adapters/system-clock.ts'
import { platformSocket, type SocketLike } from '../adapters/websocket/socket.ts'
import { ValidationError } from '../core/errors.ts'
import { text } from '../core/option-checks.ts'
import { isRecord } from '../core/schema.ts'
import type { SyncEngine } from '../engine/types.ts'
import { follow } from './follow.ts'
import { checkRecording } from './recording.ts'
import { WIRE_PROTOCOL, type WireMessage } from './wire.ts'

export interface InspectToOptions {
  /** What `synchart inspect` printed, with its token, as `http://127.0.0.1:4100/…/`. Only this machine is connected to. */
  readonly url: string
  /** How the inspector calls the engine. Default `engine`. */
  readonly name?: string | undefined
}

const AGAIN_MS = 1_000
/** Of what has not left: lines beyond that are left out, and counted. */
const MAX_BUFFERED_BYTES = 4 * 1_048_576
const MAX_LINES = 2_000
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]'])

/**
 * Lets `synchart inspect` in another process look at this engine, which needs the option `recorder`; what waits in the queue is sent with its payloads.
 * Connects, again and again, until the function that it returns is called.
 * @throws ValidationError for another machine's URL, one with credentials, or what is no engine; SyncError (`not-recording`) if the engine records nothing.
 */
export function inspectTo(engine: SyncEngine, options: InspectToOptions): () => void {
  checkRecording(engine)
  if (!isRecord(options)) throw new ValidationError('options', 'must be an object with the url that `synchart inspect` printed.')
  const address = addressOf(options.url)
  const name = text('name', options.name ?? 'engine', 'how the inspector calls the engine')
  let end = (): void => {}
  let isOver = false

  async function connect(): Promise<void> {
    const open = await platformSocket()
    if (isOver) return
    const socket = open(address, WIRE_PROTOCOL)
    let stop = (): void => {}
    end = () => {
      stop()
      socket.close(1_000)
    }
    socket.addEventListener('open', () => {
      stop = send(engine, socket, name)
    })
    socket.addEventListener('error', () => {})
    socket.addEventListener('close', () => {
      stop()
      connectLater()
    })
  }

  /** A platform may refuse to make a socket at all, as browsers do on some pages. */
  function keepConnected(): void {
    connect().catch(connectLater)
  }

  function connectLater(): void {
    if (!isOver) end = systemClock.schedule(keepConnected, AGAIN_MS)
  }

  keepConnected()
  return () => {
    isOver = true
    end()
  }
}

function send(engine: SyncEngine, socket: SocketLike, name: string): () => void {
  const say = (message: WireMessage): void => socket.send(JSON.stringify(message))
  let isOver = false
  say({ type: 'hello', name })
  const stop = follow(engine, {
    lines(lines, dropped) {
      if (isOver) return
      for (let at = 0; at < lines.length; at += MAX_LINES)
        say({ type: 'lines', lines: lines.slice(at, at + MAX_LINES), ...(at === 0 && dropped > 0 ? { dropped } : {}) })
    },
    status: (status) => {
      if (!isOver) say({ type: 'status', status })
    },
    hasRoom: () => (socket.bufferedAmount ?? 0) <= MAX_BUFFERED_BYTES,
  })
  return () => {
    isOver = true
    stop()
  }
}

function addressOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || parsed.protocol !== 'http:' || !LOOPBACK.has(parsed.hostname))
    throw new ValidationError('url', 'must be the address that `synchart inspect` printed, on this machine.')
  if (parsed.username !== '' || parsed.password !== '')
    throw new ValidationError('url', 'must be without credentials, which could end in logs: the token in the path is enough.')
  const address = new URL('engine', parsed.href.endsWith('/') ? parsed.href : `${parsed.href}/`)
  address.protocol = 'ws:'
  return address.href
}
