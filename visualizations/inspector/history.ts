import type { TraceLine } from '../../src/core/trace.ts'
import { advanceMoment, copyOf, emptyMoment, type Moment } from './moment.ts'

export type History = ReturnType<typeof createHistory>

/**
 * Lines and the way back: the state after any of them. Every `every` lines the state is kept, so that a step to anywhere replays no more than those.
 * Lines are numbered from the first that there ever was; of more than `limit` the oldest are forgotten.
 */
export function createHistory({ limit = 200_000, every = 1_000 } = {}) {
  let lines: TraceLine[] = []
  /** The state before line `(first + n * every)`. */
  let checkpoints: Moment[] = [emptyMoment()]
  let first = 0
  const latest = emptyMoment()
  /** Where one was last. */
  let visited = { at: -1, moment: emptyMoment() }

  function append(line: TraceLine): void {
    if (lines.length > 0 && lines.length % every === 0) checkpoints.push(copyOf(latest))
    lines.push(line)
    advanceMoment(latest, line)
    if (lines.length > limit + every) forget()
  }

  /** In whole intervals, a tenth at once: moving the rest costs. */
  function forget(): void {
    const intervals = Math.max(1, Math.floor(limit / every / 10))
    lines = lines.slice(intervals * every)
    checkpoints = checkpoints.slice(intervals)
    first += intervals * every
  }

  return {
    append,
    /** The number of the oldest line that is left. */
    first: (): number => first,
    /** The number after that of the newest. */
    end: (): number => first + lines.length,
    line: (at: number): TraceLine | undefined => lines[at - first],
    /** After line `at`; before the first line nothing is there. What is returned is valid until the next call. */
    moment(at: number): Moment {
      const last = first + lines.length - 1
      if (at >= last) return latest
      if (at < first) return checkpoints[0] ?? emptyMoment()
      const interval = Math.floor((at - first) / every)
      const from = first + interval * every
      const goesOn = visited.at >= from - 1 && visited.at <= at
      const moment = goesOn ? visited.moment : copyOf(checkpoints[interval] ?? emptyMoment())
      for (let next = goesOn ? visited.at + 1 : from; next <= at; next++) {
        const line = lines[next - first]
        if (line !== undefined) advanceMoment(moment, line)
      }
      visited = { at, moment }
      return moment
    },
    /** The number of the last line that is not later; those before the first give that. */
    atTime(time: number): number {
      let [low, high] = [0, lines.length - 1]
      while (low < high) {
        const middle = Math.ceil((low + high) / 2)
        if ((lines[middle]?.at ?? 0) <= time) low = middle
        else high = middle - 1
      }
      return first + low
    },
  }
}
