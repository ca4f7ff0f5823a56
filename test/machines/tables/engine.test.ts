import { engineMachine } from '../../../machines/engine.ts'
import { StorageCorruptError, StorageUnavailableError } from '../../../src/core/errors.ts'
import { input } from '../engine-world.ts'
import { engineModel } from '../models/engine.ts'
import { checkTable } from './check-table.ts'
import { cases, stays, tableOf } from './table.ts'

const { authPauseMs, restartMs, stopTimeoutMs } = input

const unavailable = new StorageUnavailableError('Not now.')
const corrupt = new StorageCorruptError('Broken.')

const PARTS = ['breaker', 'drain', 'lock', 'connectivity', 'pull'] as const

const start = PARTS.map((part) => `start ${part}`)
const end = PARTS.map((part) => `stop ${part}`)
const close = ['cancel resume-auth', 'wait 10000 ms', 'start close']

const opens = { to: 'opening', does: ['start open'], sets: { error: undefined } } as const
const runs = { to: 'running.following', does: start } as const
const leaves = { to: 'running.leaving', does: ['send QUIESCE to drain', `wait ${stopTimeoutMs} ms`] } as const
const releases = {
  to: 'running.releasing',
  does: ['send DISOWN to drain', 'send RELEASE to lock', `wait ${stopTimeoutMs} ms`],
} as const
/** The pull goes while the engine owns and nothing pauses it. */
const leavesOwning = { ...leaves, does: ['send HOLD to pull', ...leaves.does] } as const
const loses = { to: 'running.following', does: ['send HOLD to pull', 'send DISOWN to drain', 'reportLock'] } as const
const goes = ['send DRAIN to drain', 'send GO to pull']
const holds = ['send HOLD to drain', 'send HOLD to pull']

/** Parts are not spoken to, and not heard, when none runs. */
const nothingRuns = {
  'PLATFORM.ONLINE': stays,
  'PLATFORM.OFFLINE': stays,
  'STORE.CHANGED': stays,
  'LOCK.ACQUIRED': stays,
  'LOCK.LOST': stays,
  'LOCK.RELEASED': stays,
  'LOCK.FAILED': stays,
  'NETWORK.ONLINE': stays,
  'NETWORK.OFFLINE': stays,
  'DRAIN.FENCED': stays,
  'PULL.FENCED': stays,
  'DRAIN.AUTH_NEEDED': stays,
  'DRAIN.NETWORK_SUSPECTED': stays,
  'DRAIN.QUIET': stays,
  'PULL.WANTED': stays,
  'PULL.AUTH_NEEDED': stays,
} as const

/** Pauses are counted in every state: one made before the start, or while leaving, holds later. */
function pauses<const State extends string>(to: State) {
  return {
    PAUSE: { to, sets: { pauses: ['battery'] } },
    RESUME: { 'of the only reason': { to, sets: { pauses: [] } }, 'of another reason': stays },
  } as const
}

/** What is the same whatever the running parts are doing. */
function relays<const State extends string>(to: State) {
  return {
    START: stays,
    'PLATFORM.ONLINE': { to, does: ['send CAME_ONLINE to connectivity'] },
    'PLATFORM.OFFLINE': { to, does: ['send WENT_OFFLINE to connectivity'] },
    'STORE.CHANGED': { to, does: ['send POKE to lock'] },
    'LOCK.FAILED': { to, does: ['reportLock'] },
    'NETWORK.ONLINE': { to, does: ['reportNetwork'] },
    'DRAIN.NETWORK_SUSPECTED': { to, does: ['send SUSPECTED to connectivity'] },
    'PULL.WANTED': { to, does: ['send PULL to pull'] },
  } as const
}

/** What stops the drain and the pull. */
function stoppers<const State extends string>(to: State, before: readonly string[] = [], does: readonly string[] = []) {
  const awaits = {
    to,
    does: ['cancel resume-auth', `raise RESUME in ${authPauseMs} ms`, ...does],
    sets: { pauses: [...before, 'auth'] },
  } as const
  return {
    'NETWORK.OFFLINE': { to, does: ['reportNetwork', ...does], sets: { pauses: [...before, 'network'] } },
    'DRAIN.AUTH_NEEDED': awaits,
    'PULL.AUTH_NEEDED': awaits,
  } as const
}

function anyPartFails<const Result>(result: Result) {
  return {
    'error breaker': result,
    'error drain': result,
    'error lock': result,
    'error connectivity': result,
    'error pull': result,
  } as const
}

/** Nobody waits for credentials any more. */
function closes(does: readonly string[] = []) {
  const closing = { to: 'closing', does: [...does, ...close] } as const
  return { 'while nothing pauses it': closing, 'while credentials are awaited': { ...closing, sets: { pauses: [] } } }
}

function restarts(does: readonly string[] = []) {
  return anyPartFails({ to: 'restarting', does: [...does, ...end, 'reportFailure', `wait ${restartMs} ms`] } as const)
}

const closesAtOnce = anyPartFails({ to: 'closing', does: [...end, 'reportFailure', ...close] })

checkTable(
  engineMachine,
  engineModel,
  tableOf<typeof engineMachine>()({
    events: {
      START: { type: 'START' },
      STOP: cases({
        'while nothing pauses it': { type: 'STOP' },
        'while credentials are awaited': { given: { pauses: ['auth'] }, comes: { type: 'STOP' } },
      }),
      PAUSE: { type: 'PAUSE', reason: 'battery' },
      RESUME: cases({
        'of the only reason': { given: { pauses: ['user'] }, comes: { type: 'RESUME', reason: 'user' } },
        'of another reason': { type: 'RESUME', reason: 'other' },
      }),
      'PLATFORM.ONLINE': { type: 'PLATFORM.ONLINE' },
      'PLATFORM.OFFLINE': { type: 'PLATFORM.OFFLINE' },
      'STORE.CHANGED': { type: 'STORE.CHANGED' },
      'LOCK.ACQUIRED': cases({
        'while nothing pauses it': { type: 'LOCK.ACQUIRED', epoch: 3, takeover: false },
        'while it is paused': { given: { pauses: ['user'] }, comes: { type: 'LOCK.ACQUIRED', epoch: 3, takeover: false } },
      }),
      'LOCK.LOST': { type: 'LOCK.LOST' },
      'LOCK.RELEASED': { type: 'LOCK.RELEASED' },
      'LOCK.FAILED': { type: 'LOCK.FAILED', error: new Error('EIO') },
      'NETWORK.ONLINE': { type: 'NETWORK.ONLINE' },
      'NETWORK.OFFLINE': { type: 'NETWORK.OFFLINE' },
      'DRAIN.FENCED': { type: 'DRAIN.FENCED' },
      'PULL.FENCED': { type: 'PULL.FENCED' },
      'DRAIN.AUTH_NEEDED': { type: 'DRAIN.AUTH_NEEDED' },
      'DRAIN.NETWORK_SUSPECTED': { type: 'DRAIN.NETWORK_SUSPECTED' },
      'DRAIN.QUIET': { type: 'DRAIN.QUIET' },
      'PULL.WANTED': { type: 'PULL.WANTED', targets: [{ entity: 'note', full: false }] },
      'PULL.AUTH_NEEDED': { type: 'PULL.AUTH_NEEDED' },
    },
    own: {
      stopped: [],
      opening: ['done open', 'error open'],
      failed: ['after restart'],
      'running.following': ['error breaker', 'error connectivity', 'error drain', 'error lock', 'error pull'],
      'running.owning.draining': ['error breaker', 'error connectivity', 'error drain', 'error lock', 'error pull'],
      'running.owning.paused': ['error breaker', 'error connectivity', 'error drain', 'error lock', 'error pull'],
      'running.leaving': ['after stopTimeout', 'error breaker', 'error connectivity', 'error drain', 'error lock', 'error pull'],
      'running.releasing': [
        'after stopTimeout',
        'error breaker',
        'error connectivity',
        'error drain',
        'error lock',
        'error pull',
      ],
      restarting: ['after restart'],
      closing: ['after closeTimeout', 'done close', 'error close'],
    },
    ownEvents: {
      'error open': cases({ 'that may pass': unavailable, 'for good': corrupt }),
      'after restart': cases({
        'after an error that may pass': { given: { error: unavailable } },
        'after one for good': { given: { error: corrupt } },
      }),
    },
    table: {
      stopped: { ...nothingRuns, ...pauses('stopped'), START: opens, STOP: stays },
      opening: {
        ...nothingRuns,
        ...pauses('opening'),
        START: stays,
        STOP: closes(['stop open']),
        'done open': { ...runs, does: ['stop open', ...runs.does] },
        'error open': {
          'that may pass': { to: 'failed', does: ['stop open', `wait ${restartMs} ms`], sets: { error: unavailable } },
          'for good': { to: 'failed', does: ['stop open', `wait ${restartMs} ms`], sets: { error: corrupt } },
        },
      },
      failed: {
        ...nothingRuns,
        ...pauses('failed'),
        START: opens,
        STOP: closes(),
        'after restart': { 'after an error that may pass': opens, 'after one for good': stays },
      },
      'running.following': {
        ...relays('running.following'),
        ...pauses('running.following'),
        ...stoppers('running.following'),
        ...restarts(),
        STOP: leaves,
        'LOCK.ACQUIRED': {
          'while nothing pauses it': {
            to: 'running.owning.draining',
            does: ['reportLock', 'send OWN to drain', ...goes],
            sets: { epoch: 3 },
          },
          'while it is paused': {
            to: 'running.owning.paused',
            does: ['reportLock', 'send OWN to drain', ...goes, ...holds],
            sets: { epoch: 3 },
          },
        },
        'LOCK.LOST': stays,
        'LOCK.RELEASED': stays,
        'DRAIN.FENCED': stays,
        'PULL.FENCED': stays,
        'DRAIN.QUIET': stays,
      },
      'running.owning.draining': {
        ...relays('running.owning.draining'),
        ...pauses('running.owning.draining'),
        ...stoppers('running.owning.paused', [], holds),
        ...restarts(['send HOLD to pull']),
        STOP: leavesOwning,
        PAUSE: { to: 'running.owning.paused', does: holds, sets: { pauses: ['battery'] } },
        'LOCK.ACQUIRED': {
          'while nothing pauses it': stays,
          // It never drains while it is paused; if it did, any event would end that.
          'while it is paused': { to: 'running.owning.paused', does: holds },
        },
        'LOCK.LOST': loses,
        'LOCK.RELEASED': stays,
        'DRAIN.FENCED': { to: 'running.owning.draining', does: ['send FENCED to lock'] },
        'PULL.FENCED': { to: 'running.owning.draining', does: ['send FENCED to lock'] },
        'DRAIN.QUIET': stays,
      },
      'running.owning.paused': {
        ...relays('running.owning.paused'),
        ...stoppers('running.owning.paused', ['user']),
        ...restarts(['send HOLD to pull']),
        STOP: leavesOwning,
        PAUSE: { to: 'running.owning.paused', sets: { pauses: ['user', 'battery'] } },
        RESUME: {
          'of the only reason': { to: 'running.owning.draining', does: goes, sets: { pauses: [] } },
          'of another reason': stays,
        },
        'LOCK.ACQUIRED': stays,
        'LOCK.LOST': loses,
        'LOCK.RELEASED': stays,
        'DRAIN.FENCED': { to: 'running.owning.paused', does: ['send FENCED to lock'] },
        'PULL.FENCED': { to: 'running.owning.paused', does: ['send FENCED to lock'] },
        'DRAIN.QUIET': stays,
      },
      'running.leaving': {
        ...relays('running.leaving'),
        ...pauses('running.leaving'),
        ...stoppers('running.leaving'),
        ...closesAtOnce,
        STOP: stays,
        'LOCK.ACQUIRED': stays,
        'LOCK.LOST': releases,
        'LOCK.RELEASED': stays,
        'DRAIN.FENCED': releases,
        'PULL.FENCED': stays,
        'DRAIN.QUIET': releases,
        'after stopTimeout': releases,
      },
      'running.releasing': {
        ...relays('running.releasing'),
        ...pauses('running.releasing'),
        ...stoppers('running.releasing'),
        ...closesAtOnce,
        STOP: stays,
        'LOCK.ACQUIRED': stays,
        'LOCK.LOST': stays,
        'LOCK.RELEASED': { to: 'closing', does: [...end, ...close] },
        'DRAIN.FENCED': stays,
        'PULL.FENCED': stays,
        'DRAIN.QUIET': stays,
        'after stopTimeout': { to: 'closing', does: [...end, ...close] },
      },
      restarting: {
        ...nothingRuns,
        ...pauses('restarting'),
        START: stays,
        STOP: closes(),
        'after restart': runs,
      },
      closing: {
        ...nothingRuns,
        ...pauses('closing'),
        START: stays,
        STOP: stays,
        'done close': { to: 'stopped', does: ['stop close'] },
        'error close': { to: 'stopped', does: ['stop close', 'reportFailure'] },
        'after closeTimeout': { to: 'stopped', does: ['stop close', 'reportFailure'] },
      },
    },
  }),
)
