import { ValidationError } from '../../core/errors.ts'
import type { OpenChannel } from '../../core/channel-port.ts'
import { whileAwake } from '../realtime/awake.ts'
import { createLineCredential } from '../realtime/credential.ts'
import { checkLineOptions, checkUrl, type RealtimeAuth, type RealtimeLineOptions } from '../realtime/settings.ts'
import { systemClock } from '../system-clock.ts'
import { openSocket } from './line.ts'
import type { SocketClass, SocketLike } from './socket.ts'

export type { RealtimeAuth, SocketClass, SocketLike }

export interface WebSocketChannelOptions extends RealtimeLineOptions {
  /** Where the line is: ws or wss, without credentials, query and fragment. */
  readonly url: string
  /** Where tickets are given for tokens, if there is `auth`. Default: `{url}/ticket` over http or https. */
  readonly ticketUrl?: string
  /** Takes the place of the platform's WebSocket. */
  readonly WebSocket?: SocketClass
}

/**
 * A realtime line over WebSocket. A browser can't send a token with one, so it is exchanged for a ticket that is good once; neither
 * appears in any error. Only the server of `url` (and of `ticketUrl`) is spoken to. In Node before 22 the package `ws` is loaded.
 * @throws ValidationError that names the wrong option.
 */
export function webSocketChannel(options: WebSocketChannelOptions): OpenChannel {
  checkLineOptions('webSocketChannel', options, ['url', 'ticketUrl', 'WebSocket'])
  const { auth, entities, onIgnored, WebSocket } = options
  const url = checkUrl('url', options.url, ['ws', 'wss'])
  const ticketUrl = checkUrl('ticketUrl', options.ticketUrl ?? ticketUrlOf(url), ['http', 'https'])
  if (WebSocket !== undefined && typeof WebSocket !== 'function') throw new ValidationError('WebSocket', 'must be a class')
  const credential = createLineCredential(systemClock, auth)
  const settings = { url, ticketUrl: auth === undefined ? undefined : ticketUrl, credential, entities, onIgnored, WebSocket }
  return whileAwake((listener) => openSocket(settings, listener))
}

function ticketUrlOf({ href }: URL): string {
  return `${href.replace(/^ws/, 'http').replace(/\/$/, '')}/ticket`
}
