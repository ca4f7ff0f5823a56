import { channelMachine } from '../../../machines/channel.ts'
import { NetworkError } from '../../../src/core/errors.ts'
import { changed, channelInput, channelModel, closed, received } from '../models/channel.ts'
import { checkTable } from './check-table.ts'
import { cases, stays, tableOf } from './table.ts'

const { heartbeatMs, connectTimeoutMs, fallbackMs, retry } = channelInput
const error = new NetworkError('broke')
const died = new Error('died')

const connects = [`start connection`, `wait ${connectTimeoutMs} ms`]
const waits = (ms: number) => [`wait ${ms} ms`]
const reports = (report: string) => `send CHANNEL.${report} to parent`
const beats = ['send BEAT to connection', `wait ${heartbeatMs} ms`]
const anew = { attempts: 0, refusals: 0, retryAfterMs: undefined }

/** A context that `startAnew` would change, so that a cell shows whether it was run. */
const tried = { attempts: 1, refusals: 1, retryAfterMs: undefined }
const asked = { ...tried, retryAfterMs: 5_000 }
const anyWait = cases({
  'by itself': { given: tried },
  'as the server asked': { given: asked },
})
const comes = <Type extends 'CONNECT' | 'DISCONNECT' | 'WENT_OFFLINE' | 'CAME_ONLINE'>(type: Type) =>
  cases({
    'by itself': { given: tried, comes: { type } },
    'as the server asked': { given: asked, comes: { type } },
  })

const lost = (ms: number) => ({ attempts: 1, delayMs: ms, error: undefined })

const diesSilently = {
  to: 'gaveUp',
  does: ['stop connection', reports('FAILED'), `wait ${fallbackMs} ms`],
  sets: anew,
} as const

checkTable(
  channelMachine,
  channelModel,
  tableOf<typeof channelMachine>()({
    events: {
      CONNECT: comes('CONNECT'),
      DISCONNECT: comes('DISCONNECT'),
      WENT_OFFLINE: comes('WENT_OFFLINE'),
      CAME_ONLINE: comes('CAME_ONLINE'),
      'SOCKET.OPENED': { given: { error }, comes: { type: 'SOCKET.OPENED' } },
      'SOCKET.MESSAGE': cases({
        changed: received(changed),
        hello: received({ type: 'hello', heartbeatMs: 1 }),
        pong: received({ type: 'pong', at: 5_000 }),
        'pong of the future': received({ type: 'pong', at: 6_000 }),
        'pong without a time': { given: { latencyMs: 7 }, comes: received({ type: 'pong', at: undefined }) },
      }),
      'SOCKET.CLOSED': cases({
        'by a break': closed(1006, { error }),
        'by a break, the last one': { given: { attempts: 2 }, comes: closed(1006) },
        'with a time to wait': { given: { attempts: 2 }, comes: closed(1012, { retryAfterMs: 5_000 }) },
        'with a time to wait, refused': { given: { refusals: 1 }, comes: closed(4401, { retryAfterMs: 5_000 }) },
        'refused 1008': closed(1008),
        'refused 4401': closed(4401),
        'refused 4403': closed(4403),
        'refused again': { given: { refusals: 1 }, comes: closed(4401, { error }) },
      }),
    },
    own: {
      idle: [],
      'live.connecting': ['after connectTimeout', 'error connection'],
      'live.open.awaitingPong': ['after heartbeat', 'error connection'],
      'live.cutting': ['error connection'],
      'live.open.beating': ['after heartbeat', 'error connection'],
      'waiting.online': ['after backoff'],
      'waiting.offline': ['after backoff'],
      offline: [],
      gaveUp: ['after fallback'],
    },
    ownEvents: {
      'error connection': { given: tried, comes: died },
      'after backoff': anyWait,
      'after heartbeat': { given: { attempts: 1, refusals: 1, missedBeats: 2 } },
    },
    table: {
      idle: {
        CONNECT: { to: 'live.connecting', does: connects },
        DISCONNECT: { to: 'idle', sets: anew },
        WENT_OFFLINE: stays,
        CAME_ONLINE: stays,
        'SOCKET.OPENED': stays,
        'SOCKET.MESSAGE': stays,
        'SOCKET.CLOSED': stays,
      },
      'live.connecting': {
        CONNECT: stays,
        DISCONNECT: { to: 'idle', does: ['stop connection'], sets: anew },
        WENT_OFFLINE: { to: 'offline', does: ['stop connection'], sets: anew },
        CAME_ONLINE: stays,
        'SOCKET.OPENED': {
          to: 'live.open.awaitingPong',
          does: [reports('CONNECTED'), ...beats],
          sets: { error: undefined },
        },
        'SOCKET.MESSAGE': stays,
        'SOCKET.CLOSED': closings([]),
        'after connectTimeout': { to: 'live.cutting', does: ['send CUT to connection'] },
        'error connection': diesSilently,
      },
      'live.cutting': {
        CONNECT: stays,
        DISCONNECT: { to: 'idle', does: ['stop connection'], sets: anew },
        WENT_OFFLINE: { to: 'offline', does: ['stop connection'], sets: anew },
        CAME_ONLINE: stays,
        'SOCKET.OPENED': stays,
        'SOCKET.MESSAGE': stays,
        'SOCKET.CLOSED': closings([]),
        'error connection': diesSilently,
      },
      'live.open.awaitingPong': {
        ...whileOpen(),
        'SOCKET.MESSAGE': {
          changed: { to: 'live.open.awaitingPong', does: [reports('MESSAGE')] },
          hello: { to: 'live.open.awaitingPong', does: [reports('MESSAGE')] },
          pong: { to: 'live.open.beating', does: [reports('HEALTH'), `wait ${heartbeatMs} ms`], sets: { latencyMs: 40 } },
          'pong of the future': {
            to: 'live.open.beating',
            does: [reports('HEALTH'), `wait ${heartbeatMs} ms`],
            sets: { latencyMs: 0 },
          },
          'pong without a time': {
            to: 'live.open.beating',
            does: [reports('HEALTH'), `wait ${heartbeatMs} ms`],
          },
        },
        'after heartbeat': {
          to: 'live.cutting',
          does: [reports('DISCONNECTED'), reports('HEALTH'), 'send CUT to connection'],
          sets: { missedBeats: 3 },
        },
      },
      'live.open.beating': {
        ...whileOpen(),
        'SOCKET.MESSAGE': {
          changed: { to: 'live.open.beating', does: [reports('MESSAGE')] },
          hello: { to: 'live.open.beating', does: [reports('MESSAGE')] },
          pong: stays,
          'pong of the future': stays,
          'pong without a time': stays,
        },
        'after heartbeat': { to: 'live.open.awaitingPong', does: beats, sets: { attempts: 0, refusals: 0 } },
      },
      'waiting.online': {
        CONNECT: { 'by itself': { to: 'live.connecting', does: connects }, 'as the server asked': stays },
        DISCONNECT: { to: 'idle', sets: anew },
        WENT_OFFLINE: {
          'by itself': { to: 'offline', sets: anew },
          'as the server asked': { to: 'waiting.offline' },
        },
        CAME_ONLINE: stays,
        'SOCKET.OPENED': stays,
        'SOCKET.MESSAGE': stays,
        'SOCKET.CLOSED': stays,
        'after backoff': { to: 'live.connecting', does: connects },
      },
      'waiting.offline': {
        CONNECT: { 'by itself': { to: 'live.connecting', does: connects }, 'as the server asked': stays },
        DISCONNECT: { to: 'idle', sets: anew },
        WENT_OFFLINE: {
          'by itself': { to: 'offline', sets: anew },
          'as the server asked': { to: 'waiting.offline' },
        },
        CAME_ONLINE: { to: 'waiting.online' },
        'SOCKET.OPENED': stays,
        'SOCKET.MESSAGE': stays,
        'SOCKET.CLOSED': stays,
        'after backoff': { to: 'offline', sets: anew },
      },
      offline: {
        CONNECT: stays,
        DISCONNECT: { to: 'idle', sets: anew },
        WENT_OFFLINE: stays,
        CAME_ONLINE: { to: 'live.connecting', does: connects },
        'SOCKET.OPENED': stays,
        'SOCKET.MESSAGE': stays,
        'SOCKET.CLOSED': stays,
      },
      gaveUp: {
        CONNECT: { to: 'live.connecting', does: connects },
        DISCONNECT: { to: 'idle', sets: anew },
        WENT_OFFLINE: { to: 'offline', sets: anew },
        CAME_ONLINE: { to: 'live.connecting', does: connects },
        'SOCKET.OPENED': stays,
        'SOCKET.MESSAGE': stays,
        'SOCKET.CLOSED': stays,
        'after fallback': { to: 'live.connecting', does: connects },
      },
    },
  }),
)

function whileOpen() {
  const ends = [reports('DISCONNECTED'), 'stop connection']
  return {
    CONNECT: stays,
    DISCONNECT: { to: 'idle', does: ends, sets: anew },
    WENT_OFFLINE: { to: 'offline', does: ends, sets: anew },
    CAME_ONLINE: stays,
    'SOCKET.OPENED': stays,
    'SOCKET.CLOSED': closings([reports('DISCONNECTED')]),
    'error connection': { to: 'gaveUp', does: [...ends, reports('FAILED'), `wait ${fallbackMs} ms`], sets: anew },
  } as const
}

/** Half of the window of each retry, for the events are drawn so. */
function closings(first: readonly string[]) {
  const { baseMs } = retry
  const ends = [...first, 'stop connection']
  const againAtOnce = {
    to: 'live.connecting',
    does: [...ends, ...connects],
    sets: { attempts: 1, refusals: 1, delayMs: baseMs / 2 },
  } as const
  const leftAlone = (report: string) => ({ to: 'gaveUp', does: [...ends, reports(report), `wait ${fallbackMs} ms`] }) as const
  return {
    'by a break': { to: 'waiting.online', does: [...ends, ...waits(baseMs / 2)], sets: { ...lost(baseMs / 2), error } },
    'by a break, the last one': { ...leftAlone('GAVE_UP'), sets: { ...anew, delayMs: 2 * baseMs } },
    'with a time to wait': {
      to: 'waiting.online',
      does: [...ends, ...waits(5_000 + 2 * baseMs)],
      sets: { attempts: 3, delayMs: 5_000 + 2 * baseMs, retryAfterMs: 5_000 },
    },
    'with a time to wait, refused': {
      to: 'waiting.online',
      does: [...ends, ...waits(5_000 + baseMs / 2)],
      sets: { attempts: 1, delayMs: 5_000 + baseMs / 2, retryAfterMs: 5_000 },
    },
    'refused 1008': againAtOnce,
    'refused 4401': againAtOnce,
    'refused 4403': againAtOnce,
    'refused again': { ...leftAlone('UNAUTHORIZED'), sets: { ...anew, delayMs: baseMs / 2, error } },
  } as const
}
