import type { OperationRow } from '../core/operation.ts'
import type { Events } from './events.ts'
import { infoOf } from './info.ts'

/** Tells the bus what a row has come to. */
export function announce(events: Events, row: OperationRow): void {
  const operation = infoOf(row)
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
