import { applied, derive, type ActionEffects } from '../core/derive.ts'
import type { JsonObject } from '../core/json.ts'
import { laneOf, type NewOperationRow } from '../core/operation.ts'
import { readOperation } from '../core/schema.ts'
import type { MadeOn } from './audit-writer.ts'
import type { Store } from './store.ts'

/** Where more operations than this wait for one entity, what a new one is made on is not worked out. */
const LANE_LIMIT = 50

/**
 * What each of these rows is made on: what the server last confirmed, with the operations before it. Only the audit tells it, and no operation is lost
 * for it: what can't be read is not known.
 */
export async function madeOnOf(
  store: Store,
  rows: readonly NewOperationRow[],
  actionsOf: (entity: string) => ActionEffects,
): Promise<MadeOn> {
  const madeOn = new Map<string, JsonObject | undefined>()
  try {
    // What is created was not there.
    const lanes = [...new Set(rows.filter(({ type }) => type !== 'create').map(laneIn))]
    if (lanes.length === 0) return madeOn
    const [entities, waiting] = [await store.entities(lanes), await store.lanes(lanes, LANE_LIMIT)]
    const shown = new Map<string, JsonObject | undefined>()
    for (const [at, lane] of lanes.entries()) {
      const before = waiting[at] ?? []
      const operations = before.flatMap((entry) => readOperation(entry) ?? [])
      if (before.length < LANE_LIMIT) shown.set(lane, derive(entities[at], operations, actionsOf(operations[0]?.entity ?? '')))
    }
    for (const row of rows) {
      const lane = laneIn(row)
      if (!shown.has(lane)) continue
      const value = shown.get(lane)
      madeOn.set(row.id, value)
      shown.set(lane, applied(value, row, actionsOf(row.entity)))
    }
  } catch {
    // An action of the application failed, or the store did, which the commit will tell.
  }
  return madeOn
}

function laneIn({ user, entity, entityId }: NewOperationRow): string {
  return laneOf(user, entity, entityId)
}
