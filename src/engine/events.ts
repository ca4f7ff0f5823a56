import { Subject } from 'rxjs'
import { callGuarded } from '../core/call-guarded.ts'
import { ValidationError } from '../core/errors.ts'
import type { Clock } from '../core/ports.ts'
import { guarded } from './guarded.ts'
import type { EventsMatching, SyncEvent, SyncEventBody } from './types.ts'

const HISTORY_LIMIT = 100

export type Events = ReturnType<typeof createEvents>

/** The engine's event bus: everything that happened, told to whoever listens; nobody who listens can stop the engine. */
export function createEvents(clock: Clock) {
  const subject = new Subject<SyncEvent>()
  const handlers = new Map<(event: SyncEvent) => unknown, (type: string) => boolean>()
  const history: SyncEvent[] = []
  let oldest = 0

  function remember(event: SyncEvent): void {
    if (history.length < HISTORY_LIMIT) history.push(event)
    else {
      history[oldest] = event
      oldest = (oldest + 1) % HISTORY_LIMIT
    }
  }

  function emit(body: SyncEventBody): void {
    const event: SyncEvent = Object.assign(body, { at: clock.now() })
    remember(event)
    if (subject.observed) subject.next(event)
    // A copy: who listens anew while he hears it would hear it again.
    for (const [handler, matches] of [...handlers]) {
      if (matches(event.type)) callGuarded(handler, event, subscriberFailed)
    }
  }

  /** Of this nobody is told who might fail again: it is in the history. */
  function subscriberFailed(error: unknown): void {
    remember({ type: 'engine:error', part: 'subscriber', error, at: clock.now() })
  }

  function on<const Pattern extends string>(pattern: Pattern, handler: (event: EventsMatching<Pattern>) => void): () => void
  function on(pattern: string, handler: (event: SyncEvent) => void): () => void {
    if (typeof pattern !== 'string')
      throw new ValidationError('pattern', "must be the name of an event, or a pattern such as 'sync:*'.")
    if (typeof handler !== 'function') throw new ValidationError('handler', 'must be a function.')
    const own = (event: SyncEvent): unknown => handler(event)
    handlers.set(own, matcher(pattern))
    return () => void handlers.delete(own)
  }

  return {
    emit,
    on,
    events$: guarded(subject, subscriberFailed),
    subscriberFailed,
    history: (): readonly SyncEvent[] => [...history.slice(oldest), ...history.slice(0, oldest)],
  }
}

function matcher(pattern: string): (type: string) => boolean {
  if (!pattern.endsWith('*')) return (type) => type === pattern
  const start = pattern.slice(0, -1)
  return (type) => type.startsWith(start)
}
