import { linesToTraced, type TracedAlerts } from './trace-alerts.ts'
import { TRACE_FORMAT, type TracedActors, type TraceHeader, type TraceLine } from './trace.ts'
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

/** NDJSON: the header, what is there when it begins, and what happened. */
export function traceText(
  begin: { readonly actors: TracedActors; readonly alerts?: TracedAlerts; readonly at: number },
  lines: readonly TraceLine[],
  dropped: number,
): string {
  const { actors, alerts = new Map(), at } = begin
  const all = [traceHeader(actors, lines, at, dropped), ...linesToTraced({ actors, alerts }, at), ...lines]
  return all.map((line) => `${JSON.stringify(line)}\n`).join('')
}
