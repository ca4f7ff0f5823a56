import { isTerminal, type OperationRow } from '../core/operation.ts'
import { reasonOf } from './info.ts'
import type { Store } from './store.ts'
import type { DrainSummary, Reason } from './types.ts'

const REASON_LIMIT = 100

const ZERO = { succeeded: 0, failed: 0, superseded: 0, cancelled: 0 }

/** Counts what a drain does until it is quiet. An operation that was put off and went on in the same drain was not put off. */
export function createDrainSummary() {
  let counts = { ...ZERO }
  let failures: Reason[] = []
  let deferred = new Map<string, Reason>()
  /** Ids: one operation may meet several. */
  let conflicted = new Set<string>()

  return {
    add(row: OperationRow): void {
      deferred.delete(row.id)
      if (row.status === 'done') counts.succeeded += 1
      else if (row.status === 'superseded') counts.superseded += 1
      else if (row.status === 'cancelled') counts.cancelled += 1
      else if (row.status === 'reconciling') conflicted.add(row.id)
      else if (row.status === 'rejected') {
        counts.failed += 1
        if (failures.length < REASON_LIMIT) failures.push(reasonOf(row))
      } else if (row.status === 'waiting' || row.status === 'parked' || row.status === 'queued')
        deferred.set(row.id, reasonOf(row))
    },
    isEmpty: (): boolean => deferred.size + conflicted.size === 0 && Object.values(counts).every((count) => count === 0),
    take(held: readonly string[]): DrainSummary {
      const reasons = [...failures, ...deferred.values()].slice(0, REASON_LIMIT)
      const summary = { ...counts, conflicted: conflicted.size, deferred: deferred.size, reasons, held }
      counts = { ...ZERO }
      failures = []
      deferred = new Map()
      conflicted = new Set()
      return summary
    },
  }
}

/** Everything that is still live after a drain was put off: it waits for a time, a decision or another one, or sending is paused. */
export async function withLeft(summary: DrainSummary, store: Store, user: string): Promise<DrainSummary> {
  const deferred = await store.countLive(user)
  if (deferred === 0) return { ...summary, deferred }
  const failures = summary.reasons.filter(({ status }) => isTerminal(status))
  const rows = await store.live(user, REASON_LIMIT, () => true)
  return { ...summary, deferred, reasons: [...failures, ...rows.map(reasonOf)].slice(0, REASON_LIMIT) }
}
