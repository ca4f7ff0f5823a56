import { classifyResponse, type ResponseBody } from '../../core/classify.ts'
import { ClientError } from '../../core/errors.ts'
import type { Outcome, PreparedRequest, SendContext } from '../../core/ports.ts'
import { wishesOf, type Answer, type Exchange } from './exchange.ts'
import type { HttpSettings } from './options.ts'
import { problemOnly, readBody } from './read-body.ts'
import { isHeaderValue, isSafePath, isWriteMethod, quoted } from './safety.ts'

/** What a request carries beside its own headers. */
export interface Identity {
  readonly idempotencyKey: string
  readonly clientId: string
  readonly sequence: number
}

/** Sends one operation's request. Never rejects. */
export async function sendOne(
  settings: HttpSettings,
  exchange: Exchange,
  request: PreparedRequest,
  context: SendContext,
): Promise<Outcome> {
  const headers = wireHeaders(request, context)
  if (headers === undefined) return invalidRequest()
  if (request.body !== null && exceeds(request.body, settings.maxBodyBytes)) return tooLarge(settings.maxBodyBytes)
  const { method, path, body } = request
  const answer = await exchange({ method, path, headers, body, maxResponseBytes: settings.maxResponseBytes }, context.signal)
  return answer.type === 'none' ? answer.outcome : outcomeOf(answer, method)
}

export function outcomeOf(answer: Answer, method: string): Outcome {
  const { status, headers, receivedAt } = answer
  return { ...classifyResponse({ status, headers, body: bodyOf(answer), method, nowMs: receivedAt }), ...wishesOf(answer) }
}

function bodyOf({ status, headers, text, secret }: Answer): ResponseBody {
  const body = readBody(text, headers['content-type'])
  return status >= 400 ? problemOnly(body, secret) : body
}

/** The request's headers with its identity; undefined if the stored request is not one that this transport makes. */
export function wireHeaders(request: PreparedRequest, identity: Identity): Readonly<Record<string, string>> | undefined {
  const key = quoted(identity.idempotencyKey)
  if (key === undefined || !isHeaderValue(identity.clientId) || !isWriteMethod(request.method) || !isSafePath(request.path))
    return undefined
  return {
    ...request.headers,
    'Idempotency-Key': key,
    'Synchart-Client': identity.clientId,
    'Synchart-Sequence': String(identity.sequence),
  }
}

export function invalidRequest(): Outcome {
  const message =
    'The stored request can not be sent: its method, path, idempotency key or client id is not valid. Nothing left; discard the operation and enqueue it again with valid ids.'
  return { type: 'rejected', error: new ClientError(message, { code: 'invalid-request' }), definite: true }
}

export function tooLarge(maxBodyBytes: number): Outcome {
  const message = `The request's body is larger than maxBodyBytes (${maxBodyBytes}); nothing left. Make the payload smaller, or raise maxBodyBytes and retry the operation.`
  return { type: 'rejected', error: new ClientError(message, { code: 'body-too-large' }), definite: true }
}

const encoder = new TextEncoder()

/** A UTF-16 unit makes at most three bytes of UTF-8, so that most texts need no counting. */
export function exceeds(text: string, maxBytes: number): boolean {
  return text.length * 3 > maxBytes && byteLength(text) > maxBytes
}

export function byteLength(text: string): number {
  return encoder.encode(text).byteLength
}
