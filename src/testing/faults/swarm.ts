import type { Choices } from '../world/tape.ts'
import { FAULTS, type FaultKind } from './kinds.ts'

/** Which faults one run may meet, and how often a request is hit. */
export interface Swarm {
  readonly kinds: ReadonlySet<FaultKind>
  /** Probability that a request meets a fault. */
  readonly requestRate: number
}

/** One run in eight meets no fault at all. Each kind draws one choice, chosen or not. */
export function drawSwarm(choices: Choices): Swarm {
  const share = choices.pick([0, 0.15, 0.3, 0.3, 0.3, 0.5, 0.5, 0.8])
  const requestRate = choices.pick([0.1, 0.3, 0.6])
  return { kinds: new Set(FAULTS.filter(() => choices.chance(share))), requestRate }
}
