import type { OperationRow } from '../core/operation.ts'
import { reasonOf } from './info.ts'
import type { DrainSummary, Reason } from './types.ts'

const REASON_LIMIT = 100

/** Counts what a drain does until it is quiet. */
export function createDrainSummary() {
  let counts = { succeeded: 0, failed: 0, deferred: 0, conflicted: 0, superseded: 0, cancelled: 0 }
  let reasons: Reason[] = []

  function explain(row: OperationRow): void {
    if (reasons.length < REASON_LIMIT) reasons.push(reasonOf(row))
  }

  return {
    add(row: OperationRow): void {
      if (row.status === 'done') counts.succeeded += 1
      else if (row.status === 'superseded') counts.superseded += 1
      else if (row.status === 'cancelled') counts.cancelled += 1
      else if (row.status === 'reconciling') counts.conflicted += 1
      else if (row.status === 'rejected') {
        counts.failed += 1
        explain(row)
      } else if (row.status === 'waiting' || row.status === 'parked') {
        counts.deferred += 1
        explain(row)
      }
    },
    isEmpty: (): boolean => Object.values(counts).every((count) => count === 0),
    take(held: readonly string[]): DrainSummary {
      const summary = { ...counts, reasons, held }
      counts = { succeeded: 0, failed: 0, deferred: 0, conflicted: 0, superseded: 0, cancelled: 0 }
      reasons = []
      return summary
    },
  }
}
