import type { TraceLine } from '../../src/core/trace.ts'

/** What happened within one second. */
export interface Second {
  readonly second: number
  lines: number
  completed: number
  retried: number
  failed: number
  requests: number
  requestMs: number
  /** What engines that can be asked said last: the most that waited, the least health. */
  waiting?: number
  health?: number
}

const KEPT = 3_600

/** Counts by second, for charts. */
export function createRates() {
  const seconds = new Map<number, Second>()

  return {
    add(line: TraceLine): void {
      const one = at(Math.floor(line.at / 1_000))
      one.lines += 1
      if (line.type === 'notice') {
        if (line.event === 'sync:completed') one.completed += 1
        if (line.event === 'sync:retry') one.retried += 1
        if (line.event === 'sync:failed' || line.event === 'sync:parked') one.failed += 1
      } else if (line.type === 'port' && line.port === 'transport') {
        one.requests += 1
        one.requestMs += line.ms
      }
    },
    /** What an engine that is asked says. */
    sample(time: number, { waiting, health }: { readonly waiting: number; readonly health: number }): void {
      const one = at(Math.floor(time / 1_000))
      one.waiting = Math.max(waiting, one.waiting ?? 0)
      one.health = Math.min(health, one.health ?? 100)
    },
    /** The seconds up to this time, one for each even where nothing happened. */
    until(time: number, count: number): readonly Second[] {
      const last = Math.floor(time / 1_000)
      return Array.from({ length: count }, (_, i) => seconds.get(last - count + 1 + i) ?? none(last - count + 1 + i))
    },
  }

  function at(second: number): Second {
    const known = seconds.get(second) ?? none(second)
    seconds.set(second, known)
    const [oldest] = seconds.keys()
    if (seconds.size > KEPT && oldest !== undefined) seconds.delete(oldest)
    return known
  }
}

function none(second: number): Second {
  return { second, lines: 0, completed: 0, retried: 0, failed: 0, requests: 0, requestMs: 0 }
}
