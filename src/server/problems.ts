import { SyncError } from '../core/errors.ts'
import type { Answer } from './answer.ts'

/** The problems that the server tells, with status and title (RFC 9457). On the wire their type is `urn:synchart:problem:<name>`. */
export const problems = {
  'invalid-request': { status: 400, title: 'The request is malformed' },
  'invalid-json': { status: 400, title: 'The body is not JSON' },
  'invalid-header': { status: 400, title: 'A header is malformed' },
  'invalid-parameter': { status: 400, title: 'A query parameter is malformed' },
  'invalid-cursor': { status: 400, title: 'The cursor is malformed' },
  'invalid-batch': { status: 400, title: 'The batch is malformed' },
  'idempotency-key-missing': { status: 400, title: 'Idempotency-Key is missing' },
  'idempotency-key-malformed': { status: 400, title: 'Idempotency-Key is malformed' },
  unauthorized: { status: 401, title: 'Credentials are missing or not valid' },
  'origin-not-allowed': { status: 403, title: 'Pages of this origin are not served' },
  'not-found': { status: 404, title: 'There is no such resource' },
  'unknown-entity': { status: 404, title: 'There is no such entity' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'already-exists': { status: 409, title: 'The resource exists already' },
  'idempotency-in-progress': { status: 409, title: 'A request with this key is still being processed' },
  'cursor-expired': { status: 410, title: 'The cursor has expired' },
  'precondition-failed': { status: 412, title: 'The resource is not at the version that the request was made for' },
  'content-too-large': { status: 413, title: 'The content is too large' },
  'unsupported-media-type': { status: 415, title: 'The content type is not supported' },
  misdirected: { status: 421, title: 'This server is not known by that name' },
  'invalid-body': { status: 422, title: 'The body is not acceptable' },
  'invalid-id': { status: 422, title: 'The id is not acceptable' },
  'idempotency-key-reused': { status: 422, title: 'The key was used for another request' },
  'batch-aborted': { status: 424, title: 'Another operation of the atomic batch failed' },
  'upgrade-required': { status: 426, title: 'The protocol must be upgraded' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'The server failed' },
  unavailable: { status: 503, title: 'The server is not available' },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>

export type ProblemName = keyof typeof problems

/** A request that is refused before it is looked at under its key: nothing is stored for it. */
export class Refusal extends SyncError {
  override readonly name = 'Refusal'
  readonly answer: Answer
  constructor(problem: ProblemName, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(problem, detail)
    this.answer = problemAnswer(problem, detail, headers)
  }
}

/** The answer for a problem. `detail` says what to do. */
export function problemAnswer(name: ProblemName, detail: string, headers: Readonly<Record<string, string>> = {}): Answer {
  const { status, title } = problems[name]
  const body = JSON.stringify({ type: `urn:synchart:problem:${name}`, title, status, detail })
  return { status, headers: { 'content-type': 'application/problem+json', ...headers }, body }
}
