import type { CheckResult, Problem } from './types.ts'

const MOST = 100

type Counter = keyof CheckResult['checked']

export type Found = Omit<Problem, 'repaired'> & { readonly repaired?: Problem['repaired'] }

export type Findings = ReturnType<typeof createFindings>

/** What a check has looked at and found: the first in full, of all how many. */
export function createFindings() {
  const checked: Record<Counter, number> = {
    operations: 0,
    entities: 0,
    conflicts: 0,
    meta: 0,
    invariants: 0,
    references: 0,
    compared: 0,
  }
  const problems: Problem[] = []
  const undecided = new Set<string>()
  const counts = { total: 0, mended: 0, quarantined: 0 }

  return {
    count(what: Counter, by = 1): void {
      checked[what] += by
    },
    add({ repaired = 'none', ...problem }: Found): void {
      counts.total += 1
      if (repaired !== 'none') counts[repaired] += 1
      if (problems.length < MOST) problems.push({ ...problem, repaired })
    },
    undecided(what: string): void {
      if (undecided.size < MOST) undecided.add(what)
    },
    result: (durationMs: number): CheckResult => ({
      checked: { ...checked },
      problems,
      ...counts,
      undecided: [...undecided],
      durationMs,
      isSound: counts.mended === counts.total,
    }),
  }
}
