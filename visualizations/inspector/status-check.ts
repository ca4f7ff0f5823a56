import { isRecord } from '../../src/core/schema.ts'
import type { EngineStatus } from '../../src/devtools/wire.ts'

type Check = (value: unknown) => boolean

const text: Check = (value) => typeof value === 'string'
const number: Check = (value) => typeof value === 'number'
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const members =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isRecord(value) && Object.entries(checks).every(([name, check]) => check(value[name]))
const texts: Check = list(text)

const rows: Check = list(
  members({
    operation: text,
    lane: text,
    type: text,
    status: text,
    attempts: number,
    waitingFor: texts,
    nextWakeAt: maybe(number),
    lastError: maybe(text),
    payload: text,
  }),
)

const isStatus = members({
  summary: text,
  waiting: number,
  health: number,
  totals: list(texts),
  queue: rows,
  deadLetters: maybe(rows),
  conflicts: list(
    members({
      operation: text,
      entity: text,
      type: text,
      severity: text,
      strategy: text,
      resolution: text,
      fields: list(texts),
    }),
  ),
})

/** Whether what came over the socket tells how an engine stands: it may be an engine of another release. */
export function isEngineStatus(value: unknown): value is EngineStatus {
  return isStatus(value)
}
