import { isVersion } from '../core/classify.ts'
import { SyncError } from '../core/errors.ts'
import type { Fetched, Outcome } from '../core/ports.ts'
import { isRecord } from '../core/schema.ts'

const OUTCOMES: ReadonlySet<string> = new Set<Outcome['type']>(['applied', 'retry', 'unknown', 'conflict', 'auth', 'rejected'])
const FETCHED: ReadonlySet<string> = new Set<Fetched['type']>(['found', 'absent', 'failed', 'auth'])

/** What a transport gave, whoever wrote it. Where that can't be used the request may have been applied all the same (S6). */
export function checkOutcome(outcome: Outcome): Outcome {
  const objection = objectionTo(outcome, OUTCOMES)
  return objection === undefined ? outcome : { type: 'unknown', error: notUsable('outcome', objection) }
}

/** @throws TypeError if it is no list. */
export function checkOutcomes(outcomes: readonly Outcome[]): readonly Outcome[] {
  if (!Array.isArray(outcomes)) throw new TypeError('The transport gave no list of outcomes.')
  return outcomes.map(checkOutcome)
}

export function checkFetched(fetched: Fetched): Fetched {
  const objection = objectionTo(fetched, FETCHED)
  return objection === undefined ? fetched : { type: 'failed', error: notUsable('entity', objection) }
}

/** Why it can't be used; undefined if it can. */
function objectionTo(answer: Outcome | Fetched, types: ReadonlySet<string>): string | undefined {
  if (!isRecord(answer)) return 'it is no object'
  if (!types.has(answer.type)) return 'its type is not known'
  if (answer.type === 'absent') return undefined
  if (answer.type !== 'applied' && answer.type !== 'found')
    return answer.error instanceof SyncError ? undefined : 'its error is no SyncError'
  const { version } = answer
  if (version !== undefined && (typeof version !== 'string' || !isVersion(version)))
    return 'its version must be printable ASCII without spaces and quotes'
  return answer.type === 'found' && !isRecord(answer.value) ? 'its value must be an object' : undefined
}

function notUsable(what: string, objection: string): SyncError {
  const message = `The transport gave an ${what} that can't be used: ${objection}. Mend the transport; it is asked again with the same key.`
  return new SyncError('transport', message, { retryable: true })
}
