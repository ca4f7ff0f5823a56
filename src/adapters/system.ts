import { v7 } from 'uuid'
import type { SystemPorts } from '../core/ports.ts'
import { platformConnectivity } from './platform-connectivity.ts'
import { systemClock } from './system-clock.ts'

const RANDOM_POOL_BYTES = 4_096
const ID_BYTES = 16
const pool = new Uint8Array(RANDOM_POOL_BYTES)
let used = RANDOM_POOL_BYTES

/** Random bytes are drawn many at a time: asking for a few costs as much. */
function randomBytes(): Uint8Array {
  if (used === RANDOM_POOL_BYTES) {
    crypto.getRandomValues(pool)
    used = 0
  }
  used += ID_BYTES
  return pool.slice(used - ID_BYTES, used)
}

/** The real clock, randomness, ids (UUIDv7, RFC 9562) and connectivity of the platform. */
export const systemPorts: SystemPorts = {
  clock: systemClock,
  random: () => Math.random(),
  newId: () => v7({ random: randomBytes() }),
  connectivity: platformConnectivity,
}
