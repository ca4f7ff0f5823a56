import type { OperationRow } from '../../core/operation.ts'
import type { ConflictDecision } from '../../engine/conflicts.ts'
import type { Device } from './device.ts'
import { drawMoment, type Moment, type Places } from './moments.ts'
import type { Tab } from './tab.ts'
import type { Choices } from './tape.ts'
import { codeOf } from './trace.ts'
import type { World } from './world.ts'

/** Somebody looks into the inbox of a device, in whichever tab, and decides. */
export interface DecisionStep extends Moment {
  /** In [0, 1): which of those that wait. */
  readonly which: number
  readonly what: What
  /** Somebody else decides at the same moment in another tab. */
  readonly isTwice: boolean
  /** How long he thinks about it, while somebody on another device changes the same entity once more. */
  readonly thinksMs: number
}

type What = 'local' | 'remote' | 'value'

const STEPS = 8
const OTHERWISE = { local: 'value', value: 'remote', remote: 'local' } as const

export function drawDecisions(choices: Choices, places: Places, lastMs: number): readonly DecisionStep[] {
  return Array.from({ length: STEPS }, () => ({
    ...drawMoment(choices, places, [1_000, lastMs]),
    which: choices.unit(),
    what: choices.pick(['local', 'remote', 'value']),
    isTwice: choices.chance(0.3),
    thinksMs: choices.pick([0, 0, 3_000, 8_000]),
  }))
}

export function letPeopleDecide(world: World, steps: readonly DecisionStep[]): void {
  for (const [number, step] of steps.entries())
    world.scheduler.after(step.atMs, () => {
      const device = world.devices[step.device]
      const waiting = device === undefined ? [] : waitingIn(device)
      const row = waiting[Math.floor(step.which * waiting.length)]
      if (device === undefined || row === undefined) return
      if (step.thinksMs > 0) {
        changeElsewhere(world, step, row, number)
        world.scheduler.after(step.thinksMs / 2, () => pullIn(world, device.tabs[step.tab]))
      }
      world.scheduler.after(step.thinksMs, () => decide(world, device, step, row, number))
    })
}

function decide(world: World, { tabs }: Device, { tab, what, isTwice }: DecisionStep, row: OperationRow, number: number): void {
  decideIn(world, tabs[tab], row, what, number)
  if (isTwice) decideIn(world, tabs[(tab + 1) % tabs.length], row, OTHERWISE[what], number)
}

function changeElsewhere(
  { devices }: World,
  { device, tab }: DecisionStep,
  { entity, entityId }: OperationRow,
  number: number,
): void {
  const other = devices[(device + 1) % devices.length]
  other?.tabs[tab]?.enqueue([{ type: 'update', entity, id: entityId, payload: { b: -100 - number } }], () => {})
}

/** What was changed meanwhile comes before he decides, though he has not seen it. */
function pullIn({ tell }: World, tab: Tab | undefined): void {
  const engine = tab?.ready()
  if (tab === undefined || engine === undefined) return
  tell({ type: 'did', tab: tab.name, action: 'asks to synchronise', result: 'begun' })
  engine.synchronize().then(nothing, nothing)
}

function nothing(): void {}

/** Those of the user who is logged in that wait for a person. */
function waitingIn({ disk, user }: Device): readonly OperationRow[] {
  return [...disk.operations.values()].filter((row) => row.user === user && isWaiting(row))
}

export function isWaiting({ status, conflict }: OperationRow): boolean {
  return status === 'parked' && conflict?.id !== undefined && conflict.resolution === 'pending'
}

/** Decides about the conflict of a parked operation. */
export function decideIn(world: World, tab: Tab | undefined, { id, conflict }: OperationRow, what: What, number: number): void {
  const engine = tab?.ready()
  if (tab === undefined || engine === undefined || conflict?.id === undefined) return
  const decision: ConflictDecision = what === 'value' ? { value: { c: -number, decided: number } } : what
  const about = { type: 'decision', tab: tab.name, operation: id, conflict: conflict.id, decision } as const
  world.tell({ ...about, result: 'asked' })
  engine.conflicts.resolve(conflict.id, decision).then(
    () => world.tell({ ...about, result: 'done' }),
    (error: unknown) => world.tell({ ...about, result: codeOf(error) }),
  )
}
