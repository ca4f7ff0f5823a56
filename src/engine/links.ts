import { ValidationError } from '../core/errors.ts'
import { isUnsent, laneOf, type OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import type { Expectation } from '../core/ports.ts'
import { referencesIn } from '../core/references.ts'
import { OPERATIONS, readOperation } from '../core/schema.ts'
import { hasServerIds, renamed, type Names } from '../core/server-ids.ts'
import { waitsFor } from './dependencies.ts'
import type { Store } from './store.ts'
import { wholeLanes } from './whole-lanes.ts'

/** So many entities can one operation name. */
const MAX_REFERENCES = 1_000
/** What was created anew under an id that the server once gave has been renamed more than once. */
const MAX_NAMES = 10

type Linkable = Pick<
  OperationRow,
  'id' | 'user' | 'type' | 'entity' | 'entityId' | 'payload' | 'base' | 'undo' | 'lane' | 'dependsOn' | 'depended'
>

/** What is known of the entities that operations are about or name. */
export interface Links {
  /** By lane: its newest live create. */
  readonly creates: ReadonlyMap<string, OperationRow>
  /** One of them gets its id from the server: what is made on it meanwhile counts as an edit, for the owner who will rename it. */
  readonly isAwaited: boolean
  /** What has to hold when the operations are stored. */
  readonly expect: readonly Expectation[]
}

export type Linker = ReturnType<typeof createLinker>

/** Finds what operations have to do with others by the ids that they name: whom they wait for, and which temporary ids are known by another name by now (B8). */
export function createLinker({ entities }: Pick<Settings, 'entities'>, store: Store) {
  const isLinked = Object.values(entities).some(({ references, ids }) => references !== undefined || ids === 'server')

  /** With the server's ids in the place of temporary ones. */
  async function look<Row extends Linkable>(
    rows: readonly Row[],
  ): Promise<{ readonly rows: readonly Row[]; readonly links: Links }> {
    const lanes = isLinked ? lanesOf(rows) : NO_LANES
    if (lanes.size === 0) return { rows, links: NO_LINKS }
    let known = rows
    for (let looks = 0; ; looks++) {
      const named = looks === 0 ? lanes : lanesOf(known)
      // In this order: a create that is not found any more has left its name.
      const creates = await createsIn(store, [...named.keys()])
      const names = await namesOf(
        [...named].flatMap(([lane, entity]) => (!creates.has(lane) && hasServerIds(entities, entity) ? [lane] : [])),
      )
      if (names.size === 0 || looks === MAX_NAMES) return { rows: known, links: linksOf(creates) }
      known = known.map((row) => renamed(row, names, entities))
    }
  }

  /** Of all that they name and, where the server assigns ids, of themselves: by lane the entity. */
  function lanesOf(rows: readonly Linkable[]): ReadonlyMap<string, string> {
    const lanes = new Map<string, string>()
    for (const row of rows) {
      if (hasServerIds(entities, row.entity)) lanes.set(laneOf(row.user, row.entity, row.entityId), row.entity)
      for (const [lane, entity] of lanesNamedBy(row)) lanes.set(lane, entity)
    }
    return lanes
  }

  /** Within its own lane it waits as it is. */
  function lanesNamedBy(row: Linkable): ReadonlyMap<string, string> {
    const references = entities[row.entity]?.references
    if (references === undefined) return NO_LANES
    const lanes = new Map(referencesIn(row.payload, references).map(({ entity, id }) => [laneOf(row.user, entity, id), entity]))
    lanes.delete(laneOf(row.user, row.entity, row.entityId))
    return lanes
  }

  /** What the engine itself enqueues names what the server has. @throws ValidationError; `at` is where in a list of operations it stands. */
  function check(row: Linkable, at = ''): void {
    const { size } = lanesNamedBy(row)
    if (size > MAX_REFERENCES)
      throw new ValidationError(
        `${at}payload`,
        `names ${size} entities in its references; at most ${MAX_REFERENCES} in one operation.`,
      )
  }

  async function namesOf(lanes: readonly string[]): Promise<Names> {
    const found = lanes.length === 0 ? [] : await store.entities(lanes)
    return new Map(found.flatMap((row) => (row?.movedTo === undefined ? [] : [[row.key, row.movedTo] as const])))
  }

  function linksOf(creates: ReadonlyMap<string, OperationRow>): Links {
    const awaited = [...creates.values()].filter(({ entity }) => hasServerIds(entities, entity))
    const expect = awaited.map(({ seq, status }): Expectation => ({
      collection: OPERATIONS,
      key: seq,
      field: 'status',
      equals: status,
    }))
    return { creates, isAwaited: awaited.length > 0, expect }
  }

  function dependent<Row extends Linkable>(rows: readonly Row[], { creates }: Links = NO_LINKS): readonly Row[] {
    if (!isLinked) return rows
    const ids = new Map([...creates].map(([lane, { id }]) => [lane, id]))
    const named = new Set<string>()
    const linked = rows.map((row) => {
      const parents = [...lanesNamedBy(row).keys()].flatMap((lane) => ids.get(lane) ?? [])
      for (const id of parents) named.add(id)
      if (row.type === 'create') ids.set(laneOf(row.user, row.entity, row.entityId), row.id)
      return dependentOn(row, parents)
    })
    // Those that are stored already are marked with the commit (S17).
    return linked.map((row) => (named.has(row.id) ? { ...row, depended: 1 } : row))
  }

  async function withoutThoseBehind(row: OperationRow, links: Links): Promise<Links> {
    const creates = new Map<string, OperationRow>()
    for (const [lane, create] of links.creates) if (!(await waitsFor(store, create, row.id))) creates.set(lane, create)
    return { ...links, creates }
  }

  return {
    check,
    look,
    /** The rows, each dependent on the live creates of what it names, be they in the store or before it in the list, as if `dependsOn` had named them. */
    dependent,
    /** One that is edited. What was sent before waits for nothing any more, and nothing for what waits for it. */
    async edited(row: OperationRow): Promise<OperationRow> {
      check(row)
      const { rows, links } = await look([row])
      const linked = isUnsent(row) ? dependent(rows, await withoutThoseBehind(row, links)) : rows
      return linked[0] ?? row
    },
  }
}

const NO_LANES: ReadonlyMap<string, string> = new Map()
const NO_LINKS: Links = { creates: new Map(), isAwaited: false, expect: [] }

async function createsIn(store: Store, lanes: readonly string[]): Promise<ReadonlyMap<string, OperationRow>> {
  const creates = new Map<string, OperationRow>()
  const live = await wholeLanes(store.storage, lanes)
  for (const [at, entries] of live.entries()) {
    const create = entries.flatMap((entry) => readOperation(entry) ?? []).findLast(({ type }) => type === 'create')
    if (create !== undefined) creates.set(lanes[at] ?? '', create)
  }
  return creates
}

function dependentOn<Row extends Linkable>(row: Row, parents: readonly string[]): Row {
  const dependsOn = [...new Set([...(row.dependsOn ?? []), ...parents])]
  return dependsOn.length === (row.dependsOn?.length ?? 0) ? row : { ...row, dependsOn }
}
