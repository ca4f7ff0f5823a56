import type { OperationRow } from '../core/operation.ts'
import { createDrainSummary } from './drain-summary.ts'
import type { DrainSummary } from './types.ts'

/** Sums up each drain, from the first operation to the next quiet, and tells those who wait for it. */
export function createDrains(completed: (summary: DrainSummary) => void) {
  const summary = createDrainSummary()
  let waiting: ((summary: DrainSummary) => void)[] = []

  return {
    recorded: (row: OperationRow): void => summary.add(row),
    next: (): Promise<DrainSummary> => new Promise((resolve) => waiting.push(resolve)),
    quiet(held: readonly string[]): void {
      const isNews = !summary.isEmpty()
      if (!isNews && waiting.length === 0) return
      const taken = summary.take(held)
      const resolvers = waiting
      waiting = []
      if (isNews) completed(taken)
      for (const resolve of resolvers) resolve(taken)
    },
  }
}
