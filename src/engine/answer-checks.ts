import type { OperationRow } from '../core/operation.ts'
import type { Outcome } from '../core/ports.ts'
import { valueOf } from './confirmation.ts'
import type { Events } from './events.ts'
import { infoOf } from './info.ts'
import type { Deadline, Validators, Verdict } from './validators.ts'

/** What the schemas have against what the server answers to our own operations. These are done all the same; the value is as if it had told none. */
export function createAnswerChecks(validators: Validators, events: Events) {
  function verdictOn(row: OperationRow, outcome: Outcome, deadline: Deadline): Verdict | Promise<Verdict> {
    if (outcome.type !== 'applied' || row.type === 'delete') return undefined
    const value = valueOf({ operation: row, value: outcome.value })
    return value === undefined ? undefined : validators.value(row.entity, value, () => 'value', deadline)
  }

  function refused(operation: OperationRow, error: NonNullable<Verdict>): void {
    events.emit({ type: 'sync:invalid', operation: infoOf(operation), error })
  }

  return {
    refused,
    concerns: (rows: readonly OperationRow[]): boolean => rows.some(({ entity }) => validators.hasSchema(entity)),

    async vetted(rows: readonly OperationRow[], outcomes: readonly Outcome[], signal: AbortSignal): Promise<readonly Outcome[]> {
      const deadline = validators.until(signal)
      const verdicts = await Promise.all(
        rows.map(async (row, at) => {
          const outcome = outcomes[at]
          return outcome === undefined ? undefined : verdictOn(row, outcome, deadline)
        }),
      )
      deadline.end()
      if (signal.aborted) return outcomes
      return outcomes.map((outcome, at) => {
        const [row, error] = [rows[at], verdicts[at]]
        if (row === undefined || error === undefined) return outcome
        refused(row, error)
        return { ...outcome, value: undefined }
      })
    },
  }
}

export type AnswerChecks = ReturnType<typeof createAnswerChecks>
