import type { EntityOptions } from './conflict.ts'
import { isEntityId } from './entity-id.ts'
import { ServerError } from './errors.ts'
import type { Json } from './json.ts'
import { isMutation, laneOf, type OperationRow } from './operation.ts'
import { getOwn, isObject, setOwn } from './own.ts'
import type { Outcome, OutgoingOperation } from './ports.ts'
import { referencesIn, withReferences } from './references.ts'

/**
 * Where the server assigns the ids, an operation is made on a temporary one until the create's answer has told the other (B8). From the commit on
 * that stores this answer, nothing in the store that was not sent yet names the temporary one.
 */
export type Entities = Readonly<Record<string, Pick<EntityOptions, 'ids' | 'references'>>>

/** By the lane of a temporary id: the server's id. */
export type Names = ReadonlyMap<string, string>

type Renamable = Pick<OperationRow, 'user' | 'entity' | 'entityId' | 'payload' | 'base' | 'undo' | 'lane'>

export function hasServerIds(entities: Entities, entity: string): boolean {
  return entities[entity]?.ids === 'server'
}

/** Whether its answer tells the id. */
export function isNamedByServer(entities: Entities, { type, entity }: Pick<OperationRow, 'type' | 'entity'>): boolean {
  return type === 'create' && hasServerIds(entities, entity)
}

/** Whether its answer may tell another id than it has: it is made, or made again where others had deleted it. */
export function mayBeNamed(entities: Entities, row: Pick<OperationRow, 'type' | 'entity' | 'conflict'>): boolean {
  return (
    hasServerIds(entities, row.entity) &&
    (row.type === 'create' || (isMutation(row.type) && row.conflict?.type === 'update-delete'))
  )
}

/** The operation as a transport is to make its request. */
export function outgoing<Operation extends OutgoingOperation>(entities: Entities, operation: Operation): Operation {
  return isNamedByServer(entities, operation) ? { ...operation, isIdTemporary: true } : operation
}

/** The outcome with the id that the server gave. An answer without one can't be used: what came of the request is asked for again, by the same key. */
export function withAssignedId(
  entities: Entities,
  row: Pick<OperationRow, 'type' | 'entity' | 'conflict'>,
  outcome: Outcome,
): Outcome {
  if (outcome.type !== 'applied' || !mayBeNamed(entities, row)) return outcome
  const id = outcome.id ?? (isObject(outcome.value) ? getOwn(outcome.value, 'id') : undefined)
  if (isEntityId(id)) return { ...outcome, id }
  if (row.type !== 'create') return outcome
  const message = `The answer to a create of ${row.entity} has no id, though ids: 'server' says that the server assigns them. It is tried again with the same key.`
  return { type: 'unknown', error: new ServerError(message, { code: 'unreadable' }) }
}

/** One of them names another by an id that only the answer to that one replaces: they can't be sent in one request. */
export function nameEachOther(entities: Entities, rows: readonly OperationRow[]): boolean {
  const created = new Set(
    rows.filter((row) => isNamedByServer(entities, row)).map((row) => laneOf(row.user, row.entity, row.entityId)),
  )
  const named = ({ user, entity, payload }: OperationRow): readonly string[] =>
    referencesIn(payload, entities[entity]?.references ?? {}).map((other) => laneOf(user, other.entity, other.id))
  return created.size > 0 && rows.some((row) => named(row).some((lane) => created.has(lane)))
}

/** The row with the server's ids in the place of temporary ones: its own, and those that its declared references name. The same row if it names none. */
export function renamed<Row extends Renamable>(row: Row, names: Names, entities: Entities): Row {
  const to = names.get(laneOf(row.user, row.entity, row.entityId))
  const rename = (value: Json): Json => {
    const references = entities[row.entity]?.references ?? {}
    const referring = withReferences(value, references, ({ entity, id }) => names.get(laneOf(row.user, entity, id)))
    return to === undefined ? referring : withOwnId(referring, row.entityId, to)
  }
  const changed = { ...row, ...contentOf(row, rename) }
  if (to !== undefined) {
    const lane = laneOf(row.user, row.entity, to)
    return { ...changed, entityId: to, ...(row.lane === undefined ? {} : { lane }) }
  }
  const isSame = changed.payload === row.payload && changed.base === row.base && changed.undo?.payload === row.undo?.payload
  return isSame ? row : changed
}

function contentOf({ payload, base, undo }: Renamable, rename: (value: Json) => Json): Partial<Renamable> {
  return {
    payload: rename(payload),
    ...(base === undefined ? {} : { base: rename(base) }),
    ...(undo === undefined ? {} : { undo: { ...undo, payload: rename(undo.payload) } }),
  }
}

function withOwnId(value: Json, from: string, to: string): Json {
  if (!isObject(value) || getOwn(value, 'id') !== from) return value
  const own: Record<string, Json> = { ...value }
  setOwn(own, 'id', to)
  return own
}
