import { retryAfterMsOf } from '../../core/channel-message.ts'
import { AuthenticationError, NetworkError, RateLimitError, ServerError, SyncError, TimeoutError } from '../../core/errors.ts'
import type { ChannelClosed } from '../../core/channel-port.ts'
import { parseRetryAfter } from '../../core/retry-after.ts'
import { cleanCause } from '../http/failures.ts'
import { redact } from '../http/read-body.ts'

const REFUSED: ReadonlySet<number> = new Set([1008, 4401, 4403])

export function isRefusal({ code }: ChannelClosed): boolean {
  return REFUSED.has(code)
}

/** The line was closed with a code of RFC 6455, or one of ours. */
export function closedWith(code: number, reason: string, cause?: unknown): ChannelClosed {
  const retryAfterMs = retryAfterMsOf(reason)
  return { code, reason, retryAfterMs, error: errorOf(code, retryAfterMs, cause) }
}

function errorOf(code: number, retryAfterMs: number | undefined, cause: unknown): SyncError | undefined {
  if (code === 1000) return undefined
  if (REFUSED.has(code)) {
    const status = code === 4401 ? 401 : undefined
    return new AuthenticationError(`The realtime line was refused (${code}). Log in again; polling goes on.`, { status, cause })
  }
  if (code === 1012 || code === 1013)
    return new RateLimitError(`The server asks to come back later (${code}). Polling goes on.`, { retryAfterMs, cause })
  return new NetworkError(`The realtime line broke (${code}). It is opened again; polling goes on.`, { cause })
}

/** A server may repeat what it was sent. */
export function withoutSecrets(info: ChannelClosed, secrets: readonly string[]): ChannelClosed {
  return { ...info, reason: secrets.reduce((reason, secret) => redact(reason, secret), info.reason) }
}

/** The server answered something else than a line. */
export function closedByStatus({ status, headers }: Response, nowMs: number): ChannelClosed {
  const context = { dateHeader: headers.get('date') ?? undefined, nowMs }
  const retryAfterMs = parseRetryAfter(headers.get('retry-after') ?? undefined, context)
  const code = codeOf(status)
  const error =
    code === 1006
      ? new ServerError(`The server answered ${status} where a realtime line was asked for. Check its url.`, { status })
      : errorOf(code, retryAfterMs, undefined)
  return { code, reason: '', retryAfterMs, error }
}

function codeOf(status: number): number {
  if (status === 401) return 4401
  if (status === 403) return 4403
  return status === 429 || status === 503 ? 1013 : 1006
}

/** Something failed on the way. `secret` is kept out of what is told. */
export function closedByError(error: unknown, secret: string | undefined): ChannelClosed {
  if (error instanceof AuthenticationError) return { code: 4401, reason: '', error }
  if (error instanceof TimeoutError) return { code: 4408, reason: '', error }
  if (error instanceof SyncError) return { code: 1006, reason: '', error }
  return closedWith(1006, '', cleanCause(error, secret))
}
