import type { BackoffOptions, RetryOptions } from './backoff.ts'
import { ValidationError } from './errors.ts'
import { count, span, STRATEGIES } from './option-checks.ts'
import type { OpenChannel } from './channel-port.ts'
import { isRecord } from './schema.ts'

export interface RealtimeOptions {
  /** Opens the line, as webSocketChannel({ url }) from 'synchart/realtime/websocket'. Without it there is none. */
  readonly channel?: OpenChannel | undefined
  /** How often the line is asked whether it lives. One that does not answer until the next beat is dead. */
  readonly heartbeatMs: number
  /** A line that is not open after this is given up. */
  readonly connectTimeoutMs: number
  /** Delays between attempts, and after how many in succession only polling is left. `Infinity` never gives up. */
  readonly retry: BackoffOptions & Pick<RetryOptions, 'maxAttempts'>
  /** How long only polling is left before the line is tried again. */
  readonly fallbackMs: number
}

/** @throws ValidationError that names the option. */
export function checkRealtime({ channel, heartbeatMs, connectTimeoutMs, retry, fallbackMs }: RealtimeOptions): void {
  if (channel !== undefined && typeof channel !== 'function')
    throw new ValidationError(
      'realtime.channel',
      "must be a channel, as webSocketChannel({ url }) from 'synchart/realtime/websocket'.",
    )
  span('realtime.heartbeatMs', heartbeatMs, 100)
  span('realtime.connectTimeoutMs', connectTimeoutMs, 1)
  span('realtime.fallbackMs', fallbackMs, 1)
  if (!isRecord(retry)) throw new ValidationError('realtime.retry', 'must be an object.')
  if (typeof retry.strategy !== 'function' && !STRATEGIES.includes(retry.strategy))
    throw new ValidationError('realtime.retry.strategy', `must be ${STRATEGIES.join(', ')} or a function.`)
  span('realtime.retry.baseMs', retry.baseMs, 1)
  span('realtime.retry.capMs', retry.capMs, retry.baseMs)
  if (retry.maxAttempts !== Infinity) count('realtime.retry.maxAttempts', retry.maxAttempts, 1, 1_000_000)
}
