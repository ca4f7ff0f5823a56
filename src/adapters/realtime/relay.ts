import { callGuarded } from '../../core/call-guarded.ts'
import { parseChannelText, readChannelMessage } from '../../core/channel-message.ts'
import { ServerError, type SyncError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { ChannelClosed, ChannelListener } from '../../core/channel-port.ts'

/** Speaks to a listener in the order that the port promises, and passes on only what it understands. */
export interface Relay {
  opened(): void
  /** JSON, or what claims to be. */
  text(text: unknown): void
  message(message: JsonObject | undefined): void
  /** The first one counts. */
  closed(info: ChannelClosed): void
  isOpen(): boolean
  isClosed(): boolean
}

export function createRelay(listener: ChannelListener, onIgnored: ((error: SyncError) => void) | undefined): Relay {
  let state: 'opening' | 'open' | 'closed' = 'opening'

  const ignore = (what: string): void => {
    if (onIgnored === undefined) return
    const error = new ServerError(`The server said ${what} over the realtime line. It is left out.`, { code: 'channel-message' })
    // Whoever is told of trouble must not add to it.
    callGuarded(onIgnored, error, () => {})
  }

  const message = (found: JsonObject | undefined): void => {
    if (state !== 'open') return
    if (found === undefined) return ignore('something that is no JSON object, too large, too deep or with keys that are refused')
    if (readChannelMessage(found) === undefined) return ignore('a message of an unknown kind or form')
    listener.message(found)
  }

  return {
    opened() {
      if (state !== 'opening') return
      state = 'open'
      listener.opened()
    },
    text: (text) => message(typeof text === 'string' ? parseChannelText(text) : undefined),
    message,
    closed(info) {
      if (state === 'closed') return
      state = 'closed'
      listener.closed(info)
    },
    isOpen: () => state === 'open',
    isClosed: () => state === 'closed',
  }
}
