import { ValidationError } from '../core/errors.ts'
import { refuseUnknown, share, span } from '../core/option-checks.ts'
import type { SystemPorts } from '../core/ports.ts'
import { isRecord } from '../core/schema.ts'
import type { SyncQuery, SyncResult } from './read-types.ts'

export interface ScheduleInput extends SyncQuery {
  /** When, in milliseconds since 1970; this or `inMs`. */
  readonly at?: number | undefined
  /** In how many milliseconds. */
  readonly inMs?: number | undefined
  /** So much later at most, at random, as a share of the time until then: 0 (default) to 1. */
  readonly jitter?: number | undefined
}

export interface PeriodicInput extends SyncQuery {
  /** The rest between the end of one synchronisation and the beginning of the next; at least 100. */
  readonly everyMs: number
  /** The rest is this share longer or shorter, at random, so that a fleet does not come all at once. Default 0.25. */
  readonly jitter?: number | undefined
}

export interface Schedule {
  /** For `cancel`. */
  readonly id: string
  /** When it is due next, in milliseconds since 1970. */
  readonly at: number
}

export interface ScheduleHooks {
  /** @throws ValidationError for what nobody could ask for. */
  check(query: SyncQuery): void
  synchronize(query: SyncQuery): Promise<SyncResult>
  failed(error: unknown): void
}

/** Timers of some platforms stand still while it sleeps: so often the clock is looked at. */
const LOOK_EVERY_MS = 60_000
const JITTER = 0.25

/** Synchronisations at a time or again and again, as long as this engine runs. They are asked for as by anybody: whoever owns the lease does them. */
export function createSchedules({ clock, random, newId }: SystemPorts, { check, synchronize, failed }: ScheduleHooks) {
  const timers = new Map<string, () => void>()

  /** Runs the task when nothing is left of its time, though the clock may be set, or the platform sleep. */
  function wait(id: string, leftMs: () => number, task: () => void): void {
    const look = (): void => (leftMs() <= 0 ? task() : wait(id, leftMs, task))
    timers.set(id, clock.schedule(look, Math.max(0, Math.min(leftMs(), LOOK_EVERY_MS))))
  }

  /** What is left of a span: a clock that is set back makes it no longer. */
  function leftOf(ms: number): () => number {
    const [at, until] = [clock.now() + ms, clock.monotonic() + ms]
    return () => Math.min(at - clock.now(), until - clock.monotonic())
  }

  function run(id: string, query: SyncQuery, done: () => void): void {
    synchronize(query)
      .catch(failed)
      .finally(() => {
        if (timers.has(id)) done()
      })
  }

  function repeat(id: string, { everyMs, jitter = JITTER, ...query }: PeriodicInput): number {
    const restMs = everyMs * (1 + jitter * (2 * random() - 1))
    wait(id, leftOf(restMs), () => run(id, query, () => repeat(id, { everyMs, jitter, ...query })))
    return clock.now() + restMs
  }

  return {
    /** @throws ValidationError */
    schedule(input: ScheduleInput): Schedule {
      const { jitter = 0, at: _at, inMs: _inMs, ...query } = checked(input, ['at', 'inMs', 'jitter', 'entity', 'full'])
      const [id, inMs] = [newId(), dueInMs(input, clock.now())]
      share('jitter', jitter)
      check(query)
      const waitMs = inMs * (1 + jitter * random())
      const at = clock.now() + waitMs
      wait(id, input.at === undefined ? leftOf(waitMs) : () => at - clock.now(), () => run(id, query, () => timers.delete(id)))
      return { id, at }
    },
    /** @throws ValidationError */
    schedulePeriodic(input: PeriodicInput): Schedule {
      const { everyMs, jitter = JITTER, ...query } = checked(input, ['everyMs', 'jitter', 'entity', 'full'])
      span('everyMs', everyMs, 100)
      share('jitter', jitter)
      check(query)
      const id = newId()
      return { id, at: repeat(id, input) }
    },
    /** One that is under way goes on. False if there is none of this id. */
    cancel(id: string): boolean {
      timers.get(id)?.()
      return timers.delete(id)
    },
    cancelAll(): void {
      for (const cancel of timers.values()) cancel()
      timers.clear()
    },
  }
}

function checked<Input extends object>(input: Input, known: readonly string[]): Input {
  if (!isRecord(input)) throw new ValidationError('schedule', 'must be an object, as { inMs: 60_000 }.')
  refuseUnknown('schedule', known, input)
  return input
}

function dueInMs({ at, inMs }: ScheduleInput, now: number): number {
  if ((at === undefined) === (inMs === undefined)) throw new ValidationError('schedule', 'needs at or inMs, not both.')
  if (inMs !== undefined) span('schedule.inMs', inMs, 0)
  if (at !== undefined) {
    if (typeof at !== 'number')
      throw new ValidationError('schedule.at', 'must be a number of milliseconds since 1970, as Date.now() gives it.')
    span('schedule.at', Math.max(0, at - now), 0)
  }
  return inMs ?? Math.max(0, (at ?? now) - now)
}
