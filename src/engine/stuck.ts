import { isTerminal, sendableAt, type OperationRow } from '../core/operation.ts'
import type { Entry } from '../core/ports.ts'
import { IN_PLAY, NEVER_DUE, OPERATIONS, readOperation } from '../core/schema.ts'
import { TRANSACTION_FAILED } from '../core/transaction.ts'
import type { Store } from './store.ts'

/** So many of each kind are looked at: those that are first in line. */
const LOOKED_AT = 32

/**
 * The oldest operation that has not ended since `before`, of those that are first in each line: what is in play, waits, is queued, or was
 * parked. One that a conflict's strategy leaves to a person waits by choice.
 */
export async function stuckOperation(store: Store, user: string, before: number): Promise<OperationRow | undefined> {
  const isLate = (row: OperationRow) => sendableAt(row) <= before && !isTerminal(row.status) && !isLeftToPerson(row)
  const line = { prefix: [user], limit: LOOKED_AT }
  const pages = await store.storage.scanMany(OPERATIONS, [
    { ...line, index: 'due', lt: [user, IN_PLAY + 1] },
    { ...line, index: 'due', gt: [user, IN_PLAY + 1], lt: [user, NEVER_DUE] },
    { ...line, index: 'rank' },
  ])
  const late = [...rowsOf(pages.flat()).filter(isLate), ...(await firstParked(store, user, isLate))]
  return late.toSorted((a, b) => a.enqueuedAt - b.enqueuedAt)[0]
}

/** Nobody sees to what is parked behind those that are left to a person, however many these are. */
async function firstParked(store: Store, user: string, isLate: (row: OperationRow) => boolean): Promise<readonly OperationRow[]> {
  for await (const page of store.parkedPages(user)) {
    const late = rowsOf(page).filter(isLate)
    if (late.length > 0) return late
  }
  return []
}

const rowsOf = (entries: readonly Entry[]) => entries.flatMap((entry) => readOperation(entry) ?? [])

/** Of a transaction the one for which the others wait says why. */
function isLeftToPerson({ status, conflict, lastError }: OperationRow): boolean {
  return status === 'parked' && (conflict?.resolution === 'pending' || lastError?.code === TRANSACTION_FAILED)
}

/** Whether anything of the user is there to be sent. */
export async function hasSomethingToSend({ storage }: Store, user: string): Promise<boolean> {
  const first = { prefix: [user], limit: 1 }
  const pages = await storage.scanMany(OPERATIONS, [
    { ...first, index: 'rank' },
    { ...first, index: 'due', lt: [user, NEVER_DUE] },
  ])
  return pages.flat().length > 0
}
