import type { PendingPolicy } from '../../engine/log-out.ts'
import type { Device } from './device.ts'
import type { Fact } from './facts.ts'
import { drawMoment, type Moment, type Places } from './moments.ts'
import type { Tab } from './tab.ts'
import type { Choices } from './tape.ts'
import { codeOf } from './trace.ts'
import type { World } from './world.ts'

/** Somebody logs out in one tab, and is followed by himself or another. */
export interface LogOutStep extends Moment {
  readonly pending: PendingPolicy
  readonly next: 'same' | 'other'
  /** In another tab something is enqueued at about that time; undefined: not. */
  readonly besideAfterMs: number | undefined
  /** The process dies at one of its next calls of ports; undefined: it lives. */
  readonly diesAt: number | undefined
  /** He does so in another tab at the same moment, too. */
  readonly isTwice: boolean
}

const STEPS = 5
/** Of the worlds with log-outs, those where nobody logs out twice. */
const SINGLE_SHARE = 0.5
/** Until a tab that was told comes back. */
const BACK_MS = 300

/** Drawn after everything else, so that a world without log-outs is as it was. */
export function drawLogOuts(choices: Choices, places: Places, lastMs: number): readonly LogOutStep[] {
  return Array.from({ length: STEPS }, () => ({
    ...drawMoment(choices, places, [700, lastMs]),
    pending: choices.pick(['wipe', 'block', 'keep', 'wipe']),
    next: choices.pick(['same', 'other']),
    besideAfterMs: choices.pick([undefined, 0, 2, 5, 9]),
    diesAt: choices.pick([undefined, undefined, 8, 15, 25]),
    isTwice: false,
  }))
}

/** Drawn later than the rest: in some worlds people log out in two tabs at once, and come back themselves. */
export function withTwins(steps: readonly LogOutStep[], choices: Choices): readonly LogOutStep[] {
  if (steps.length === 0 || choices.chance(SINGLE_SHARE)) return steps
  return steps.map((step) =>
    choices.chance(0.6) ? { ...step, pending: 'wipe', next: 'same', diesAt: undefined, isTwice: true } : step,
  )
}

/** Lets people log out; tabs that are told come back, as pages that are loaded anew. */
export function createLogOuts(world: World) {
  /** By tab: the log-out that its process is about. */
  const leaving = new Map<string, LogOutStep>()
  const tabs = new Map(world.devices.flatMap((device) => device.tabs.map((tab) => [tab.name, tab] as const)))
  let isOver = false

  function nextOf({ next }: LogOutStep, result: string, device: Device): string {
    return next === 'same' || isOver || result !== 'done' ? device.user : otherUser(device)
  }

  return {
    /** Who logs out from now on comes back himself: what he has left is to be sent. */
    over(): void {
      isOver = true
    },
    begin(steps: readonly LogOutStep[]): void {
      for (const step of steps)
        world.scheduler.after(step.atMs, () => {
          logOut(world, leaving, step, nextOf)
          if (step.isTwice) logOut(world, leaving, { ...step, tab: step.tab === 0 ? 1 : 0 }, nextOf)
        })
    },
    see(fact: Fact): void {
      if (fact.type === 'tab' && (fact.change === 'killed' || fact.change === 'stopped')) leaving.delete(fact.tab)
      if (fact.type !== 'event' || fact.event.type !== 'engine:logged-out' || leaving.has(fact.tab)) return
      const tab = tabs.get(fact.tab)
      if (tab !== undefined) world.scheduler.after(0, () => void comeBack(world, tab))
    },
  }
}

async function comeBack(world: World, tab: Tab): Promise<void> {
  if (!tab.isOpen()) return
  await tab.stop()
  world.scheduler.after(BACK_MS, () => {
    if (!tab.device.isAsleep()) tab.start()
  })
}

type NextOf = (step: LogOutStep, result: string, device: Device) => string

function logOut(world: World, leaving: Map<string, LogOutStep>, step: LogOutStep, nextOf: NextOf): void {
  const device = world.devices[step.device]
  const tab = device?.tabs[step.tab]
  const engine = tab?.ready()
  if (device === undefined || tab === undefined || engine === undefined || leaving.has(tab.name)) return
  const { pending } = step
  const about = { type: 'log-out', tab: tab.name, device: device.name, user: device.user, pending } as const
  world.tell({ type: 'fault', kind: 'logged-out', where: device.name, seqs: [] })
  world.tell({ ...about, result: 'asked', givenUp: 0 })
  leaving.set(tab.name, step)
  beside(world, device, tab, step)
  if (step.diesAt !== undefined) tab.killAt(step.diesAt)
  const ended = (result: string, givenUp: number): void => {
    if (leaving.get(tab.name) !== step) return
    leaving.delete(tab.name)
    tab.killAt(Infinity)
    world.tell({ ...about, result, givenUp })
    if (result === 'pending-operations') return
    device.logIn(nextOf(step, result, device), false)
  }
  engine.logOut({ pending }).then(
    ({ givenUp }) => ended('done', givenUp.count),
    (error: unknown) => ended(codeOf(error), 0),
  )
}

function otherUser({ user }: Device): string {
  return user === 'u1' ? 'u2' : 'u1'
}

function beside(world: World, { tabs, name }: Device, tab: Tab, { besideAfterMs, atMs }: LogOutStep): void {
  const other = tabs.find((one) => one !== tab && one.ready() !== undefined)
  if (other === undefined || besideAfterMs === undefined) return
  const input = { type: 'update', entity: 'note', id: `${name}-left`, payload: { b: -atMs } } as const
  world.scheduler.after(besideAfterMs, () => other.enqueue([input], () => {}))
}
