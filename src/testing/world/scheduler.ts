import { everyMacrotask } from '../../adapters/macrotask.ts'

interface Task {
  readonly at: number
  readonly order: number
  run: (() => void) | undefined
}

/** Virtual time: a heap of tasks. Between two of them every microtask runs; time passes only from task to task. */
export interface Scheduler {
  /** Whole milliseconds since the world began. */
  now(): number
  /** Runs the task after `delayMs` (at least 0); of equal times the one that was scheduled first. Returns the function that cancels it. */
  after(delayMs: number, task: () => void): () => void
  /**
   * Runs tasks until none is left before `untilMs`, or `settled` says that it is enough; it is asked after each task and its microtasks. Resolves with
   * the reason. What a task or `settled` throws rejects.
   */
  run(untilMs: number, settled: () => boolean): Promise<'settled' | 'time' | 'empty'>
  /** Tasks that were run. */
  steps(): number
}

export function createScheduler(): Scheduler {
  const heap: Task[] = []
  let nowMs = 0
  let order = 0
  let steps = 0

  function next(): Task | undefined {
    for (let task = heap[0]; task !== undefined; task = heap[0]) {
      if (task.run !== undefined) return task
      pop(heap)
    }
    return undefined
  }

  function step(untilMs: number, settled: () => boolean): 'settled' | 'time' | 'empty' | 'on' {
    if (settled()) return 'settled'
    const task = next()
    if (task === undefined) return 'empty'
    if (task.at > untilMs) {
      nowMs = untilMs
      return 'time'
    }
    pop(heap)
    nowMs = task.at
    steps += 1
    const { run } = task
    task.run = undefined
    run?.()
    return 'on'
  }

  return {
    now: () => nowMs,
    steps: () => steps,
    after(delayMs, run) {
      const task: Task = { at: nowMs + Math.max(0, Math.ceil(delayMs)), order: ++order, run }
      push(heap, task)
      return () => void (task.run = undefined)
    },
    run(untilMs, settled) {
      return new Promise((resolve, reject) => {
        everyMacrotask(() => {
          try {
            const result = step(untilMs, settled)
            if (result === 'on') return true
            resolve(result)
          } catch (error) {
            reject(error)
          }
          return false
        })
      })
    },
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

function push(heap: Task[], task: Task): void {
  let at = heap.push(task) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent]
    if (above === undefined || !isBefore(task, above)) break
    heap[at] = above
    at = parent
  }
  heap[at] = task
}

function pop(heap: Task[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    const child = smallerChild(heap, at)
    const below = heap[child]
    if (below === undefined || !isBefore(below, last)) break
    heap[at] = below
    at = child
  }
  heap[at] = last
}

function smallerChild(heap: readonly Task[], at: number): number {
  const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]]
  return left !== undefined && right !== undefined && isBefore(right, left) ? 2 * at + 2 : 2 * at + 1
}
