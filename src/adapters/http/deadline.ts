import type { Clock } from '../../core/ports.ts'

/** One limit for a whole send, and the caller's signal, as one signal. */
export interface Deadline {
  readonly signal: AbortSignal
  state(): 'running' | 'expired' | 'aborted'
  /** Rejects when the signal fires first. */
  race<T>(task: Promise<T>): Promise<T>
  end(): void
}

export function startDeadline(clock: Pick<Clock, 'schedule'>, limitMs: number, outer: AbortSignal): Deadline {
  const controller = new AbortController()
  const { signal } = controller
  const abort = () => controller.abort()
  let expired = false
  const cancel = clock.schedule(() => {
    expired = !signal.aborted
    abort()
  }, limitMs)
  outer.addEventListener('abort', abort)

  return {
    signal,
    state: () => (expired ? 'expired' : signal.aborted ? 'aborted' : 'running'),
    race: (task) => raceAgainst(signal, task),
    end() {
      cancel()
      outer.removeEventListener('abort', abort)
    },
  }
}

async function raceAgainst<T>(signal: AbortSignal, task: Promise<T>): Promise<T> {
  const { promise, stop } = whenAborted(signal)
  try {
    return await Promise.race([task, promise])
  } finally {
    stop()
  }
}

function whenAborted(signal: AbortSignal): { readonly promise: Promise<never>; stop(): void } {
  let listener = () => {}
  const promise = new Promise<never>((_, reject) => {
    listener = () => reject(signal.reason)
    if (signal.aborted) listener()
    else signal.addEventListener('abort', listener)
  })
  return { promise, stop: () => signal.removeEventListener('abort', listener) }
}
