import { derive, isShown, type ActionEffects } from '../core/derive.ts'
import { changedFields } from '../core/diff.ts'
import { isTerminal, laneOf, type OperationRow } from '../core/operation.ts'
import type { EntityRow } from '../core/schema.ts'
import type { Entity, EntityChange } from './types.ts'

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
  const seen = new Map<string, Entity>()
  let list: readonly Entity[] | undefined

  function takeBase(row: EntityRow): string | undefined {
    if (!row.key.startsWith(prefix)) return undefined
    const id = row.key.slice(prefix.length)
    const known = bases.get(id)
    if (known?.rev !== undefined && (row.rev ?? 0) <= known.rev) return undefined
    bases.set(id, row)
    return id
  }

  function takeOperation(row: OperationRow): string | undefined {
    if (row.entity !== entity || row.user !== user) return undefined
    const known = live.get(row.entityId)?.find(({ seq }) => seq === row.seq)
    if (known === undefined ? isTerminal(row.status) : row.rev <= known.rev) return undefined
    return setLive(row, !isTerminal(row.status))
  }

  function takeEnd(row: OperationRow): string | undefined {
    return row.entity === entity && row.user === user ? setLive(row, false) : undefined
  }

  function setLive(row: OperationRow, lives: boolean): string {
    const { entityId: id, seq } = row
    const others = (live.get(id) ?? NONE).filter((other) => other.seq !== seq)
    const rows = lives ? [...others, row].sort((a, b) => a.seq - b.seq) : others
    if (rows.length === 0) live.delete(id)
    else live.set(id, rows)
    return id
  }

  function lookAgain(id: string): EntityChange | undefined {
    const [before, after] = [seen.get(id), seenAs(id)]
    if (after === undefined) seen.delete(id)
    else seen.set(id, after)
    return changeOf(entity, before, after)
  }

  function seenAs(id: string): Entity | undefined {
    const [base, operations] = [bases.get(id), live.get(id) ?? NONE]
    const value = derive(base, operations, actions)
    if (value === undefined) return undefined
    const shown = operations.filter(isShown)
    const version = base?.deletedAt === undefined ? base?.version : undefined
    return {
      id,
      value,
      status: statusOf(operations),
      operationIds: shown.map((operation) => operation.id),
      ...(version === undefined ? {} : { version }),
    }
  }

  function lookAt(ids: ReadonlySet<string>): readonly EntityChange[] {
    const changes = [...ids].flatMap((id) => lookAgain(id) ?? [])
    if (changes.length > 0) list = undefined
    return changes
  }

  return {
    prefix,
    /** The operations that it knows as live. */
    live: (): readonly OperationRow[] => [...live.values()].flat(),
    get: (id: string) => seen.get(id),
    list: () => (list ??= [...seen.values()]),
    /** Takes what is new, and tells what can be seen of it. */
    take({ entities, operations, ended }: News): readonly EntityChange[] {
      const ids = [...entities.map(takeBase), ...operations.map(takeOperation), ...ended.map(takeEnd)]
      return lookAt(new Set(ids.filter((id) => id !== undefined)))
    },
  }
}

const NONE: readonly OperationRow[] = []

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

function isAlike(before: Entity, after: Entity): boolean {
  return (
    before.status === after.status && before.version === after.version && before.operationIds.join() === after.operationIds.join()
  )
}
