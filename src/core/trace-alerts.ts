import { advance, linesTo, type TracedActors, type TraceLine } from './trace.ts'

/** What somebody should see to. */
export interface TracedAlert {
  readonly alert: string
  readonly engine: string | undefined
  readonly operation: string | undefined
  readonly since: number
}

/** Raised, and not cleared. */
export type TracedAlerts = Map<string, TracedAlert>

/** What the lines of a trace have led to. */
export interface Traced {
  readonly actors: TracedActors
  readonly alerts: TracedAlerts
}

/** There are few kinds, but lines that came from elsewhere may make up any. */
const MOST = 300

/** Takes both one line further. */
export function advanceTraced({ actors, alerts }: Traced, line: TraceLine): void {
  advance(actors, line)
  advanceAlerts(alerts, line)
}

/** The lines that lead from nothing to both. */
export function linesToTraced({ actors, alerts }: Traced, at: number): readonly TraceLine[] {
  return [...linesTo(actors, at), ...linesToAlerts(alerts)]
}

/** Takes the alerts one line further. */
export function advanceAlerts(alerts: TracedAlerts, line: TraceLine): void {
  if (line.type !== 'notice' || !line.event.startsWith('alert:')) return
  const { event, engine, at, fields } = line
  const [alert, operation] = [fields?.['alert'], fields?.['operation']]
  if (typeof alert !== 'string') return
  const key = keyOf({ engine, alert })
  alerts.delete(key)
  if (event === 'alert:raised' && alerts.size < MOST)
    alerts.set(key, { alert, engine, operation: typeof operation === 'string' ? operation : undefined, since: at })
}

/** The lines that lead from nothing to these alerts, each with the time at which it was raised. */
export function linesToAlerts(alerts: TracedAlerts): readonly TraceLine[] {
  return [...alerts.values()].map(({ alert, engine, operation, since }) => {
    const fields = operation === undefined ? { alert } : { alert, operation }
    return { type: 'notice', at: since, event: 'alert:raised', fields, engine }
  })
}

/** Where lines were left out: what leads from the alerts that were raised before them to those that are raised now. */
export function linesAcrossAlerts(before: Iterable<TracedAlert>, now: TracedAlerts, at: number): readonly TraceLine[] {
  const cleared = [...before].filter((one) => !now.has(keyOf(one)))
  return [
    ...cleared.map(({ alert, engine }): TraceLine => ({ type: 'notice', at, event: 'alert:cleared', fields: { alert }, engine })),
    ...linesToAlerts(now),
  ]
}

function keyOf({ engine, alert }: Pick<TracedAlert, 'engine' | 'alert'>): string {
  return `${engine ?? ''} ${alert}`
}
