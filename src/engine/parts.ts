import type { Write } from '../core/ports.ts'
import { META, pullRowName, type PullRow } from '../core/schema.ts'
import type { PullRowOf } from './pull-rows.ts'

/** How far each part has been pulled; undefined for those of which nothing was. */
export type Parts = ReadonlyMap<string, PullRow | undefined>

/** What the owner knows of the parts in which entities are pulled. */
export function createParts(user: string) {
  let known = new Map<string, Map<string, PullRow | undefined>>()

  function note(entity: string, row: PullRow): void {
    if (row.scope !== undefined) known.get(entity)?.set(row.scope, row)
    else if (row.parts === undefined) known.delete(entity)
    else known.set(entity, new Map(row.parts.map((scope) => [scope, undefined])))
  }

  return {
    /** From rows in the order of their names: that of an entity stands before those of its parts. */
    load(rows: readonly PullRowOf[]): void {
      known = new Map()
      for (const row of rows) note(...row)
    },
    note,
    /** Undefined where the entity is pulled as a whole, or not at all. */
    of: (entity: string): Parts | undefined => known.get(entity),
    /** That of the others is forgotten how far they have been pulled. */
    endAllBut: (entity: string, scopes: readonly string[]): Write[] =>
      [...(known.get(entity)?.keys() ?? [])]
        .filter((scope) => !scopes.includes(scope))
        .map((scope) => ({ type: 'delete', collection: META, key: pullRowName(user, entity, scope) })),
  }
}
