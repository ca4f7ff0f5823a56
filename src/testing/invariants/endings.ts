import { isTerminal, type OperationRow } from '../../core/operation.ts'
import type { RowChange } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

/** S7, S17: an end is an end, and what was attempted is not merged. */
export const endings: Checker = ({ register }, report) => {
  function changed({ before, row }: RowChange, all: readonly RowChange[]): void {
    const one = register.byId(row?.id ?? '')
    if (before === undefined || row === undefined || one?.isLost) return
    if (isTerminal(before.status) && row.status !== before.status)
      report('S7', `${row.id} was ${before.status} and became ${row.status}.`)
    if (before.status === 'rollingBack' && row.status !== 'rollingBack' && row.status !== 'rejected')
      report('S7', `${row.id} was being rolled back and became ${row.status}.`)
    if (row.status === 'superseded' && before.status !== 'superseded' && !one?.isTainted) merged(before, row, all)
  }

  function merged(before: OperationRow, row: OperationRow, all: readonly RowChange[]): void {
    const into = all.find((change) => change.row?.id === row.supersededBy)?.row
    if (before.attempts > 0 || before.request !== undefined) report('S17', `${row.id} was merged though it had been attempted.`)
    if (before.depended !== undefined || (before.dependsOn?.length ?? 0) > 0)
      report('S17', `${row.id} was merged though a dependency leads to or from it.`)
    if (into === undefined) return report('S17', `${row.id} was merged into ${row.supersededBy}, which was not written with it.`)
    if (
      into.user !== before.user ||
      into.token !== before.token ||
      into.entityId !== before.entityId ||
      into.entity !== before.entity
    )
      report('S17', `${row.id} was merged into ${into.id}, which is of another user, entity or transaction.`)
  }

  return {
    see(fact) {
      if (fact.type === 'committed') for (const change of fact.changes) changed(change, fact.changes)
    },
  }
}
