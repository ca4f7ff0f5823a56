import type { HttpAuth } from '../../adapters/http/options.ts'
import type { DeviceClock } from './clock.ts'
import { createLink, type Link } from './connectivity.ts'
import { createDisk, type Disk } from './disk.ts'
import { never, type Life } from './life.ts'
import { createPresenceBoard, type PresenceBoard } from './presence.ts'
import { createTab, type Tab } from './tab.ts'
import type { World } from './world.ts'

/** A computer or phone: one store, one clock, one connection, one user at a time, and several tabs. */
export interface Device {
  readonly name: string
  readonly disk: Disk
  readonly clock: DeviceClock
  readonly link: Link
  readonly presence: PresenceBoard
  readonly tabs: readonly Tab[]
  /** Who is logged in. */
  user: string
  /** What the next call of the store fails with, if it does. */
  storageFault: (call: 'open' | 'read' | 'write') => Error | undefined
  /** The log-in of a user, as a process has it. */
  authOf(user: string, life: Life): HttpAuth
}

const REFRESH_MS = 30

export function createDevice(world: World, name: string, tabCount: number): Device {
  const { scheduler, server } = world
  const tokens = new Map<string, string>()
  const tabs: Tab[] = []

  function tokenOf(user: string): string {
    const token = tokens.get(user) ?? server.issueToken(user)
    tokens.set(user, token)
    return token
  }

  function refresh(user: string, life: Life): Promise<void> {
    if (!life.reaches('refresh')) return never()
    return new Promise((resolve) =>
      scheduler.after(REFRESH_MS, () =>
        life.enter(() => {
          tokens.delete(user)
          resolve()
        }),
      ),
    )
  }

  const device: Device = {
    name,
    disk: createDisk(),
    clock: { skewMs: 0, asleepMs: 0 },
    link: createLink(scheduler),
    presence: createPresenceBoard(scheduler),
    tabs,
    user: 'u1',
    storageFault: () => undefined,
    authOf: (user, life) => ({ token: async () => tokenOf(user), refresh: () => refresh(user, life) }),
  }
  for (let number = 1; number <= tabCount; number++) tabs.push(createTab(world, device, `${name}.t${number}`))
  return device
}
