import { advanceAlerts, type TracedAlerts } from '../../src/core/trace-alerts.ts'
import { advance, type TracedActors, type TraceFields, type TraceLine, type TraceValue } from '../../src/core/trace.ts'

/** An operation as far as the trace tells of it. */
export interface TracedOperation {
  readonly id: string
  readonly engine: string | undefined
  readonly fields: TraceFields
  /** The code of what went wrong with it last. */
  readonly error: string | undefined
  readonly since: number
}

/** All that is known at one instant. */
export interface Moment {
  readonly actors: TracedActors
  readonly operations: Map<string, TracedOperation>
  readonly conflicts: Map<string, TracedOperation>
  readonly alerts: TracedAlerts
  /** Who took the last transition after which it was still there. */
  moved: string | undefined
}

const ENDED = new Set<unknown>(['done', 'rejected', 'cancelled', 'superseded'])
/** Beyond this the oldest are forgotten, ended ones first. */
const MAX_OPERATIONS = 300

export function emptyMoment(): Moment {
  return { actors: new Map(), operations: new Map(), conflicts: new Map(), alerts: new Map(), moved: undefined }
}

export function copyOf({ actors, operations, conflicts, alerts, moved }: Moment): Moment {
  return {
    actors: new Map(actors),
    operations: new Map(operations),
    conflicts: new Map(conflicts),
    alerts: new Map(alerts),
    moved,
  }
}

/** Takes the moment one line further. */
export function advanceMoment(moment: Moment, line: TraceLine): void {
  advance(moment.actors, line)
  if (line.type === 'step' && moment.actors.has(line.actor)) moment.moved = line.actor
  if (line.type === 'event') return answered(moment.operations, line.fields)
  if (line.type !== 'notice') return
  if (line.event.startsWith('alert:')) return advanceAlerts(moment.alerts, line)
  if (typeof line.fields?.['operation'] !== 'string') return
  const { operation: id, ...fields } = line.fields
  const known = { id, engine: line.engine, fields, error: moment.operations.get(id)?.error, since: line.at }
  if (line.event.startsWith('conflict:')) remember(moment.conflicts, id, known)
  remember(moment.operations, id, known)
}

/** The answer to an attempt says why it failed; the notices about it do not. */
function answered(operations: Moment['operations'], { operation, error }: TraceFields = {}): void {
  const known = operations.get(String(operation))
  if (known !== undefined && typeof error === 'string') operations.set(known.id, { ...known, error })
}

function isEnded({ fields }: TracedOperation): boolean {
  return ENDED.has(fields['status'])
}

/** The ids, in the drawings, of the states that are active. Within those that are not drawn nothing is looked for: their names may be as long and as many as anybody likes. */
export function activeStates(
  machine: string,
  value: TraceValue | undefined,
  isDrawn: (id: string) => boolean = () => true,
): readonly string[] {
  if (value === undefined) return []
  if (typeof value === 'string') return [machine, `${machine}.${value}`]
  const inner = Object.entries(value).flatMap(([region, part]) => {
    const id = `${machine}.${region}`
    return isDrawn(id) ? [id, ...activeStates(id, part, isDrawn)] : []
  })
  return [...new Set([machine, ...inner])]
}

/** A state value in words: `running.owning.draining`. */
export function valueText(value: TraceValue | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return value
  return Object.entries(value)
    .map(([region, part]) => [region, valueText(part)].filter((text) => text !== '').join('.'))
    .join(' & ')
}

function remember(map: Map<string, TracedOperation>, id: string, known: TracedOperation): void {
  map.delete(id)
  map.set(id, known)
  if (map.size <= MAX_OPERATIONS) return
  let [victim] = map.keys()
  // The oldest of them has ended almost always: this is asked of every notice.
  for (const [other, operation] of map) {
    if (!isEnded(operation)) continue
    victim = other
    break
  }
  if (victim !== undefined) map.delete(victim)
}
