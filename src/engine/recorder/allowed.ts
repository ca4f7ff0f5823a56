import { isRecord } from '../../core/schema.ts'
import type { TraceFields } from '../../core/trace.ts'
import { cut } from './code.ts'

type Fields = Record<string, string | number | boolean>
/** Puts into the fields what a trace tells of the value, if anything. */
type Tell = (fields: Fields, value: unknown) => boolean
/** How a trace calls a member that is a value, or what it tells of one that has members itself. */
interface Allowed {
  readonly [member: string]: Told
}
type Told = string | Allowed | Tell

const ANSWER: Allowed = { operationId: 'operation', attempt: 'attempt' }
const CODE: Allowed = { code: 'error' }

/** What a trace tells of the events of the machines, beside their names; of an event that is not listed nothing. */
const EVENTS = new Map<string, Allowed>([
  ['ASSIGN', { row: tellRow }],
  ['OUTCOME', { ...ANSWER, outcome: { type: 'outcome', error: CODE } }],
  ['RECONCILED', { ...ANSWER, decision: { type: 'decision', error: CODE } }],
  ['ROLLED_BACK', ANSWER],
  ['PAUSE', asTheyAre('reason')],
  ['RESUME', asTheyAre('reason')],
  ['OWN', asTheyAre('epoch')],
  ['LOCK.ACQUIRED', asTheyAre('epoch', 'takeover')],
  ['LOCK.FAILED', { error: CODE }],
  ['CHANNEL.HEALTH', asTheyAre('latencyMs', 'missedBeats')],
  ['CHANNEL.FAILED', { error: CODE }],
  ['SOCKET.CLOSED', asTheyAre('code', 'retryAfterMs')],
  ['SOCKET.MESSAGE', { message: { type: 'message' } }],
])

/** What a trace tells of the events of the engine. No payload, no value, no id that the application chose, no message of an error. */
const NOTICE = new Map<string, Told>(
  Object.entries({
    operation: tellRow,
    error: CODE,
    conflict: { type: 'conflict', ...asTheyAre('severity', 'strategy', 'resolution') },
    summary: asTheyAre('succeeded', 'failed', 'deferred'),
    ...asTheyAre('entity', 'reason', 'part', 'epoch', 'takeover', 'trips', 'remainingMs', 'nextAttemptAt'),
    ...asTheyAre('into', 'transaction', 'alert', 'changes'),
  }),
)

export function eventFields(event: { readonly type: string }): TraceFields | undefined {
  const allowed = EVENTS.get(event.type)
  if (allowed === undefined) return undefined
  const fields: Fields = {}
  return tellWithin(fields, allowed, event) ? fields : undefined
}

/** An event has few members, and the list is long: it goes by those that are there. */
export function noticeFields(event: object): TraceFields | undefined {
  if (!isRecord(event)) return undefined
  const fields: Fields = {}
  let isTold = false
  for (const member in event) {
    const told = NOTICE.get(member)
    if (told !== undefined && tell(fields, told, event[member])) isTold = true
  }
  return isTold ? fields : undefined
}

function tell(fields: Fields, told: Told, value: unknown): boolean {
  if (typeof told === 'function') return told(fields, value)
  if (typeof told !== 'string') return tellWithin(fields, told, value)
  const plain = plainOf(value)
  if (plain === undefined) return false
  fields[told] = plain
  return true
}

/** Told more often than all else together, and so by name: to go through a list costs many times that. */
function tellRow(fields: Fields, row: unknown): boolean {
  if (!isRecord(row)) return false
  const [id, status, attempts] = [plainOf(row['id']), plainOf(row['status']), plainOf(row['attempts'])]
  const [type, entity] = [plainOf(row['type']), plainOf(row['entity'])]
  if (id !== undefined) fields['operation'] = id
  if (status !== undefined) fields['status'] = status
  if (attempts !== undefined) fields['attempts'] = attempts
  if (type !== undefined) fields['type'] = type
  if (entity !== undefined) fields['entity'] = entity
  return true
}

/** JSON has no other numbers. */
function plainOf(value: unknown): string | number | boolean | undefined {
  if (typeof value === 'string') return cut(value)
  return typeof value === 'boolean' || isFiniteNumber(value) ? value : undefined
}

function isFiniteNumber(value: unknown): value is number {
  return Number.isFinite(value)
}

function tellWithin(fields: Fields, allowed: Allowed, value: unknown): boolean {
  if (!isRecord(value)) return false
  let isTold = false
  for (const member in allowed) {
    const told = allowed[member]
    if (told !== undefined && tell(fields, told, value[member])) isTold = true
  }
  return isTold
}

function asTheyAre(...members: readonly string[]): Allowed {
  return Object.fromEntries(members.map((member) => [member, member]))
}
