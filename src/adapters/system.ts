import { v7 } from 'uuid'
import type { Clock, Connectivity, SystemPorts } from '../core/ports.ts'

/** A timer's longest delay; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647

const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(task, delayMs) {
    let left = delayMs
    let timer: ReturnType<typeof setTimeout>
    const arm = (): void => {
      const step = Math.min(left, LONGEST_TIMER_MS)
      left -= step
      timer = setTimeout(left > 0 ? arm : task, step)
    }
    arm()
    return () => clearTimeout(timer)
  },
}

/** The browser's own word; elsewhere the network is taken to be there, and failing requests tell otherwise. */
const platformConnectivity: Connectivity = {
  online: () => typeof window === 'undefined' || navigator.onLine,
  watch(listener) {
    if (typeof window === 'undefined') return () => {}
    const online = (): void => listener(true)
    const offline = (): void => listener(false)
    window.addEventListener('online', online)
    window.addEventListener('offline', offline)
    return () => {
      window.removeEventListener('online', online)
      window.removeEventListener('offline', offline)
    }
  },
}

/** The real clock, randomness, ids (UUIDv7, RFC 9562) and connectivity of the platform. */
export const systemPorts: SystemPorts = {
  clock: systemClock,
  random: () => Math.random(),
  newId: () => v7(),
  connectivity: platformConnectivity,
}
