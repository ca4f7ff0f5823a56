import { RateLimitError, SyncError } from '../core/errors.ts'

export function noPull(): SyncError {
  return new SyncError('no-pull', 'The transport can not pull: it has no pull(). Use one that has, or ask for no pull.')
}

export function notAsked(): SyncError {
  return new SyncError(
    'unreadable',
    'The server says that nothing has changed, but was not asked that. Check what stands before the API.',
  )
}

export function pollTooSoon(leftMs: number): SyncError {
  const message = `The server wants to be polled more seldom (Synchart-Min-Poll); it is asked again in ${Math.ceil(leftMs)} ms.`
  return new RateLimitError(message, { retryAfterMs: leftMs })
}
