import type { Choices } from '../world/tape.ts'
import { REQUEST_FAULTS, TIMED_FAULTS, type FaultKind } from './kinds.ts'

/** Which faults one run may meet, and how often a request is hit. */
export interface Swarm {
  readonly kinds: ReadonlySet<FaultKind>
  /** Probability that a kind is among them. */
  readonly share: number
  /** Probability that a request meets a fault. */
  readonly requestRate: number
}

/** One run in eight meets no fault at all. Each kind draws one choice, chosen or not. */
export function drawSwarm(choices: Choices): Swarm {
  const share = choices.pick([0, 0.15, 0.3, 0.3, 0.3, 0.5, 0.5, 0.8])
  const requestRate = choices.pick([0.1, 0.3, 0.6])
  const kinds = new Set<FaultKind>([...REQUEST_FAULTS, ...TIMED_FAULTS].filter(() => choices.chance(share)))
  return { kinds, share, requestRate }
}
