import { TRANSACTION_FAILED } from '../../core/transaction.ts'
import type { OperationRow } from '../../core/operation.ts'
import type { Checker } from './invariant.ts'

/** S15: what was shown is taken back once, and only if it did not come true. */
export const rollbacks: Checker = ({ register }, report) => {
  const told = new Map<string, 'kept' | 'taken-back'>()

  return {
    see(fact) {
      if (fact.type !== 'optimistic') return
      const { tab, token, change } = fact
      const group = [...register.all()].filter(({ row }) => row.token === token)
      if (group.some(({ isTainted }) => isTainted)) return
      const before = told.get(`${tab} ${token}`)
      // Each operation of a transaction has handlers of its own.
      if (before !== undefined && before !== change) report('S15', `${tab} had ${token} first ${before}, then ${change}.`)
      told.set(`${tab} ${token}`, change)
      const statuses = group.map(({ row }) => row.status)
      if (
        change === 'taken-back' &&
        !statuses.some((status) => status === 'rollingBack' || status === 'rejected' || status === 'cancelled')
      )
        report('S15', `${tab} took ${token} back, but its operations are ${statuses.join(' and ')}.`)
      if (change === 'kept' && group.some(({ row }) => isUndone(row)))
        report('S15', `${tab} kept ${token}, but its operations are ${statuses.join(' and ')}.`)
    },
  }
}

/** What a delete has cancelled out is as it was wanted. */
function isUndone({ status, lastError }: OperationRow): boolean {
  return status === 'rollingBack' || status === 'rejected' || (status === 'cancelled' && lastError?.code === TRANSACTION_FAILED)
}
