import { isRecord } from './schema.ts'
import { TRACE_FORMAT, type TraceHeader } from './trace.ts'

/** The first line of a trace. @throws Error that says why it is none, or who can read it. */
export function traceHeaderOf(row: string): TraceHeader {
  const header = parseRow(row)
  if (!isHeader(header)) throw new Error('This is no trace of synchart: its first line is no header.')
  if (header.format > TRACE_FORMAT)
    throw new Error(
      `The trace has format ${header.format}, and this inspector reads up to ${TRACE_FORMAT}: use that of synchart ${header.version}.`,
    )
  return header
}

function isHeader(value: unknown): value is TraceHeader {
  return isRecord(value) && value['type'] === 'header' && value['product'] === 'synchart' && typeof value['format'] === 'number'
}

/** What stands in a row of NDJSON; undefined for what is no JSON. */
export function parseRow(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
