import type { Write } from '../core/ports.ts'
import { pullRowName, readPullRow, type PullRow } from '../core/pull-row.ts'
import { META } from '../core/schema.ts'
import type { RowStorage } from './shaped-storage.ts'

const PAGE = 1_000

export type PullRowOf = readonly [entity: string, row: PullRow]

/** How far each kind of entity has been pulled, and each part of it that is followed. */
export function pullRowsIn(storage: RowStorage) {
  async function pullRows(user: string): Promise<readonly PullRowOf[]> {
    const prefix = pullRowName(user, '')
    const found: PullRowOf[] = []
    for (let after = prefix; ;) {
      const page = await storage.scan(META, { gt: [after], lt: [`${prefix.slice(0, -1)}0`], limit: PAGE })
      for (const row of page.map(readPullRow)) if (row !== undefined) found.push([entityOf(row.name.slice(prefix.length)), row])
      if (page.length < PAGE) return found
      after = String(page.at(-1)?.key)
    }
  }

  return {
    pullRow: async (user: string, entity: string, scope?: string) =>
      readPullRow(await storage.get(META, pullRowName(user, entity, scope))),
    pullRows,
    /** What the owner writes so that all of this kind of entity is pulled anew, whoever is the owner by then: nobody knows any more how far it was pulled. */
    async forgetPulls(user: string, entity: string): Promise<readonly Write[]> {
      const rows = (await pullRows(user)).filter(([kind]) => kind === entity)
      return rows.map(([, { name }]) => ({ type: 'delete', collection: META, key: name }))
    },
  }
}

export function putPullRow(row: PullRow): Write {
  return { type: 'put', collection: META, value: row }
}

/** Names of entities hold no slash. */
function entityOf(rest: string): string {
  return rest.split('/', 1)[0] ?? rest
}

/** Up to which request each kind of entity has been answered: the part that is furthest behind tells. */
export function answersIn(rows: readonly PullRowOf[]): ReadonlyMap<string, number> {
  const answers = new Map<string, number>()
  for (const [entity, { scope, parts, answers: own = 0 }] of rows) {
    if (scope !== undefined) continue
    const ofParts = parts?.map((part) => rows.find(([kind, row]) => kind === entity && row.scope === part)?.[1].answers ?? 0)
    answers.set(entity, ofParts === undefined || ofParts.length === 0 ? own : Math.min(...ofParts))
  }
  return answers
}
