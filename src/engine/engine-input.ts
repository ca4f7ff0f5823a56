import type { EngineInput } from '../../machines/engine.ts'
import type { Settings } from '../core/options.ts'
import type { Connectivity } from '../core/ports.ts'

const SETTLE_MS = 1_000
const PROBE_EVERY_MS = 30_000
const RESTART_MS = 1_000

/** What the engine's machine is to know of its options and its platform. */
export function engineInput(settings: Settings, connectivity: Connectivity, pulls: boolean): EngineInput {
  return {
    lock: settings.lock,
    breaker: settings.breaker,
    online: connectivity.online(),
    hasProbe: connectivity.probe !== undefined,
    settleMs: SETTLE_MS,
    probeEveryMs: PROBE_EVERY_MS,
    authPauseMs: settings.authPauseMs,
    stopTimeoutMs: settings.stopTimeoutMs,
    restartMs: RESTART_MS,
    pulled: pulls && settings.pull.everyMs > 0 ? Object.keys(settings.entities) : [],
  }
}
