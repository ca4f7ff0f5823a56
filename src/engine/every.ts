import type { Clock } from '../core/ports.ts'

/** Runs the task again and again. Returns the function that ends it. */
export function every(clock: Clock, ms: number, task: () => void): () => void {
  let cancel = clock.schedule(run, ms)

  function run(): void {
    cancel = clock.schedule(run, ms)
    task()
  }

  return () => cancel()
}
