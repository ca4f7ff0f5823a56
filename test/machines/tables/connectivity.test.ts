import { connectivityMachine } from '../../../machines/connectivity.ts'
import { connectivityInput, connectivityModel } from '../models/connectivity.ts'
import { checkTable } from './check-table.ts'
import { cases, stays, tableOf } from './table.ts'

const { settleMs, probeEveryMs } = connectivityInput(true, true)

const byProbe = cases({ 'with a probe': { given: { hasProbe: true } }, 'without a probe': { given: { hasProbe: false } } })

const probeDue = `wait ${probeEveryMs} ms`
const goesOffline = ['send NETWORK.OFFLINE to parent', probeDue]
const goesOnline = ['send NETWORK.ONLINE to parent']
const settles = { to: 'offline.settling', does: [`wait ${settleMs} ms`] } as const
const probes = { to: 'offline.probing', does: [probeDue, 'start probe'] } as const

checkTable(
  connectivityMachine,
  connectivityModel,
  tableOf<typeof connectivityMachine>()({
    events: {
      CAME_ONLINE: { type: 'CAME_ONLINE' },
      WENT_OFFLINE: { type: 'WENT_OFFLINE' },
      SUSPECTED: cases({
        'with a probe': { given: { hasProbe: true }, comes: { type: 'SUSPECTED' } },
        'without a probe': { given: { hasProbe: false }, comes: { type: 'SUSPECTED' } },
      }),
    },
    own: {
      starting: 'transient',
      'online.trusting': [],
      'online.checking': ['after probeEvery', 'done probe', 'error probe'],
      'offline.waiting': ['after probeEvery'],
      'offline.settling': ['after settle'],
      'offline.probing': ['after probeEvery', 'done probe', 'error probe'],
    },
    ownEvents: {
      'done probe': cases({ reachable: true, unreachable: false }),
      'error probe': new Error('no route'),
      'after settle': byProbe,
      'after probeEvery': byProbe,
    },
    table: {
      'online.trusting': {
        CAME_ONLINE: stays,
        WENT_OFFLINE: { to: 'offline.waiting', does: goesOffline },
        SUSPECTED: { 'with a probe': { to: 'online.checking', does: [probeDue, 'start probe'] }, 'without a probe': stays },
      },
      'online.checking': {
        CAME_ONLINE: stays,
        WENT_OFFLINE: { to: 'offline.waiting', does: ['stop probe', ...goesOffline] },
        SUSPECTED: stays,
        'done probe': {
          reachable: { to: 'online.trusting', does: ['stop probe'] },
          unreachable: { to: 'offline.waiting', does: ['stop probe', ...goesOffline] },
        },
        'error probe': { to: 'offline.waiting', does: ['stop probe', ...goesOffline] },
        'after probeEvery': { to: 'offline.waiting', does: ['stop probe', ...goesOffline] },
      },
      'offline.waiting': {
        CAME_ONLINE: settles,
        WENT_OFFLINE: { to: 'offline.waiting', does: [probeDue] },
        SUSPECTED: stays,
        'after probeEvery': { 'with a probe': probes, 'without a probe': stays },
      },
      'offline.settling': {
        CAME_ONLINE: stays,
        WENT_OFFLINE: { to: 'offline.waiting', does: [probeDue] },
        SUSPECTED: stays,
        'after settle': { 'with a probe': probes, 'without a probe': { to: 'online.trusting', does: goesOnline } },
      },
      'offline.probing': {
        CAME_ONLINE: { ...settles, does: ['stop probe', ...settles.does] },
        WENT_OFFLINE: { to: 'offline.waiting', does: ['stop probe', probeDue] },
        SUSPECTED: stays,
        'done probe': {
          reachable: { to: 'online.trusting', does: ['stop probe', ...goesOnline] },
          unreachable: { to: 'offline.waiting', does: ['stop probe', probeDue] },
        },
        'error probe': { to: 'offline.waiting', does: ['stop probe', probeDue] },
        'after probeEvery': { to: 'offline.waiting', does: ['stop probe', probeDue] },
      },
    },
  }),
)
