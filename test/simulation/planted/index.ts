import { availableParallelism } from 'node:os'
import type { Bug } from './bug.ts'
import { hunt, type Hunt } from './hunt.ts'

export { BUGS } from './bugs.ts'

/** A bug that no seed up to this one has shown has survived. */
export const BUDGET = 400
const LIMIT_MS = 900_000

export interface HuntAllOptions {
  /** Of the repository. */
  readonly root: string
  readonly budget?: number
  /** By a bug's name: the seed that is tried first. */
  readonly seeds: Readonly<Record<string, number>>
  hunted?(hunt: Hunt | Failed): void
}

/** The hunt itself did not work: the table is stale, or the changed code brought its process down. */
export interface Failed {
  readonly bug: Bug
  readonly error: unknown
}

/** Hunts as many bugs at a time as there are cores. */
export async function huntAll(bugs: readonly Bug[], options: HuntAllOptions): Promise<readonly (Hunt | Failed)[]> {
  const results: (Hunt | Failed)[] = []
  const left = [...bugs]

  async function work(): Promise<void> {
    for (let bug = left.shift(); bug !== undefined; bug = left.shift()) {
      const result = await huntOne(bug, options)
      results.push(result)
      options.hunted?.(result)
    }
  }

  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return results
}

export async function huntOne(bug: Bug, { root, budget = BUDGET, seeds }: HuntAllOptions): Promise<Hunt | Failed> {
  try {
    return await hunt(bug, { root, budget, seed: seeds[bug.name], limitMs: LIMIT_MS })
  } catch (error) {
    return { bug, error }
  }
}
