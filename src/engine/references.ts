import { ValidationError } from '../core/errors.ts'
import { laneOf, type OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import { referencesIn } from '../core/references.ts'
import { readOperation } from '../core/schema.ts'
import type { Store } from './store.ts'
import { wholeLanes } from './whole-lanes.ts'

/** So many lanes are looked at for one operation. */
const MAX_REFERENCES = 1_000

type Linkable = Pick<OperationRow, 'user' | 'type' | 'entity' | 'entityId' | 'payload' | 'dependsOn'>

/**
 * Operations that name entities in fields that are declared as `references` depend on the live creates of these, be they in the store or before them
 * in the list, as if `dependsOn` had named them (B8).
 */
export async function withParents<Row extends Linkable & Pick<OperationRow, 'id'>>(
  { entities }: Pick<Settings, 'entities'>,
  store: Store,
  rows: readonly Row[],
): Promise<readonly Row[]> {
  if (rows.every(({ entity }) => entities[entity]?.references === undefined)) return rows
  const named = rows.map((row) => lanesNamedBy(row, entities[row.entity]?.references ?? {}))
  const creates = await createsIn(store, [...new Set(named.flatMap((lanes) => [...lanes]))])
  return rows.map((row, at) => {
    const parents = [...(named[at] ?? [])].flatMap((lane) => creates.get(lane) ?? [])
    if (row.type === 'create') creates.set(laneOf(row.user, row.entity, row.entityId), row.id)
    return dependentOn(row, parents)
  })
}

/** The same for one that is edited. What was sent before waits for nothing any more. */
export async function withOwnParents(settings: Settings, store: Store, row: OperationRow): Promise<OperationRow> {
  if (row.status !== 'queued') return row
  const [linked = row] = await withParents(settings, store, [row])
  return linked
}

/** Within its own lane it waits as it is. */
function lanesNamedBy(row: Linkable, references: Readonly<Record<string, string>>): ReadonlySet<string> {
  const lanes = new Set(referencesIn(row.payload, references).map(({ entity, id }) => laneOf(row.user, entity, id)))
  if (lanes.size > MAX_REFERENCES)
    throw new ValidationError(
      'payload',
      `names ${lanes.size} entities in its references; at most ${MAX_REFERENCES} in one operation.`,
    )
  lanes.delete(laneOf(row.user, row.entity, row.entityId))
  return lanes
}

/** By lane: the id of its newest live create. */
async function createsIn(store: Store, lanes: readonly string[]): Promise<Map<string, string>> {
  const creates = new Map<string, string>()
  const live = await wholeLanes(store.storage, lanes)
  for (const [at, entries] of live.entries()) {
    const create = entries.flatMap((entry) => readOperation(entry) ?? []).findLast(({ type }) => type === 'create')
    if (create !== undefined) creates.set(lanes[at] ?? '', create.id)
  }
  return creates
}

function dependentOn<Row extends Linkable>(row: Row, parents: readonly string[]): Row {
  const dependsOn = [...new Set([...(row.dependsOn ?? []), ...parents])]
  return dependsOn.length === (row.dependsOn?.length ?? 0) ? row : { ...row, dependsOn }
}
