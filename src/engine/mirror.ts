import { copyJson } from '../core/copy-json.ts'
import { derive, isShown, type ActionEffects } from '../core/derive.ts'
import { changedFields } from '../core/diff.ts'
import { isTerminal, laneOf, type OperationRow } from '../core/operation.ts'
import type { EntityRow } from '../core/schema.ts'
import type { Entity, EntityChange } from './read-types.ts'
import { revOf } from './revisions.ts'

/** What is new in the store: rows as they are now. */
export interface News {
  readonly entities: readonly EntityRow[]
  readonly operations: readonly OperationRow[]
  /** Operations, as they were when they lived, that do no more. */
  readonly ended: readonly OperationRow[]
}

export type Mirror = ReturnType<typeof createMirror>

/** One kind of entity as it is seen, in memory. What is new derives anew the entities that it is about, and no others. */
export function createMirror(user: string, entity: string, actions: ActionEffects) {
  const prefix = laneOf(user, entity, '')
  const bases = new Map<string, EntityRow>()
  /** By entity: its live operations, in their order. */
  const live = new Map<string, readonly OperationRow[]>()
  /** By its `seq`: of which entity each live operation is. It changes once, when the server tells the id. */
  const homes = new Map<number, string>()
  /** By temporary id: the server's. */
  const names = new Map<string, string>()
  const seen = new Map<string, Entity>()
  let list: readonly Entity[] | undefined

  function takeBase(row: EntityRow): string | undefined {
    if (!row.key.startsWith(prefix)) return undefined
    const id = row.key.slice(prefix.length)
    const known = bases.get(id)
    if (known !== undefined && revOf(row, 0) <= revOf(known, -1)) return undefined
    bases.set(id, row)
    if (row.movedTo === undefined) names.delete(id)
    else names.set(id, row.movedTo)
    return id
  }

  function takeOperation(row: OperationRow): readonly string[] {
    if (row.entity !== entity || row.user !== user) return NOWHERE
    const home = homes.get(row.seq) ?? row.entityId
    const known = live.get(home)?.find(({ seq }) => seq === row.seq)
    if (known === undefined ? isTerminal(row.status) : row.rev <= known.rev) return NOWHERE
    return setLive(row, !isTerminal(row.status))
  }

  function takeEnd(row: OperationRow): readonly string[] {
    return row.entity === entity && row.user === user ? setLive(row, false) : NOWHERE
  }

  /** Gives the entities of which something is new: two, if it has moved. */
  function setLive(row: OperationRow, lives: boolean): readonly string[] {
    const { entityId: id, seq } = row
    const home = homes.get(seq) ?? id
    const others = (live.get(home) ?? NONE).filter((other) => other.seq !== seq)
    setRows(home, others)
    if (!lives) homes.delete(seq)
    else {
      homes.set(seq, id)
      setRows(
        id,
        [...(live.get(id) ?? NONE), row].sort((a, b) => a.seq - b.seq),
      )
    }
    return home === id ? [id] : [home, id]
  }

  function setRows(id: string, rows: readonly OperationRow[]): void {
    if (rows.length === 0) live.delete(id)
    else live.set(id, rows)
  }

  function lookAgain(id: string): EntityChange | undefined {
    const [before, after] = [seen.get(id), seenAs(id)]
    const change = changeOf(entity, before, after)
    if (change === undefined) return undefined
    if (after === undefined) seen.delete(id)
    else seen.set(id, after)
    return change
  }

  function seenAs(id: string): Entity | undefined {
    const [base, operations] = [bases.get(id), live.get(id) ?? NONE]
    const value = derive(base, operations, actions)
    if (value === undefined) return undefined
    const shown = operations.filter(isShown)
    const version = base?.deletedAt === undefined ? base?.version : undefined
    return {
      id,
      // What the application does to it must not be done to what the server has confirmed.
      value: copyJson(value),
      status: statusOf(operations),
      operationIds: shown.map((operation) => operation.id),
      ...(version === undefined ? {} : { version }),
    }
  }

  function lookAt(ids: ReadonlySet<string>): readonly EntityChange[] {
    const changes = [...ids].flatMap((id) => lookAgain(id) ?? [])
    if (changes.length > 0) list = undefined
    return withRenamed(changes)
  }

  /** That one is gone and another there is one piece of news, where it is the same by its new name. */
  function withRenamed(changes: readonly EntityChange[]): readonly EntityChange[] {
    const successors = new Map(
      changes.flatMap((one) => (one.type === 'deleted' && names.has(one.id) ? [[one, nameOf(one.id)] as const] : [])),
    )
    if (successors.size === 0) return changes
    const covered = new Set(successors.values())
    return changes.flatMap((one) => {
      const after = seen.get(successors.get(one) ?? '')
      if (after !== undefined) return [renamedFrom(one, after)]
      return covered.has(one.id) ? [] : [one]
    })
  }

  /** By which the entity is known now. */
  function nameOf(id: string): string {
    const met = new Set<string>()
    let name = id
    for (let next = names.get(name); next !== undefined && !met.has(next); next = names.get(name)) {
      met.add(next)
      name = next
    }
    return name
  }

  return {
    entity,
    /** The operations that it knows as live. */
    live: (): readonly OperationRow[] => [...live.values()].flat(),
    /** Also by the temporary id of an entity to which the server has given another. */
    get: (id: string) => seen.get(nameOf(id)),
    list: () => (list ??= [...seen.values()]),
    /** Takes what is new, and tells what can be seen of it. */
    take({ entities, operations, ended }: News): readonly EntityChange[] {
      const ids = [
        ...entities.flatMap((row) => takeBase(row) ?? []),
        ...operations.flatMap(takeOperation),
        ...ended.flatMap(takeEnd),
      ]
      return lookAt(new Set(ids))
    },
  }
}

const NONE: readonly OperationRow[] = []
const NOWHERE: readonly string[] = []

function statusOf(operations: readonly OperationRow[]): Entity['status'] {
  if (operations.some(({ status, conflict }) => status === 'parked' && conflict !== undefined)) return 'conflict'
  return operations.length === 0 ? 'synced' : 'pending'
}

function changeOf(entity: string, before: Entity | undefined, after: Entity | undefined): EntityChange | undefined {
  const id = (after ?? before)?.id ?? ''
  if (before === undefined)
    return after === undefined ? undefined : { type: 'created', entity, id, fields: Object.keys(after.value), after }
  if (after === undefined) return { type: 'deleted', entity, id, fields: Object.keys(before.value), before }
  const fields = changedFields(before.value, after.value)
  if (fields.length === 0 && isAlike(before, after)) return undefined
  return { type: 'updated', entity, id, fields, before, after }
}

function renamedFrom({ entity, id: formerId, before }: EntityChange, after: Entity): EntityChange {
  const fields = changedFields(before?.value ?? {}, after.value)
  return { type: 'renamed', entity, id: after.id, formerId, fields, after, ...(before === undefined ? {} : { before }) }
}

function isAlike(before: Entity, after: Entity): boolean {
  return (
    before.status === after.status && before.version === after.version && before.operationIds.join() === after.operationIds.join()
  )
}
