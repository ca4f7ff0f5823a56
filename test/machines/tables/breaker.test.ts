import { breakerMachine } from '../../../machines/breaker.ts'
import { breakerInput, breakerModel } from '../models/breaker.ts'
import { checkTable } from './check-table.ts'
import { cases, stays, tableOf } from './table.ts'

const { cooldownMs, probeTimeoutMs, windowMs } = breakerInput

const opens = { to: 'open', does: ['emit breaker:opened', `wait ${cooldownMs} ms`], sets: { trips: 2, failuresAt: [] } } as const
const closes = { to: 'closed', does: ['emit breaker:closed'] } as const

checkTable(
  breakerMachine,
  breakerModel,
  tableOf<typeof breakerMachine>()({
    events: {
      FAILURE: cases({
        'as the first': { type: 'FAILURE', at: 0 },
        'that reaches the threshold': { given: { failuresAt: [0] }, comes: { type: 'FAILURE', at: windowMs - 1 } },
        'when those before are out of the window': { given: { failuresAt: [0] }, comes: { type: 'FAILURE', at: windowMs } },
      }),
      SUCCESS: { type: 'SUCCESS' },
      PROBE: { type: 'PROBE' },
      PROBE_ABANDONED: cases({
        'the last in flight': { type: 'PROBE_ABANDONED' },
        'while another is in flight': { given: { probesInFlight: 2 }, comes: { type: 'PROBE_ABANDONED' } },
      }),
      RESET: { type: 'RESET' },
    },
    own: {
      closed: [],
      open: ['after cooldown'],
      'halfOpen.waiting': [],
      'halfOpen.probing': ['after probeTimeout'],
    },
    // Probes may still be in flight from the time before it opened again.
    ownEvents: { 'after cooldown': { given: { probesInFlight: 2 } } },
    table: {
      closed: {
        FAILURE: {
          'as the first': { to: 'closed', sets: { failuresAt: [0] } },
          'that reaches the threshold': { ...opens, sets: { trips: 1, failuresAt: [] } },
          'when those before are out of the window': { to: 'closed', sets: { failuresAt: [windowMs] } },
        },
        SUCCESS: stays,
        PROBE: stays,
        PROBE_ABANDONED: stays,
        RESET: { to: 'closed', sets: { failuresAt: [] } },
      },
      open: {
        FAILURE: stays,
        SUCCESS: stays,
        PROBE: stays,
        PROBE_ABANDONED: stays,
        RESET: closes,
        'after cooldown': { to: 'halfOpen.waiting', does: ['emit breaker:halfOpened'], sets: { probesInFlight: 0 } },
      },
      'halfOpen.waiting': {
        FAILURE: opens,
        SUCCESS: closes,
        PROBE: { to: 'halfOpen.probing', does: [`wait ${probeTimeoutMs} ms`], sets: { probesInFlight: 1 } },
        PROBE_ABANDONED: stays,
        RESET: closes,
      },
      'halfOpen.probing': {
        FAILURE: opens,
        SUCCESS: closes,
        PROBE: { to: 'halfOpen.probing', sets: { probesInFlight: 2 } },
        PROBE_ABANDONED: {
          'the last in flight': { to: 'halfOpen.waiting', sets: { probesInFlight: 0 } },
          'while another is in flight': { to: 'halfOpen.probing', sets: { probesInFlight: 1 } },
        },
        RESET: closes,
        'after probeTimeout': opens,
      },
    },
  }),
)
