import type { CheckResult, Problem } from '../../engine/integrity/types.ts'
import type { Storm } from '../faults/storm.ts'
import { spoil, type ReplicaDecay } from './decay.ts'
import type { FactBody } from './facts.ts'
import { drawMoment, type Moment, type Places } from './moments.ts'
import type { Tab } from './tab.ts'
import type { Choices } from './tape.ts'
import { codeOf } from './trace.ts'
import type { World } from './world.ts'

/** Somebody has a store checked, in whichever tab. */
export interface CheckStep extends Moment {
  readonly repair: boolean
}

const STEPS = 8
const LOOK_MS = 60_000
const ROUNDS = 3
/** A server seldom asks to wait for longer. */
const REST_MS = 20_000

/** In some worlds people have their stores checked now and then. Drawn after everything else. */
export function drawChecks(choices: Choices, places: Places, lastMs: number): readonly CheckStep[] {
  return Array.from({ length: STEPS }, () => ({
    ...drawMoment(choices, places, [1_000, lastMs]),
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

type Looked = Pick<CheckResult, 'problems' | 'undecided'>

/** Gives what was found; undefined if it could not be looked for. */
export async function checkIn(
  world: World,
  tab: Tab,
  { repair, isAtRest = false, isCompared = false }: Looking,
): Promise<Looked | undefined> {
  const about = { type: 'checked', call: {}, tab: tab.name, device: tab.device.name, repair, isAtRest, isCompared } as const
  const tell = (result: string, problems: readonly string[], isUndecided = false): void =>
    world.tell({ ...about, result, problems, isUndecided })
  tell('asked', [])
  try {
    const options = isCompared ? { repair, server: true } : { repair }
    const looked = (await tab.ready()?.check(options)) ?? NOTHING
    tell('done', textsOf(looked.problems), looked.undecided.length > 0)
    return looked
  } catch (error) {
    tell(codeOf(error), [])
    return undefined
  }
}

const NOTHING: Looked = { problems: [], undecided: [] }

function textsOf(problems: readonly Problem[]): Extract<FactBody, { type: 'checked' }>['problems'] {
  return problems.map(({ code, collection, key, message }) => `${code} ${collection} ${key}: ${message}`)
}

/**
 * Nobody does anything any more: what can be repaired is repaired in every tab, and then nothing is left to be found. Where replicas are compared with the
 * server they are first as they are, then with what is `spoilt` of each.
 */
export async function checkAtRest(world: World, failed: () => boolean, spoilt: readonly ReplicaDecay[], fired: Storm['fired']) {
  const isCompared = spoilt.length > 0
  async function look(tab: Tab, looking: Looking): Promise<Looked | undefined> {
    if (tab.ready() === undefined) return NOTHING
    let [isOver, looked]: [boolean, Looked?] = [false]
    void checkIn(world, tab, { ...looking, isCompared }).then((found) => ([isOver, looked] = [true, found]))
    await world.scheduler.run(world.scheduler.now() + LOOK_MS, () => failed() || isOver)
    return looked
  }

  /**
   * Where another tab takes over, a repair ends or leaves what only an owner mends; and a server that asks to wait tells nothing. Then it is repaired again.
   * Tells whether the server told enough.
   */
  async function repairIn(tabs: readonly Tab[]): Promise<boolean> {
    for (let round = 1; ; round++) {
      const all: (Looked | undefined)[] = []
      for (const tab of tabs) all.push(await look(tab, { repair: true }))
      const isDecided = !isCompared || all.every((one) => one === undefined || one.undecided.length === 0)
      const isMended = all.every((one) => one?.problems.every(({ repaired }) => repaired !== 'none') === true)
      if ((isDecided && isMended) || failed() || round === ROUNDS) return isDecided
      await world.scheduler.run(world.scheduler.now() + REST_MS, failed)
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
    const isAtRest = await repairIn(tabs)
    for (const tab of tabs) await look(tab, { repair: false, isAtRest })
  }
}
