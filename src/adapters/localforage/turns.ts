/** Runs the task while nobody else, on any handle, runs one under the same lock. */
export type WithLock = <T>(task: () => Promise<T>) => Promise<T>

/** Runs tasks in order and alone, over all handles on a store. Those that wait for the lock together share one turn of it. */
export interface Turns<S> {
  run<T>(task: (state: S) => T | Promise<T>): Promise<T>
  /** Resolves when no task is left. */
  idle(): Promise<void>
}

interface Job {
  run(first: boolean): Promise<void>
  fail(error: unknown): void
}

/** `prepare` brings up to date what a task gets; `first` says that others may have had the lock since the last task. */
export function createTurns<S>(withLock: WithLock, prepare: (first: boolean) => Promise<S>): Turns<S> {
  const waiting: Job[] = []
  let working: Promise<void> | undefined

  async function takeTurn(): Promise<void> {
    for (const [at, job] of waiting.splice(0).entries()) await job.run(at === 0)
  }

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      try {
        await withLock(takeTurn)
      } catch (error) {
        for (const job of waiting.splice(0)) job.fail(error)
      }
    }
    // Not in a `finally` on the promise: a job that came before that ran would be left behind.
    working = undefined
  }

  function run<T>(task: (state: S) => T | Promise<T>): Promise<T> {
    return new Promise((resolve, fail) => {
      waiting.push({ fail, run: async (first) => prepare(first).then(task).then(resolve, fail) })
      working ??= work()
    })
  }

  return { run, idle: async () => working }
}
