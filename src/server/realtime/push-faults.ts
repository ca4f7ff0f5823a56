import type { Random } from '../../core/ports.ts'
import type { FaultOptions } from '../faults.ts'
import { planFaults } from '../faults.ts'
import { seededRandom } from '../random.ts'

/** Loses pushes, sends them twice, or holds them back until after the next one: a client must not notice, for they are only hints. */
export interface PushFaults {
  deliver(send: () => void): void
  set(options: FaultOptions | undefined): void
}

export function createPushFaults(options: FaultOptions | undefined): PushFaults {
  let rate = 0
  let random: Random = seededRandom(1)
  let held: readonly (() => void)[] = []

  const set = (next: FaultOptions | undefined): void => {
    rate = next === undefined ? 0 : planFaults(next).pushRate
    // A sequence of its own: whether somebody listens must not change which requests are hit.
    random = seededRandom((next?.seed ?? 1) + 1)
  }
  set(options)

  return {
    deliver(send) {
      const [hit, which] = [random(), random()]
      if (hit < rate && which < 1 / 3) return
      if (hit < rate && which < 2 / 3) {
        held = [...held, send]
        return
      }
      send()
      if (hit < rate) send()
      const late = held
      held = []
      for (const other of late) other()
    },
    set,
  }
}
