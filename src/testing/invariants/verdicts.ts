import type { OperationRow } from '../../core/operation.ts'
import { TRANSACTION_FAILED } from '../../core/transaction.ts'
import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

/** How a transaction has ended, as a tab has written it and not told yet. */
interface Debt {
  readonly type: 'transaction:completed' | 'transaction:failed'
  readonly at: number
}

/** What was written is told as soon as the answer to the commit is there. */
const SOON_MS = 1_000

/** S31: who writes how a transaction ends tells so, once: it was sent, refused, or given up by somebody. */
export const verdicts: Checker = ({ now, register, isTransactional }, report) => {
  /** By tab and transaction. */
  const owed = new Map<string, Map<string, Debt>>()
  const told = new Map<string, Set<string>>()

  function committed({ tab, changes }: Extract<Fact, { type: 'committed' }>): void {
    for (const { before, row } of changes) {
      const type = row === undefined || before?.status === row.status ? undefined : endOf(row)
      const id = row?.transaction?.id
      if (type === undefined || id === undefined || register.byId(row?.id ?? '')?.isTainted !== false) continue
      const debts = owed.get(tab) ?? new Map<string, Debt>()
      owed.set(tab, debts.set(id, { type, at: now() }))
    }
  }

  function heard({ tab, event }: Extract<Fact, { type: 'event' }>): void {
    if (event.type !== 'transaction:completed' && event.type !== 'transaction:failed') return
    const { type, transaction } = event
    const known = told.get(tab) ?? new Set()
    if (known.has(transaction)) report('S31', `${tab} tells for the second time how transaction ${transaction} has ended.`)
    told.set(tab, known.add(transaction))
    const debt = owed.get(tab)?.get(transaction)
    if (debt !== undefined && debt.type !== type)
      report('S31', `${tab} tells ${type} of transaction ${transaction}, but has written ${debt.type}.`)
    owed.get(tab)?.delete(transaction)
  }

  function settle(): void {
    for (const [tab, debts] of owed)
      for (const [id, { type, at }] of debts) {
        if (now() - at <= SOON_MS) continue
        debts.delete(id)
        report('S31', `${tab} has not told ${type} of transaction ${id}, though it wrote that at ${at}.`)
      }
  }

  function forget(tab: string): void {
    owed.delete(tab)
    told.delete(tab)
  }

  return {
    see(fact) {
      // Where keys are written one by one, it can't be seen from outside who wrote what.
      if ('device' in fact && !isTransactional(fact.device)) return
      if (fact.type === 'tab') forget(fact.tab)
      else if (fact.type === 'committed') committed(fact)
      else if (fact.type === 'event') heard(fact)
      settle()
    },
  }
}

/** The last that is done, or the one for which the others fail. */
function endOf({ status, lastError, transaction }: OperationRow): Debt['type'] | undefined {
  if (status === 'done') return transaction?.place === (transaction?.size ?? 0) - 1 ? 'transaction:completed' : undefined
  const isFailed = (status === 'rejected' || status === 'cancelled') && lastError?.code !== TRANSACTION_FAILED
  return isFailed ? 'transaction:failed' : undefined
}
