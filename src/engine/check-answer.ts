import { objectionToValue } from '../core/answer-value.ts'
import { isVersion } from '../core/entity-version.ts'
import { CircuitBreakerOpenError, SyncError } from '../core/errors.ts'
import type { Fetched, Outcome, PreparedRequest } from '../core/ports.ts'
import { usableWaitMs } from '../core/retry-after.ts'
import { isPreparedRequest, isRecord } from '../core/schema.ts'

const OUTCOMES: ReadonlySet<unknown> = new Set<Outcome['type']>(['applied', 'retry', 'unknown', 'conflict', 'auth', 'rejected'])
const FETCHED: ReadonlySet<unknown> = new Set<Fetched['type']>(['found', 'absent', 'failed', 'auth'])

/** What a transport gave, whoever wrote it. Where that can't be used the request may have been applied all the same (S6). */
export function checkOutcome(outcome: Outcome): Outcome {
  const objection = objectionTo(outcome, OUTCOMES)
  return objection === undefined ? usable(outcome) : { type: 'unknown', error: notUsable('outcome', objection) }
}

/** @throws TypeError if it is no list. */
export function checkOutcomes(outcomes: readonly Outcome[]): readonly Outcome[] {
  if (!Array.isArray(outcomes)) throw new TypeError('The transport gave no list of outcomes.')
  return outcomes.map(checkOutcome)
}

export function checkFetched(fetched: Fetched): Fetched {
  const objection = objectionTo(fetched, FETCHED)
  return objection === undefined ? usable(fetched) : { type: 'failed', error: notUsable('entity', objection) }
}

/** Why it can't be used; undefined if it can. */
function objectionTo(answer: unknown, types: ReadonlySet<unknown>): string | undefined {
  if (!isRecord(answer)) return 'it is no object'
  const { type, version, value, error } = answer
  if (!types.has(type)) return 'its type is not known'
  if (type === 'absent') return undefined
  if (type === 'applied') return objectionToVersion(version) ?? objectionToAny(value)
  if (type === 'found') return objectionToVersion(version) ?? objectionToEntity(value)
  return error instanceof Error ? undefined : 'its error is none'
}

/** A wait that is none is left out, and one of more than a day is a day. */
export function withUsableWait<Answer extends object>(answer: Answer): Answer
export function withUsableWait(answer: object): object {
  if (!('retryAfterMs' in answer)) return answer
  const { retryAfterMs: given, ...others } = answer
  const retryAfterMs = usableWaitMs(given)
  if (retryAfterMs === given) return answer
  return retryAfterMs === undefined ? others : { ...others, retryAfterMs }
}

function usable<Answer extends Outcome | Fetched>(answer: Answer): Answer {
  return withTypedError(withUsableWait(withoutBreaker(answer)))
}

/** A breaker of the transport's own is not ours, on which sending waits: it is asked again after its time. A refusal waits for nothing, and is kept. */
function withoutBreaker<Answer extends Outcome | Fetched>(answer: Answer): Answer
function withoutBreaker(answer: Outcome | Fetched): object {
  if (answer.type === 'rejected' || !('error' in answer) || !(answer.error instanceof CircuitBreakerOpenError)) return answer
  const { message, remainingMs } = answer.error
  const error = new SyncError('transport', message, { cause: answer.error, retryable: true })
  return { retryAfterMs: remainingMs, ...answer, error }
}

/** An error of another kind is the cause of one of ours. */
function withTypedError<Answer extends object>(answer: Answer): Answer
function withTypedError(answer: object): object {
  const error = 'error' in answer ? answer.error : undefined
  if (!(error instanceof Error) || error instanceof SyncError) return answer
  return { ...answer, error: new SyncError('transport', error.message, { cause: error }) }
}

/** What is to be said against the value of an entity. */
export function objectionToEntity(value: unknown): string | undefined {
  return isRecord(value) ? objectionToAny(value) : 'its value must be an object'
}

function objectionToAny(value: unknown): string | undefined {
  const objection = objectionToValue(value)
  return objection === undefined ? undefined : `its value ${objection}`
}

export function objectionToVersion(version: unknown): string | undefined {
  const isUsable = version === undefined || (typeof version === 'string' && isVersion(version))
  return isUsable ? undefined : 'its version must be printable ASCII without spaces and quotes'
}

/** As it is stored, and could not be read again otherwise. @throws TypeError if it can't be */
export function checkRequest(request: PreparedRequest): PreparedRequest {
  if (isPreparedRequest(request)) return request
  throw new TypeError('The transport made a request without method, path, headers or body (a text, or null).')
}

function notUsable(what: string, objection: string): SyncError {
  const message = `The transport gave an ${what} that can't be used: ${objection}. Mend the transport; it is asked again.`
  return new SyncError('transport', message, { retryable: true })
}
