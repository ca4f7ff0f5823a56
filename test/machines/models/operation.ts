import { operationMachine, type OperationContext, type OperationInput } from '../../../machines/operation.ts'
import { CircuitBreakerOpenError } from '../../../src/core/errors.ts'
import type { OperationStatus } from '../../../src/core/operation.ts'
import { DEFAULTS } from '../../../src/core/options.ts'
import type { Outcome } from '../../../src/core/ports.ts'
import { testModel } from '../../../src/testing/model/index.ts'
import { claimedRow, decisions, maxReconciliations, outcomes, retry, sendTimeoutMs } from '../operation-world.ts'

const operationInput: OperationInput = { retry, ageingMs: DEFAULTS.ageingMs, maxReconciliations, sendTimeoutMs }

export const heldBack: Outcome = { type: 'retry', error: new CircuitBreakerOpenError(1_000) }

/** What makes an answer one to the attempt that is played. */
export function mine({ row }: OperationContext) {
  return { operationId: row?.id ?? '', attempt: row?.attempts ?? 0, at: 1_000_000, random: 0.5 }
}

export const foreign = { operationId: 'another', attempt: 1, at: 1_000_000, random: 0.5 }

const { maxAttempts } = retry

const inPlay = ['sending', 'reconciling', 'rollingBack'] satisfies OperationStatus[]

export const operationModel = testModel(operationMachine, {
  inputs: [operationInput],
  events: {
    ASSIGN: inPlay.flatMap((status) =>
      [
        { status },
        { status, attempts: 2, unknownAttempts: 2 },
        { status, attempts: maxAttempts, unknownAttempts: maxAttempts },
        { status, reconciliations: maxReconciliations },
      ].map((row) => ({ type: 'ASSIGN', row: claimedRow(row) })),
    ),
    OUTCOME: ({ context }) =>
      [...Object.values(outcomes), heldBack].flatMap((outcome) => [
        { type: 'OUTCOME', outcome, ...mine(context) },
        { type: 'OUTCOME', outcome, ...foreign },
      ]),
    RECONCILED: ({ context }) =>
      Object.values(decisions).flatMap((decision) => [
        { type: 'RECONCILED', decision, ...mine(context) },
        { type: 'RECONCILED', decision, ...foreign },
      ]),
    ROLLED_BACK: ({ context }) => [mine(context), foreign].map((of) => ({ type: 'ROLLED_BACK', ...of })),
    RECORDED: [{ type: 'RECORDED' }],
  },
  key: ({ context: { row } }) =>
    row && [
      row.status,
      row.dueAt === undefined,
      Math.min(row.attempts, maxAttempts),
      Math.min(row.unknownAttempts, 2),
      Math.min(row.reconciliations, maxReconciliations),
    ],
})
