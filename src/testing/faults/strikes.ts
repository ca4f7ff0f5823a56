import {
  StorageBlockedError,
  StorageQuotaError,
  StorageReadOnlyError,
  StorageUnavailableError,
  type StorageError,
} from '../../core/errors.ts'
import type { Device } from '../world/device.ts'
import type { Tab } from '../world/tab.ts'
import type { World } from '../world/world.ts'
import type { TimedFault } from './kinds.ts'
import { responseOf } from './statuses.ts'
import type { TimedStrike } from './timed.ts'

/** What a strike hits, and how it says that it did: a strike that finds nothing to hit is none. */
export interface Target {
  readonly world: World
  readonly device: Device
  readonly tab: Tab
  readonly strike: TimedStrike
  fired(kind: TimedFault, where: string, seqs?: readonly number[]): void
  /** Ends the fault; at the latest when the safety phase ends. */
  later(delayMs: number, end: () => void): void
}

const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS
/** What a server may take no longer. */
const RETIRED = [{ field: 'a' }, { field: 'b' }, { entity: 'task' }] as const

const STRIKES: Readonly<Record<TimedFault, (target: Target) => void>> = {
  offline: ({ device, strike, fired, later }) => {
    device.link.setOnline(false)
    fired('offline', device.name)
    later(span(strike, 100, 15_000), () => device.link.setOnline(true))
  },
  'captive-portal': ({ device, strike, fired, later }) => {
    device.link.setCaptive(true)
    fired('captive-portal', device.name)
    later(span(strike, 100, 15_000), () => device.link.setCaptive(false))
  },
  quota: (target) => storageTrouble(target, 'quota', ['write'], () => new StorageQuotaError()),
  'read-only': (target) => storageTrouble(target, 'read-only', ['write'], () => new StorageReadOnlyError()),
  'connection-lost': (target) =>
    storageTrouble(
      target,
      'connection-lost',
      ['open', 'read', 'write'],
      () => new StorageUnavailableError('The connection was lost.'),
    ),
  'blocked-open': (target) => {
    storageTrouble(target, 'blocked-open', ['open'], () => new StorageBlockedError('Another tab blocks the store.'))
    reopen(target)
  },
  'corrupt-row': ({ device, strike, fired }) => {
    const live = [...device.disk.operations.values()].filter(({ lane }) => lane !== undefined)
    const row = live[Math.floor(strike.size * live.length)]
    if (row === undefined || device.disk.corrupt === undefined) return
    device.disk.corrupt(row.seq, strike.side)
    fired('corrupt-row', device.name, [row.seq])
  },
  evicted: ({ device, strike, fired }) => {
    const { operations, evict, empty } = device.disk
    const seqs = [...operations.keys()]
    // As where a user clears the data of a site whose tabs are open.
    if (strike.side && empty !== undefined) empty()
    else {
      for (const tab of device.tabs) tab.kill()
      evict()
    }
    fired('evicted', device.name, seqs)
  },
  'power-loss': ({ world, device, strike, fired }) => {
    if (device.disk.loseSince === undefined) return
    for (const tab of device.tabs) tab.kill()
    fired('power-loss', device.name, device.disk.loseSince(world.scheduler.now() - span(strike, 1, 1_000)))
  },
  'torn-write': ({ world, strike, fired, later }) => {
    const disk = world.devices.find((one) => one.disk.tear !== undefined)?.disk
    const torn = (tab: string): void => fired('torn-write', tab)
    disk?.tear?.({ at: 1 + Math.floor(strike.size * 4), fails: strike.side, torn })
    later(span(strike, 1_000, 15_000), () => disk?.tear?.(undefined))
  },
  'schema-versions': (target) => {
    const { device, tab, strike, fired, later } = target
    if (device.isAsleep()) return
    fired('schema-versions', tab.name)
    device.newestBuild += 1
    tab.build = device.newestBuild
    reopen(target)
    // Another page is loaded once more, from a cache that has the old build.
    const old = device.tabs.find((other) => other.build < device.newestBuild)
    if (old !== undefined) later(span(strike, 200, 4_000), () => old.kill())
    later(span(strike, 3_000, 20_000), () => device.update())
  },
  'clock-hour': (target) => setClock(target, 'clock-hour', HOUR_MS),
  'clock-year': (target) => setClock(target, 'clock-year', YEAR_MS),
  throttled: ({ tab, strike, fired, later }) => {
    if (!tab.isOpen()) return
    tab.throttle(strike.side ? 60_000 : 1_000)
    fired('throttled', tab.name)
    later(span(strike, 5_000, 90_000), () => tab.throttle(1))
  },
  slept: ({ device, strike, fired }) => {
    if (device.isAsleep()) return
    fired('slept', device.name)
    device.sleep(strike.side ? 8 * HOUR_MS : span(strike, 1_000, 120_000), strike.size > 0.5)
  },
  killed: ({ tab, strike, fired, later }) => {
    if (!tab.isOpen()) return
    fired('killed', tab.name)
    tab.killAt(1 + Math.floor(strike.size * strike.size * 60))
    later(10_000, () => tab.killAt(Infinity))
  },
  frozen: ({ tab, strike, fired, later }) => {
    if (!tab.isOpen() || tab.isFrozen()) return
    tab.freeze()
    fired('frozen', tab.name)
    later(span(strike, 500, 60_000), () => tab.resume())
  },
  'restored-backup': ({ world, strike, fired, later }) => {
    const backup = world.server.backUp()
    later(span(strike, 500, 10_000), () => {
      fired('restored-backup', 'the server')
      world.server.restore(backup)
    })
  },
  'answers-lost': ({ world, strike, fired }) => {
    fired('answers-lost', 'the server')
    world.server.forgetAnswers(strike.side ? 1 : strike.size)
  },
  'cursors-expired': ({ world, fired }) => {
    fired('cursors-expired', 'the server')
    world.server.changes.expire()
  },
  'cursor-repeated': ({ world, strike, fired, later }) => {
    fired('cursor-repeated', 'the server')
    world.server.changes.repeatsCursors = true
    later(span(strike, 1_000, 30_000), () => {
      world.server.changes.repeatsCursors = false
    })
  },
  'schema-change': ({ world, strike, fired }) => {
    fired('schema-change', 'the server')
    const what = RETIRED[Math.floor(strike.size * RETIRED.length)] ?? RETIRED[0]
    world.server.retire({ ...what, status: strike.side ? 422 : 400 })
  },
  outage: ({ world, strike, fired, later }) => {
    fired('outage', 'the server')
    world.server.outage = strike.side ? 'silent' : responseOf(503, undefined)
    later(outageMs(strike), () => (world.server.outage = undefined))
  },
  'token-expired': ({ world, strike, fired, later }) => {
    fired('token-expired', 'the server')
    world.server.revokeTokens()
    if (!strike.side) return
    world.server.logIn = false
    later(span(strike, 500, 12_000), () => (world.server.logIn = true))
  },
  'user-switched': ({ device, strike, fired }) => {
    fired('user-switched', device.name)
    device.logIn(device.user === 'u1' ? 'u2' : 'u1', strike.side)
  },
  'id-reused': ({ world, device, tab, strike, fired, later }) => {
    if (tab.ready() === undefined) return
    device.link.setOnline(false)
    fired('id-reused', tab.name)
    const id = `n${Math.floor(strike.size * 4)}`
    const one = (type: string, payload?: object) => ({ type, entity: 'note', id, ...(payload === undefined ? {} : { payload }) })
    const value = (): number => -world.newTicket()
    const life = [
      one('create', { a: value() }),
      one('update', { b: value() }),
      one('delete'),
      one('create', { a: value() }),
      one('update', { a: value() }),
      one('update', { c: value() }),
      one('update', { c: value() }),
    ]
    for (const input of life) tab.enqueue([input], () => {})
    later(span(strike, 500, 8_000), () => device.link.setOnline(true))
  },
}

export function strikeNow(target: Target): void {
  STRIKES[target.strike.kind](target)
}

/** Longer than anybody works. */
export function outageMs(strike: TimedStrike): number {
  return Math.floor(10_000 + strike.size * strike.size * 140_000)
}

function span({ size }: TimedStrike, minMs: number, maxMs: number): number {
  return Math.floor(minMs + size * (maxMs - minMs))
}

function storageTrouble(
  { device, strike, fired, later }: Target,
  kind: TimedFault,
  calls: readonly ('open' | 'read' | 'write')[],
  error: () => StorageError,
): void {
  const before = device.storageFault
  let isOver = false
  let hasHit = false
  device.storageFault = (call) => {
    if (isOver || !calls.includes(call)) return before(call)
    if (!hasHit) fired(kind, device.name)
    hasHit = true
    return error()
  }
  later(span(strike, 50, 8_000), () => (isOver = true))
}

/** Somebody loads the page anew. */
function reopen({ tab }: Target): void {
  tab.kill()
  tab.start()
}

function setClock({ device, strike, fired, later }: Target, kind: TimedFault, byMs: number): void {
  const jumpMs = strike.side ? byMs : -byMs
  device.clock.skewMs += jumpMs
  fired(kind, device.name)
  later(span(strike, 1_000, 40_000), () => {
    device.clock.skewMs -= jumpMs
  })
}
