import type { EntityOptions } from '../../core/conflict.ts'
import type { EnqueueInput } from '../../engine/types.ts'
import { edit } from './edits.ts'
import { POISON } from './model-server.ts'
import { drawMoment, type Moment, type Places } from './moments.ts'
import type { Choices } from './tape.ts'
import type { World } from './world.ts'

/** Somebody makes a folder, which gets its id from the server, or something that names one that was made on the same device before. */
export interface NamingStep extends Moment {
  readonly kind: (typeof KINDS)[number]
  /** Of those that were made here, it names the one that came so many before the last. */
  readonly back: number
}

export interface NamingPlan {
  readonly hasFolders: boolean
  readonly steps: readonly NamingStep[]
}

const STEPS = 24
/** Of the worlds with folders, those where nobody does so. */
const UNTURNED_SHARE = 0.5
const TURNS = 4
/** No other temporary id has so high a number. */
const FIRST_TURN = 100

const KINDS = ['folder', 'page', 'rename', 'pair', 'sub', 'page', 'move', 'rename', 'delete', 'bad'] as const

/** Where there are folders, the server assigns their ids; pages have ids of their own, and name folders. */
export const FOLDERS: Readonly<Record<string, EntityOptions>> = {
  folder: { ids: 'server', references: { parent: 'folder' } },
  page: { references: { folder: 'folder', 'meta.also': 'folder' } },
}

/** Temporary ids as they stand in texts: no two folders ever have the same. */
export function temporaryIdsIn(text: string): readonly string[] {
  return [...new Set(text.match(/\btemp\d+\b/g))]
}

/** Drawn after everything else, so that a world without folders is as it was. */
export function drawNaming(choices: Choices, places: Places, lastMs: number): NamingPlan {
  const steps = Array.from({ length: STEPS }, () => ({
    ...drawMoment(choices, places, [500, lastMs]),
    kind: choices.pick(KINDS),
    back: choices.whole(0, 2),
  }))
  return { hasFolders: true, steps: steps.toSorted((a, b) => a.atMs - b.atMs) }
}

/** Somebody without a network makes a folder and one in it, and then puts the first into the second. */
export interface TurnStep extends Moment {
  readonly offlineMs: number
}

/** Drawn later than the rest. */
export function drawTurns(choices: Choices, places: Places, lastMs: number): readonly TurnStep[] {
  if (choices.chance(UNTURNED_SHARE)) return []
  return Array.from({ length: TURNS }, () => ({
    ...drawMoment(choices, places, [500, lastMs]),
    offlineMs: choices.whole(300, 3_000),
  }))
}

export function letPeopleTurn({ scheduler, devices, tell }: World, steps: readonly TurnStep[]): void {
  for (const [at, step] of steps.entries())
    scheduler.after(step.atMs, () => {
      const { link, tabs } = devices[step.device] ?? {}
      const tab = tabs?.[step.tab]
      if (link === undefined || tab?.ready() === undefined) return
      link.setOnline(false)
      scheduler.after(step.offlineMs, () => link.setOnline(true))
      const [outer, inner] = [`temp${FIRST_TURN + 2 * at}`, `temp${FIRST_TURN + 2 * at + 1}`]
      const create = (id: string, payload: object): EnqueueInput => ({ type: 'create', entity: 'folder', id, payload })
      tab.enqueue([create(outer, { name: at })], ([first = '']) => {
        tab.enqueue([create(inner, { name: at, parent: outer })], () => edit(tab, first, { name: at, parent: inner }, tell))
      })
    })
}

/** What a person knows of what was made on a device. */
interface Made {
  readonly folders: string[]
  readonly pages: string[]
}

export function letPeopleName(world: World, steps: readonly NamingStep[]): void {
  const made = new Map<string, Made>()
  for (const [at, step] of steps.entries()) {
    world.scheduler.after(step.atMs, () => {
      const device = world.devices[step.device]
      if (device === undefined) return
      const whose = `${device.name} ${device.user}`
      const mine = made.get(whose) ?? { folders: [], pages: [] }
      made.set(whose, mine)
      const inputs = inputsOf(step, at + 1, mine)
      const isTransaction = inputs.length > 1 && world.settings.transactions !== 'none'
      const know = (): void => inputs.forEach((input) => note(input, mine))
      if (inputs.length > 0) device.tabs[step.tab]?.enqueue(inputs, know, isTransaction)
    })
  }
}

function note({ type, entity, id }: EnqueueInput, { folders, pages }: Made): void {
  if (type === 'create') (entity === 'folder' ? folders : pages).push(id)
}

function inputsOf({ kind, back }: NamingStep, number: number, { folders, pages }: Made): readonly EnqueueInput[] {
  const [own, named, page] = [`temp${number}`, folders.at(-1 - back), pages.at(-1 - back)]
  const other = folders.at(-2 - back) ?? named
  if (kind === 'folder') return [{ type: 'create', entity: 'folder', id: own, payload: { name: number } }]
  if (kind === 'bad') return [{ type: 'create', entity: 'folder', id: own, payload: { [POISON]: number } }]
  if (kind === 'pair') return [{ type: 'create', entity: 'folder', id: own, payload: { name: number } }, pageIn(number, own, own)]
  if (named === undefined || other === undefined) return []
  if (kind === 'sub') return [{ type: 'create', entity: 'folder', id: own, payload: { name: number, parent: named } }]
  if (kind === 'page') return [pageIn(number, named, other)]
  if (kind === 'rename') return [{ type: 'update', entity: 'folder', id: named, payload: { name: number } }]
  if (kind === 'delete') return back === 0 ? [] : [{ type: 'delete', entity: 'folder', id: named }]
  return page === undefined ? [] : [{ type: 'update', entity: 'page', id: page, payload: { folder: named } }]
}

function pageIn(number: number, folder: string, also: string): EnqueueInput {
  return { type: 'create', entity: 'page', id: `p${number}`, payload: { folder, meta: { also: [also, folder] } } }
}
