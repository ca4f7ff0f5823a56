import { availableParallelism } from 'node:os'
import type { Bug } from './bug.ts'
import { hunt, type Hunt } from './hunt.ts'

export { BUGS } from './bugs.ts'
export { HARMLESS, MUTE, reports } from './controls.ts'

/** A bug that so many seeds have not shown has survived. */
const BUDGET = 400
const LIMIT_MS = 900_000

export interface HunterOptions {
  /** Of the repository. */
  readonly root: string
  readonly budget?: number
  /** How many bugs at a time. Default: as many as there are cores. */
  readonly workers?: number
  /** By a bug's name: the seed that is tried first. */
  readonly seeds: Readonly<Record<string, number>>
}

/** The hunt itself did not work: the table is stale, or the changed code brought its process down. */
export interface Failed {
  readonly bug: Bug
  readonly error: unknown
}

/** Hunts a few bugs at a time; the others wait for their turn. */
export function createHunter({
  root,
  budget = BUDGET,
  workers = availableParallelism(),
  seeds,
}: HunterOptions): (bug: Bug) => Promise<Hunt | Failed> {
  const waiting: (() => void)[] = []
  let free = workers

  return async (bug) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve))
    else free -= 1
    try {
      return await hunt(bug, { root, seeds: listOf(budget, seeds[bug.name]), limitMs: LIMIT_MS })
    } catch (error) {
      return { bug, error }
    } finally {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    }
  }
}

/** From 1 upwards, with this one first. */
function listOf(budget: number, first: number | undefined): readonly number[] {
  const upwards = Array.from({ length: budget }, (_, at) => at + 1)
  return first === undefined ? upwards : [first, ...upwards.filter((seed) => seed !== first)].slice(0, budget)
}

/** A line of the table that `npm run planted` prints. */
export function inWords(result: Hunt | Failed): string {
  const name = result.bug.name.padEnd(74)
  if ('error' in result) return `${name} FAILED    ${result.error instanceof Error ? result.error.message : String(result.error)}`
  const { caught, tried, others, seconds } = result
  const besides = Object.entries(others).map(([invariant, count]) => `${invariant} ${count} ×`)
  const more = besides.length === 0 ? '' : `   (besides ${besides.join(', ')})`
  const time = `${seconds.toFixed(1).padStart(6)} s`
  if (caught === undefined) return `${name} SURVIVED  ${tried} seeds ${time}${more}`
  const seeds = `seed ${String(caught.seed).padEnd(4)} after ${String(tried).padEnd(4)}`
  return `${name} ${caught.invariant.padEnd(4)} ${caught.checker.padEnd(13)} ${seeds} ${time}${more}`
}
