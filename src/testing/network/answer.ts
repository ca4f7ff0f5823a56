import type { IncomingResponse } from '../../adapters/http/wire.ts'
import { ValidationError } from '../../core/errors.ts'
import { isRecord } from '../../core/schema.ts'
import type { ServerResponse } from '../world/messages.ts'

/** What a wire gave. @throws ValidationError if that is no answer: what is missing would pass for a server that says nothing. */
export function answerOf(given: unknown): ServerResponse {
  if (!isAnswer(given))
    throw new ValidationError(
      'wire',
      'must give { status, headers, data }: a whole number, an object of header texts by their names, and the body as a text.',
    )
  const { status, headers, data } = given
  const texts = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name.toLowerCase(), value] as const] : [],
  )
  return { status, headers: Object.fromEntries(texts), body: typeof data === 'string' ? data : '' }
}

function isAnswer(given: unknown): given is IncomingResponse {
  if (!isRecord(given)) return false
  const { status, headers, data } = given
  return Number.isInteger(status) && isHeaders(headers) && (data === undefined || data === null || typeof data === 'string')
}

/** A `Headers` has no fields of its own. */
function isHeaders(headers: unknown): boolean {
  return isRecord(headers) && !(headers instanceof Headers)
}
