import { isScheduled, type OperationRow } from '../../core/operation.ts'
import { backlogIn } from './backlog.ts'
import type { EnqueueInput } from '../../engine/types.ts'
import { decideIn, isWaiting } from './decisions.ts'
import type { Device } from './device.ts'
import type { FactBody } from './facts.ts'
import type { Tab } from './tab.ts'
import { codeOf } from './trace.ts'
import type { Action, Step } from './workload.ts'
import type { World } from './world.ts'

const PAUSE = 'person'
/** How often somebody tries before he gives up. */
const PATIENCE = 6
const DAY_MS = 86_400_000
const DECISIONS = ['local', 'value', 'remote'] as const

/** Lets the steps of a workload be done at their times, in tabs that are open and awake by then. */
export function letPeopleWork(world: World, steps: readonly Step[]): void {
  const accepted = new Map<Device, string[]>()
  for (const step of steps) {
    world.scheduler.after(step.atMs, () => {
      const device = world.devices[step.device]
      const tab = device?.tabs[step.tab]
      if (device === undefined || tab?.ready() === undefined) return
      const mine = accepted.get(device) ?? []
      accepted.set(device, mine)
      act(world, tab, step.action, mine)
    })
  }
}

function act(world: World, tab: Tab, action: Action, accepted: string[]): void {
  const engine = tab.ready()
  if (engine === undefined) return
  const earlier = 'back' in action ? accepted.at(-1 - action.back) : undefined
  const did = (name: string, work: Promise<unknown>): void => void told(world, tab, name, earlier, work)
  switch (action.type) {
    case 'nothing':
      return
    case 'enqueue':
      return tab.enqueue(watched(world, tab, action.inputs), (ids) => accepted.push(...ids), action.isTransaction)
    case 'depend':
      return tab.enqueue([{ ...action.input, ...(earlier === undefined ? {} : { dependsOn: [earlier] }) }], (ids) =>
        accepted.push(...ids),
      )
    case 'regret':
      return tab.enqueue([action.input], ([id = '']) => void told(world, tab, 'discard', id, engine.operations.discard(id)))
    case 'decide':
      if (earlier === undefined) return
      return did(
        action.what,
        action.what === 'edit' ? engine.operations.edit(earlier, action.payload) : engine.operations[action.what](earlier),
      )
    case 'flush':
      return did('flush', engine.flush())
    case 'pause':
    case 'resume':
      return engine[action.type](PAUSE)
  }
}

/** Optimistic changes tell when they are kept and when they are taken back. */
function watched(world: World, tab: Tab, inputs: readonly EnqueueInput[]): readonly EnqueueInput[] {
  return inputs.map((input) => {
    const token = input.optimistic?.token
    if (token === undefined) return input
    const tell = (change: 'kept' | 'taken-back'): void => world.tell({ type: 'optimistic', tab: tab.name, token, change })
    return { ...input, optimistic: { token, rollback: () => tell('taken-back'), onSuccess: () => tell('kept') } }
  })
}

async function told(
  world: World,
  tab: Tab,
  action: string,
  operation: string | undefined,
  work: Promise<unknown>,
): Promise<void> {
  const tell = (result: string): void => {
    const fact: FactBody = { type: 'did', tab: tab.name, action, result }
    world.tell(operation === undefined ? fact : { ...fact, operation })
  }
  try {
    await work
    tell('done')
  } catch (error) {
    tell(codeOf(error))
  }
}

/** Nobody holds anything back any more: what was paused goes on. */
export function resumeAll(world: World): void {
  for (const { tabs } of world.devices) for (const tab of tabs) tab.ready()?.resume(PAUSE)
}

/** What was given a time while the clock was ahead would wait for it as much longer. */
export function isMisdated(device: Device, row: OperationRow): boolean {
  return isScheduled(row) && (row.dueAt ?? 0) > device.wallTime() + DAY_MS
}

/** Somebody has it sent. */
export function sendMisdated(world: World): void {
  for (const device of world.devices) {
    const tab = device.tabs.find((one) => one.ready() !== undefined)
    const operations = tab?.ready()?.operations
    if (tab === undefined || operations === undefined) continue
    for (const row of backlogIn(device).free)
      if (isMisdated(device, row)) void told(world, tab, 'retry', row.id, operations.retry(row.id))
  }
}

/** What is parked is decided about by somebody: conflicts in any tab; of the others every second one is tried again, some with other content, the rest given up. False if nothing was parked. */
export function decideParked(world: World, round: number): boolean {
  let found = false
  for (const device of world.devices) {
    const { disk, tabs } = device
    const { parked } = backlogIn(device)
    found ||= parked.length > 0
    const tab = tabs.find((one) => one.ready() !== undefined)
    const operations = tab?.ready()?.operations
    for (const row of parked) {
      const { id, seq, type } = row
      if (tab === undefined || operations === undefined) continue
      if (disk.damaged.has(seq)) {
        void told(world, tab, 'discard', `#${seq}`, operations.discard(`#${seq}`))
        continue
      }
      if (isWaiting(row) && (Math.floor(seq / 2) + round) % 2 === 0) {
        const anyTab = tabs[Math.floor(world.random() * tabs.length)]
        decideIn(world, anyTab, row, DECISIONS[(seq + round) % DECISIONS.length] ?? 'local', seq)
        continue
      }
      if (seq % 4 === 2 && round === 0 && type !== 'delete') {
        void told(world, tab, 'edit', id, operations.edit(id, { c: -seq }))
        continue
      }
      const action = seq % 2 === 0 && round < PATIENCE ? 'retry' : 'discard'
      void told(world, tab, action, id, operations[action](id))
    }
  }
  return found
}
