import type { Clock } from '../../src/core/ports.ts'

interface Timer {
  readonly at: number
  readonly order: number
  readonly task: () => void
  cancelled: boolean
}

export interface VirtualClock extends Clock {
  /** Lets time pass: runs what becomes due, one by one in order, and lets promises settle after each. */
  advance(ms: number): Promise<void>
  /** Time passes and nothing runs, as in a suspended process: what became due runs, late, at the next `advance`. */
  suspend(ms: number): void
  /** Timers that are set and not cancelled. */
  pending(): number
}

/** A clock whose time passes only when it is told to. */
export function createVirtualClock(startMs = 1_000_000): VirtualClock {
  const heap: Timer[] = []
  let nowMs = 0
  let order = 0

  async function advance(ms: number): Promise<void> {
    const until = nowMs + ms
    await settle()
    for (let timer = heap[0]; timer !== undefined && timer.at <= until; timer = heap[0]) {
      pop(heap)
      if (timer.cancelled) continue
      timer.cancelled = true
      nowMs = Math.max(nowMs, timer.at)
      timer.task()
      await settle()
    }
    nowMs = Math.max(nowMs, until)
  }

  return {
    now: () => startMs + nowMs,
    monotonic: () => nowMs,
    schedule(task, delayMs) {
      const timer: Timer = { at: nowMs + Math.max(0, delayMs), order: ++order, task, cancelled: false }
      push(heap, timer)
      return () => void (timer.cancelled = true)
    },
    advance,
    suspend(ms) {
      nowMs += ms
    },
    pending: () => heap.filter((timer) => !timer.cancelled).length,
  }
}

/** All promises that are due have run when the event loop comes round. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

function push(heap: Timer[], timer: Timer): void {
  let at = heap.push(timer) - 1
  for (let parent = (at - 1) >> 1; at > 0 && isBefore(heap[at]!, heap[parent]!); parent = (at - 1) >> 1) {
    swap(heap, at, parent)
    at = parent
  }
}

function pop(heap: Timer[]): void {
  swap(heap, 0, heap.length - 1)
  heap.pop()
  for (let at = 0; ;) {
    const smallest = [at, 2 * at + 1, 2 * at + 2]
      .filter((i) => i < heap.length)
      .reduce((a, b) => (isBefore(heap[b]!, heap[a]!) ? b : a), at)
    if (smallest === at) return
    swap(heap, at, smallest)
    at = smallest
  }
}

function swap(heap: Timer[], a: number, b: number): void {
  const [left, right] = [heap[a]!, heap[b]!]
  heap[a] = right
  heap[b] = left
}
