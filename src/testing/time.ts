import { machineClock } from '../engine/machine-clock.ts'
import { SyncError, ValidationError } from '../core/errors.ts'
import type { SystemPorts } from '../core/ports.ts'
import { checkFields, checkMs, checkSeed } from './check.ts'
import { simulatedClock, type DeviceClock } from './world/clock.ts'
import { createLife } from './world/life.ts'
import { seededNumbers, splitSeed } from './world/random.ts'
import { createScheduler } from './world/scheduler.ts'

export interface SimulatedTimeOptions {
  /**
   * A whole number below 2^32; of the randomness that engines draw (the jitter of retries), and of the ids that are made. Default 1. Two times of one seed make the
   * same ids: where their engines share a server or a store, give each a seed of its own.
   */
  readonly seed?: number
}

/** Virtual time: it stands still until `run` or `runUntil` lets it pass, and then passes as fast as the code that it wakes. */
export interface SimulatedTime {
  /**
   * For `createSyncEngine({ …, ports: { ...time.ports } })`; any number of engines may share them. The wall clock begins at 2026-01-01T00:00:00Z, timers
   * are exact to the millisecond (the shortest is 1 ms), ids are counted and begin with the seed, and random numbers come from it. A delay that is no finite number is refused.
   */
  readonly ports: Pick<SystemPorts, 'clock' | 'random' | 'newId'>
  /** For the application's own machines: `createActor(machine, { clock: time.actorClock })`. Their `after` and delayed events then run in this time. */
  readonly actorClock: ActorClock
  /** How much of it has passed, in milliseconds. */
  elapsedMs(): number
  /**
   * Lets so many milliseconds pass: runs what becomes due on the way, in order, and lets promises settle after each.
   * @throws ValidationError if `forMs` is no number from 0 up. Rejects with what a timer's task throws, and with a SyncError (`time-runs`) if time passes already.
   */
  run(forMs: number): Promise<void>
  /**
   * Lets time pass until the promise settles, and gives its value or rejects as it does; or until the condition holds, which is asked after each
   * timer and its promises.
   * @throws SyncError `not-reached` if `limitMs` (default 3,600,000) have passed, or if nothing is scheduled any more; and as `run` does.
   */
  runUntil<T>(promise: Promise<T>, options?: RunOptions): Promise<T>
  runUntil(condition: () => boolean, options?: RunOptions): Promise<void>
  /** No time passes until the promise has settled: for what takes real time, as a file or a request of the application's own. Gives the promise's value. */
  hold<T>(promise: Promise<T>): Promise<T>
  /**
   * The wall clock is set forward or back by so many milliseconds, and timers don't notice: somebody sets it, or a laptop wakes up.
   * @throws ValidationError if that is no finite number.
   */
  jump(byMs: number): void
}

export interface RunOptions {
  /** Milliseconds of virtual time. Default 3,600,000. */
  readonly limitMs?: number
}

/** What XState takes as an actor system's clock. */
export type ActorClock = ReturnType<typeof machineClock>

/** Of a condition's text, in an error. */
const LONGEST_TEXT = 120
const LIMIT_MS = 3_600_000
const SPAN = 2 ** 32

/**
 * Makes a clock, timers, randomness and ids of which nothing is left to chance. Stores must answer without real time, as `memoryStorage` does; `createSimulatedNetwork`
 * waits for real requests. It needs the real `setImmediate` (in browsers `MessageChannel`): don't let a test runner fake that.
 * @throws ValidationError that names the option.
 */
export function createSimulatedTime(options: SimulatedTimeOptions = {}): SimulatedTime {
  checkFields('options', options, ['seed'])
  const { seed = 1 } = options
  checkSeed(seed)
  const scheduler = createScheduler()
  const device: DeviceClock = { skewMs: 0, asleepMs: 0, changed: new Set() }
  const clock = simulatedClock(
    scheduler,
    createLife(scheduler, () => true),
    device,
    { throttleMs: 1 },
  )
  const numbers = seededNumbers(splitSeed(seed, 'random'))
  const releases = new Set<() => void>()
  let [ids, held, isRunning] = [0, 0, false]

  async function pass(untilMs: number, isReached: () => boolean): Promise<'settled' | 'time' | 'empty'> {
    if (isRunning)
      throw new SyncError('time-runs', 'Time passes already. Await the first run before the next, or use one runUntil.')
    isRunning = true
    try {
      for (;;) {
        const how = await scheduler.run(untilMs, () => held > 0 || isReached())
        if (how !== 'settled' || isReached()) return how
        await released()
      }
    } finally {
      isRunning = false
    }
  }

  async function released(): Promise<void> {
    if (held > 0) await new Promise<void>((resolve) => releases.add(resolve))
  }

  function release(): void {
    for (const goOn of releases) goOn()
    releases.clear()
  }

  async function hold<T>(promise: Promise<T>): Promise<T> {
    held += 1
    try {
      return await promise
    } finally {
      held -= 1
      if (held === 0) release()
    }
  }

  async function reach(isReached: () => boolean, limitMs: number, what: string): Promise<void> {
    const how = await pass(scheduler.now() + Math.ceil(limitMs), isReached)
    if (how === 'settled') return
    const why = how === 'empty' ? 'nothing is scheduled any more' : `${limitMs} ms of virtual time have passed`
    throw new SyncError(
      'not-reached',
      `${what} that runUntil waits for has not come, and ${why}. Ask engine.explain() what is missing; hold() what takes real time.`,
    )
  }

  function runUntil<T>(goal: Promise<T>, options?: RunOptions): Promise<T>
  function runUntil(goal: () => boolean, options?: RunOptions): Promise<void>
  async function runUntil(goal: Promise<unknown> | (() => boolean), options: RunOptions = {}): Promise<unknown> {
    checkFields('options', options, ['limitMs'])
    const { limitMs = LIMIT_MS } = options
    checkMs('limitMs', limitMs)
    if (typeof goal === 'function') return reach(() => holds(goal), limitMs, `The condition ${textOf(goal)}`)
    if (!isThenable(goal)) throw new ValidationError('goal', 'must be a promise, or a function that gives true or false.')
    let hasSettled = false
    const settled = (): void => {
      hasSettled = true
      release()
    }
    goal.then(settled, settled)
    await reach(() => hasSettled, limitMs, 'The end of the promise')
    return goal
  }

  return {
    ports: { clock, random: () => numbers() / SPAN, newId: () => `sim-${seed}-${++ids}` },
    actorClock: machineClock(clock),
    elapsedMs: scheduler.now,
    async run(forMs) {
      checkMs('forMs', forMs)
      const untilMs = scheduler.now() + Math.ceil(forMs)
      // So that time goes on to the end where nothing else is due.
      const cancel = scheduler.after(forMs, () => {})
      try {
        await pass(untilMs, () => false)
      } finally {
        cancel()
      }
    },
    runUntil,
    hold,
    jump(byMs) {
      if (!Number.isFinite(byMs)) throw new ValidationError('byMs', 'must be a finite number of milliseconds.')
      device.skewMs += byMs
    },
  }
}

/** @throws ValidationError for a promise, which would pass for true */
function holds(condition: () => boolean): boolean {
  const answer: unknown = condition()
  if (isThenable(answer))
    throw new ValidationError('goal', 'is a condition that gives a promise; it must give true or false, at once.')
  return Boolean(answer)
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/** As it stands in the test, in one line. */
function textOf(condition: () => boolean): string {
  return String(condition).replaceAll(/\s+/g, ' ').slice(0, LONGEST_TEXT)
}
