import type { OpenChannel } from '../../core/channel-port.ts'
import { whileAwake } from '../realtime/awake.ts'
import { createLineCredential } from '../realtime/credential.ts'
import { checkLineOptions, checkUrl, type RealtimeAuth, type RealtimeLineOptions } from '../realtime/settings.ts'
import { systemClock } from '../system-clock.ts'
import { openEvents } from './line.ts'

export type { RealtimeAuth }

export interface EventSourceChannelOptions extends RealtimeLineOptions {
  /** Where the events are: http or https, without credentials, query and fragment. */
  readonly url: string
}

/**
 * A realtime line over Server-Sent Events, which pass where WebSockets don't. It is read with `fetch`, so that the token goes in a header.
 * The server can't be asked whether it lives: a line is dead when two of its heartbeats are missing, and its latency is not known.
 * @throws ValidationError that names the wrong option.
 */
export function eventSourceChannel(options: EventSourceChannelOptions): OpenChannel {
  checkLineOptions('eventSourceChannel', options, ['url'])
  const url = checkUrl('url', options.url, ['http', 'https'])
  if (options.entities !== undefined) url.searchParams.set('entities', options.entities.join(','))
  const credential = createLineCredential(systemClock, options.auth)
  const settings = { url, credential, onIgnored: options.onIgnored }
  return whileAwake((listener) => openEvents(settings, listener))
}
