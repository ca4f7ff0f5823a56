import { BATCH_ABORTED, ConflictError, ServerError, SyncOperationError, type SyncError } from './errors.ts'
import { isTerminal, type OperationRow, type TransactionPart } from './operation.ts'
import type { Outcome } from './ports.ts'
import type { PreparedDecision } from './reconcile.ts'
import { finish, sentAs, storedError } from './rows.ts'

/**
 * Transactions: operations that are accepted together, applied together or not at all, and rolled back together. Where the server has an atomic batch
 * its members are sent together; the first of them, the leader, is played, and the others follow it. Otherwise they are sent one by one (a saga:
 * Garcia-Molina and Salem, SIGMOD 1987), and if one is refused, those before it are undone.
 */

/** The error code of what ends because another member of its transaction did. */
export const TRANSACTION_FAILED = 'transaction-failed'
const NOT_ATOMIC = 'not-atomic'

/** What became of one member, by an answer to all. */
export type Part = Outcome | PreparedDecision

export function isTogether({ transaction }: OperationRow): boolean {
  return transaction?.sent === 'together'
}

/** Where the members of an operation's transaction stand, in their order. */
export function memberSeqs({ seq, transaction }: OperationRow): readonly number[] {
  const { place, size } = transaction ?? { place: 0, size: 1 }
  return Array.from({ length: size }, (_, at) => seq - place + at)
}

/** The member as it is once `other` is what it is; `said` is what was said of itself. */
export function follow(row: OperationRow, other: OperationRow, said?: Part): OperationRow {
  // What was to be sent anew is not, if the whole is parked for having been refused too often.
  const part = said?.type === 'resend' && other.status !== 'sending' ? undefined : said
  const own = { ...row, ...lastErrorOf(row, other, part), ...conflictOf(part) }
  if (isTerminal(other.status)) return finish(own, other.status, other.finishedAt ?? 0)
  const { rank: _rank, dueAt: _dueAt, request, backoffMs: _backoffMs, transaction = NO_PART, ...kept } = own
  const { status, attempts, unknownAttempts, reconciliations, backoffMs, dueAt, rank, reconciledBefore, wasInDoubt } = other
  return {
    ...kept,
    rev: row.rev + 1,
    status,
    attempts,
    unknownAttempts,
    reconciliations,
    transaction: sentAs(transaction, other.transaction?.sent, transaction.isMet === true || part?.type === 'done'),
    ...(backoffMs === undefined ? {} : { backoffMs }),
    ...(dueAt === undefined ? {} : { dueAt }),
    ...(rank === undefined ? {} : { rank }),
    ...(reconciledBefore === undefined ? {} : { reconciledBefore }),
    ...(wasInDoubt === undefined ? {} : { wasInDoubt }),
    ...(request === undefined || isUnsent(other) ? {} : { request }),
    ...sentAnew(part),
  }
}

const NO_PART: TransactionPart = { id: '', place: 0, size: 1 }

function isUnsent({ status, request }: OperationRow): boolean {
  return status === 'queued' && request === undefined
}

/** What is rolled back has its reason already. */
function lastErrorOf(row: OperationRow, other: OperationRow, part: Part | undefined): Pick<OperationRow, 'lastError'> {
  if (part !== undefined) return 'error' in part ? { lastError: storedError(part.error) } : {}
  return row.status === 'rollingBack' || other.lastError === undefined ? {} : { lastError: other.lastError }
}

function conflictOf(part: Part | undefined): Pick<OperationRow, 'conflict'> {
  return part !== undefined && 'conflict' in part && part.conflict !== undefined ? { conflict: part.conflict } : {}
}

function sentAnew(part: Part | undefined): Pick<OperationRow, 'request' | 'baseVersion' | 'base'> {
  if (part?.type !== 'resend') return {}
  const { request, version, base } = part
  return { request, ...(version === undefined ? {} : { baseVersion: version }), ...(base === undefined ? {} : { base }) }
}

/**
 * What an atomic batch came to: all applied, or what befell the member that stopped it, for all of them; no outcome stands where one was left out. Of the
 * others the server says no more than that nothing was applied. If some were applied and others not, the endpoint is not atomic, or knows some of them from having been
 * sent alone, before the store of this device was set back: each is asked about by itself.
 */
export function together(members: readonly OperationRow[], outcomes: readonly (Outcome | undefined)[]): readonly Outcome[] {
  const sent = outcomes.filter((outcome) => outcome !== undefined)
  const worst = worstOf(sent)
  const culprit = worst === undefined ? undefined : members[outcomes.indexOf(worst)]
  if (worst === undefined || culprit === undefined)
    return members.map((_, at) => (sent.some(isAborted) ? metByOne() : (outcomes[at] ?? { type: 'applied' })))
  if (worst.type !== 'unknown' && sent.some(({ type }) => type === 'applied')) {
    const mixed: Failure = { type: 'unknown', error: notAtomic() }
    return members.map(() => mixed)
  }
  return members.map((row) => (row === culprit ? worst : { ...worst, error: failedBy(row, culprit, worst.error) }))
}

const WORST_FIRST = ['unknown', 'auth', 'retry', 'rejected', 'conflict'] as const

type Failure = Exclude<Outcome, { type: 'applied' }>

function worstOf(outcomes: readonly Outcome[]): Failure | undefined {
  const own = outcomes.filter((outcome): outcome is Failure => outcome.type !== 'applied' && !isAborted(outcome))
  return WORST_FIRST.flatMap((type) => own.find((outcome) => outcome.type === type) ?? []).at(0)
}

function isAborted(outcome: Outcome): boolean {
  return outcome.type === 'rejected' && outcome.error.code === BATCH_ABORTED
}

/** One of them is there already, as a delete of what is gone: that stops an atomic batch, and is no failure. */
function metByOne(): Outcome {
  const message = 'Nothing of the transaction was applied, for a part of it is there already; what is left is sent anew.'
  return { type: 'conflict', reason: 'stale', error: new ConflictError(message) }
}

function notAtomic(): SyncError {
  const message =
    'The batch endpoint applied a part of a transaction and refused another, so its operations are sent one by one, with the same keys. Mend the endpoint, or set batch: false.'
  return new ServerError(message, { code: NOT_ATOMIC })
}

/** From now on it is sent by itself, after such an answer. */
export function separated(row: OperationRow, { code }: SyncError): OperationRow {
  return code !== NOT_ATOMIC || row.transaction === undefined ? row : { ...row, transaction: sentAs(row.transaction, 'oneByOne') }
}

export function failedBy(row: OperationRow, culprit: OperationRow, cause: SyncError): SyncError {
  const { type, entity, entityId, id } = culprit
  const message = `It goes with its transaction, of which operation ${id} (${type} of ${entity}/${entityId}) failed: ${cause.message}`
  return new SyncOperationError(row.id, TRANSACTION_FAILED, message, { cause })
}

export function incomplete({ id, transaction }: OperationRow): SyncError {
  const message = `Another operation of its transaction ${transaction?.id ?? ''} is lost or was discarded, so nothing of it is sent. Enqueue the whole anew.`
  return new SyncOperationError(id, 'transaction-incomplete', message)
}

type Stop = Exclude<PreparedDecision, { type: 'done' | 'resend' }>

const STRONGEST_FIRST = ['failed', 'auth', 'heldBack', 'refuse', 'park'] as const

/** What looking at the server decided for a transaction, by member. What the server has already is left out of what is sent anew. */
export function decidedTogether(
  members: readonly OperationRow[],
  decisions: readonly PreparedDecision[],
): readonly PreparedDecision[] {
  const stops = decisions.filter((decision): decision is Stop => decision.type !== 'done' && decision.type !== 'resend')
  const stop = STRONGEST_FIRST.flatMap((type) => stops.find((one) => one.type === type) ?? []).at(0)
  const culprit = stop === undefined ? undefined : members[decisions.indexOf(stop)]
  if (stop === undefined || culprit === undefined) return decisions
  const { type, error } = stop
  const wait = 'retryAfterMs' in stop ? { retryAfterMs: stop.retryAfterMs } : {}
  return members.map((row) => (row === culprit ? stop : { type, error: failedBy(row, culprit, error), ...wait }))
}

/** The leader goes on until all is done, be it for the others alone. */
export function ledBy(leader: OperationRow, decisions: readonly PreparedDecision[]): PreparedDecision | undefined {
  const [own] = decisions
  const { type, payload, request } = leader
  if (own?.type !== 'done' || request === undefined || decisions.every((decision) => decision.type === 'done')) return own
  return { type: 'resend', as: type, payload, request, isMet: true }
}
