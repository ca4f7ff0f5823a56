import type { Problem } from '../../engine/integrity/types.ts'
import type { Storm } from '../faults/storm.ts'
import { spoil, type ReplicaDecay } from './decay.ts'
import type { FactBody } from './facts.ts'
import type { Tab } from './tab.ts'
import type { Choices } from './tape.ts'
import { codeOf } from './trace.ts'
import type { World } from './world.ts'
import type { WorkloadShape } from './workload.ts'

/** Somebody has a store checked, in whichever tab. */
export interface CheckStep {
  readonly atMs: number
  readonly device: number
  readonly tab: number
  readonly repair: boolean
}

const STEPS = 8
const LOOK_MS = 60_000
const ROUNDS = 3

/** In some worlds people have their stores checked now and then. Drawn after everything else. */
export function drawChecks(
  choices: Choices,
  { deviceCount, tabsPerDevice }: WorkloadShape,
  lastMs: number,
): readonly CheckStep[] {
  return Array.from({ length: STEPS }, () => ({
    atMs: choices.whole(1_000, Math.max(1_000, lastMs)),
    device: choices.whole(0, deviceCount - 1),
    tab: choices.whole(0, tabsPerDevice - 1),
    repair: choices.chance(0.5),
  }))
}

export function letPeopleCheck(world: World, steps: readonly CheckStep[]): void {
  for (const { atMs, device, tab, repair } of steps)
    world.scheduler.after(atMs, () => {
      const one = world.devices[device]?.tabs[tab]
      if (one?.ready() !== undefined) void checkIn(world, one, { repair })
    })
}

interface Looking {
  readonly repair: boolean
  readonly isAtRest?: boolean
  readonly isCompared?: boolean
}

/** Gives what was found; undefined if it could not be looked for. */
export async function checkIn(
  world: World,
  tab: Tab,
  { repair, isAtRest = false, isCompared = false }: Looking,
): Promise<readonly Problem[] | undefined> {
  const about = { type: 'checked', call: {}, tab: tab.name, device: tab.device.name, repair, isAtRest, isCompared } as const
  const tell = (result: string, problems: readonly string[], isUndecided = false): void =>
    world.tell({ ...about, result, problems, isUndecided })
  tell('asked', [])
  try {
    const options = isCompared ? { repair, server: true } : { repair }
    const { problems, undecided } = (await tab.ready()?.check(options)) ?? NOTHING
    tell('done', textsOf(problems), undecided.length > 0)
    return problems
  } catch (error) {
    tell(codeOf(error), [])
    return undefined
  }
}

/** How many problems are as they were; endless if nobody could look. */
function unmended(problems: readonly Problem[] | undefined): number {
  return problems?.filter(({ repaired }) => repaired === 'none').length ?? Infinity
}

const NOTHING = { problems: [], undecided: [] }

function textsOf(problems: readonly Problem[]): Extract<FactBody, { type: 'checked' }>['problems'] {
  return problems.map(({ code, collection, key, message }) => `${code} ${collection} ${key}: ${message}`)
}

/**
 * Nobody does anything any more: what can be repaired is repaired in every tab, and then nothing is left to be found. Where replicas are compared with the
 * server they are first as they are, then with what is `spoilt` of each.
 */
export async function checkAtRest(world: World, failed: () => boolean, spoilt: readonly ReplicaDecay[], fired: Storm['fired']) {
  const isCompared = spoilt.length > 0
  /** Tells whether it came to its end, and left nothing as it was. */
  async function look(tab: Tab, looking: Looking): Promise<boolean> {
    if (tab.ready() === undefined) return true
    let left: number | undefined
    void checkIn(world, tab, { ...looking, isCompared }).then((problems) => (left = unmended(problems)))
    await world.scheduler.run(world.scheduler.now() + LOOK_MS, () => failed() || left !== undefined)
    return left === 0
  }

  /** Where another tab takes over, a repair ends or leaves what only an owner mends: then the successor has to repair. */
  async function repairIn(tabs: readonly Tab[]): Promise<void> {
    for (let round = 0, isDone = false; !isDone && round < ROUNDS; round++) {
      isDone = true
      for (const tab of tabs) if (!(await look(tab, { repair: true }))) isDone = false
    }
  }

  for (const [number, device] of world.devices.entries()) {
    const { tabs } = device
    const one = spoilt[number]
    if (one !== undefined) {
      for (const tab of tabs) await look(tab, { repair: false })
      const hit = spoil(device, one)
      if (hit !== undefined) fired(hit.kind, device.name, [], hit.decayed)
    }
    await repairIn(tabs)
    for (const tab of tabs) await look(tab, { repair: false, isAtRest: true })
  }
}
