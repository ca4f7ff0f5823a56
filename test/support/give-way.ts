import { constants, getPriority, setPriority } from 'node:os'

/** In simulated time nothing comes too late: the process, and those that it starts, leave the processor to tests that wait for the real one. */
export function giveWay(): void {
  const { PRIORITY_BELOW_NORMAL, PRIORITY_LOW } = constants.priority
  setPriority(Math.min(PRIORITY_LOW, getPriority() + PRIORITY_BELOW_NORMAL))
}
