import { expect } from 'vitest'
import { operationMachine, type OperationContext } from '../../../machines/operation.ts'
import type { PreparedDecision } from '../../../src/core/reconcile.ts'
import type { OperationRow } from '../../../src/core/operation.ts'
import type { Outcome } from '../../../src/core/ports.ts'
import { foreign, heldBack, mine, operationModel } from '../models/operation.ts'
import { claimedRow, decisions, maxReconciliations, outcomes, request, resent, retry, sendTimeoutMs } from '../operation-world.ts'
import { checkTable } from './check-table.ts'
import { cases, stays, tableOf } from './table.ts'

const { maxAttempts, maxAgeMs } = retry

/** The answer to the attempt that is played; where it matters, what its row is. */
function outcome(outcome: Outcome, row: Partial<OperationRow> = {}, settings: Partial<OperationContext> = {}) {
  return {
    given: { row: claimedRow(row), ...settings },
    comes: (context: OperationContext) => ({ type: 'OUTCOME', outcome, ...mine(context) }) as const,
  }
}

function decision(decision: PreparedDecision, row: Partial<OperationRow> = {}) {
  return {
    given: { row: claimedRow({ status: 'reconciling', unknownAttempts: 0, ...row }) },
    comes: (context: OperationContext) => ({ type: 'RECONCILED', decision, ...mine(context) }) as const,
  }
}

/** The new row is recorded before anything is done about it. */
function records(does: readonly string[], row: Partial<OperationRow>) {
  return { to: 'recording', does: [...does, 'record'], sets: { row: expect.objectContaining(row) } } as const
}

/** What still runs for the attempt is aborted. */
function ends(row: Partial<OperationRow>) {
  return records(['abort'], row)
}

/** The wait before the last one was of 300 ms, and this one is drawn from the middle of 50 to 900. */
const decorrelated = [{ backoffMs: 300 }, { retry: { ...retry, strategy: 'decorrelated' } }] as const

const times = `wait ${sendTimeoutMs} ms`

checkTable(
  operationMachine,
  operationModel,
  tableOf<typeof operationMachine>()({
    events: {
      ASSIGN: cases({
        'A11 of one to send': { type: 'ASSIGN', row: claimedRow({ id: 'next' }) },
        'A11 of one to reconcile': { type: 'ASSIGN', row: claimedRow({ id: 'next', status: 'reconciling' }) },
        'A11 of one to roll back': { type: 'ASSIGN', row: claimedRow({ id: 'next', status: 'rollingBack' }) },
      }),
      OUTCOME: cases({
        'S7 applied': outcome(outcomes.applied),
        'A3 conflict': outcome(outcomes.conflict),
        'S13 conflict, sent anew too often': outcome(outcomes.conflict, { reconciliations: maxReconciliations }),
        'S24 no credentials': outcome(outcomes.auth),
        'S24 no credentials, after an attempt in doubt': outcome(outcomes.auth, { attempts: 2, unknownAttempts: 2 }),
        'S23 held back by the breaker': outcome(heldBack, { attempts: maxAttempts, unknownAttempts: 1 }),
        'D1 the network is gone, first attempt': outcome(outcomes.unreached),
        'D1 the network is gone, last attempt': outcome(outcomes.unreached, {
          attempts: maxAttempts,
          unknownAttempts: maxAttempts,
        }),
        'D1 the network is gone, as a proxy said': outcome(outcomes.refusedByProxy, { attempts: 2, unknownAttempts: 2 }),
        'S7 rejected for certain': outcome(outcomes.refused, { attempts: 3, unknownAttempts: 3 }),
        'S6 rejected, the only attempt': outcome(outcomes.doubtful),
        'S6 rejected, after an attempt in doubt': outcome(outcomes.doubtful, { attempts: 2, unknownAttempts: 2 }),
        'S6 retry': outcome(outcomes.retry),
        'B6 retry, the last attempt': outcome(outcomes.retry, { attempts: maxAttempts, unknownAttempts: maxAttempts }),
        'S6 unknown': outcome(outcomes.unknown),
        'S22 retry, but not so soon': outcome({ ...outcomes.retry, retryAfterMs: 7_000 }),
        'S22 unknown, but not so soon': outcome({ ...outcomes.unknown, retryAfterMs: 7_000 }),
        'B6 unknown, by the wait before': outcome(outcomes.unknown, ...decorrelated),
        'B6 unknown, the last attempt': outcome(outcomes.unknown, { attempts: maxAttempts, unknownAttempts: maxAttempts }),
        'B6 unknown, too old': outcome(outcomes.unknown, { enqueuedAt: 1_000_000 - maxAgeMs - 1 }),
        'S7 of another operation': { type: 'OUTCOME', outcome: outcomes.applied, ...foreign },
        'S7 of another attempt': (context) => ({ type: 'OUTCOME', outcome: outcomes.refused, ...mine(context), attempt: 7 }),
      }),
      RECONCILED: cases({
        'S13 done': decision(decisions.done),
        'S13 done, after it was sent anew too often': decision(decisions.done, { reconciliations: maxReconciliations }),
        'S5 resend': decision(decisions.resend),
        'L7 resend, too often': decision(decisions.resend, { reconciliations: maxReconciliations }),
        'L7 resend, too often before a person decided': decision(decisions.resend, {
          reconciliations: maxReconciliations,
          reconciledBefore: 1,
        }),
        'S7 refuse': decision(decisions.refuse),
        'S12 park': decision(decisions.park),
        'L5 failed': decision(decisions.failed),
        'B6 failed, the last attempt': decision(decisions.failed, { attempts: maxAttempts }),
        'S24 no credentials to look with': decision(decisions.auth, { attempts: maxAttempts }),
        'S23 held back by the breaker': decision(decisions.heldBack, { attempts: maxAttempts }),
        'S7 of another operation': { type: 'RECONCILED', decision: decisions.refuse, ...foreign },
        'S7 of another attempt': (context) => ({ type: 'RECONCILED', decision: decisions.failed, ...mine(context), attempt: 7 }),
      }),
      ROLLED_BACK: cases({
        'S7 by this attempt': (context) => ({ type: 'ROLLED_BACK', ...mine(context) }),
        'S7 of another operation': { type: 'ROLLED_BACK', ...foreign },
      }),
      RECORDED: cases({
        'as ended or waiting': { given: { row: claimedRow({ status: 'waiting', dueAt: 0 }) }, comes: { type: 'RECORDED' } },
        'as sending': { given: { row: claimedRow() }, comes: { type: 'RECORDED' } },
        'as reconciling': { given: { row: claimedRow({ status: 'reconciling' }) }, comes: { type: 'RECORDED' } },
        'as rolling back': { given: { row: claimedRow({ status: 'rollingBack' }) }, comes: { type: 'RECORDED' } },
      }),
    },
    own: {
      idle: [],
      sending: ['after sendTimeout'],
      reconciling: ['after sendTimeout'],
      rollingBack: ['after sendTimeout'],
      recording: [],
    },
    ownEvents: {},
    table: {
      idle: {
        ASSIGN: {
          'A11 of one to send': { to: 'sending', does: ['send', times], sets: { row: claimedRow({ id: 'next' }) } },
          'A11 of one to reconcile': {
            to: 'reconciling',
            does: ['reconcile', times],
            sets: { row: claimedRow({ id: 'next', status: 'reconciling' }) },
          },
          'A11 of one to roll back': {
            to: 'rollingBack',
            does: ['rollBack', times],
            sets: { row: claimedRow({ id: 'next', status: 'rollingBack' }) },
          },
        },
        OUTCOME: stays,
        RECONCILED: stays,
        ROLLED_BACK: stays,
        RECORDED: stays,
      },
      sending: {
        ASSIGN: stays,
        OUTCOME: {
          'S7 applied': ends({ status: 'done', attempts: 1, finishedAt: 1_000_000 }),
          'A3 conflict': ends({ status: 'reconciling', unknownAttempts: 0 }),
          'S13 conflict, sent anew too often': ends({ status: 'reconciling', unknownAttempts: 0 }),
          'S24 no credentials': records(['abort', 'reportAuth'], { status: 'queued', attempts: 0, unknownAttempts: 0 }),
          'S24 no credentials, after an attempt in doubt': records(['abort', 'reportAuth'], {
            status: 'waiting',
            dueAt: 0,
            request,
            attempts: 1,
            unknownAttempts: 1,
          }),
          'S23 held back by the breaker': ends({
            status: 'waiting',
            dueAt: 0,
            request,
            attempts: maxAttempts - 1,
            unknownAttempts: 0,
          }),
          'D1 the network is gone, first attempt': ends({
            status: 'waiting',
            dueAt: 0,
            request,
            attempts: 1,
            unknownAttempts: 1,
          }),
          'D1 the network is gone, last attempt': ends({
            status: 'waiting',
            dueAt: 0,
            request,
            attempts: maxAttempts - 1,
            unknownAttempts: maxAttempts - 1,
          }),
          'D1 the network is gone, as a proxy said': ends({
            status: 'waiting',
            dueAt: 0,
            request,
            attempts: 1,
            unknownAttempts: 1,
          }),
          'S7 rejected for certain': ends({ status: 'rollingBack', unknownAttempts: 0 }),
          'S6 rejected, the only attempt': ends({ status: 'rollingBack', unknownAttempts: 0 }),
          'S6 rejected, after an attempt in doubt': ends({ status: 'parked', request, unknownAttempts: 2 }),
          'S6 retry': ends({ status: 'waiting', dueAt: 1_000_050, request, attempts: 1, unknownAttempts: 0 }),
          'B6 retry, the last attempt': ends({ status: 'parked', request, unknownAttempts: maxAttempts - 1 }),
          'S6 unknown': ends({ status: 'waiting', dueAt: 1_000_050, request, attempts: 1, unknownAttempts: 1 }),
          'S22 retry, but not so soon': ends({ status: 'waiting', dueAt: 1_007_025, unknownAttempts: 0 }),
          'S22 unknown, but not so soon': ends({ status: 'waiting', dueAt: 1_007_025, unknownAttempts: 1 }),
          'B6 unknown, by the wait before': ends({ status: 'waiting', dueAt: 1_000_475, backoffMs: 475 }),
          'B6 unknown, the last attempt': ends({ status: 'parked', request, unknownAttempts: maxAttempts }),
          'B6 unknown, too old': ends({ status: 'parked', request, unknownAttempts: 1 }),
          'S7 of another operation': stays,
          'S7 of another attempt': stays,
        },
        RECONCILED: stays,
        ROLLED_BACK: stays,
        RECORDED: stays,
        'after sendTimeout': { to: 'sending', does: ['expire'] },
      },
      reconciling: {
        ASSIGN: stays,
        OUTCOME: stays,
        RECONCILED: {
          'S13 done': ends({ status: 'done' }),
          'S5 resend': ends({
            status: 'sending',
            request: resent,
            baseVersion: '5',
            attempts: 2,
            unknownAttempts: 1,
            reconciliations: 1,
          }),
          'S13 done, after it was sent anew too often': ends({ status: 'done' }),
          'L7 resend, too often': ends({ status: 'parked', request, reconciliations: maxReconciliations }),
          'L7 resend, too often before a person decided': ends({
            status: 'sending',
            request: resent,
            reconciliations: maxReconciliations + 1,
          }),
          'S7 refuse': ends({ status: 'rollingBack' }),
          'S12 park': ends({ status: 'parked', conflict: decisions.park.conflict, payload: { n: 1 } }),
          'L5 failed': ends({ status: 'waiting', request, dueAt: 1_000_050 }),
          'B6 failed, the last attempt': ends({ status: 'parked', request }),
          'S24 no credentials to look with': records(['abort', 'reportAuth'], { status: 'waiting', request, dueAt: 1_000_050 }),
          'S23 held back by the breaker': ends({ status: 'waiting', request, dueAt: 1_000_050 }),
          'S7 of another operation': stays,
          'S7 of another attempt': stays,
        },
        ROLLED_BACK: stays,
        RECORDED: stays,
        'after sendTimeout': { to: 'reconciling', does: ['expire'] },
      },
      rollingBack: {
        ASSIGN: stays,
        OUTCOME: stays,
        RECONCILED: stays,
        ROLLED_BACK: { 'S7 by this attempt': records([], { status: 'rejected' }), 'S7 of another operation': stays },
        RECORDED: stays,
        'after sendTimeout': { to: 'rollingBack', does: ['expire'] },
      },
      recording: {
        ASSIGN: stays,
        OUTCOME: stays,
        RECONCILED: stays,
        ROLLED_BACK: stays,
        RECORDED: {
          'as ended or waiting': { to: 'idle', does: ['vacate'] },
          'as sending': { to: 'sending', does: ['send', times] },
          'as reconciling': { to: 'reconciling', does: ['reconcile', times] },
          'as rolling back': { to: 'rollingBack', does: ['rollBack', times] },
        },
      },
    },
  }),
)
