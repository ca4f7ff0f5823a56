import { breakerMachine } from '../../../machines/breaker.ts'
import { testModel } from '../../../src/testing/model/index.ts'

export const breakerInput = { failureThreshold: 2, windowMs: 1_000, cooldownMs: 5_000, halfOpenProbes: 2, probeTimeoutMs: 700 }

export const breakerModel = testModel(breakerMachine, {
  inputs: [breakerInput],
  events: {
    FAILURE: [
      { type: 'FAILURE', at: 0 },
      { type: 'FAILURE', at: breakerInput.windowMs },
    ],
    SUCCESS: [{ type: 'SUCCESS' }],
    PROBE: [{ type: 'PROBE' }],
    PROBE_ABANDONED: [{ type: 'PROBE_ABANDONED' }],
    RESET: [{ type: 'RESET' }],
  },
  key: ({ context }) => [context.failuresAt, Math.min(context.probesInFlight, 2)],
})
