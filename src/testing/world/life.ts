import type { Scheduler } from './scheduler.ts'

/**
 * The life of one process (a tab, a worker): everything that reaches its code from outside goes through `enter`. A dead one gets
 * nothing any more, and what it calls has no effect; a frozen one gets everything later, in order.
 */
export interface Life {
  isAlive(): boolean
  isFrozen(): boolean
  /** Runs the task in the process: now, when it is resumed, or never. */
  enter(task: () => void): void
  /** The process calls a port, or a port is about to answer. False if it is dead, perhaps by this very call. */
  reaches(port: string): boolean
  /** It dies at one of its next calls of ports: 1 is the very next. */
  dieAt(call: number): void
  freeze(): void
  resume(): void
  kill(): void
  onDeath(listener: () => void): void
}

/** `survives` is asked at each call, and before each answer, whether the process lives on. */
export function createLife(scheduler: Pick<Scheduler, 'after'>, survives: () => boolean): Life {
  let state: 'alive' | 'frozen' | 'dead' = 'alive'
  let waiting: (() => void)[] = []
  let callsLeft = Infinity
  const listeners: (() => void)[] = []

  function kill(): void {
    if (state === 'dead') return
    state = 'dead'
    waiting = []
    for (const listener of listeners) listener()
  }

  function enter(task: () => void): void {
    if (state === 'alive' && waiting.length === 0) task()
    else if (state !== 'dead') waiting.push(task)
  }

  /** Each in a task of its own, in order, as the event loop of a real process would. */
  function catchUp(): void {
    scheduler.after(0, () => {
      if (state !== 'alive') return
      waiting.shift()?.()
      if (waiting.length > 0) catchUp()
    })
  }

  return {
    isAlive: () => state !== 'dead',
    isFrozen: () => state === 'frozen',
    enter,
    reaches() {
      if (state === 'dead') return false
      callsLeft -= 1
      const livesOn = survives() && callsLeft > 0
      if (!livesOn) kill()
      return livesOn
    },
    dieAt(call) {
      callsLeft = call
    },
    freeze() {
      if (state === 'alive') state = 'frozen'
    },
    resume() {
      if (state !== 'frozen') return
      state = 'alive'
      if (waiting.length > 0) catchUp()
    },
    kill,
    onDeath(listener) {
      listeners.push(listener)
    },
  }
}

/** What a dead process waits for. */
export function never<T>(): Promise<T> {
  return new Promise(() => {})
}
