import type { Problem } from '../../engine/integrity/types.ts'
import { CONFLICTS, ENTITIES, OPERATIONS } from '../../core/schema.ts'
import type { Storm } from '../faults/storm.ts'
import { checkIn } from './checks.ts'
import { decay, type Decay, type ReplicaDecay } from './decay.ts'
import type { Device } from './device.ts'
import { drawMoment, type Moment, type Places } from './moments.ts'
import type { Choices } from './tape.ts'
import type { World } from './world.ts'
import type { WorkloadShape } from './workload.ts'

/** A row decays; a tab of its device looks for that, and repairs it a little later. */
export interface DecayStep extends Decay, Moment {
  readonly looksInMs: number
  readonly repairsInMs: number
}

export interface Decaying {
  begin(): void
  /** Somebody repairs what is known to be damaged, of whoever is logged in. */
  mend(): void
  /** Nothing is damaged any more that would keep operations from going on. */
  isMended(): boolean
  mendAll(failed: () => boolean): Promise<void>
}

const STEPS = 6
const LOOK_EVERY_MS = 1_000
/** Until an owner is there. */
const PATIENCE_MS = 60_000

/** Rows that decay, each with two looks at its store. Drawn after everything else. */
export function drawDecay(choices: Choices, places: Places, lastMs: number): readonly DecayStep[] {
  return Array.from({ length: STEPS }, () => ({
    ...drawMoment(choices, places, [800, lastMs]),
    collection: choices.pick([OPERATIONS, ENTITIES, OPERATIONS, CONFLICTS]),
    isTorn: choices.chance(0.5),
    row: choices.unit(),
    change: choices.unit(),
    looksInMs: choices.whole(20, 3_000),
    repairsInMs: choices.whole(50, 8_000),
  }))
}

/** What of each replica is to differ from the server in the end. Drawn after everything else. */
export function drawSpoils(choices: Choices, { deviceCount }: WorkloadShape): readonly ReplicaDecay[] {
  return Array.from({ length: deviceCount }, () => ({ row: choices.unit(), isGone: choices.chance(0.5) }))
}

export function createDecaying(world: World, steps: readonly DecayStep[], fired: Storm['fired']): Decaying {
  /** By device: whose rows have decayed since everything of them was repaired, and in which collections. */
  const open = new Map<Device, Map<string, Set<string>>>()
  const hitBefore = new Map<Device, Set<string>>()
  /** Since when somebody does so. */
  const mending = new Map<Device, number>()
  /** Nothing decays any more, and what is left is repaired by plan. */
  let isOver = false

  function hit(step: DecayStep): void {
    const device = world.devices[step.device]
    if (device === undefined) return
    const before = hitBefore.get(device) ?? new Set<string>()
    hitBefore.set(device, before)
    const found = decay(device, step, (...place) => before.has(place.join('/')))
    if (found === undefined) return
    const { user, collection, key } = found.decayed
    before.add(`${collection}/${key}`)
    const users = open.get(device) ?? new Map<string, Set<string>>()
    open.set(device, users.set(user, (users.get(user) ?? new Set()).add(collection)))
    fired(found.kind, device.name, found.seqs, found.decayed)
    look(step, step.looksInMs, false)
    look(step, step.repairsInMs, true)
  }

  function look({ device, tab }: DecayStep, inMs: number, repair: boolean): void {
    world.scheduler.after(inMs, () => {
      const one = world.devices[device]?.tabs[tab]
      if (isOver || one?.ready() === undefined) return
      mending.set(one.device, world.scheduler.now())
      void checkIn(world, one, { repair }).then(() => mending.delete(one.device))
    })
  }

  /** In every tab: some rows only the owner writes. */
  async function repair(device: Device): Promise<void> {
    const { user } = device
    const users = open.get(device)
    if (users?.has(user) !== true || isMending(device)) return
    mending.set(device, world.scheduler.now())
    let last: readonly Problem[] | undefined
    for (const tab of device.tabs) if (tab.ready() !== undefined) last = (await checkIn(world, tab, { repair: true }))?.problems
    mending.delete(device)
    if (last === undefined) return
    const still = last.filter(({ code, repaired }) => repaired === 'none' && (code === 'place' || code === 'field'))
    if (still.length === 0) users.delete(user)
    else users.set(user, new Set(still.map(({ collection }) => collection)))
  }

  /** Who has died meanwhile never comes to its end. */
  function isMending(device: Device): boolean {
    return world.scheduler.now() - (mending.get(device) ?? -Infinity) < PATIENCE_MS
  }

  function left(): readonly string[] {
    return [...open].flatMap(([device, users]) => [...(users.get(device.user) ?? [])])
  }

  function mend(): void {
    isOver = true
    for (const device of open.keys()) void repair(device)
  }

  return {
    begin() {
      for (const step of steps) world.scheduler.after(step.atMs, () => hit(step))
    },
    mend,
    isMended: () => ![...open.keys()].some(isMending) && left().every((collection) => collection === ENTITIES),
    async mendAll(failed) {
      for (const begun = world.scheduler.now(); left().length > 0 && !failed();) {
        if (world.scheduler.now() - begun > PATIENCE_MS) return
        mend()
        await world.scheduler.run(world.scheduler.now() + LOOK_EVERY_MS, () => failed() || left().length === 0)
      }
    },
  }
}
