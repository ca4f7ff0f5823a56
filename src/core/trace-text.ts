import { advance, linesTo, TRACE_FORMAT, type TracedActors, type TraceHeader, type TraceLine } from './trace.ts'
import { VERSION } from './version.ts'

/** Begins a trace with these actors. */
function traceHeader(actors: TracedActors, lines: readonly TraceLine[], at: number, dropped: number): TraceHeader {
  const named = [
    ...[...actors.values()].map(({ machine }) => machine),
    ...lines.map((line) => ('machine' in line ? line.machine : undefined)),
  ]
  const machines = [...new Set(named.filter((id) => id !== undefined))].toSorted()
  return { type: 'header', product: 'synchart', format: TRACE_FORMAT, version: VERSION, at, machines, dropped }
}

/** NDJSON: the header, who is there when it begins, and what happened. */
export function traceText(
  begin: { readonly actors: TracedActors; readonly at: number },
  lines: readonly TraceLine[],
  dropped: number,
): string {
  const all = [traceHeader(begin.actors, lines, begin.at, dropped), ...linesTo(begin.actors, begin.at), ...lines]
  return all.map((line) => `${JSON.stringify(line)}\n`).join('')
}

type Made = Extract<TraceLine, { type: 'actor' }>
type Moved = Extract<TraceLine, { type: 'step' | 'state' }>

/** A ring of lines, with at most so many bytes of text; what has to go is kept as the state that it led to. */
export function createTraceRing(maxBytes: number, bytesOf: (line: TraceLine) => number) {
  /** Of each actor that is there when the ring begins: the line that made it, and the last that moved it. */
  const before = new Map<string, [made: Made] | [made: Made, moved: Moved]>()
  let lines: TraceLine[] = []
  let sizes: number[] = []
  let [first, bytes, dropped, begunAt] = [0, 0, 0, 0]

  function drop(): void {
    const line = lines[first]
    bytes -= sizes[first] ?? 0
    first += 1
    dropped += 1
    if (line === undefined) return
    begunAt = line.at
    if (line.type === 'actor') before.set(line.actor, [line])
    else if (line.type === 'step' || line.type === 'state') move(line)
  }

  function move(line: Moved): void {
    const known = before.get(line.actor)
    if (known === undefined) return
    if (line.status !== undefined && line.status !== 'active') before.delete(line.actor)
    else if (line.value !== undefined) known[1] = line
  }

  function actors(): TracedActors {
    const there: TracedActors = new Map()
    for (const line of [...before.values()].flat()) advance(there, line)
    return there
  }

  return {
    add(line: TraceLine): void {
      const size = bytesOf(line)
      lines.push(line)
      sizes.push(size)
      bytes += size
      if (begunAt === 0) begunAt = line.at
      while (bytes > maxBytes) drop()
      if (first < 1_024 || first * 2 < lines.length) return
      lines = lines.slice(first)
      sizes = sizes.slice(first)
      first = 0
    },
    text: (): string => traceText({ actors: actors(), at: begunAt }, lines.slice(first), dropped),
    /** As `text`, as lines without the header. */
    lines: (): readonly TraceLine[] => [...linesTo(actors(), begunAt), ...lines.slice(first)],
  }
}
