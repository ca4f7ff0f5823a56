import { derive } from '../../core/derive.ts'
import type { JsonObject } from '../../core/json.ts'
import { laneOf } from '../../core/operation.ts'
import type { Settings } from '../../core/options.ts'
import { referencesIn, type Reference } from '../../core/references.ts'
import { ENTITIES, readOperation } from '../../core/schema.ts'
import { wholeLanes } from '../whole-lanes.ts'
import type { Findings } from './findings.ts'
import type { ServerSide } from './server-side.ts'
import type { Task } from './site.ts'

/** Of more different ones than these the rest is not looked at. */
const MOST = 100_000

/** What is named by entities, each with one that names it. */
export interface Named {
  readonly targets: ReadonlyMap<string, { readonly target: Reference; readonly by: Reference }>
  readonly isMore: boolean
}

export function createNamed() {
  const targets = new Map<string, { target: Reference; by: Reference }>()
  let isMore = false
  return {
    add(by: Reference, target: Reference): void {
      const name = `${target.entity}/${target.id}`
      if (targets.has(name)) return
      if (targets.size < MOST) targets.set(name, { target, by })
      else isMore = true
    },
    read: (): Named => ({ targets, isMore }),
  }
}

const PAGE = 200

/**
 * What entities name is there. A device may have what names it and not yet that itself: so of what is not seen the server is asked; where it can't be, nothing
 * is known.
 */
export async function checkNamed(
  task: Task,
  user: string,
  entities: Settings['entities'],
  { targets, isMore }: Named,
  findings: Findings,
): Promise<void> {
  if (targets.size === 0) return
  findings.count('references', targets.size)
  if (isMore) findings.undecided(`references: only the first ${MOST} that are named were looked at`)
  const all = [...targets.values()]
  for (let at = 0; at < all.length; at += PAGE) {
    const page = all.slice(at, at + PAGE)
    const seen = await seenOf(
      task,
      user,
      entities,
      page.map(({ target }) => target),
    )
    for (const [place, { target, by }] of page.entries())
      if (seen[place] === undefined) await judge(task, user, entities, by, target, findings)
  }
}

async function seenOf(
  { store }: Task,
  user: string,
  entities: Settings['entities'],
  references: readonly Reference[],
): Promise<readonly (JsonObject | undefined)[]> {
  const lanes = references.map(({ entity, id }) => laneOf(user, entity, id))
  const live = (await wholeLanes(store.storage, lanes)).map((page) => page.flatMap((entry) => readOperation(entry) ?? []))
  const rows = await store.entities(lanes)
  return references.map(({ entity }, at) => derive(rows[at], live[at] ?? [], entities[entity]?.actions ?? {}))
}

async function judge(
  task: Task,
  user: string,
  entities: Settings['entities'],
  by: Reference,
  target: Reference,
  findings: Findings,
): Promise<void> {
  const name = `${by.entity}/${by.id} names ${target.entity}/${target.id}`
  const lacks =
    task.isCompared && task.server !== undefined ? await isLacking(task.server, task, user, entities, by, target) : undefined
  if (lacks === undefined) return findings.undecided(`${name}, which is not here: check with server: true`)
  if (lacks)
    findings.add({
      code: 'reference',
      collection: ENTITIES,
      key: laneOf(user, by.entity, by.id),
      entity: by.entity,
      entityId: by.id,
      message: `${name}, which does not exist.`,
    })
}

/** Undefined where the server does not say. */
async function isLacking(
  server: ServerSide,
  task: Task,
  user: string,
  entities: Settings['entities'],
  by: Reference,
  target: Reference,
): Promise<boolean | undefined> {
  const there = await server.fetch(target.entity, target.id)
  if (there.type === 'found') return false
  const [now, waiting] = [
    await seenOf(task, user, entities, [target, by]),
    await task.store.newestSeqs([laneOf(user, by.entity, by.id)]),
  ]
  const isNamedHere = now[1] !== undefined && names(now[1], entities, by, target)
  if (there.type !== 'absent') return undefined
  if (now[0] !== undefined || !isNamedHere) return false
  if (waiting[0] !== undefined) return true
  const source = await server.fetch(by.entity, by.id)
  if (source.type === 'absent') return false
  return source.type === 'found' ? names(source.value, entities, by, target) : undefined
}

function names(value: JsonObject, entities: Settings['entities'], by: Reference, target: Reference): boolean {
  const all = referencesIn(value, entities[by.entity]?.references ?? {})
  return all.some(({ entity, id }) => entity === target.entity && id === target.id)
}
