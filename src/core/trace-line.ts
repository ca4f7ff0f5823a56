import { isRecord } from './schema.ts'
import type { TraceLine } from './trace.ts'

/** Regions within regions: more than any machine has, and few enough to follow. */
const MAX_DEPTH = 32
const STATUSES = new Set<unknown>(['active', 'done', 'error', 'stopped'])
const PORTS = new Set<unknown>(['transport', 'storage'])

type Check = (value: unknown) => boolean

const text: Check = (value) => typeof value === 'string'
const maybeText: Check = (value) => value === undefined || typeof value === 'string'
const flat: Check = (value) =>
  value === undefined ||
  (isRecord(value) && Object.values(value).every((one) => ['string', 'boolean'].includes(typeof one) || Number.isFinite(one)))
const nested: Check = (value) => isNested(value, MAX_DEPTH)
const status: Check = (value) => STATUSES.has(value)

/** Of each type of line its members. */
const MEMBERS: Readonly<Record<TraceLine['type'], Readonly<Record<string, Check>>>> = {
  actor: { actor: text, name: text, machine: maybeText, parent: maybeText, engine: maybeText },
  event: { from: maybeText, to: text, event: text, fields: flat },
  step: {
    actor: text,
    event: text,
    taken: (value) => Array.isArray(value) && value.every(text),
    value: nested,
    status: (value) => value === undefined || status(value),
  },
  state: { actor: text, value: (value) => value === undefined || nested(value), status },
  port: {
    port: (value) => PORTS.has(value),
    call: text,
    ok: (value) => typeof value === 'boolean',
    result: maybeText,
    ms: Number.isFinite,
    engine: maybeText,
  },
  notice: { event: text, fields: flat, engine: maybeText },
}

/** A line that came from elsewhere, with the members that it may have and no other; undefined if it is none. What its texts say is anybody's. */
export function traceLineOf(value: unknown): TraceLine | undefined {
  if (!isTraceLine(value)) return undefined
  const isKnown = ([name]: readonly [string, unknown]): boolean =>
    name === 'type' || name === 'at' || Object.hasOwn(MEMBERS[value.type], name)
  const members = Object.entries(value)
  if (members.every(isKnown)) return value
  const known: unknown = Object.fromEntries(members.filter(isKnown))
  return isTraceLine(known) ? known : undefined
}

/** Whether it has the members of a line; it may have others. */
function isTraceLine(value: unknown): value is TraceLine {
  if (!isRecord(value) || !Number.isFinite(value['at']) || typeof value['type'] !== 'string') return false
  if (!isType(value['type'])) return false
  return Object.entries(MEMBERS[value['type']]).every(([name, check]) => check(value[name]))
}

function isType(type: string): type is TraceLine['type'] {
  return Object.hasOwn(MEMBERS, type)
}

function isNested(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return true
  return depth > 0 && isRecord(value) && Object.values(value).every((part) => isNested(part, depth - 1))
}
