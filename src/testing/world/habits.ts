import { isInDoubt, isScheduled, type OperationRow } from '../../core/operation.ts'
import type { SyncEngine } from '../../engine/types.ts'
import type { Device } from './device.ts'
import { edit } from './edits.ts'
import { drawMoment, type Moment, type Places } from './moments.ts'
import type { Tab } from './tab.ts'
import type { Choices } from './tape.ts'
import { codeOf } from './trace.ts'
import type { World } from './world.ts'

/** Somebody thinks of something else for what was sent, has not ended, and waits. */
interface Thought extends Moment {
  /** In [0, 1): which of those that wait. */
  readonly which: number
  readonly field: 'a' | 'b' | 'c'
}

export interface HabitPlan {
  /** Pages name an entity twice: as it is, and as it was. */
  readonly tellsTwice: boolean
  /** Somebody has one kind of entity pulled, and then another kind, again and again, before that is done. */
  readonly pulling: readonly Moment[]
  readonly thoughts: readonly Thought[]
}

/** Somebody who has asked for a pull and has no answer yet. */
export interface Habits {
  begin(plan: HabitPlan): void
  /** In every device that has a tab of this number: where people pull so, they do it once more. */
  pullIn(tab: number): void
  /** Tabs that were asked to synchronise and have not answered. */
  unanswered(): readonly string[]
}

export const NO_HABITS: HabitPlan = { tellsTwice: false, pulling: [], thoughts: [] }

const PULLS = 6
const THOUGHTS = 14
/** How often another kind is asked for afterwards. */
const OTHERS = 3

/** Drawn after everything else, so that a world without habits is as it was. */
export function drawHabits(choices: Choices, places: Places, lastMs: number): HabitPlan {
  const at = (): Moment => drawMoment(choices, places, [500, lastMs])
  return {
    tellsTwice: choices.chance(0.5),
    pulling: Array.from({ length: PULLS }, at),
    thoughts: Array.from({ length: THOUGHTS }, () => ({
      ...at(),
      which: choices.unit(),
      field: choices.pick(['a', 'b', 'c'] as const),
    })),
  }
}

export function createHabits(world: World): Habits {
  const open = new Map<object, { readonly tab: Tab; readonly engine: SyncEngine }>()
  let isUsual = false

  function pullBoth(tab: Tab | undefined): void {
    pull(tab, 'note')
    for (let others = 0; others < OTHERS; others++) pull(tab, 'task')
  }

  function pull(tab: Tab | undefined, entity: string): void {
    const engine = tab?.ready()
    if (tab === undefined || engine === undefined) return
    const call = {}
    open.set(call, { tab, engine })
    const ended = (result: string): void => {
      open.delete(call)
      world.tell({ type: 'did', tab: tab.name, action: `synchronise ${entity}`, result })
    }
    world.tell({ type: 'did', tab: tab.name, action: 'asks to synchronise', result: 'begun' })
    engine.synchronize({ entity }).then(
      () => ended('done'),
      (error: unknown) => ended(codeOf(error)),
    )
  }

  function think(device: Device, { tab: number, which, field }: Thought, at: number): void {
    const tab = device.tabs[number]
    const rows = [...device.disk.operations.values()].filter((row) => row.user === device.user && isOpen(row))
    const id = rows[Math.floor(which * rows.length)]?.id
    if (tab !== undefined && id !== undefined) edit(tab, id, { [field]: -2_000 - at }, world.tell)
  }

  return {
    pullIn(tab) {
      if (isUsual) for (const { tabs } of world.devices) pullBoth(tabs[tab])
    },
    begin({ pulling, thoughts }) {
      isUsual = pulling.length > 0
      const { scheduler, devices } = world
      for (const { atMs, device, tab } of pulling) scheduler.after(atMs, () => pullBoth(devices[device]?.tabs[tab]))
      for (const [at, thought] of thoughts.entries())
        scheduler.after(thought.atMs, () => {
          const device = devices[thought.device]
          if (device !== undefined) think(device, thought, at)
        })
    },
    unanswered: () => [...open.values()].flatMap(({ tab, engine }) => (tab.ready() === engine ? [tab.name] : [])),
  }
}

function isOpen(row: OperationRow): boolean {
  const isEditable = row.type === 'update' || row.type === 'replace'
  return isEditable && row.status === 'waiting' && !isScheduled(row) && !isInDoubt(row)
}
