import type { SyncError } from './errors.ts'
import type { Json } from './json.ts'
import type { ConflictRecord, OperationRow, Priority, StoredError, TerminalStatus, TransactionPart } from './operation.ts'
import { IN_PLAY, NEVER_DUE } from './schema.ts'
import type { PreparedRequest } from './ports.ts'
import { undoOver, withoutReckoned } from './undo.ts'

/**
 * How an operation's row changes. Each function is one step of its life: pure, the row in, the next row out. Whoever calls
 * them writes the result before acting on it.
 */

/** How long after its enqueue an operation's turn comes at the latest before those of the next higher priority: the ageing that keeps every priority from starving. */
export type Ageing = Readonly<Record<Priority, number>>

export function rankOf(row: { readonly enqueuedAt: number; readonly priority: Priority }, ageingMs: Ageing): number {
  return row.enqueuedAt + ageingMs[row.priority]
}

/** The request may leave from now on: until an answer says otherwise, it may have been applied. */
export function claim(row: OperationRow, request: PreparedRequest, baseVersion: string | undefined): OperationRow {
  const { rank: _rank, dedupeKey: _dedupeKey, ...kept } = row
  return {
    ...kept,
    ...(baseVersion === undefined ? {} : { baseVersion }),
    rev: row.rev + 1,
    status: 'sending',
    attempts: row.attempts + 1,
    unknownAttempts: row.unknownAttempts + 1,
    request,
    dueAt: IN_PLAY,
  }
}

/**
 * The request certainly did not leave, or left for nothing (no credentials): the attempt does not count. What was enqueued meanwhile
 * may depend on it, for what is claimed needs no mark: so nothing is merged with it any more.
 */
export function release(row: OperationRow, ageingMs: Ageing, error?: SyncError): OperationRow {
  const attempts = row.attempts - 1
  const unclaimed = { ...row, rev: row.rev + 1, attempts, unknownAttempts: row.unknownAttempts - 1, ...lastError(error) }
  if (attempts > 0) return { ...unclaimed, status: 'waiting', dueAt: 0 }
  const { dueAt: _dueAt, request: _request, transaction, ...fresh } = unclaimed
  const open = transaction === undefined ? {} : { transaction: sentAs(transaction, undefined) }
  return { ...fresh, ...open, status: 'queued', rank: rankOf(row, ageingMs), depended: 1 }
}

/** How a transaction is sent; undefined where that is open again. */
export function sentAs({ id, place, size }: TransactionPart, sent: TransactionPart['sent'], isMet = false): TransactionPart {
  return { id, place, size, ...(sent === undefined ? {} : { sent }), ...(isMet ? { isMet } : {}) }
}

export interface Postponement {
  readonly at: number
  readonly delayMs: number
  readonly error: SyncError
  /** True if this attempt was certainly not applied. */
  readonly definite: boolean
}

export function postpone(row: OperationRow, { at, delayMs, error, definite }: Postponement): OperationRow {
  return {
    ...row,
    rev: row.rev + 1,
    status: 'waiting',
    dueAt: at + delayMs,
    backoffMs: delayMs,
    unknownAttempts: definite ? row.unknownAttempts - 1 : row.unknownAttempts,
    ...lastError(error),
  }
}

/**
 * What answered was not the server, for the network is not there. The attempt does not count (the first stays on record: its bytes and
 * what is in doubt about them are kept), and the operation goes on when sending does.
 */
export function setAside(row: OperationRow, { error, definite }: Pick<Postponement, 'error' | 'definite'>): OperationRow {
  const attempts = Math.max(1, row.attempts - 1)
  const inDoubt = definite ? row.unknownAttempts - 1 : Math.min(row.unknownAttempts, attempts)
  return { ...row, rev: row.rev + 1, status: 'waiting', dueAt: 0, attempts, unknownAttempts: inDoubt, ...lastError(error) }
}

/** Refused with nothing applied: the server's state must be looked at. */
export function beginReconciling(row: OperationRow, error: SyncError): OperationRow {
  const doubt = row.unknownAttempts > 1 ? ({ wasInDoubt: true } as const) : {}
  return { ...row, ...doubt, rev: row.rev + 1, status: 'reconciling', unknownAttempts: 0, dueAt: IN_PLAY, ...lastError(error) }
}

/** Before its first request. */
export function beginLooking(row: OperationRow): OperationRow {
  const { rank: _rank, ...kept } = row
  return { ...kept, rev: row.rev + 1, status: 'reconciling', attempts: row.attempts + 1, dueAt: IN_PLAY }
}

export interface Resend {
  readonly request: PreparedRequest
  readonly baseVersion?: string | undefined
  readonly conflict?: ConflictRecord | undefined
  readonly base?: Json | undefined
  /** The server has all of it already: only the other members of its transaction are sent. */
  readonly isMet?: true | undefined
  /** What is sent now, where it is another than what was refused. */
  readonly sent?: Pick<OperationRow, 'type' | 'payload'> | undefined
}

/** A reconciled request is a new request, with a key of its own. */
export function resend(row: OperationRow, { request, baseVersion, conflict, base, isMet, sent = row }: Resend): OperationRow {
  return {
    ...row,
    rev: row.rev + 1,
    status: 'sending',
    request,
    attempts: row.attempts + 1,
    unknownAttempts: 1,
    reconciliations: row.reconciliations + 1,
    dueAt: IN_PLAY,
    ...(baseVersion === undefined ? {} : { baseVersion }),
    ...(conflict === undefined ? {} : { conflict }),
    ...(base === undefined ? {} : { base }),
    ...(isMet === undefined || row.transaction === undefined ? {} : { transaction: { ...row.transaction, isMet } }),
    ...(conflict === undefined ? {} : undoOver(row, sent, conflict.remote)),
  }
}

/** A look at the server has told that all of it is there: a create that was refused each time has made nothing of that. */
export function foundDone(row: OperationRow): OperationRow {
  if (row.type !== 'create' || row.wasInDoubt === true) return row
  const { undo: _undo, ...kept } = row
  return kept
}

export function beginRollback(row: OperationRow, error: SyncError, conflict?: ConflictRecord): OperationRow {
  const { rank: _rank, dedupeKey: _dedupeKey, ...kept } = row
  return {
    ...kept,
    rev: row.rev + 1,
    status: 'rollingBack',
    unknownAttempts: 0,
    dueAt: IN_PLAY,
    ...lastError(error),
    ...(conflict === undefined ? {} : { conflict }),
  }
}

/** Only a person or the application can say how to go on. */
export function park(row: OperationRow, error: SyncError, conflict?: ConflictRecord): OperationRow {
  const { dedupeKey: _dedupeKey, rank: _rank, ...kept } = row
  return {
    ...kept,
    rev: row.rev + 1,
    status: 'parked',
    dueAt: NEVER_DUE,
    ...lastError(error),
    ...(conflict === undefined ? {} : { conflict }),
  }
}

/** A decision was made: the operation is tried again, with the same key and bytes if it was ever sent. What was sent before counts as one attempt. */
export function unpark(row: OperationRow): OperationRow {
  return {
    ...row,
    rev: row.rev + 1,
    status: 'waiting',
    dueAt: 0,
    attempts: Math.min(row.attempts, 1),
    unknownAttempts: Math.min(row.unknownAttempts, 1),
    ...(row.reconciliations === 0 ? {} : { reconciledBefore: row.reconciliations }),
  }
}

/** What is decided otherwise after a definite refusal is sent as a new request; to be done before `unpark`, whose limit counts from there. */
export function ofNewKey(row: OperationRow): OperationRow {
  const { wasInDoubt: _wasInDoubt, ...kept } = row
  return { ...kept, reconciliations: row.reconciliations + 1 }
}

export function finish(row: OperationRow, status: TerminalStatus, at: number, supersededBy?: string): OperationRow {
  const { lane: _lane, rank: _rank, dueAt: _dueAt, dedupeKey: _dedupeKey, request: _request, base: _base, ...kept } = row
  return { ...kept, rev: row.rev + 1, status, finishedAt: at, ...(supersededBy === undefined ? {} : { supersededBy }) }
}

/** Replaces the content of an operation that was never sent. */
export function withPayload({ aside: _aside, ...row }: OperationRow, payload: Json): OperationRow {
  return { ...withoutReckoned(row), rev: row.rev + 1, payload }
}

export function storedError(error: SyncError): StoredError {
  const status = 'status' in error && typeof error.status === 'number' ? { status: error.status } : {}
  return { name: error.name, code: error.code, message: error.message, ...status }
}

function lastError(error: SyncError | undefined): { lastError?: StoredError } {
  return error === undefined ? {} : { lastError: storedError(error) }
}
