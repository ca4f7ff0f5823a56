import { advanceAlerts, advanceTraced, linesToAlerts, linesToTraced, type Traced, type TracedAlerts } from './trace-alerts.ts'
import { traceBytes } from './trace-size.ts'
import { traceText } from './trace-text.ts'
import type { TraceLine } from './trace.ts'

/** Of the limit: so much goes at once, and so much less than all may be held. */
const PARTS = 16

type Made = Extract<TraceLine, { type: 'actor' }>
type Moved = Extract<TraceLine, { type: 'step' | 'state' }>

/** The lines that tell of an actor which is there: that made it, and the last that moved it. */
interface Course {
  readonly made: Made
  moved: Moved | undefined
}

/** Lines that come and go together, and those that lead to the actors and alerts that were there before them. */
interface Part {
  readonly before: readonly TraceLine[]
  readonly at: number
  readonly lines: TraceLine[]
  bytes: number
}

/**
 * A ring of lines, with at most so many bytes of text; what has to go is kept as the state that it led to. That is noted before each part, so that no old line
 * is read again: none of the processor's caches holds those any more.
 */
export function createTraceRing(maxBytes: number) {
  const now = new Map<string, Course>()
  const alerts: TracedAlerts = new Map()
  const parts: Part[] = []
  let newest: Part | undefined
  let [bytes, dropped, lastAt] = [0, 0, 0]

  const beforeNow = (): readonly TraceLine[] => [...linesOf(now), ...linesToAlerts(alerts)]

  function begin(at: number): Part {
    const part = { before: beforeNow(), at, lines: [], bytes: 0 }
    parts.push(part)
    return part
  }

  function drop(): void {
    const oldest = parts.shift()
    if (oldest === newest) newest = undefined
    bytes -= oldest?.bytes ?? 0
    dropped += oldest?.lines.length ?? 0
  }

  /** What is there when the ring begins. */
  function beginning() {
    const { before, at } = parts[0] ?? { before: beforeNow(), at: lastAt }
    const traced: Traced = { actors: new Map(), alerts: new Map() }
    for (const line of before) advanceTraced(traced, line)
    return { ...traced, at }
  }

  const kept = (): readonly TraceLine[] => parts.flatMap(({ lines }) => lines)

  return {
    add(line: TraceLine): void {
      if (newest === undefined || newest.bytes * PARTS >= maxBytes) newest = begin(line.at)
      const size = traceBytes(line)
      newest.lines.push(line)
      newest.bytes += size
      bytes += size
      lastAt = line.at
      note(now, line)
      advanceAlerts(alerts, line)
      while (bytes > maxBytes) drop()
    },
    text: (): string => traceText(beginning(), kept(), dropped),
    /** As `text`, as lines without the header. */
    lines(): readonly TraceLine[] {
      const begin = beginning()
      return [...linesToTraced(begin, begin.at), ...kept()]
    },
  }
}

function linesOf(actors: ReadonlyMap<string, Course>): readonly TraceLine[] {
  return [...actors.values()].flatMap(({ made, moved }) => (moved === undefined ? [made] : [made, moved]))
}

function note(actors: Map<string, Course>, line: TraceLine): void {
  if (line.type === 'actor') actors.set(line.actor, { made: line, moved: undefined })
  else if (line.type === 'step' || line.type === 'state') move(actors, line)
}

function move(actors: Map<string, Course>, line: Moved): void {
  const known = actors.get(line.actor)
  if (known === undefined) return
  if (line.status !== undefined && line.status !== 'active') actors.delete(line.actor)
  else if (line.value !== undefined) known.moved = line
}
