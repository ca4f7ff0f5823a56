import { AUDIT } from '../core/audit-collection.ts'
import {
  changesAsked,
  changesBetween,
  changesOfPayload,
  isAudited,
  type AuditedChanges,
  type Unaudited,
} from '../core/audit-changes.ts'
import { actionOf, type AuditAction, type AuditedConflict, type NewAuditEntry } from '../core/audit.ts'
import { isNews } from '../core/conflict-row.ts'
import { valueIn } from '../core/derive.ts'
import { namedPath } from '../core/field-path.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { laneOf, type NewOperationRow, type OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import { isObject, withoutOwn } from '../core/own.ts'
import type { Scalar, Write } from '../core/ports.ts'
import { sameJson } from '../core/same-json.ts'
import { ENTITIES, isEntityRow, isOperationRow, OPERATIONS, type EntityRow } from '../core/schema.ts'

/**
 * In which a commit is made: by a call of the application, as a turn of the owner, or to store what a pull from the beginning brings. What that
 * brings and was not known is no change: it was there before.
 */
export type Occasion = 'call' | 'turn' | 'firstPull'

/** What operations were made on, as the device showed it, by their ids. */
export type MadeOn = ReadonlyMap<string, JsonObject | undefined>

export interface AuditWriter {
  entriesOf(writes: readonly Write[], occasion: Occasion, madeOn?: MadeOn): readonly Write[]
}

/** An entity in a commit: as it is after it, and as it was. */
interface Turned {
  readonly row: EntityRow
  readonly was: EntityRow | undefined
}

type Row = OperationRow | NewOperationRow
type Told = AuditedChanges & Pick<NewAuditEntry, 'problem' | 'version'>

const NONE: readonly Write[] = []
const NOTHING: Told = { changes: [] }
const ALL_FIELDS: Unaudited = new Set()
const NOT_KNOWN: MadeOn = new Map()

/** Works out from the writes of a commit which entries go with them. What can't be told becomes an entry that says so: it never throws. */
export function createAuditWriter({ user, entities }: Settings, now: () => number, clientId: () => string): AuditWriter {
  const unaudited = new Map<string, Unaudited>()
  for (const [name, { unaudited: fields }] of Object.entries(entities))
    if (fields) unaudited.set(name, new Set(fields.map(namedPath)))

  function hiddenOf(entity: string): Unaudited {
    return unaudited.get(entity) ?? ALL_FIELDS
  }

  function entryOf(row: Row, action: AuditAction, occasion: Occasion, told: Told, isNewConflict: boolean): NewAuditEntry {
    return {
      at: now(),
      user: row.user,
      client: clientId(),
      by: occasion === 'call' ? 'application' : 'engine',
      action,
      outcome: row.status,
      entity: row.entity,
      entityId: row.entityId,
      operation: row.id,
      type: row.type,
      ...(row.transaction === undefined ? {} : { transaction: row.transaction.id }),
      ...(row.supersededBy === undefined ? {} : { supersededBy: row.supersededBy }),
      ...(row.lastError === undefined ? {} : { error: row.lastError.code }),
      ...(isNewConflict ? conflictOf(row, hiddenOf(row.entity)) : {}),
      ...told,
    }
  }

  function stepped(row: OperationRow, was: OperationRow | undefined, occasion: Occasion, turned: Map<string, Turned>) {
    const action = actionOf(row, was, occasion === 'call')
    if (action === undefined) return undefined
    const told = row.status === 'done' ? confirmed(row, was, turned) : action === 'edited' ? edited(row, was) : NOTHING
    return entryOf(row, action, occasion, told, isNews(row, was))
  }

  function edited(row: OperationRow, was: OperationRow | undefined): Told {
    return guarded(() => changesOfPayload(was?.payload ?? null, row.payload, hiddenOf(row.entity)))
  }

  /** What was not known before is told by what was asked for. */
  function confirmed(row: OperationRow, was: OperationRow | undefined, turned: Map<string, Turned>): Told {
    const lane = laneOf(row.user, row.entity, row.entityId)
    const entity = turned.get(lane)
    if (entity === undefined) return NOTHING
    turned.delete(lane)
    const hidden = hiddenOf(row.entity)
    const { version } = entity.row
    const told = guarded(() =>
      entity.was === undefined && row.type !== 'create'
        ? changesAsked(row, objectIn(was?.base), hidden)
        : changesBetween(valueIn(entity.was), valueIn(entity.row), hidden),
    )
    return version === undefined ? told : { ...told, version }
  }

  function pulled(lane: string, { row, was }: Turned, occasion: Occasion): NewAuditEntry | undefined {
    const [before, after] = [valueIn(was), valueIn(row)]
    if ((was === undefined && occasion === 'firstPull') || isSame(before, after)) return undefined
    const [entity, entityId] = namesIn(lane)
    return {
      at: now(),
      user,
      client: clientId(),
      by: 'server',
      action: 'pulled',
      outcome: before === undefined ? 'created' : after === undefined ? 'deleted' : 'changed',
      entity,
      entityId,
      ...(row.version === undefined ? {} : { version: row.version }),
      ...guarded(() => changesBetween(before, after, hiddenOf(entity))),
    }
  }

  function removed(key: Scalar): NewAuditEntry {
    const [at, client, operation] = [now(), clientId(), `#${key}`]
    const nobody = { entity: '', entityId: '', changes: [] }
    return { at, user, client, by: 'application', action: 'removed', outcome: 'removed', operation, ...nobody }
  }

  function ofWrite(write: Write, occasion: Occasion, turned: Map<string, Turned>, madeOn: MadeOn): NewAuditEntry | undefined {
    if (write.collection !== OPERATIONS) return undefined
    if (write.type === 'delete') return occasion === 'call' ? removed(write.key) : undefined
    const { value } = write
    if (write.type === 'put') return isOperationRow(value) ? stepped(value, operationIn(write.was), occasion, turned) : undefined
    if (!isNewRow(value)) return undefined
    const asked = guarded(() => changesAsked(value, madeOn.get(value.id) ?? objectIn(value.base), hiddenOf(value.entity)))
    return entryOf(value, 'enqueued', occasion, asked, false)
  }

  return {
    entriesOf(writes, occasion, madeOn = NOT_KNOWN) {
      const turned = turnedIn(writes)
      const entries = writes.flatMap((write) => ofWrite(write, occasion, turned, madeOn) ?? [])
      // What is left others have changed.
      for (const [lane, one] of turned) {
        const entry = pulled(lane, one, occasion)
        if (entry !== undefined) entries.push(entry)
      }
      return entries.length === 0 ? NONE : entries.map((value): Write => ({ type: 'append', collection: AUDIT, value }))
    },
  }
}

function turnedIn(writes: readonly Write[]): Map<string, Turned> {
  const turned = new Map<string, Turned>()
  for (const write of writes) {
    if (write.collection !== ENTITIES || write.type !== 'put' || write.value === write.was) continue
    const [row, was] = [write.value, write.was]
    if (isEntityRow(row)) turned.set(row.key, { row, was: isEntityRow(was) ? was : undefined })
  }
  return turned
}

function guarded(work: () => AuditedChanges): Told {
  try {
    return work()
  } catch {
    return { changes: [], problem: 'The changes could not be worked out.' }
  }
}

/** Values of both sides stand in the inbox; here only what they were about. */
function conflictOf({ conflict }: Row, hidden: Unaudited): { conflict?: AuditedConflict } {
  if (conflict === undefined) return {}
  const { id, type, resolution, strategy } = conflict
  const fields = conflict.fields.map(({ path }) => path).filter((path) => isAudited(path, hidden))
  return {
    conflict: {
      type,
      fields: fields.slice(0, MAX_FIELDS),
      ...(id === undefined ? {} : { id }),
      ...(resolution === undefined ? {} : { resolution }),
      ...(strategy === undefined ? {} : { strategy }),
    },
  }
}

const MAX_FIELDS = 100

/** Both may differ in what the server adds to them. */
function isSame(before: JsonObject | undefined, after: JsonObject | undefined): boolean {
  if (before === undefined || after === undefined || before === after) return before === after
  return sameJson(withoutOwn(before), withoutOwn(after))
}

function objectIn(value: Json | undefined): JsonObject | undefined {
  return isObject(value) ? value : undefined
}

function operationIn(value: unknown): OperationRow | undefined {
  return isOperationRow(value) ? value : undefined
}

function isNewRow(value: object): value is NewOperationRow {
  return isOperationRow({ ...value, seq: 0 })
}

function namesIn(lane: string): readonly [entity: string, entityId: string] {
  const [first, second] = [lane.indexOf('/'), lane.indexOf('/', lane.indexOf('/') + 1)]
  return [lane.slice(first + 1, second), lane.slice(second + 1)]
}
