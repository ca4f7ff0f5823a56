import type { Moment, Places } from './moments.ts'
import type { IsInPart } from './places.ts'
import type { WorldSettings } from './settings.ts'
import type { Device } from './device.ts'
import type { Choices } from './tape.ts'
import { codeOf } from './trace.ts'
import type { World } from './world.ts'

/** What a device may follow of notes: so many have an even number as `a`, and so on. A note is in two of them at most, and moves when it is changed. */
const PARTS = ['a:0', 'a:1', 'b:0', 'b:1'] as const

export const isInPart: IsInPart = (value, part) => {
  const [field = '', rest] = part.split(':')
  const number = value[field]
  return typeof number === 'number' && Math.abs(number % 2) === Number(rest)
}

/** Somebody opens or closes a part of the notes, in whichever tab. */
export interface PartStep extends Moment {
  readonly part: string
  readonly isFollowed: boolean
  /** Somebody else does so with another part at the same moment, in another tab. */
  readonly isTwice: boolean
}

export interface PartPlan {
  /** By device, from the first: what its options say; undefined where all notes are followed. */
  readonly parts: WorldSettings['parts']
  readonly steps: readonly PartStep[]
}

const STEPS = 8
const SHARE = 0.2
const DEVICES: readonly [readonly number[], ...(readonly number[])[]] = [[0], [1], [2], [0, 1], [0, 1, 2]]
const FIRST: readonly [readonly string[], ...(readonly string[])[]] = [['a:0'], ['a:0', 'b:1'], ['b:0', 'a:1', 'a:0'], [], PARTS]

/** Who follows parts of the notes only. Drawn after everything else, so that a world without them is as it was. */
export function drawParts(choices: Choices, { deviceCount, tabsPerDevice }: Places, lastMs: number): PartPlan {
  if (!choices.chance(SHARE)) return { parts: [], steps: [] }
  const divided = choices.pick(DEVICES).filter((device) => device < deviceCount)
  const parts = Array.from({ length: deviceCount }, (_, device) => {
    const first = choices.pick(FIRST)
    return divided.includes(device) ? first : undefined
  })
  const steps = Array.from({ length: STEPS }, () => ({
    atMs: choices.whole(500, Math.max(500, lastMs)),
    device: divided[choices.whole(0, divided.length - 1)] ?? 0,
    tab: choices.whole(0, tabsPerDevice - 1),
    part: choices.pick(PARTS),
    isFollowed: choices.chance(0.5),
    isTwice: choices.chance(0.3),
  }))
  return { parts, steps }
}

export function letPeopleChoose(world: World, steps: readonly PartStep[]): void {
  for (const step of steps) world.scheduler.after(step.atMs, () => chooseIn(world, world.devices[step.device], step))
}

function chooseIn(world: World, device: Device | undefined, { tab, part, isFollowed, isTwice }: PartStep): void {
  if (device?.parts === undefined) return
  choose(world, device, tab, part, isFollowed)
  if (isTwice) choose(world, device, tab + 1, PARTS.find((other) => other !== part) ?? part, isFollowed)
}

function choose(world: World, device: Device, number: number, part: string, isFollowed: boolean): void {
  const tab = device.tabs[number % device.tabs.length]
  const engine = tab?.ready()
  if (tab === undefined || engine === undefined) return
  const about = { type: 'chosen', tab: tab.name, device: device.name, user: device.user, part, isFollowed } as const
  const others = (now: readonly string[]): readonly string[] => now.filter((one) => one !== part)
  world.tell({ ...about, result: 'asked' })
  engine.scopes
    .set('note', (now) => (isFollowed ? [...others(now), part] : others(now)))
    .then(
      () => world.tell({ ...about, result: 'done' }),
      (error: unknown) => world.tell({ ...about, result: codeOf(error) }),
    )
}
