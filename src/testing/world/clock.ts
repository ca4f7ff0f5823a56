import { ValidationError } from '../../core/errors.ts'
import type { Clock } from '../../core/ports.ts'
import type { Life } from './life.ts'
import type { Scheduler } from './scheduler.ts'

/** Wall-clock time at which every world begins. */
export const EPOCH_MS = Date.UTC(2026, 0, 1)

/** The clock hardware of one device; its processes see it through clocks of their own. */
export interface DeviceClock {
  /** How far its wall clock is off. */
  skewMs: number
  /** How long the device has slept: its monotonic clock stands still meanwhile, and so do its timers. */
  asleepMs: number
  /** Called when `asleepMs` was changed: what the clocks of processes have set is due at another time. */
  readonly changed: Set<() => void>
}

export function wallTime(scheduler: Scheduler, { skewMs }: DeviceClock): number {
  return EPOCH_MS + scheduler.now() + skewMs
}

export interface TimerRules {
  /** Timers fire only at multiples of this, as in a hidden tab. 1: when they are due. */
  throttleMs: number
}

interface Timer {
  /** It is due at another time. */
  again(): void
  cancel(): void
}

/** The clock of one process. Timers of a frozen process fire when it is resumed, those of a dead one never. */
export function simulatedClock(scheduler: Scheduler, life: Life, device: DeviceClock, rules: TimerRules): Clock {
  const monotonic = (): number => scheduler.now() - device.asleepMs

  const timers = new Set<Timer>()
  const rearm = (): void => {
    for (const timer of [...timers]) timer.again()
  }

  function delayUntil(dueAt: number): number {
    const delayMs = Math.max(1, dueAt - monotonic())
    if (rules.throttleMs === 1) return delayMs
    const fireAt = scheduler.now() + delayMs
    return Math.ceil(fireAt / rules.throttleMs) * rules.throttleMs - scheduler.now()
  }

  device.changed.add(rearm)
  life.onDeath(() => {
    device.changed.delete(rearm)
    for (const timer of timers) timer.cancel()
  })

  return {
    now: () => wallTime(scheduler, device),
    monotonic,
    schedule(task, delayMs) {
      if (!Number.isFinite(delayMs)) throw new ValidationError('delayMs', 'must be a finite number of milliseconds.')
      const dueAt = monotonic() + Math.max(1, Math.ceil(delayMs))
      let cancel = (): void => {}
      let isSet = true
      const fire = (): void => {
        if (!isSet) return
        if (monotonic() < dueAt) return arm()
        isSet = false
        timers.delete(timer)
        task()
      }
      const arm = (): void => {
        cancel = scheduler.after(delayUntil(dueAt), () => life.enter(fire))
      }
      const timer: Timer = {
        again() {
          cancel()
          arm()
        },
        cancel: () => cancel(),
      }
      timers.add(timer)
      arm()
      return () => {
        isSet = false
        timers.delete(timer)
        cancel()
      }
    },
  }
}

/** The same clock; `set` holds the timers that are set. */
export function counted(clock: Clock, set: Set<object>): Clock {
  return {
    ...clock,
    schedule(task, delayMs) {
      const timer = {}
      set.add(timer)
      const cancel = clock.schedule(() => {
        set.delete(timer)
        task()
      }, delayMs)
      return () => {
        set.delete(timer)
        cancel()
      }
    },
  }
}
