import { LONGEST_TIMER_MS } from '../core/longest-timer.ts'
import type { Clock } from '../core/ports.ts'

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
