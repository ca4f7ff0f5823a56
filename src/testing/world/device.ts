import type { HttpAuth } from '../../adapters/http/options.ts'
import { wallTime, type DeviceClock } from './clock.ts'
import { createLink, type Link } from './connectivity.ts'
import { transactionalStore, type DeviceStore } from './device-store.ts'
import { keyValueStore } from './key-value-store.ts'
import { never, type Life } from './life.ts'
import { createPresenceBoard, type PresenceBoard } from './presence.ts'
import type { SchemaMode } from './settings.ts'
import { createTab, type Tab } from './tab.ts'
import type { World } from './world.ts'

/** A computer or phone: one store, one clock, one connection, one user at a time, and several tabs. */
export interface Device {
  readonly name: string
  readonly disk: DeviceStore
  readonly clock: DeviceClock
  readonly link: Link
  readonly presence: PresenceBoard
  readonly tabs: readonly Tab[]
  /** It has a realtime line to the server. */
  readonly hasLine: boolean
  /** The parts of the notes that its options name; undefined if it follows all. */
  readonly parts: readonly string[] | undefined
  /** How the schema of its notes answers. */
  readonly schema: SchemaMode
  /** Paths of what its people ever wanted to change. */
  readonly touched: Set<string>
  /** Who is logged in. */
  user: string
  /** The newest build of the application that was ever opened here. */
  newestBuild: number
  /** What the next call of the store fails with, if it does. */
  storageFault: (call: 'open' | 'read' | 'write') => Error | undefined
  /** The log-in of a user, as a process has it. */
  authOf(user: string, life: Life): HttpAuth
  /** The lid is closed and opened again: nothing runs, and by the wall clock this much time has passed. */
  sleep(forMs: number, withMonotonic: boolean): void
  isAsleep(): boolean
  /** Milliseconds since 1970, as it believes. */
  wallTime(): number
  /** Every page comes to the newest build, those that are open by being loaded anew. */
  update(): void
  /** Another user logs in: every open page is left and opened anew, in good order or not. */
  logIn(user: string, abruptly: boolean): void
}

const REFRESH_MS = 30
/** In virtual time a night is short: the clocks jump over it. */
const NIGHT_MS = 200

export interface DeviceShape {
  readonly name: string
  readonly tabCount: number
  readonly store: 'transactional' | 'key-value'
  readonly hasLine: boolean
  readonly skewMs: number
  readonly parts: readonly string[] | undefined
  readonly schema: SchemaMode
}

export function createDevice(world: World, { name, tabCount, store, hasLine, skewMs, parts, schema }: DeviceShape): Device {
  const { scheduler, server } = world
  const tokens = new Map<string, string>()
  const tabs: Tab[] = []
  let isAsleep = false

  function tokenOf(user: string): string {
    const token = tokens.get(user) ?? server.issueToken(user)
    tokens.set(user, token)
    return token
  }

  function refresh(user: string, life: Life): Promise<void> {
    if (!life.reaches('refresh')) return never()
    return new Promise((resolve, reject) => {
      const answer = (): void => {
        if (!server.logIn) return reject(new Error('Nobody can log in now.'))
        tokens.delete(user)
        resolve()
      }
      scheduler.after(REFRESH_MS, () => life.enter(answer))
    })
  }

  function wake(sleepers: readonly Tab[], forMs: number, withMonotonic: boolean): void {
    const { clock } = device
    isAsleep = false
    clock.skewMs += forMs
    clock.asleepMs += withMonotonic ? -forMs : NIGHT_MS
    for (const changed of clock.changed) changed()
    for (const tab of sleepers) tab.resume()
  }

  async function reopen(tab: Tab, abruptly: boolean): Promise<void> {
    if (abruptly || tab.isFrozen()) tab.kill()
    else await tab.stop()
    tab.start()
  }

  const device: Device = {
    name,
    disk: store === 'key-value' ? keyValueStore(scheduler) : transactionalStore(scheduler.now),
    clock: { skewMs, asleepMs: 0, changed: new Set() },
    link: createLink(scheduler),
    presence: createPresenceBoard(scheduler),
    tabs,
    hasLine,
    parts,
    schema,
    touched: new Set(),
    user: 'u1',
    newestBuild: 1,
    storageFault: () => undefined,
    authOf: (user, life) => ({ token: async () => tokenOf(user), refresh: () => refresh(user, life) }),
    sleep(forMs, withMonotonic) {
      if (isAsleep) return
      isAsleep = true
      const sleepers = tabs.filter((tab) => tab.isOpen() && !tab.isFrozen())
      for (const tab of sleepers) tab.freeze()
      scheduler.after(NIGHT_MS, () => wake(sleepers, forMs, withMonotonic))
    },
    isAsleep: () => isAsleep,
    wallTime: () => wallTime(scheduler, device.clock),
    update() {
      for (const tab of tabs) {
        if (tab.build === device.newestBuild) continue
        tab.build = device.newestBuild
        tab.kill()
      }
    },
    logIn(next, abruptly) {
      device.user = next
      for (const tab of tabs) if (tab.isOpen()) void reopen(tab, abruptly)
    },
  }
  for (let number = 1; number <= tabCount; number++) tabs.push(createTab(world, device, `${name}.t${number}`))
  return device
}
