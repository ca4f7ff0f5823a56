import { classifyResponse, type ResponseBody } from '../../core/classify.ts'
import { BATCH_ABORTED, ClientError, ServerError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import type { Outcome } from '../../core/ports.ts'
import type { Answer } from './exchange.ts'
import { fieldOf, isJsonObject, isJsonType, parseJson, problemOnly, vetted } from './read-body.ts'

/** The outcome of each operation of a batch; one for all, if the answer as a whole can't be read. */
export function readResults(
  answer: Answer,
  parts: readonly { readonly method: string }[],
  isAtomic: boolean,
): readonly Outcome[] | Outcome {
  const body = parseJson(answer.text, answer.headers['content-type'])
  if (body.kind !== 'json') return unreadable(answer.status, body.kind === 'empty' ? 'the body is empty' : body.reason)
  const results = resultsOf(body.value)
  if (results === undefined) return unreadable(answer.status, 'the body has no array "results"')
  if (results.length !== parts.length)
    return unreadable(answer.status, `it has ${results.length} results for ${parts.length} operations`)
  const surroundings = { isAtomic, date: answer.headers.date, secret: answer.secret, nowMs: answer.receivedAt }
  return parts.map((part, at) => classifyResult(results[at], part.method, surroundings))
}

interface Surroundings {
  readonly isAtomic: boolean
  readonly date: string | undefined
  readonly secret: string | undefined
  readonly nowMs: number
}

function resultsOf(value: Json): readonly Json[] | undefined {
  const results = fieldOf(value, 'results')
  return Array.isArray(results) ? results : undefined
}

function classifyResult(result: Json | undefined, method: string, { isAtomic, date, secret, nowMs }: Surroundings): Outcome {
  const status = fieldOf(result, 'status')
  if (typeof status !== 'number' || !Number.isInteger(status)) return unreadable(undefined, 'the result has no status')
  if (isAtomic && status === 424) return aborted()
  const headers: Readonly<Record<string, string | undefined>> = { date, ...lowerCased(fieldOf(result, 'headers')) }
  const body = bodyOf(fieldOf(result, 'body'), headers['content-type'])
  return classifyResponse({ status, headers, body: status >= 400 ? problemOnly(body, secret) : body, method, nowMs })
}

/** RFC 4918 §11.4. */
function aborted(): Outcome {
  const message = 'Another operation of the same atomic batch was refused (424): nothing was applied.'
  return { type: 'rejected', error: new ClientError(message, { code: BATCH_ABORTED, status: 424 }), definite: true }
}

function bodyOf(value: Json | undefined, contentType: string | undefined): ResponseBody {
  if (value === undefined || value === null || value === '') return { kind: 'empty' }
  if (contentType !== undefined && !isJsonType(contentType))
    return { kind: 'unreadable', reason: 'the body is not JSON by its content type' }
  return vetted(value)
}

function lowerCased(headers: Json | undefined): Readonly<Record<string, string | undefined>> {
  if (headers === undefined || !isJsonObject(headers)) return {}
  const texts = Object.entries(headers).flatMap(([name, value]) => {
    return typeof value === 'string' || typeof value === 'number' ? [[name.toLowerCase(), String(value)] as const] : []
  })
  return Object.fromEntries(texts)
}

function unreadable(status: number | undefined, reason: string): Outcome {
  const message = `The answer to a batch can not be used: ${reason}. A write may have been applied; it is tried again with the same key. Check the batch endpoint, or set batch: false.`
  return { type: 'unknown', error: new ServerError(message, { code: 'unreadable', status }) }
}
