import type { SyncError } from '../../core/errors.ts'
import type { ChannelClosed, ChannelConnection, ChannelListener } from '../../core/channel-port.ts'
import { closedByError, closedWith, isRefusal, withoutSecrets } from '../realtime/closings.ts'
import type { LineCredential } from '../realtime/credential.ts'
import { createRelay } from '../realtime/relay.ts'
import { platformSocket, type SocketClass, type SocketLike } from './socket.ts'
import { fetchTicket } from './ticket.ts'

export interface SocketSettings {
  readonly url: URL
  /** Undefined where nobody asks for credentials. */
  readonly ticketUrl: URL | undefined
  readonly credential: LineCredential
  readonly entities: readonly string[] | undefined
  readonly onIgnored: ((error: SyncError) => void) | undefined
  readonly WebSocket: SocketClass | undefined
}

export function openSocket(settings: SocketSettings, listener: ChannelListener): ChannelConnection {
  const { url, ticketUrl, credential, entities, onIgnored, WebSocket } = settings
  const relay = createRelay(listener, onIgnored)
  const aborter = new AbortController()
  const secrets: string[] = []
  let socket: SocketLike | undefined

  const end = (info: ChannelClosed): void => {
    if (relay.isClosed()) return
    if (isRefusal(info)) credential.refused()
    relay.closed(withoutSecrets(info, secrets))
  }

  const fail = (error: unknown): void => end(closedByError(error, secrets.at(-1)))

  const address = async (): Promise<string | undefined> => {
    if (ticketUrl === undefined) return url.href
    const token = await credential.next()
    if (token !== undefined) secrets.push(token)
    const result = await fetchTicket(ticketUrl, token, aborter.signal)
    if (result.type === 'none') {
      end(result.closed)
      return undefined
    }
    secrets.push(result.ticket)
    return `${url.href}?ticket=${result.ticket}`
  }

  const start = async (): Promise<void> => {
    const create = WebSocket === undefined ? await platformSocket() : (at: string) => new WebSocket(at)
    const at = await address()
    if (at === undefined || relay.isClosed()) return
    socket = create(at)
    follow(socket)
  }

  const follow = (opened: SocketLike): void => {
    let failure: unknown
    opened.addEventListener('open', () => {
      if (relay.isClosed()) return opened.close()
      if (entities !== undefined) opened.send(JSON.stringify({ type: 'subscribe', entities }))
      relay.opened()
    })
    opened.addEventListener('message', ({ data }) => relay.text(data))
    // What browsers and libraries tell of an error may hold the address, and that the ticket: only its code is kept.
    opened.addEventListener('error', (event) => (failure = causeOf(event)))
    opened.addEventListener('close', ({ code, reason }) => end(closedWith(code, reason, failure)))
  }

  start().catch(fail)

  return {
    send(message) {
      if (relay.isOpen()) socket?.send(JSON.stringify(message))
    },
    close() {
      aborter.abort()
      socket?.close(1000)
      queueMicrotask(() => end(closedWith(1000, '')))
    },
  }
}

function causeOf(event: object): Error | undefined {
  const error: unknown = 'error' in event ? event.error : undefined
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return code === undefined ? undefined : new Error(`The WebSocket failed (${code}).`)
}
