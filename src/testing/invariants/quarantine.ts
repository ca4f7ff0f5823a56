import { isTerminal, type OperationRow } from '../../core/operation.ts'
import type { Checker } from './invariant.ts'

/** S28: what can't be read any more stays where it stands until somebody gives it up, and nothing is taken for it. Decisions are written without an epoch. */
export const quarantine: Checker = (_, report) => ({
  see(fact) {
    if (fact.type !== 'committed' || fact.epoch === undefined) return
    for (const { before, row } of fact.changes) {
      if (before !== undefined && row !== undefined && !isSame(before, row))
        report('S28', `${fact.tab} wrote ${before.id} with what belongs to another operation.`)
      if (row === undefined && before !== undefined && !isTerminal(before.status))
        report('S28', `${fact.tab} removed ${before.id} (${before.status}) as the owner, and nobody had decided so.`)
    }
  },
})

/** What no step of an operation's life changes. */
function isSame(before: OperationRow, row: OperationRow): boolean {
  return before.id === row.id && before.idempotencyKey === row.idempotencyKey && before.enqueuedAt === row.enqueuedAt
}
