import type { SyncError } from './errors.ts'
import type { JsonObject } from './json.ts'

/** How a line ended. */
export interface ChannelClosed {
  /**
   * As in RFC 6455 §7.4: 1006 broke, 1008 refused, 1012 restarts, 1013 try again later, and 4401 credentials are needed, 4403 not
   * allowed, 4408 no answer in time.
   */
  readonly code: number
  readonly reason: string
  /** How long the server asks to stay away. */
  readonly retryAfterMs?: number | undefined
  readonly error?: SyncError | undefined
}

/** A line to the server that only brings hints. */
export interface ChannelListener {
  opened(): void
  message(data: unknown): void
  /** Nothing comes after it. */
  closed(info: ChannelClosed): void
}

export interface ChannelConnection {
  /** Does nothing while the line is not open. */
  send(message: JsonObject): void
  /** `closed` is still called, soon. */
  close(): void
}

/** Opens one connection; never throws; `closed` is called exactly once. */
export type OpenChannel = (listener: ChannelListener) => ChannelConnection
