import { isVersion } from '../core/classify.ts'
import { SyncError } from '../core/errors.ts'
import type { Digested, Fetched, Outcome } from '../core/ports.ts'
import { isRecord } from '../core/schema.ts'

const OUTCOMES: ReadonlySet<unknown> = new Set<Outcome['type']>(['applied', 'retry', 'unknown', 'conflict', 'auth', 'rejected'])
const FETCHED: ReadonlySet<unknown> = new Set<Fetched['type']>(['found', 'absent', 'failed', 'auth'])
const DIGESTED: ReadonlySet<unknown> = new Set<Digested['type']>(['digests', 'failed', 'auth'])

/** What a transport gave, whoever wrote it. Where that can't be used the request may have been applied all the same (S6). */
export function checkOutcome(outcome: Outcome): Outcome {
  const objection = objectionTo(outcome, OUTCOMES)
  return objection === undefined ? withTypedError(outcome) : { type: 'unknown', error: notUsable('outcome', objection) }
}

/** @throws TypeError if it is no list. */
export function checkOutcomes(outcomes: readonly Outcome[]): readonly Outcome[] {
  if (!Array.isArray(outcomes)) throw new TypeError('The transport gave no list of outcomes.')
  return outcomes.map(checkOutcome)
}

export function checkFetched(fetched: Fetched): Fetched {
  const objection = objectionTo(fetched, FETCHED)
  return objection === undefined ? withTypedError(fetched) : { type: 'failed', error: notUsable('entity', objection) }
}

export function checkDigested(digested: Digested): Digested {
  const objection = objectionTo(digested, DIGESTED)
  return objection === undefined
    ? withTypedError(digested)
    : { type: 'failed', error: notUsable('answer to digest()', objection) }
}

/** Why it can't be used; undefined if it can. */
function objectionTo(answer: unknown, types: ReadonlySet<unknown>): string | undefined {
  if (!isRecord(answer)) return 'it is no object'
  const { type, version, value, digests, error } = answer
  if (!types.has(type)) return 'its type is not known'
  if (type === 'absent') return undefined
  if (type === 'applied') return objectionToVersion(version)
  if (type === 'found') return isRecord(value) ? objectionToVersion(version) : 'its value must be an object'
  if (type === 'digests') return isDigests(digests) ? undefined : 'it must have a list of digests, each with count and hash'
  return error instanceof Error ? undefined : 'its error is none'
}

/** An error of another kind is the cause of one of ours. */
function withTypedError<Answer extends object>(answer: Answer): Answer
function withTypedError(answer: object): object {
  const error = 'error' in answer ? answer.error : undefined
  if (!(error instanceof Error) || error instanceof SyncError) return answer
  return { ...answer, error: new SyncError('transport', error.message, { cause: error }) }
}

function objectionToVersion(version: unknown): string | undefined {
  const isUsable = version === undefined || (typeof version === 'string' && isVersion(version))
  return isUsable ? undefined : 'its version must be printable ASCII without spaces and quotes'
}

function isDigests(digests: unknown): boolean {
  return (
    Array.isArray(digests) &&
    digests.every((one: unknown) => isRecord(one) && typeof one['count'] === 'number' && typeof one['hash'] === 'string')
  )
}

function notUsable(what: string, objection: string): SyncError {
  const message = `The transport gave an ${what} that can't be used: ${objection}. Mend the transport; it is asked again.`
  return new SyncError('transport', message, { retryable: true })
}
