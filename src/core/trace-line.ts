import { isRecord } from './schema.ts'
import type { TraceLine } from './trace.ts'

type Check = (value: unknown) => boolean

const text: Check = (value) => typeof value === 'string'
const maybeText: Check = (value) => value === undefined || typeof value === 'string'
const flat: Check = (value) =>
  value === undefined ||
  (isRecord(value) && Object.values(value).every((one) => ['string', 'number', 'boolean'].includes(typeof one)))
const nested: Check = (value) => typeof value === 'string' || (isRecord(value) && Object.values(value).every(nested))

/** Of each type of line its members. */
const MEMBERS: Readonly<Record<TraceLine['type'], Readonly<Record<string, Check>>>> = {
  actor: { actor: text, name: text, machine: maybeText, parent: maybeText, engine: maybeText },
  event: { from: maybeText, to: text, event: text, fields: flat },
  step: {
    actor: text,
    event: text,
    taken: (value) => Array.isArray(value) && value.every(text),
    value: nested,
    status: maybeText,
  },
  state: { actor: text, value: (value) => value === undefined || nested(value), status: text },
  port: {
    port: text,
    call: text,
    ok: (value) => typeof value === 'boolean',
    result: maybeText,
    ms: (value) => typeof value === 'number',
    engine: maybeText,
  },
  notice: { event: text, fields: flat, engine: maybeText },
}

/** Whether a line that came from elsewhere is one. What its texts say is anybody's. */
export function isTraceLine(value: unknown): value is TraceLine {
  if (!isRecord(value) || typeof value['at'] !== 'number' || typeof value['type'] !== 'string') return false
  if (!isType(value['type'])) return false
  return Object.entries(MEMBERS[value['type']]).every(([name, check]) => check(value[name]))
}

function isType(type: string): type is TraceLine['type'] {
  return Object.hasOwn(MEMBERS, type)
}
