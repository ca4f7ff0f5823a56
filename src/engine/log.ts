import type { Logger, LogLevel } from '../core/logger.ts'
import { callGuarded } from '../core/call-guarded.ts'
import type { OperationInfo, SyncEvent, SyncEventType } from './types.ts'

/** All others are for debugging. */
const LEVELS: { readonly [Type in SyncEventType]?: LogLevel } = {
  'engine:error': 'error',
  'storage:error': 'error',
  'lock:failed': 'error',
  'alert:raised': 'warn',
  'breaker:opened': 'warn',
  'sync:failed': 'warn',
  'sync:parked': 'warn',
  'sync:quarantined': 'warn',
  'pull:failed': 'warn',
  'pull:quarantined': 'warn',
  'realtime:unauthorized': 'warn',
  'alert:cleared': 'info',
  'breaker:halfOpened': 'info',
  'breaker:closed': 'info',
  'conflict:resolved': 'info',
  'engine:logged-out': 'info',
  'engine:wiped': 'warn',
  'engine:started': 'info',
  'engine:stopped': 'info',
  'engine:paused': 'info',
  'engine:resumed': 'info',
  'lock:acquired': 'info',
  'lock:lost': 'info',
  'network:online': 'info',
  'network:offline': 'info',
  'realtime:connected': 'info',
  'realtime:disconnected': 'info',
}

/** A subscriber of the event bus that writes it down. A logger that fails harms nobody. */
export function logTo(logger: Logger, failed: (error: unknown) => void): (event: SyncEvent) => void {
  return (event) => {
    const level = LEVELS[event.type] ?? 'debug'
    const { message } = { message: event.type, ...event }
    callGuarded((fields) => logger[level](message, fields), fieldsOf(event), failed)
  }
}

type Fields = Readonly<Record<string, unknown>>

/** What an event tells, without what applications put into operations and entities. */
function fieldsOf({ type, ...event }: SyncEvent): Fields {
  const known: Record<string, unknown> = { event: type, ...event }
  if ('operation' in event && event.operation !== undefined) known['operation'] = operationFields(event.operation)
  if ('wiped' in event) {
    const { removed, givenUp } = event.wiped
    known['wiped'] = { removed, givenUp: { ...givenUp, operations: givenUp.operations.map(operationFields) } }
  }
  if ('error' in event) known['error'] = errorFields(event.error)
  if ('conflict' in event) {
    const { type: kind, id, severity, strategy, resolution, fields } = event.conflict
    known['conflict'] = { type: kind, id, severity, strategy, resolution, fields: fields.map(({ path }) => path) }
  }
  return known
}

function operationFields({ id, type, entity, entityId, status, attempts, nextAttemptAt, lastError }: OperationInfo): Fields {
  return { id, type, entity, entityId, status, attempts, nextAttemptAt, error: lastError }
}

function errorFields(error: unknown): Fields {
  if (!(error instanceof Error)) return { name: typeof error }
  const { name, message } = error
  return { name, message, ...('code' in error ? { code: error.code } : {}) }
}
