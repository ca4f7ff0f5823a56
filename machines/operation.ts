import { assign, setup } from 'xstate'
import { retryDelayMs, type RetryOptions } from '../src/core/backoff.ts'
import { BATCH_UNSUPPORTED, SyncOperationError, UNREACHABLE, type SyncError } from '../src/core/errors.ts'
import { didNotLeave } from '../src/core/held-back.ts'
import { sendableAt, type ConflictRecord, type OperationRow, type OperationStatus } from '../src/core/operation.ts'
import type { Outcome } from '../src/core/ports.ts'
import type { Decision, PreparedDecision } from '../src/core/reconcile.ts'
import { IN_PLAY } from '../src/core/schema.ts'
import {
  beginReconciling,
  beginRollback,
  finish,
  foundDone,
  park,
  postpone,
  release,
  resend,
  setAside,
  type Ageing,
} from '../src/core/rows.ts'
import { isTogether, separated } from '../src/core/transaction.ts'
import { notProvided } from './not-provided.ts'

/**
 * The life of one operation while it is in play. The actor is a slot: it takes one operation after the other, and between two it
 * is idle. Every new status is recorded before it is acted on, so the row is always at least as far as the actor.
 */
export interface OperationInput {
  readonly retry: RetryOptions
  readonly ageingMs: Ageing
  readonly maxReconciliations: number
  readonly sendTimeoutMs: number
}

export interface OperationContext extends OperationInput {
  /** What is played, or was last. */
  readonly row: OperationRow | undefined
}

/** Which attempt an answer belongs to: one that comes too late must not touch the slot's next operation. */
interface OfAttempt {
  readonly operationId: string
  readonly attempt: number
  readonly at: number
  /** Uniform in [0, 1), for the jitter of a delay. */
  readonly random: number
}

/** Where a transaction is sent together: the same of each member, the one that is played included. */
interface OfMembers<Part> {
  readonly parts?: readonly Part[] | undefined
}

export type OperationEvent =
  | { readonly type: 'ASSIGN'; readonly row: OperationRow }
  | ({ readonly type: 'OUTCOME'; readonly outcome: Outcome } & OfAttempt & OfMembers<Outcome>)
  | ({ readonly type: 'RECONCILED'; readonly decision: PreparedDecision } & OfAttempt & OfMembers<PreparedDecision>)
  | ({ readonly type: 'ROLLED_BACK' } & OfAttempt)
  | { readonly type: 'RECORDED' }

/** What whoever plays an operation may do with its actor. */
export interface OperationActor {
  readonly id: string
  send(event: OperationEvent): void
}

type Answer = Exclude<OperationEvent, { type: 'ASSIGN' } | { type: 'RECORDED' }>

export const operationMachine = setup({
  types: {
    context: {} as OperationContext,
    events: {} as OperationEvent,
    input: {} as OperationInput,
  },
  actions: {
    /** Effects, provided by the engine; each answers with an event. */
    send: notProvided,
    abort: notProvided,
    reconcile: notProvided,
    rollBack: notProvided,
    record: notProvided,
    reportAuth: notProvided,
    /** Gives the attempt up: answers in the place of a transport that does not. */
    expire: notProvided,
    vacate: notProvided,

    take: assign(({ event }) => (event.type === 'ASSIGN' ? { row: event.row } : {})),
    succeed: assign((args) =>
      step(args, (row, { type, at }) => finish(type === 'RECONCILED' ? foundDone(row) : row, 'done', at)),
    ),
    reject: assign((args) => step(args, (row, { at }) => finish(row, 'rejected', at))),
    beginReconciling: assign((args) => step(args, (row, answer) => beginReconciling(row, errorOf(answer)))),
    beginRollback: assign((args) => step(args, (row, answer) => beginRollback(row, errorOf(answer), conflictOf(answer)))),
    putBack: assign((args) => step(args, (row, answer) => release(row, args.context.ageingMs, errorOf(answer)))),
    postpone: assign((args) => step(args, (row, answer) => postponed(args.context.retry, row, answer))),
    setAside: assign((args) =>
      step(args, (row, answer) => setAside(row, { error: errorOf(answer), definite: isDefinite(answer) })),
    ),
    park: assign((args) => step(args, parked)),
    prepareResend: assign((args) => step(args, resent)),
  },
  guards: {
    isMine: ({ context, event }) => answerTo(context, event) !== undefined,
    isApplied: ({ context, event }) => outcomeOf(context, event)?.type === 'applied',
    isConflict: ({ context, event }) => outcomeOf(context, event)?.type === 'conflict',
    isAuth: ({ context, event }) => outcomeOf(context, event)?.type === 'auth',
    isHeldBack: ({ context, event }) => isHeldBack(context, outcomeOf(context, event)),
    isUnreached: ({ context, event }) => isUnreached(outcomeOf(context, event)),
    isRefused: ({ context, event }) => isRefused(context, outcomeOf(context, event)),
    isRejected: ({ context, event }) => outcomeOf(context, event)?.type === 'rejected',
    isExhausted: ({ context, event }) => isExhausted(context, answerTo(context, event)),
    isDecided: ({ context, event }, params: { decision: Decision['type'] }) =>
      event.type === 'RECONCILED' && answerTo(context, event) !== undefined && event.decision.type === params.decision,
    isSentAnew: ({ context, event }) => isResend(answerTo(context, event)) && mayResend(context),
    isAtRest: ({ context }) => context.row?.dueAt !== IN_PLAY,
    hasStatus: ({ context, event }, params: { status: OperationStatus }) =>
      (event.type === 'ASSIGN' ? event.row : context.row)?.status === params.status,
  },
  delays: { sendTimeout: ({ context }) => context.sendTimeoutMs },
}).createMachine({
  id: 'operation',
  context: ({ input }) => ({ ...input, row: undefined }),
  initial: 'idle',
  states: {
    idle: {
      entry: 'vacate',
      on: {
        ASSIGN: [
          { guard: { type: 'hasStatus', params: { status: 'sending' } }, target: 'sending', actions: 'take' },
          { guard: { type: 'hasStatus', params: { status: 'reconciling' } }, target: 'reconciling', actions: 'take' },
          { target: 'rollingBack', actions: 'take' },
        ],
      },
    },
    sending: {
      entry: 'send',
      exit: 'abort',
      on: {
        OUTCOME: [
          { guard: 'isApplied', target: 'recording', actions: 'succeed' },
          { guard: 'isConflict', target: 'recording', actions: 'beginReconciling' },
          { guard: 'isAuth', target: 'recording', actions: ['reportAuth', 'putBack'] },
          { guard: 'isHeldBack', target: 'recording', actions: 'putBack' },
          { guard: 'isUnreached', target: 'recording', actions: 'setAside' },
          { guard: 'isRefused', target: 'recording', actions: 'beginRollback' },
          { guard: 'isRejected', target: 'recording', actions: 'park' },
          { guard: 'isExhausted', target: 'recording', actions: 'park' },
          { guard: 'isMine', target: 'recording', actions: 'postpone' },
        ],
      },
      after: { sendTimeout: { actions: 'expire' } },
    },
    reconciling: {
      entry: 'reconcile',
      exit: 'abort',
      on: {
        RECONCILED: [
          { guard: { type: 'isDecided', params: { decision: 'done' } }, target: 'recording', actions: 'succeed' },
          { guard: 'isSentAnew', target: 'recording', actions: 'prepareResend' },
          { guard: { type: 'isDecided', params: { decision: 'resend' } }, target: 'recording', actions: 'park' },
          { guard: { type: 'isDecided', params: { decision: 'refuse' } }, target: 'recording', actions: 'beginRollback' },
          { guard: { type: 'isDecided', params: { decision: 'park' } }, target: 'recording', actions: 'park' },
          {
            guard: { type: 'isDecided', params: { decision: 'auth' } },
            target: 'recording',
            actions: ['reportAuth', 'postpone'],
          },
          { guard: { type: 'isDecided', params: { decision: 'heldBack' } }, target: 'recording', actions: 'postpone' },
          { guard: 'isExhausted', target: 'recording', actions: 'park' },
          { guard: 'isMine', target: 'recording', actions: 'postpone' },
        ],
      },
      after: { sendTimeout: { actions: 'expire' } },
    },
    rollingBack: {
      entry: 'rollBack',
      on: {
        ROLLED_BACK: { guard: 'isMine', target: 'recording', actions: 'reject' },
      },
      after: { sendTimeout: { actions: 'expire' } },
    },
    recording: {
      entry: 'record',
      on: {
        RECORDED: [
          { guard: 'isAtRest', target: 'idle' },
          { guard: { type: 'hasStatus', params: { status: 'sending' } }, target: 'sending' },
          { guard: { type: 'hasStatus', params: { status: 'reconciling' } }, target: 'reconciling' },
          { target: 'rollingBack' },
        ],
      },
    },
  },
})

const TOO_OFTEN =
  'Each time it was sent anew, others had changed the entity again (maxReconciliations). Retry it, edit or discard it.'

interface Args {
  readonly context: OperationContext
  readonly event: OperationEvent
}

function answerTo({ row }: OperationContext, event: OperationEvent): Answer | undefined {
  if (event.type === 'ASSIGN' || event.type === 'RECORDED') return undefined
  return row?.id === event.operationId && row.attempts === event.attempt ? event : undefined
}

function outcomeOf(context: OperationContext, event: OperationEvent): Outcome | undefined {
  const answer = answerTo(context, event)
  return answer?.type === 'OUTCOME' ? answer.outcome : undefined
}

function step({ context, event }: Args, change: (row: OperationRow, answer: Answer) => OperationRow): { row?: OperationRow } {
  const answer = answerTo(context, event)
  return answer === undefined || context.row === undefined ? {} : { row: change(context.row, answer) }
}

function isResend(answer: Answer | undefined): boolean {
  return answer?.type === 'RECONCILED' && answer.decision.type === 'resend'
}

function mayResend({ row, maxReconciliations }: OperationContext): boolean {
  return row !== undefined && row.reconciliations - (row.reconciledBefore ?? 0) < maxReconciliations
}

/** The request did not leave, for the breaker had opened or the server wants a pause; or it left for nothing, for there is no such endpoint, and leaves in another way. */
function isHeldBack({ row }: OperationContext, outcome: Outcome | undefined): boolean {
  if (outcome?.type !== 'retry') return false
  if (didNotLeave(outcome.error)) return true
  return row !== undefined && outcome.error.code === BATCH_UNSUPPORTED && (row.attempts === 1 || !isTogether(row))
}

/** Something answered, and the probe found that it was not the server. */
function isUnreached(outcome: Outcome | undefined): boolean {
  return (outcome?.type === 'retry' || outcome?.type === 'unknown') && outcome.error.code === UNREACHABLE
}

/** A refusal ends the operation only if it also proves that no earlier attempt was applied. */
function isRefused({ row }: OperationContext, outcome: Outcome | undefined): boolean {
  return outcome?.type === 'rejected' && (outcome.definite || row?.unknownAttempts === 1)
}

function isExhausted({ row, retry }: OperationContext, answer: Answer | undefined): boolean {
  return (
    row !== undefined &&
    answer !== undefined &&
    (row.attempts >= retry.maxAttempts || answer.at - sendableAt(row) > retry.maxAgeMs)
  )
}

function errorOf(answer: Answer): SyncError {
  if (answer.type === 'OUTCOME' && answer.outcome.type !== 'applied') return answer.outcome.error
  if (answer.type === 'RECONCILED' && 'error' in answer.decision) return answer.decision.error
  if (isResend(answer)) return new SyncOperationError(answer.operationId, 'changed-too-often', TOO_OFTEN)
  return new SyncOperationError(answer.operationId, 'no-reason', 'It was put aside without a reason; please report this.')
}

function postponed(retry: RetryOptions, row: OperationRow, answer: Answer): OperationRow {
  const { attempts: attempt, backoffMs: previousMs } = row
  const delayMs = retryDelayMs(retry, { attempt, previousMs, random: answer.random, retryAfterMs: askedFor(answer) })
  const error = errorOf(answer)
  return separated(postpone(row, { at: answer.at, delayMs, error, definite: isDefinite(answer) }), error)
}

/** What the server wants to be left alone for, be it by its answer to the operation or when it was looked at. */
function askedFor(answer: Answer): number | undefined {
  const told = answer.type === 'OUTCOME' ? answer.outcome : answer.type === 'RECONCILED' ? answer.decision : undefined
  return told !== undefined && 'retryAfterMs' in told ? told.retryAfterMs : undefined
}

function isDefinite(answer: Answer): boolean {
  return answer.type === 'OUTCOME' && answer.outcome.type === 'retry'
}

function parked(row: OperationRow, answer: Answer): OperationRow {
  return park({ ...row, unknownAttempts: inDoubt(row, answer) }, errorOf(answer), conflictOf(answer))
}

/** What would have settled it is not kept of one that is not sent anew. */
function conflictOf(answer: Answer): ConflictRecord | undefined {
  if (answer.type !== 'RECONCILED' || isResend(answer)) return undefined
  return 'conflict' in answer.decision ? answer.decision.conflict : undefined
}

/** How many attempts may have been applied, after this answer. */
function inDoubt({ unknownAttempts }: OperationRow, answer: Answer): number {
  const outcome = answer.type === 'OUTCOME' ? answer.outcome.type : undefined
  if (outcome === 'conflict') return 0
  return outcome === 'retry' ? unknownAttempts - 1 : unknownAttempts
}

function resent(row: OperationRow, answer: Answer): OperationRow {
  if (answer.type !== 'RECONCILED' || answer.decision.type !== 'resend') return row
  const { as: type, payload, request, version: baseVersion, conflict, base, isMet } = answer.decision
  return resend(row, { request, baseVersion, conflict, base, isMet, sent: { type, payload } })
}
