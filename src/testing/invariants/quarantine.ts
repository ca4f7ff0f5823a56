import { isTerminal } from '../../core/operation.ts'
import type { Checker } from './invariant.ts'

/** S28: what can't be read any more stays where it stands until somebody gives it up. Decisions are written without an epoch. */
export const quarantine: Checker = (_, report) => ({
  see(fact) {
    if (fact.type !== 'committed' || fact.epoch === undefined) return
    for (const { before, row } of fact.changes)
      if (row === undefined && before !== undefined && !isTerminal(before.status))
        report('S28', `${fact.tab} removed ${before.id} (${before.status}) as the owner, and nobody had decided so.`)
  },
})
