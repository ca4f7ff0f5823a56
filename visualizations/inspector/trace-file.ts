import { isRecord } from '../../src/core/schema.ts'
import { isTraceLine } from '../../src/core/trace-line.ts'
import { TRACE_FORMAT, type TraceHeader, type TraceLine } from '../../src/core/trace.ts'

export interface TraceFile {
  readonly header: TraceHeader
  readonly lines: readonly TraceLine[]
}

/** Reads a trace (docs/trace-format.md). A last line that was cut off is left out. @throws Error that says what is wrong, and where. */
export function readTrace(text: string): TraceFile {
  const rows = text.split('\n')
  const header = parsed(rows[0] ?? '')
  if (!isHeader(header)) throw new Error('This is no trace of synchart: its first line is no header.')
  if (header.format > TRACE_FORMAT)
    throw new Error(
      `The trace has format ${header.format}, and this inspector reads up to ${TRACE_FORMAT}: use that of synchart ${header.version}.`,
    )
  const lines: TraceLine[] = []
  for (let at = 1; at < rows.length; at++) {
    const row = rows[at] ?? ''
    if (row === '') continue
    const line = parsed(row)
    if (isTraceLine(line)) lines.push(line)
    else if (at < rows.length - 1) throw new Error(`Line ${at + 1} of the trace can't be read.`)
  }
  return { header, lines }
}

function isHeader(value: unknown): value is TraceHeader {
  return isRecord(value) && value['type'] === 'header' && value['product'] === 'synchart' && typeof value['format'] === 'number'
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
