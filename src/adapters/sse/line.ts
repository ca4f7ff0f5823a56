import { parseChannelText, readChannelMessage } from '../../core/channel-message.ts'
import { TimeoutError, type SyncError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { getOwn } from '../../core/own.ts'
import type { ChannelClosed, ChannelConnection, ChannelListener } from '../../core/channel-port.ts'
import { closedByError, closedByStatus, closedWith, isRefusal, withoutSecrets } from '../realtime/closings.ts'
import type { LineCredential } from '../realtime/credential.ts'
import { createRelay } from '../realtime/relay.ts'
import { systemClock } from '../system-clock.ts'
import { createEventParser, type ServerSentEvent } from './parser.ts'

export interface EventSettings {
  readonly url: URL
  readonly credential: LineCredential
  readonly onIgnored: ((error: SyncError) => void) | undefined
}

const MAX_EVENT_CHARACTERS = 65_536
/** Until the server has said how often it beats. */
const FIRST_HEARTBEAT_MS = 30_000
/** Whatever a server says: a line that it never has to prove would be believed to live for ever. */
const LONGEST_HEARTBEAT_MS = 3_600_000

export function openEvents({ url, credential, onIgnored }: EventSettings, listener: ChannelListener): ChannelConnection {
  const relay = createRelay(listener, onIgnored)
  const aborter = new AbortController()
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  let secret: string | undefined
  let heartbeatMs = FIRST_HEARTBEAT_MS
  let stopWatch = (): void => {}

  const end = (info: ChannelClosed): void => {
    if (relay.isClosed()) return
    stopWatch()
    if (isRefusal(info)) credential.refused()
    relay.closed(withoutSecrets(info, secret === undefined ? [] : [secret]))
    aborter.abort()
    // Node's fetch holds the signal of an answer weakly: once garbage was collected, aborting ends nothing.
    reader?.cancel().catch(() => {})
  }

  /** Each sign of life gives the line two more heartbeats. */
  const watch = (): void => {
    stopWatch()
    if (relay.isClosed()) return
    stopWatch = systemClock.schedule(() => end(closedByError(silent(), secret)), 2 * heartbeatMs)
  }

  const take = (event: ServerSentEvent): void => {
    const data = parseChannelText(event.data)
    if (event.type === 'close' && data !== undefined) return end(farewell(data, event.data))
    const message = data === undefined ? undefined : { ...data, type: event.type }
    const known = readChannelMessage(message)
    if (known?.type === 'hello') heartbeatMs = Math.min(known.heartbeatMs, LONGEST_HEARTBEAT_MS)
    relay.message(message)
  }

  const read = async (body: ReadableStreamDefaultReader<Uint8Array>): Promise<void> => {
    const parser = createEventParser(MAX_EVENT_CHARACTERS)
    const decoder = new TextDecoder()
    for (;;) {
      const { done, value } = await body.read()
      if (done) return end(closedWith(1006, ''))
      const events = parser.feed(decoder.decode(value, { stream: true }))
      if (events === undefined) return end(closedWith(1009, ''))
      events.forEach(take)
      watch()
    }
  }

  const start = async (): Promise<void> => {
    secret = await credential.next()
    const response = await fetch(url, {
      headers: { Accept: 'text/event-stream', ...(secret !== undefined && { Authorization: `Bearer ${secret}` }) },
      redirect: 'error',
      credentials: 'omit',
      cache: 'no-store',
      signal: aborter.signal,
    })
    reader = response.body?.getReader()
    const isStream = /^text\/event-stream\s*(?:;|$)/i.test(response.headers.get('content-type') ?? '')
    if (response.status !== 200 || !isStream || reader === undefined) return end(closedByStatus(response, systemClock.now()))
    watch()
    relay.opened()
    await read(reader)
  }

  start().catch((error: unknown) => end(closedByError(error, secret)))

  return {
    send(message) {
      // Nothing can be sent, and as long as the line is not ended it is believed to live.
      if (getOwn(message, 'type') === 'ping') queueMicrotask(() => relay.message({ type: 'pong' }))
    },
    close: () => queueMicrotask(() => end(closedWith(1000, ''))),
  }
}

function farewell(data: JsonObject, reason: string): ChannelClosed {
  const code = getOwn(data, 'code')
  return closedWith(typeof code === 'number' && Number.isInteger(code) ? code : 1006, reason)
}

function silent(): TimeoutError {
  return new TimeoutError('The realtime line was silent for two heartbeats. It is opened again; polling goes on.')
}
