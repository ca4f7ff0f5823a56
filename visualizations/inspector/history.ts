import { traceBytes } from '../../src/core/trace-size.ts'
import type { TraceLine } from '../../src/core/trace.ts'
import { advanceMoment, copyOf, emptyMoment, type Moment } from './moment.ts'

export type History = ReturnType<typeof createHistory>

export interface HistoryOptions {
  /** Lines that are kept at most. */
  readonly limit?: number
  /** What they may have as text, about half of what they take. */
  readonly maxBytes?: number
  /** The state is kept every so many lines, so that a step to anywhere replays no more than those. */
  readonly every?: number
}

/** The state before line `at`, from which the lines up to the next one lead on. */
interface Checkpoint {
  readonly at: number
  readonly moment: Moment
  bytes: number
}

/** Of what was kept, what goes at once when there is no more room: moving the rest costs. */
const FORGOTTEN = 0.1

/**
 * Lines and the way back: the state after any of them. Lines are numbered from the first that there ever was; where there is no more room the oldest are
 * forgotten.
 */
export function createHistory({ limit = 200_000, maxBytes = 64 * 1_048_576, every = 1_000 }: HistoryOptions = {}) {
  let lines: TraceLine[] = []
  /** Of each line: the latest time up to it. Clocks are set back, and those of several engines differ. */
  let times: number[] = []
  let checkpoints: Checkpoint[] = [{ at: 0, moment: emptyMoment(), bytes: 0 }]
  let bytes = 0
  let first = 0
  /** Of every actor that a line which is left may name: the last line that made it. */
  const names = new Map<string, { readonly at: number; readonly name: string; readonly engine: string | undefined }>()
  /** Two are enough to know that they must be told apart. */
  const engines = new Set<string>()
  const latest = emptyMoment()
  /** Where one was last. */
  let visited = { at: -1, moment: emptyMoment() }

  const end = (): number => first + lines.length

  function append(line: TraceLine): void {
    const size = traceBytes(line)
    if (lines.length >= limit || bytes + size > maxBytes) forget(size)
    const checkpoint = roomFor(size)
    checkpoint.bytes += size
    bytes += size
    if (line.type === 'actor') name(line.actor, line.name, line.engine)
    lines.push(line)
    times.push(Math.max(line.at, times.at(-1) ?? line.at))
    advanceMoment(latest, line)
  }

  function name(actor: string, own: string, engine: string | undefined): void {
    names.set(actor, { at: end(), name: own, engine })
    if (engine !== undefined && engines.size < 2) engines.add(engine)
  }

  /** The last checkpoint, or a new one where so much has come since that. */
  function roomFor(size: number): Checkpoint {
    const last = checkpoints.at(-1)
    if (last !== undefined && end() - last.at < every && last.bytes + size <= maxBytes * FORGOTTEN) return last
    const made = { at: end(), moment: copyOf(latest), bytes: 0 }
    checkpoints.push(made)
    return made
  }

  /** Up to a checkpoint; all of it if there is none that leaves so much room. */
  function forget(needed: number): void {
    const fewer = limit * (1 - FORGOTTEN)
    const smaller = Math.min(maxBytes * (1 - 2 * FORGOTTEN), maxBytes - needed)
    let gone = 0
    let left = bytes
    while (gone < checkpoints.length && (end() - (checkpoints[gone]?.at ?? 0) > fewer || left > smaller))
      left -= checkpoints[gone++]?.bytes ?? 0
    const start = checkpoints[gone] ?? { at: end(), moment: copyOf(latest), bytes: 0 }
    for (const line of lines.slice(0, start.at - first)) forgetName(line, start)
    lines = lines.slice(start.at - first)
    times = times.slice(start.at - first)
    checkpoints = gone < checkpoints.length ? checkpoints.slice(gone) : [start]
    first = start.at
    bytes = left
  }

  function forgetName(line: TraceLine, { at, moment }: Checkpoint): void {
    if (line.type === 'actor' && !moment.actors.has(line.actor) && (names.get(line.actor)?.at ?? at) < at)
      names.delete(line.actor)
  }

  /** The last checkpoint that is not after this line. */
  function checkpointBefore(at: number): Checkpoint | undefined {
    let [low, high] = [0, checkpoints.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((checkpoints[middle]?.at ?? 0) <= at) low = middle
      else high = middle - 1
    }
    return checkpoints[low]
  }

  return {
    append,
    /** The number of the oldest line that is left. */
    first: (): number => first,
    /** The number after that of the newest. */
    end,
    line: (at: number): TraceLine | undefined => lines[at - first],
    /** What an actor is called, with its engine where there are several. */
    nameOf(actor: string): string {
      const known = names.get(actor)
      if (known === undefined) return actor
      return known.engine === undefined || engines.size < 2 ? known.name : `${known.engine} ${known.name}`
    },
    /** How much is kept: lines, their text, and names. */
    size: () => ({ lines: lines.length, bytes, checkpoints: checkpoints.length, names: names.size }),
    /** After line `at`; before the first line nothing is there. What is returned is valid until the next call. */
    moment(at: number): Moment {
      if (at >= end() - 1) return latest
      if (at < first) return checkpoints[0]?.moment ?? emptyMoment()
      const checkpoint = checkpointBefore(at)
      const from = checkpoint?.at ?? first
      const goesOn = visited.at >= from - 1 && visited.at <= at
      const moment = goesOn ? visited.moment : copyOf(checkpoint?.moment ?? emptyMoment())
      for (let next = goesOn ? visited.at + 1 : from; next <= at; next++) {
        const line = lines[next - first]
        if (line !== undefined) advanceMoment(moment, line)
      }
      visited = { at, moment }
      return moment
    },
    /** When a line was; never before one that stands before it. */
    time: (at: number): number => times[at - first] ?? 0,
    /** The number of the last line that is not later; those before the first give that. */
    atTime(time: number): number {
      let [low, high] = [0, lines.length - 1]
      while (low < high) {
        const middle = Math.ceil((low + high) / 2)
        if ((times[middle] ?? 0) <= time) low = middle
        else high = middle - 1
      }
      return first + low
    },
  }
}
