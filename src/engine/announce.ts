import type { ConflictRecord, OperationRow, TransactionPart } from '../core/operation.ts'
import { TRANSACTION_FAILED } from '../core/transaction.ts'
import type { Events } from './events.ts'
import { infoOf } from './info.ts'
import type { OperationInfo } from './types.ts'

/** Tells the bus what a row has come to. */
export function announce(events: Events, row: OperationRow, conflict: ConflictRecord | undefined): void {
  const operation = infoOf(row)
  if (conflict !== undefined) announceConflict(events, operation, conflict)
  announceStatus(events, row, operation)
  if (row.transaction !== undefined) announceEnd(events, row, row.transaction)
}

/** Once: by the last of those that were done, or by the one for which the others failed. */
function announceEnd(events: Events, { status, lastError }: OperationRow, { id, place, size }: TransactionPart): void {
  if (status === 'done' && place === size - 1) return events.emit({ type: 'transaction:completed', transaction: id })
  const isFailed = (status === 'rejected' || status === 'cancelled') && lastError?.code !== TRANSACTION_FAILED
  if (isFailed) events.emit({ type: 'transaction:failed', transaction: id })
}

function announceStatus(events: Events, row: OperationRow, operation: OperationInfo): void {
  switch (row.status) {
    case 'done':
      return events.emit({ type: 'sync:completed', operation })
    case 'waiting':
      return events.emit({ type: 'sync:retry', operation, nextAttemptAt: row.dueAt ?? 0 })
    case 'reconciling':
      return events.emit({ type: 'sync:conflict', operation })
    case 'parked':
      return events.emit({ type: 'sync:parked', operation })
    case 'rejected':
      return events.emit({ type: 'sync:failed', operation })
    case 'cancelled':
      return events.emit({ type: 'sync:cancelled', operation })
    case 'superseded':
      return events.emit({ type: 'sync:coalesced', operation, into: row.supersededBy ?? '' })
    default:
  }
}

/** One that is settled at once is told of twice. */
function announceConflict(events: Events, operation: OperationInfo, conflict: ConflictRecord): void {
  events.emit({ type: 'conflict:detected', operation, conflict })
  if (conflict.resolution !== 'pending') events.emit({ type: 'conflict:resolved', operation, conflict })
}
