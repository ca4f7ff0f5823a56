import type { WithLock } from '../../adapters/localforage/turns.ts'
import type { Life } from './life.ts'
import type { Scheduler } from './scheduler.ts'

/** One lock that the processes of a device ask for in turn, as a Web Lock: whoever dies loses it at once, whoever is frozen keeps it. */
export interface LockBoard {
  /** For one process. `passedOn` is called whenever it has held the lock, however that ended. */
  lockOf(life: Life, passedOn: () => void): WithLock
  isHeldByFrozen(): boolean
}

interface Turn {
  readonly life: Life
  readonly passedOn: () => void
  begin(): void
}

export function createLockBoard(scheduler: Scheduler): LockBoard {
  let queue: Turn[] = []
  let holder: Turn | undefined

  function grant(): void {
    if (holder !== undefined) return
    const turn = queue.shift()
    if (turn === undefined) return
    holder = turn
    scheduler.after(0, () => turn.life.enter(turn.begin))
  }

  function passOn(turn: Turn): void {
    if (holder !== turn) return
    turn.passedOn()
    holder = undefined
    grant()
  }

  function died(life: Life): void {
    queue = queue.filter((turn) => turn.life !== life)
    if (holder?.life === life) passOn(holder)
  }

  return {
    lockOf(life, passedOn) {
      life.onDeath(() => died(life))
      return (task) =>
        new Promise((resolve, reject) => {
          if (!life.reaches('lock')) return
          const turn: Turn = {
            life,
            passedOn,
            begin() {
              void task()
                .then(resolve, reject)
                .finally(() => passOn(turn))
            },
          }
          queue.push(turn)
          grant()
        })
    },
    isHeldByFrozen: () => holder?.life.isFrozen() ?? false,
  }
}
