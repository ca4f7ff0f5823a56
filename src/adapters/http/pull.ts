import { classifyResponse, problemType, type ResponseBody } from '../../core/classify.ts'
import { isVersion } from '../../core/entity-version.ts'
import { ServerError, SyncError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import type { Change, Outcome, Pulled, PullRequest, UnusableChange } from '../../core/ports.ts'
import { wishesOf, type Answer, type Exchange } from './exchange.ts'
import type { HttpSettings } from './options.ts'
import { fieldOf, isJsonObject, parseJson, problemOnly, vetted } from './read-body.ts'
import { pullPath } from './routes.ts'

const LONGEST_CURSOR = 4_096
const LONGEST_ID = 4_096

/** A page of changes. Never rejects: one change that can't be used is told of, a page that can't be read is a failure. */
export async function pullChanges(
  settings: HttpSettings,
  exchange: Exchange,
  request: PullRequest,
  signal: AbortSignal,
): Promise<Pulled> {
  const path = pathOf(settings, request)
  if (typeof path !== 'string') return { type: 'failed', error: path }
  const headers = request.etag === undefined ? {} : { 'If-None-Match': request.etag }
  const answer = await exchange({ method: 'GET', path, headers, body: null, maxResponseBytes: settings.maxPageBytes }, signal)
  return answer.type === 'none' ? failed(answer.outcome) : { ...pulledFrom(answer), ...wishesOf(answer) }
}

function pulledFrom({ status, headers, text, secret, receivedAt }: Answer): Pulled {
  if (status === 304) return { type: 'unchanged' }
  const read = parseJson(text, headers['content-type'])
  const body = status >= 400 ? problemOnly(read, secret) : read
  const outcome = classifyResponse({ status, headers, body, method: 'GET', nowMs: receivedAt })
  if (outcome.type !== 'applied') {
    const isExpired = status === 410 || (status === 400 && problemType(body) === 'invalid-cursor')
    return isExpired ? { type: 'expired', error: outcome.error } : failed(outcome)
  }
  return pageFrom(status, body, headers.etag)
}

function pageFrom(status: number, body: ResponseBody, etag: string | undefined): Pulled {
  const value = body.kind === 'json' ? body.value : undefined
  const [changes, cursor, hasMore, total] = ['changes', 'cursor', 'hasMore', 'total'].map((name) => fieldOf(value, name))
  if (!Array.isArray(changes)) return unreadable(status, '"changes" is not a list')
  if (typeof cursor !== 'string' || cursor === '' || cursor.length > LONGEST_CURSOR)
    return unreadable(status, `"cursor" is not a text of 1 to ${LONGEST_CURSOR} characters`)
  if (/\p{Surrogate}/u.test(cursor)) return unreadable(status, '"cursor" holds half a surrogate pair, which no URL carries')
  if (typeof hasMore !== 'boolean') return unreadable(status, '"hasMore" is neither true nor false')
  const read = changes.map(changeFrom)
  return {
    type: 'page',
    changes: read.filter((change): change is Change => !('error' in change)),
    unusable: read.filter((change): change is UnusableChange => 'error' in change),
    cursor,
    hasMore,
    ...(etag === undefined ? {} : { etag }),
    ...(typeof total === 'number' && Number.isSafeInteger(total) && total >= 0 ? { total } : {}),
  }
}

function changeFrom(raw: Json): Change | UnusableChange {
  const id = fieldOf(raw, 'id')
  if (typeof id !== 'string' || id === '' || id.length > LONGEST_ID)
    return unusable(undefined, `its id is not a text of 1 to ${LONGEST_ID} characters`)
  const given = fieldOf(raw, 'version')
  const version = typeof given === 'number' ? String(given) : given
  if (version !== undefined && (typeof version !== 'string' || !isVersion(version)))
    return unusable(id, 'its version is not a text of printable ASCII without spaces and quotes')
  if (fieldOf(raw, 'deleted') === true) return { id, version, deleted: true }
  const value = fieldOf(raw, 'value')
  if (value === undefined || !isJsonObject(value)) return unusable(id, 'its value is not an object')
  const looked = vetted(value)
  return looked.kind === 'unreadable' ? unusable(id, looked.reason) : { id, version, value }
}

function unusable(id: string | undefined, reason: string): UnusableChange {
  const message = `A change that the server sent can't be used: ${reason}. It is left out, and what is stored of that entity stays; mend it on the server.`
  return { id, error: new ServerError(message, { code: 'unusable-change', status: 200 }) }
}

function unreadable(status: number, reason: string): Pulled {
  const message = `The server answered ${status}, but not with a page of changes: ${reason}. Check the route, and what stands before the API.`
  return { type: 'failed', error: new ServerError(message, { code: 'unreadable', status }) }
}

function failed(outcome: Exclude<Outcome, { type: 'applied' }>): Pulled {
  if (outcome.type === 'auth') return { type: 'auth', error: outcome.error }
  const retryAfterMs = 'retryAfterMs' in outcome ? outcome.retryAfterMs : undefined
  return { type: 'failed', error: outcome.error, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}

function pathOf(settings: HttpSettings, request: PullRequest): string | SyncError {
  try {
    return pullPath(settings, request)
  } catch (error) {
    if (error instanceof SyncError) return error
    return new SyncError('pull-route', 'The path of the changes could not be made. Mend the route.', { cause: error })
  }
}
