import { stringBytes } from './json-bytes.ts'
import type { TraceFields, TraceLine, TraceValue } from './trace.ts'

/** Of the names of a line's members, the time and the rest that every line has: as many as the longest needs. */
const FRAME = 96
/** Quotes, a comma. */
const MARKS = 3

/** At least as many bytes as the line has as JSON with its line break. Names of states, events and actors are ASCII. */
export function traceBytes(line: TraceLine): number {
  switch (line.type) {
    case 'actor':
      return FRAME + line.actor.length + stringBytes(line.name) + length(line.machine) + length(line.parent) + length(line.engine)
    case 'event':
      return FRAME + length(line.from) + line.to.length + line.event.length + fieldBytes(line.fields)
    case 'step':
      return FRAME + line.actor.length + line.event.length + length(line.status) + valueBytes(line.value) + listBytes(line.taken)
    case 'state':
      return FRAME + line.actor.length + valueBytes(line.value)
    case 'port':
      return (
        FRAME + line.call.length + (line.result === undefined ? 0 : stringBytes(line.result)) + length(line.engine) + MARKS * 8
      )
    case 'notice':
      return FRAME + line.event.length + fieldBytes(line.fields) + length(line.engine)
  }
}

function length(text: string | undefined): number {
  return text === undefined ? 0 : text.length
}

function listBytes(texts: readonly string[]): number {
  let bytes = 0
  for (const text of texts) bytes += text.length + MARKS
  return bytes
}

function valueBytes(value: TraceValue | undefined): number {
  if (value === undefined) return 0
  if (typeof value === 'string') return value.length + MARKS
  let bytes = MARKS
  for (const region in value) bytes += region.length + MARKS + valueBytes(value[region])
  return bytes
}

function fieldBytes(fields: TraceFields | undefined): number {
  let bytes = 0
  for (const name in fields) {
    const value = fields[name]
    bytes += name.length + MARKS + 1 + (typeof value === 'string' ? stringBytes(value) : 20)
  }
  return bytes
}
