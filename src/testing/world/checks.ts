import type { CheckResult } from '../../engine/integrity/types.ts'
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
      if (one?.ready() !== undefined) void checkIn(world, one, repair, false)
    })
}

async function checkIn(world: World, tab: Tab, repair: boolean, isAtRest: boolean): Promise<void> {
  const about = { type: 'checked', tab: tab.name, device: tab.device.name, repair, isAtRest } as const
  const tell = (result: string, problems: readonly string[]): void => world.tell({ ...about, result, problems })
  tell('asked', [])
  try {
    tell('done', textsOf((await tab.ready()?.check({ repair })) ?? NOTHING))
  } catch (error) {
    tell(codeOf(error), [])
  }
}

const NOTHING = { problems: [] }

function textsOf({ problems }: Pick<CheckResult, 'problems'>): Extract<FactBody, { type: 'checked' }>['problems'] {
  return problems.map(({ code, collection, key, message }) => `${code} ${collection} ${key}: ${message}`)
}

/** Nobody does anything any more: what can be repaired is repaired in every tab, and then nothing is left to be found. */
export async function checkAtRest(world: World, failed: () => boolean): Promise<void> {
  for (const { tabs } of world.devices) {
    for (const [tab, repair] of [...tabs.map((one) => [one, true] as const), ...tabs.map((one) => [one, false] as const)]) {
      let isDone = tab.ready() === undefined
      if (!isDone) void checkIn(world, tab, repair, !repair).then(() => (isDone = true))
      await world.scheduler.run(world.scheduler.now() + LOOK_MS, () => failed() || isDone)
    }
  }
}
