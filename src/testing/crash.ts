import type { Violation } from './invariants/invariant.ts'
import { simulate, type SimulationOptions, type SimulationResult } from './simulate.ts'

export interface CrashOptions extends Pick<SimulationOptions, 'shape' | 'hasFaults'> {
  /** Only each so many of the points; default 1, all of them. */
  readonly every?: number
}

export interface CrashReport {
  readonly seed: number
  /** Where a process could die with another result; each was tried, or each so many. */
  readonly points: number
  readonly runs: number
  readonly failures: readonly CrashFailure[]
}

export interface CrashFailure {
  /** 0: the run fails without a crash too. */
  readonly crashAt: number
  readonly violation: Violation
}

/**
 * Runs a seed again and again; each time one process dies, at the next point: before one of its calls of a port has taken effect, or after that and before it
 * knows. Somebody opens it again, and every invariant must hold as always.
 */
export async function crashEverywhere(seed: number, { every = 1, ...options }: CrashOptions = {}): Promise<CrashReport> {
  const whole = await simulate(seed, options)
  const points = whole.crashPoints
  const failures = failuresOf(0, whole)
  let runs = 0
  for (let crashAt = 1; crashAt <= points; crashAt += every) {
    runs += 1
    failures.push(...failuresOf(crashAt, await simulate(seed, { ...options, crashAt })))
  }
  return { seed, points, runs, failures }
}

function failuresOf(crashAt: number, { violations }: SimulationResult): CrashFailure[] {
  const [violation] = violations
  return violation === undefined ? [] : [{ crashAt, violation }]
}
