import type { Clock } from '../core/ports.ts'

/** A timer's longest delay; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647

/** The real clock, its long delays in chunks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(task, delayMs) {
    let left = delayMs
    let timer: ReturnType<typeof setTimeout>
    const arm = (): void => {
      const step = Math.min(left, LONGEST_TIMER_MS)
      left -= step
      timer = setTimeout(left > 0 ? arm : task, step)
    }
    arm()
    return () => clearTimeout(timer)
  },
}
