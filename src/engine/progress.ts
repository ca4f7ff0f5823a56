import { BehaviorSubject, type Observable } from 'rxjs'
import type { Clock } from '../core/ports.ts'
import { distinct } from './distinct.ts'
import type { Events } from './events.ts'
import type { PullProgress, SyncProgress } from './read-types.ts'
import type { SyncEvent } from './types.ts'

const IDLE: SyncProgress = { phase: 'idle', done: 0 }

/** Tells where a synchronisation stands, as the events have it. */
export function createProgress(clock: Clock, events: Events) {
  const progress = new BehaviorSubject<SyncProgress>(IDLE)
  let start = { at: 0, done: 0 }
  /** What the parts of one kind have brought that were pulled one after the other; all of it is one part where it is pulled as a whole. */
  let parts = new Map<string, PullProgress>()
  let entity = ''
  /** The part that is under way. If it begins once more before its end, it is pulled anew, and nothing of what was told is taken back. */
  let current: string | undefined
  let least = 0

  function begin({ entity: kind, scope = '', done }: Extract<SyncEvent, { type: 'pull:started' }>): void {
    const goesOn = kind === entity && (current === scope || (scope !== '' && !parts.has(scope)))
    if (!goesOn) [parts, least] = [new Map(), 0]
    ;[entity, current] = [kind, scope]
    const sum = sumWith(scope, { done })
    start = { at: clock.monotonic(), done: sum.done }
    progress.next({ phase: 'pulling', entity, done: sum.done })
  }

  function sumWith(scope: string, part: PullProgress): PullProgress {
    parts.set(scope, part)
    const sum = summed(parts)
    least = Math.max(least, sum.done)
    return { ...sum, done: least }
  }

  function next(event: SyncEvent): void {
    if (event.type === 'pull:started') begin(event)
    else if (event.type === 'pull:progress') {
      const sum = sumWith(event.scope ?? '', event)
      progress.next(pulling(event.entity, sum, paceOf(sum.done)))
    } else if (event.type === 'pull:completed' || event.type === 'pull:failed') rest()
  }

  function rest(): void {
    current = undefined
    progress.next(IDLE)
  }

  /** Milliseconds for each change; unknown before the first. */
  function paceOf(done: number): number | undefined {
    return done > start.done ? (clock.monotonic() - start.at) / (done - start.done) : undefined
  }

  events.on('pull:*', next)
  for (const type of ['engine:paused', 'engine:stopped', 'lock:lost'] as const) events.on(type, rest)
  return {
    progress$: distinct(progress) satisfies Observable<SyncProgress>,
    pushing: (): void => progress.next({ phase: 'pushing', done: 0 }),
    /** A pull, where one began, tells of its own end. */
    pushed(): void {
      if (progress.value.phase === 'pushing') progress.next(IDLE)
    },
  }
}

function summed(parts: ReadonlyMap<string, PullProgress>): PullProgress {
  let sum: PullProgress = { done: 0, total: 0 }
  for (const { done, total } of parts.values())
    sum = { done: sum.done + done, ...(total === undefined || sum.total === undefined ? {} : { total: sum.total + total }) }
  return sum
}

function pulling(entity: string, { done, total }: PullProgress, paceMs: number | undefined): SyncProgress {
  const own = { phase: 'pulling', entity, done } as const
  if (total === undefined || total < done || total === 0) return own
  const remaining = paceMs === undefined ? {} : { remainingMs: Math.round(paceMs * (total - done)) }
  return { ...own, total, percentage: Math.floor((100 * done) / total), ...remaining }
}
