import { isRecord } from '../../core/schema.ts'
import type { TraceFields } from '../../core/trace.ts'

/** Of each field: how a trace calls it, and where it stands. */
type Allowed = readonly (readonly [name: string, path: readonly string[]])[]

/** Longer texts are cut off: none that the engine makes itself is. */
const MAX_TEXT = 64

const ANSWER = ['operationId as operation', 'attempt']
const ROW = ['id as operation', 'status', 'attempts', 'type', 'entity']

/** What a trace tells of the events of the machines, beside their names; of an event that is not listed nothing. */
const EVENTS = listed({
  ASSIGN: within('row', ROW),
  OUTCOME: [...ANSWER, 'outcome.type as outcome', 'outcome.error.code as error'],
  RECONCILED: [...ANSWER, 'decision.type as decision', 'decision.error.code as error'],
  ROLLED_BACK: ANSWER,
  PAUSE: ['reason'],
  RESUME: ['reason'],
  OWN: ['epoch'],
  'LOCK.ACQUIRED': ['epoch', 'takeover'],
  'LOCK.FAILED': ['error.code as error'],
  'CHANNEL.HEALTH': ['latencyMs', 'missedBeats'],
  'CHANNEL.FAILED': ['error.code as error'],
  'SOCKET.CLOSED': ['code', 'retryAfterMs'],
  'SOCKET.MESSAGE': ['message.type as message'],
})

/** What a trace tells of the events of the engine. No payload, no value, no id that the application chose, no message of an error. */
const NOTICE = listed({
  '*': [
    ...within('operation', ROW),
    'error.code as error',
    'entity',
    'reason',
    'part',
    'epoch',
    'takeover',
    'trips',
    'remainingMs',
    'nextAttemptAt',
    'into',
    'transaction',
    'alert',
    'changes',
    'conflict.type as conflict',
    'conflict.severity as severity',
    'conflict.strategy as strategy',
    'conflict.resolution as resolution',
    'summary.succeeded as succeeded',
    'summary.failed as failed',
    'summary.deferred as deferred',
  ],
})['*']

export function eventFields(event: { readonly type: string }): TraceFields | undefined {
  const allowed = Object.hasOwn(EVENTS, event.type) ? EVENTS[event.type] : undefined
  return allowed === undefined ? undefined : picked(event, allowed)
}

export function noticeFields(event: object): TraceFields | undefined {
  return NOTICE === undefined ? undefined : picked(event, NOTICE)
}

function picked(event: object, allowed: Allowed): TraceFields | undefined {
  const fields: Record<string, string | number | boolean> = {}
  let isEmpty = true
  for (const [name, path] of allowed) {
    const value = at(event, path)
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') continue
    fields[name] = typeof value === 'string' ? value.slice(0, MAX_TEXT) : value
    isEmpty = false
  }
  return isEmpty ? undefined : fields
}

function at(event: object, path: readonly string[]): unknown {
  let value: unknown = event
  for (const key of path) {
    if (!isRecord(value)) return undefined
    value = value[key]
  }
  return value
}

function within(part: string, fields: readonly string[]): readonly string[] {
  return fields.map((field) => `${part}.${field.includes(' as ') ? field : `${field} as ${field}`}`)
}

function listed(table: Readonly<Record<string, readonly string[]>>): Readonly<Record<string, Allowed>> {
  return Object.fromEntries(Object.entries(table).map(([type, fields]) => [type, fields.map(parsed)]))
}

function parsed(field: string): Allowed[number] {
  const [path = '', name = path] = field.split(' as ')
  return [name, path.split('.')]
}
