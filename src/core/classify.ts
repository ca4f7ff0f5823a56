import { isVersion } from './entity-version.ts'
import {
  AuthenticationError,
  ClientError,
  ConflictError,
  NetworkError,
  RateLimitError,
  ServerError,
  TimeoutError,
} from './errors.ts'
import type { Json } from './json.ts'
import type { Outcome } from './ports.ts'
import { parseRetryAfter } from './retry-after.ts'
import { isRecord } from './schema.ts'

/** A response's body as it could be read. */
export type ResponseBody =
  | { readonly kind: 'json'; readonly value: Json }
  | { readonly kind: 'empty' }
  /** HTML, another content type, cut off, too large, too deep, or with keys that are refused. */
  | { readonly kind: 'unreadable'; readonly reason: string }

export interface HttpAnswer {
  readonly status: number
  /** Names in lower case. Read: `etag`, `retry-after`, `date`. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: ResponseBody
  /** Of the request. */
  readonly method: string
  /** Wall-clock time, milliseconds since 1970. */
  readonly nowMs: number
}

/** What a write's answer means for the operation. Pure and total: every status, body and method has an outcome. */
export function classifyResponse(answer: HttpAnswer): Outcome {
  const { status } = answer
  if (status >= 200 && status <= 299) return success(answer)
  if (status >= 300 && status <= 399) return redirected(answer)
  if (status >= 400 && status <= 499) return (CLIENT[status] ?? refused)(answer)
  if (status >= 500 && status <= 599) return (SERVER[status] ?? failed)(answer)
  return {
    type: 'unknown',
    error: new ServerError(
      `The server answered with the status ${status}, which no final answer may have. It is tried again; check the server and what stands before it.`,
      { code: 'unexpected-status', status },
    ),
  }
}

/** The entity's version in an answer: a strong ETag, else the body's `version`. A weak ETag can't be used in `If-Match` (RFC 9110 §13.1.1). */
export function versionOf(headers: HttpAnswer['headers'], body: ResponseBody): string | undefined {
  const strong = /^"([^"]*)"$/.exec(headers['etag'] ?? '')?.[1]
  if (strong !== undefined && isVersion(strong)) return strong
  if (body.kind !== 'json' || !isRecord(body.value) || !Object.hasOwn(body.value, 'version')) return undefined
  const { version } = body.value
  const text = typeof version === 'number' ? String(version) : version
  return typeof text === 'string' && isVersion(text) ? text : undefined
}

/** The last part of an RFC 9457 `type`, in lower case: of `https://example.com/problems/already-exists` it is `already-exists`. */
export function problemType(body: ResponseBody): string | undefined {
  const type = problemField(body, 'type')
  return type === undefined ? undefined : /([^/:#?]+)\/?(?:\?.*)?$/.exec(type.slice(-200))?.[1]?.toLowerCase()
}

type Classifier = (answer: HttpAnswer) => Outcome

function success(answer: HttpAnswer): Outcome {
  const { status, body, method, headers } = answer
  if (body.kind === 'unreadable') return unreadable(status, body.reason)
  const version = versionOf(headers, body)
  const found = version === undefined ? {} : { version }
  if (body.kind === 'json') return { type: 'applied', ...found, value: body.value }
  if (method === 'DELETE' || MAY_BE_EMPTY.has(status)) return { type: 'applied', ...found }
  return unreadable(status, 'the body is empty')
}

const MAY_BE_EMPTY: ReadonlySet<number> = new Set([201, 202, 204, 205])

function unreadable(status: number, reason: string): Outcome {
  const message = `The server answered ${status}, but ${reason}. A write may have been applied; it is tried again with the same key. Check for a captive portal or a proxy, and that the API answers in JSON.`
  return { type: 'unknown', error: new ServerError(message, { code: 'unreadable', status }) }
}

function redirected({ status, method }: HttpAnswer): Outcome {
  const message = `The server answered the ${method} with ${status}; redirects are never followed. Set baseURL to the API's final address (scheme and host included).`
  return { type: 'rejected', error: new ClientError(message, { code: 'redirect', status }), definite: false }
}

/** Refusals that come from the API itself, so that nothing of this key was applied; unless a page says so, which is a proxy's. */
const DEFINITE: ReadonlySet<number> = new Set([400, 404, 410, 422])

const ADVICE: Readonly<Record<number, string>> = {
  400: 'Correct the operation and retry it, or discard it.',
  402: 'The account must be settled first; then retry the operation.',
  404: 'The entity or the route does not exist: discard the operation, or check the routes and baseURL.',
  405: 'Check the method of the route: the server does not offer it.',
  406: 'The API must be able to answer in JSON.',
  410: 'The entity is gone for good: discard the operation.',
  411: 'A proxy asks for a length: check what stands before the API.',
  413: "Make the payload smaller, or raise the server's limit.",
  414: 'Use shorter ids, or routes with shorter paths.',
  415: 'Check the content type of the route.',
  422: 'The content is not valid for the server: edit the operation and retry it, or discard it.',
  431: 'Send fewer or shorter headers.',
  451: 'It is refused for legal reasons: discard the operation.',
  501: 'The server does not know this method: check the route.',
  505: 'The server refuses this version of HTTP: check what stands before the API.',
}

function refused(answer: HttpAnswer): Outcome {
  const { status } = answer
  const advice = ADVICE[status] ?? 'Check the request and the API; then retry or discard the operation.'
  const message = `The server refused the ${answer.method} with ${status}. ${advice}`
  const definite = DEFINITE.has(status) && answer.body.kind !== 'unreadable'
  return { type: 'rejected', error: new ClientError(message, { status, ...reported(answer) }), definite }
}

function failed(answer: HttpAnswer): Outcome {
  const message = `The server failed with ${answer.status}. A write may have been applied; it is tried again with the same key.`
  return { type: 'unknown', error: new ServerError(message, { status: answer.status, ...reported(answer) }), ...waiting(answer) }
}

function unavailable(answer: HttpAnswer): Outcome {
  const wait = waiting(answer)
  if (wait.retryAfterMs === undefined) return failed(answer)
  const message = `The server is unavailable (503) and asks to wait for ${wait.retryAfterMs} ms; then it is tried again.`
  return { type: 'unknown', error: new RateLimitError(message, { status: 503, ...wait, ...reported(answer) }), ...wait }
}

function rateLimited(answer: HttpAnswer): Outcome {
  const wait = waiting(answer)
  const message = `The server takes no more for now (${answer.status})${wait.retryAfterMs === undefined ? '' : ` and asks to wait for ${wait.retryAfterMs} ms`}. It is tried again; if it happens often, lower the concurrency.`
  return { type: 'retry', error: new RateLimitError(message, { status: answer.status, ...wait, ...reported(answer) }), ...wait }
}

function tooLarge(answer: HttpAnswer): Outcome {
  return waiting(answer).retryAfterMs === undefined ? refused(answer) : rateLimited(answer)
}

function tryAgain(code: string): Classifier {
  return (answer) => {
    const message = `The server did not process the request (${answer.status} ${code}). It is tried again.`
    return {
      type: 'retry',
      error: new ServerError(message, { code, status: answer.status, ...reported(answer) }),
      ...waiting(answer),
    }
  }
}

function timedOut(answer: HttpAnswer): Outcome {
  const message =
    'The server gave up waiting for the request (408). Whether it was applied is unknown; it is tried again with the same key.'
  return { type: 'unknown', error: new TimeoutError(message, reported(answer)), ...waiting(answer) }
}

function unauthenticated(answer: HttpAnswer): Outcome {
  const message = 'The server does not accept the credentials (401). Log in again; the queue is kept.'
  return { type: 'auth', error: new AuthenticationError(message, { status: answer.status, ...reported(answer) }) }
}

function forbidden(answer: HttpAnswer): Outcome {
  const message = 'The user may not do this (403). Ask for the right and retry the operation, or discard it.'
  const error = new AuthenticationError(message, { status: answer.status, ...reported(answer) })
  return { type: 'rejected', error, definite: false }
}

/** What it says is not the server's word, and is left out. */
function behindPortal(answer: HttpAnswer): Outcome {
  const message = `A proxy or a captive portal asks for a log-in (${answer.status}): the API was not reached. Log in to the network.`
  return { type: 'retry', error: new NetworkError(message, { code: 'offline' }), ...waiting(answer) }
}

function gone(answer: HttpAnswer): Outcome {
  return answer.method === 'DELETE' && answer.body.kind !== 'unreadable' ? { type: 'applied' } : refused(answer)
}

function conflicting(answer: HttpAnswer): Outcome {
  const problem = problemType(answer.body)
  if (problem === 'idempotency-in-progress') return inProgress(answer)
  if (problem === 'already-exists' || answer.method === 'POST')
    return conflict(answer, 'exists', 'The entity exists on the server already')
  return conflict(answer, 'stale', "The entity's state on the server does not allow this")
}

function inProgress(answer: HttpAnswer): Outcome {
  const message =
    'An earlier attempt of this operation is still being processed by the server (409). It is tried again with the same key.'
  return {
    type: 'unknown',
    error: new ServerError(message, { code: 'idempotency-in-progress', status: 409, ...reported(answer) }),
    ...waiting(answer),
  }
}

function conflict(answer: HttpAnswer, reason: 'stale' | 'exists' | 'precondition-required', what: string): Outcome {
  const message = `${what} (${answer.status}). The server's state is fetched and compared; if both sides changed, the entity's conflict strategy decides.`
  return { type: 'conflict', error: new ConflictError(message, { status: answer.status, ...reported(answer) }), reason }
}

function invalid(answer: HttpAnswer): Outcome {
  if (problemType(answer.body) !== 'idempotency-key-reused') return refused(answer)
  const message =
    'The server has seen this idempotency key with another content (422). Look at what was applied; then enqueue the operation again with a new key, or discard it.'
  const error = new ClientError(message, { code: 'idempotency-key-reused', status: 422, ...reported(answer) })
  return { type: 'rejected', error, definite: false }
}

const CLIENT: Readonly<Record<number, Classifier>> = {
  401: unauthenticated,
  403: forbidden,
  404: gone,
  407: behindPortal,
  408: timedOut,
  409: conflicting,
  410: gone,
  412: (answer) => conflict(answer, 'stale', 'The entity changed on the server'),
  413: tooLarge,
  421: tryAgain('misdirected'),
  422: invalid,
  425: tryAgain('too-early'),
  428: (answer) => conflict(answer, 'precondition-required', 'The server asks for the version that the write was made on'),
  429: rateLimited,
}

const SERVER: Readonly<Record<number, Classifier>> = { 501: refused, 503: unavailable, 505: refused, 511: behindPortal }

function waiting({ headers, nowMs }: HttpAnswer): { readonly retryAfterMs?: number } {
  const retryAfterMs = parseRetryAfter(headers['retry-after'], { dateHeader: headers['date'], nowMs })
  return retryAfterMs === undefined ? {} : { retryAfterMs }
}

/** What the server itself says is wrong, as the cause: shortened, on one line. */
function reported({ body }: HttpAnswer): { readonly cause?: Error } {
  const said = [problemField(body, 'title'), problemField(body, 'detail')].filter((text) => text !== undefined)
  const text = said
    .join(': ')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .slice(0, 500)
  return text === '' ? {} : { cause: new Error(`The server says: ${text}`) }
}

function problemField(body: ResponseBody, name: 'type' | 'title' | 'detail'): string | undefined {
  if (body.kind !== 'json' || !isRecord(body.value) || !Object.hasOwn(body.value, name)) return undefined
  const value = body.value[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
