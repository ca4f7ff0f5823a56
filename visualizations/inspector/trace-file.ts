import { parseRow, traceHeaderOf } from '../../src/core/trace-header.ts'
import { traceLineOf } from '../../src/core/trace-line.ts'
import type { TraceHeader, TraceLine } from '../../src/core/trace.ts'

export interface TraceFile {
  readonly header: TraceHeader
  readonly lines: readonly TraceLine[]
}

/** In characters; those of a trace have some hundreds. */
const MAX_LINE = 4_194_304

/** Reads a trace (docs/trace-format.md) in pieces. A last line that was cut off is left out. Both throw an Error that says what is wrong, and where; what stands before it was told. */
export function createTraceReader(tell: (line: TraceLine) => void) {
  let header: TraceHeader | undefined
  let number = 0
  let rest = ''

  function take(row: string, isLast: boolean): void {
    number += 1
    if (header === undefined) {
      header = traceHeaderOf(row)
      return
    }
    if (row.trim() === '') return
    const line = traceLineOf(parseRow(row))
    if (line !== undefined) return tell(line)
    if (isLast) return
    throw new Error(`Line ${number} of the trace can't be read.`)
  }

  return {
    /** Undefined before the first line was read. */
    header: (): TraceHeader | undefined => header,
    push(text: string): void {
      const rows = `${rest}${text}`.split('\n')
      rest = rows.pop() ?? ''
      for (const row of rows) take(row, false)
      if (rest.length > MAX_LINE) throw new Error(`Line ${number + 1} of the trace is too long.`)
    },
    /** What stands after the last line break. */
    end: (): void => take(rest, true),
  }
}

/** Reads a trace that is there as a whole. @throws Error that says what is wrong, and where. */
export function readTrace(text: string): TraceFile {
  const lines: TraceLine[] = []
  const reader = createTraceReader((line) => lines.push(line))
  reader.push(text)
  reader.end()
  return { header: reader.header() ?? traceHeaderOf(''), lines }
}

export interface ReadHooks {
  /** The first line was read, and it is one of a trace. */
  begin(header: TraceHeader): void
  lines(lines: readonly TraceLine[]): void
  /** Nobody wants it any more. */
  isOver(): boolean
}

/** Reads a trace as it comes in. Rejects with an Error that says what is wrong, and where; what was read before that has been told. */
export async function readTraceStream(stream: ReadableStream<Uint8Array>, { begin, lines, isOver }: ReadHooks): Promise<void> {
  const chunks = stream.getReader()
  const decoder = new TextDecoder()
  let read: TraceLine[] = []
  const trace = createTraceReader((line) => read.push(line))
  let hasBegun = false

  function take(text: string, isLast: boolean): void {
    read = []
    try {
      trace.push(text)
      if (isLast) trace.end()
    } finally {
      const header = trace.header()
      if (!hasBegun && header !== undefined) begin(header)
      hasBegun = header !== undefined
      lines(read)
    }
  }

  while (!isOver()) {
    const { done, value } = await chunks.read()
    take(decoder.decode(value, { stream: !done }), done)
    if (done) return
  }
  await chunks.cancel()
}
