import type { Choices } from './tape.ts'
import type { WorkloadShape } from './workload.ts'

/** When and where somebody does something. */
export interface Moment {
  readonly atMs: number
  readonly device: number
  readonly tab: number
}

/** How many devices and tabs there are. */
export type Places = Pick<WorkloadShape, 'deviceCount' | 'tabsPerDevice'>

export function drawMoment(
  choices: Choices,
  { deviceCount, tabsPerDevice }: Places,
  [fromMs, lastMs]: readonly [fromMs: number, lastMs: number],
): Moment {
  return {
    atMs: choices.whole(fromMs, Math.max(fromMs, lastMs)),
    device: choices.whole(0, deviceCount - 1),
    tab: choices.whole(0, tabsPerDevice - 1),
  }
}
