/** Runs tasks one after the other. */
export function createTurns() {
  let last: Promise<unknown> = Promise.resolve()

  return {
    /** Resolves, or rejects, as the task does, once those before it have ended. */
    take<T>(task: () => Promise<T>): Promise<T> {
      const turn = last.then(task)
      last = turn.catch(() => {})
      return turn
    },
  }
}
