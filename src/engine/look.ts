import { laneOf, type OperationRow } from '../core/operation.ts'
import type { EntityRow } from '../core/schema.ts'
import type { Mirror, News } from './mirror.ts'
import { newestOf } from './revisions.ts'
import { PAGE_LIMIT, type Store } from './store.ts'

/** How often a look at the store is done again because something was confirmed in the midst of it. */
const MAX_LOOKS = 5

/** What is new, and the revision of entities up to which all of it is known. */
export interface Sight extends News {
  readonly rev: number
}

/**
 * Looks up what is new in the store since a revision of its entities. These and the operations are read one after the other: if one was confirmed in
 * between, they are read again.
 */
export function createLook(user: string, store: Store) {
  async function entitiesAfter(rev: number, found: Map<string, EntityRow>): Promise<number> {
    let newest = rev
    for (let place: number | undefined = rev; place !== undefined;) {
      const page = await store.entitiesAfter(place, PAGE_LIMIT)
      for (const row of page.rows) found.set(row.key, row)
      newest = newestOf(page.rows, newest)
      place = page.next
    }
    return newest
  }

  async function liveOf(among: readonly Mirror[]): Promise<OperationRow[]> {
    const found: OperationRow[] = []
    for (const { entity } of among) found.push(...(await store.live(user, Infinity, () => true, entity)))
    return found
  }

  /** What became of these operations, also where their entity has got another id by it. */
  async function madeBy(ended: readonly OperationRow[]): Promise<readonly EntityRow[]> {
    const rows = await store.entities(ended.map(({ entity, entityId }) => laneOf(user, entity, entityId)))
    const names = ended.flatMap(({ entity }, at) => {
      const to = rows[at]?.movedTo
      return to === undefined ? [] : [laneOf(user, entity, to)]
    })
    return [...rows, ...(await store.entities(names))].flatMap((row) => row ?? [])
  }

  return async function lookFrom(from: number, among: readonly Mirror[]): Promise<Sight> {
    const entities = new Map<string, EntityRow>()
    let rev = from
    let operations: readonly OperationRow[] = []
    let isAtRest = false
    for (let looks = 0; looks < MAX_LOOKS && !isAtRest; looks++) {
      const before = rev
      rev = await entitiesAfter(before, entities)
      isAtRest = looks > 0 && rev === before
      if (!isAtRest) operations = await liveOf(among)
    }
    const lives = new Set(operations.map(({ seq }) => seq))
    const ended = among.flatMap((mirror) => mirror.live()).filter(({ seq }) => !lives.has(seq))
    // Others confirm faster than can be looked: what has ended last would seem to be gone.
    if (!isAtRest) for (const row of await madeBy(ended)) entities.set(row.key, row)
    return { entities: [...entities.values()], operations, ended, rev }
  }
}
