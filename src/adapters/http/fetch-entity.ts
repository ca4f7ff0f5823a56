import { classifyResponse, versionOf } from '../../core/classify.ts'
import { NetworkError, ServerError, SyncError } from '../../core/errors.ts'
import type { Fetched, Outcome } from '../../core/ports.ts'
import { wishesOf, type Answer, type Exchange } from './exchange.ts'
import type { HttpSettings } from './options.ts'
import { isJsonObject, problemOnly, readBody } from './read-body.ts'
import { entityPath } from './routes.ts'

/** Reads one entity. Never rejects. */
export async function fetchEntity(
  settings: HttpSettings,
  exchange: Exchange,
  entity: string,
  entityId: string,
  signal: AbortSignal,
): Promise<Fetched> {
  const path = pathOf(settings, entity, entityId)
  if (typeof path !== 'string') return { type: 'failed', error: path }
  const answer = await exchange(
    { method: 'GET', path, headers: {}, body: null, maxResponseBytes: settings.maxResponseBytes },
    signal,
  )
  if (answer.type === 'none') return failed(answer.outcome)
  return { ...fetchedFrom(answer), ...wishesOf(answer) }
}

function fetchedFrom({ status, headers, text, secret, receivedAt }: Answer): Fetched {
  const read = readBody(text, headers['content-type'])
  if (status === 404 || status === 410) return read.kind === 'unreadable' ? unreadable(status) : { type: 'absent' }
  const body = status >= 400 ? problemOnly(read, secret) : read
  const outcome = classifyResponse({ status, headers, body, method: 'GET', nowMs: receivedAt })
  if (outcome.type !== 'applied') return failed(outcome)
  if (body.kind !== 'json' || !isJsonObject(body.value)) return unreadable(status)
  const version = versionOf(headers, body)
  return { type: 'found', value: body.value, ...(version === undefined ? {} : { version }) }
}

function unreadable(status: number): Fetched {
  const message = `The server answered ${status}, but not with JSON as the API would. It is asked again; check the route, and what stands before the API.`
  return { type: 'failed', error: new ServerError(message, { code: 'unreadable', status }) }
}

function failed(outcome: Exclude<Outcome, { type: 'applied' }>): Fetched {
  const { type, error } = outcome
  if (type === 'auth') return { type, error }
  const retryAfterMs = 'retryAfterMs' in outcome ? outcome.retryAfterMs : undefined
  return { type: 'failed', error, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}

function pathOf(settings: HttpSettings, entity: string, entityId: string): string | SyncError {
  try {
    return entityPath(settings, entity, entityId)
  } catch (error) {
    return error instanceof SyncError ? error : new NetworkError('The path of the entity could not be made.', { cause: error })
  }
}
