import type { Clock } from '../core/ports.ts'

/** The clock port in the form that XState takes. */
export function machineClock(clock: Clock) {
  const cancels = new Map<number, () => void>()
  let last = 0
  return {
    setTimeout(task: () => void, delayMs: number): number {
      const id = ++last
      const cancel = clock.schedule(() => {
        cancels.delete(id)
        task()
      }, delayMs)
      cancels.set(id, cancel)
      return id
    },
    clearTimeout(id: number): void {
      cancels.get(id)?.()
      cancels.delete(id)
    },
  }
}
