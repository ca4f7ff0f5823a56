import type { Choices } from '../world/tape.ts'
import { TIMED_FAULTS, type TimedFault } from './kinds.ts'
import type { Swarm } from './swarm.ts'

/** A fault that comes at a time of its own. What it makes of the numbers is its own affair. */
export interface TimedStrike {
  readonly kind: TimedFault
  readonly atMs: number
  readonly device: number
  readonly tab: number
  /** In [0, 1). */
  readonly size: number
  readonly side: boolean
}

const MOST_OF_A_KIND = 3

/** Draws the same number of choices for every kind, whether it is in the swarm or not. */
export function drawStrikes(
  choices: Choices,
  swarm: Swarm,
  { lastMs, deviceCount, tabsPerDevice }: { lastMs: number; deviceCount: number; tabsPerDevice: number },
): TimedStrike[] {
  return TIMED_FAULTS.flatMap((kind) => {
    const count = choices.whole(1, MOST_OF_A_KIND)
    const strikes = Array.from({ length: MOST_OF_A_KIND }, () => ({
      kind,
      atMs: choices.whole(600, lastMs),
      device: choices.whole(0, deviceCount - 1),
      tab: choices.whole(0, tabsPerDevice - 1),
      size: choices.unit(),
      side: choices.chance(0.5),
    }))
    return swarm.kinds.has(kind) ? strikes.slice(0, count) : []
  })
}
