import type { InspectionEvent } from 'xstate'
import { callGuarded } from '../core/call-guarded.ts'
import { ValidationError } from '../core/errors.ts'
import { LOG_LEVELS, type Logger, type LogLevel } from '../core/logger.ts'
import { isRecord } from '../core/schema.ts'

/** Writes to the console what is of this level (default `info`) or above. @throws ValidationError for what is no level. */
export function consoleLogger(options: { readonly level?: LogLevel | undefined } = {}): Logger {
  if (!isRecord(options)) throw new ValidationError('options', "must be an object, as { level: 'debug' }.")
  const { level = 'info' } = options
  const least = LOG_LEVELS.indexOf(level)
  if (least < 0) throw new ValidationError('level', `must be one of ${LOG_LEVELS.join(', ')}.`)
  const writer = (of: LogLevel): Logger[LogLevel] =>
    LOG_LEVELS.indexOf(of) < least ? () => {} : (message, fields) => console[of](`synchart ${message}`, fields)
  return { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') }
}

/**
 * For the option `inspect`: tells the logger, at level debug, of every transition of every machine; not what their events and contexts
 * hold.
 */
export function transitionLog(logger: Logger): (event: InspectionEvent) => void {
  return (inspected) => {
    if (inspected.type !== '@xstate.snapshot') return
    const { event, snapshot, actorRef } = inspected
    if (!('value' in snapshot)) return
    const fields = { actor: 'id' in actorRef ? actorRef.id : actorRef.sessionId, on: event.type, to: snapshot.value }
    // A logger that fails harms nobody.
    callGuarded(
      (told) => logger.debug('transition', told),
      fields,
      () => {},
    )
  }
}
