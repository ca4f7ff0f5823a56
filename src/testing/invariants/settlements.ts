import { isTerminal, type OperationStatus } from '../../core/operation.ts'
import type { SyncEvent } from '../../engine/types.ts'
import type { Checker } from './invariant.ts'

const ENDINGS: Readonly<Partial<Record<SyncEvent['type'], OperationStatus>>> = {
  'sync:completed': 'done',
  'sync:failed': 'rejected',
  'sync:cancelled': 'cancelled',
  'sync:coalesced': 'superseded',
}

/** S7: who is told of an end is told of one that is stored, and once. */
export const settlements: Checker = ({ register }, report) => {
  const told = new Map<string, Set<string>>()

  function isStoredAs(id: string, status: string): boolean {
    const one = register.byId(id)
    if (one === undefined || one.isTainted) return true
    return status === 'forgotten' ? !one.isStored : one.row.status === status
  }

  function ended(tab: string, id: string, status: OperationStatus): void {
    if (!isStoredAs(id, status))
      report('S7', `${tab} says that ${id} is ${status}, but it is stored as ${register.byId(id)?.row.status}.`)
    const known = told.get(tab) ?? new Set()
    if (known.has(id) && !register.byId(id)?.isTainted) report('S7', `${tab} says for the second time that ${id} has ended.`)
    told.set(tab, known.add(id))
  }

  return {
    see(fact) {
      if (fact.type === 'tab' && fact.change === 'starting') told.delete(fact.tab)
      if (fact.type === 'settled' && !isStoredAs(fact.operation, fact.settlement.status))
        report('S7', `${fact.tab} learned that ${fact.operation} is ${fact.settlement.status}, but that is not stored.`)
      const status = fact.type === 'event' ? ENDINGS[fact.event.type] : undefined
      if (fact.type === 'event' && status !== undefined && isTerminal(status) && 'operation' in fact.event)
        ended(fact.tab, fact.event.operation.id, status)
    },
  }
}
