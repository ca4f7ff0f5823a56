import type { Connectivity } from '../../core/ports.ts'
import { never, type Life } from './life.ts'
import type { Scheduler } from './scheduler.ts'

/** The network as one device has it. */
export interface Link {
  isOnline(): boolean
  /** Behind a portal: the platform believes to be online, and every request is answered by the portal. */
  isCaptive(): boolean
  setOnline(online: boolean): void
  setCaptive(captive: boolean): void
  /** For one process; with a probe, the network itself can be asked. */
  connectivityOf(life: Life, probes: boolean): Connectivity
}

const PROBE_MS = 40

export function createLink(scheduler: Pick<Scheduler, 'after'>): Link {
  let [online, captive] = [true, false]
  const listeners = new Set<(online: boolean) => void>()

  function probe(life: Life): Promise<boolean> {
    if (!life.reaches('probe')) return never()
    return new Promise((resolve) => scheduler.after(PROBE_MS, () => life.enter(() => resolve(online && !captive))))
  }

  return {
    isOnline: () => online,
    isCaptive: () => captive,
    setOnline(next) {
      if (next === online) return
      online = next
      for (const listener of listeners) listener(next)
    },
    setCaptive(next) {
      captive = next
    },
    connectivityOf: (life, probes) => ({
      online: () => online,
      watch(listener) {
        const own = (next: boolean): void => life.enter(() => listener(next))
        listeners.add(own)
        life.onDeath(() => listeners.delete(own))
        return () => void listeners.delete(own)
      },
      ...(probes ? { probe: () => probe(life) } : {}),
    }),
  }
}
