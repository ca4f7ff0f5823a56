import type { Clock } from '../core/ports.ts'

/** A wait is looked at again at least this often: the wall clock may have jumped, or the device slept. */
const LONGEST_WAIT_MS = 10_000

/** The two times at which the owner's loop runs by itself: when something is due, and when a commit was put off long enough. */
export function createAlarms(clock: Clock, ring: () => void) {
  let cancelWake = (): void => {}
  let cancelLinger: (() => void) | undefined

  return {
    wakeIn(delayMs: number): void {
      cancelWake()
      cancelWake = clock.schedule(ring, Math.min(Math.max(delayMs, 1), LONGEST_WAIT_MS))
    },
    lingerFor(delayMs: number): void {
      cancelLinger ??= clock.schedule(ring, delayMs)
    },
    stop(): void {
      cancelWake()
      cancelLinger?.()
      cancelLinger = undefined
    },
  }
}
