import { isRecord } from '../../core/schema.ts'
import { NetworkError, ServerError } from '../../core/errors.ts'
import type { Outcome } from '../../core/ports.ts'
import { redact } from './read-body.ts'

/** What became of a request that got no usable answer. Never carries what the HTTP client knows of it: that holds credentials. */
export function networkFailure(error: unknown, secret: string | undefined): Extract<Outcome, { type: 'retry' | 'unknown' }> {
  const cause = cleanCause(error, secret)
  if (neverConnected(error)) {
    const message = `The server could not be reached (${cause.code ?? 'no connection'}). It is tried again; check the network, and that baseURL is right.`
    return { type: 'retry', error: new NetworkError(message, { cause }) }
  }
  if (cause.code === 'ERR_BAD_RESPONSE') {
    const message =
      'The answer was cut off or larger than maxResponseBytes (a page of changes: maxPageBytes). A write may have been applied; it is tried again with the same key. Raise that option if the API answers at such length; pages are smaller with a smaller pull.pageSize.'
    return { type: 'unknown', error: new ServerError(message, { code: 'unreadable', cause }) }
  }
  const message = `The connection broke before the answer came (${cause.code ?? 'no code'}). A write may have been applied; it is tried again with the same key. In a browser, check that the API allows this origin (CORS).`
  return { type: 'unknown', error: new NetworkError(message, { cause }) }
}

/** Name, code and message of an error, and nothing else of it. */
export function cleanCause(error: unknown, secret: string | undefined): Error & { readonly code?: string } {
  const text =
    error instanceof Error ? error.message : typeof error === 'string' ? error : 'Something that is no error was thrown.'
  const clean: Error & { code?: string } = new Error(redact(text, secret))
  if (error instanceof Error) clean.name = error.name
  const code = codeOf(error)
  if (code !== undefined) clean.code = code
  return clean
}

/** The name could not be resolved. */
const UNRESOLVED: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME'])

/** True only if it is certain that no byte of the request left. */
function neverConnected(error: unknown): boolean {
  const source = isRecord(error) && error['cause'] instanceof Error ? error['cause'] : error
  if (source instanceof AggregateError) return source.errors.length > 0 && source.errors.every(neverConnected)
  const code = codeOf(source)
  return (
    code === 'ECONNREFUSED' ||
    (code !== undefined && UNRESOLVED.has(code)) ||
    (isRecord(source) && source['syscall'] === 'connect')
  )
}

function codeOf(error: unknown): string | undefined {
  return isRecord(error) && typeof error['code'] === 'string' ? error['code'] : undefined
}
