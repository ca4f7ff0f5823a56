import type { ConflictRow } from './conflict-row.ts'
import type { EntityOptions } from './conflict.ts'
import { SyncError } from './errors.ts'
import { contentHash } from './hash.ts'
import type { Json } from './json.ts'
import { migratePayload, migrateValue, MIGRATION_FAILED, NEWER_BUILD, type Migrations, type Span } from './migrate.ts'
import type { HeldByOperation, NewOperationRow, OperationRow, SetAside, Undo } from './operation.ts'
import type { LimitOptions } from './options.ts'
import type { EntityRow, Versions } from './schema.ts'

/** A server's value is as large as its transport lets it be. */
const VALUE_LIMITS = { maxBytes: 64 * 1_048_576, maxDepth: 64 }
const NO_MIGRATIONS: Migrations = {}

type Sides = Pick<HeldByOperation, 'base' | 'remote'>

/** What has the shape of some version of the application. */
interface Shaped {
  readonly value?: Json
  readonly shape?: number
  readonly aside?: SetAside<Json>
}

export type Shapes = ReturnType<typeof createShapes>

/**
 * Rows as the store has them, with the version of the application that wrote them, and as this build uses them: brought to its own version, or with what
 * can't be used set aside. Pure. Writing back what was read gives the same or its migrated form; what was set aside is written as it was.
 */
export function createShapes(entities: Readonly<Record<string, EntityOptions>>, limits: LimitOptions) {
  const payloadLimits = { maxBytes: limits.payloadBytes, maxDepth: limits.payloadDepth }

  /** Undefined of what the application does not name. */
  function versionOf(entity: string): number | undefined {
    return Object.hasOwn(entities, entity) ? (entities[entity]?.version ?? 1) : undefined
  }

  function migrationsOf(entity: string): Migrations {
    return entities[entity]?.migrations ?? NO_MIGRATIONS
  }

  function operation<Row extends OperationRow>(row: Row): Row {
    const { entity, shape = 1 } = row
    const to = versionOf(entity)
    if (to === undefined || shape === to) return row
    if (shape > to) return withoutHeld(row, 'newer', newerBuild(`Operation ${row.id}`, entity, shape, to))
    const span = { from: shape, to }
    try {
      return inShape(row, migratedParts(row, span))
    } catch (cause) {
      return withParts(withoutHeld(row, 'failed', migrationFailed(row, to, cause)), sidesIn(row, span))
    }
  }

  function migratedParts(row: OperationRow, span: Span): HeldByOperation {
    const { type, entity, entityId, payload, undo } = row
    const ofPayload = (of: string, one: Json): Json =>
      migratePayload(migrationsOf(entity), span, one, { type: of, entityId }, payloadLimits)
    return {
      payload: ofPayload(type, payload),
      ...(undo === undefined ? {} : { undo: { ...unconfirmed(undo), payload: ofPayload(undo.type, undo.payload) } }),
      ...migratedSides(row, span),
    }
  }

  /** What it was made on, and what the server had when it was parked. */
  function migratedSides({ entity, base, conflict }: OperationRow, span: Span): Sides {
    const ofValue = (value: Json): Json => migrateValue(migrationsOf(entity), span, value, VALUE_LIMITS)
    return {
      ...(base === undefined ? {} : { base: ofValue(base) }),
      ...(conflict?.remote === undefined ? {} : { remote: ofValue(conflict.remote) }),
    }
  }

  /** Where its payload can't be brought there, they may be all the same: on them a person decides. */
  function sidesIn(row: OperationRow, span: Span): Sides {
    try {
      return migratedSides(row, span)
    } catch {
      return {}
    }
  }

  function shaped<T extends Shaped>(one: T, entity: string, name: string, to: number): T {
    const { value, shape = 1, ...rest } = one
    if (value === undefined || shape === to) return one
    const setAside = (why: 'newer' | 'failed', error: SyncError): T => ({
      ...without(one, ['value', 'shape']),
      aside: { why, shape, error, held: value },
    })
    if (shape > to) return setAside('newer', newerBuild(`What is stored of ${name}`, entity, shape, to))
    try {
      const migrated = migrateValue(migrationsOf(entity), { from: shape, to }, value, VALUE_LIMITS)
      return { ...one, ...rest, value: migrated, shape: to }
    } catch (cause) {
      return setAside('failed', valueFailed(name, shape, to, cause))
    }
  }

  function entityRow(row: EntityRow): EntityRow {
    const entity = entityIn(row.key)
    const to = versionOf(entity)
    if (to === undefined) return row
    const name = row.key.slice(row.key.indexOf('/') + 1)
    const now = shaped(row, entity, name, to)
    const earlier = row.earlier?.map((base) => shaped(base, entity, name, to))
    return earlier === undefined || earlier.every((base, at) => base === row.earlier?.[at]) ? now : { ...now, earlier }
  }

  function conflictRow(row: ConflictRow): ConflictRow {
    const { entity, entityId, operationType: type, payload, remote, shape = 1 } = row
    const to = versionOf(entity)
    if (to === undefined || shape >= to) return row
    const span = { from: shape, to }
    try {
      return {
        ...row,
        shape: to,
        payload: migratePayload(migrationsOf(entity), span, payload, { type, entityId }, payloadLimits),
        ...(remote === undefined ? {} : { remote: migrateValue(migrationsOf(entity), span, remote, VALUE_LIMITS) }),
      }
    } catch {
      // What was in conflict is history: it is shown as it was, with the version that it is of.
      return { ...row, shape }
    }
  }

  const versions: Versions = Object.fromEntries(
    Object.entries(entities).flatMap(([entity, { version = 1 }]) => (version === 1 ? [] : [[entity, version]])),
  )

  return {
    versions,
    versionOf,
    operation,
    entityRow,
    conflictRow,
    storedOperation<Row extends NewOperationRow>(row: Row): Row {
      const to = versionOf(row.entity)
      if (row.aside !== undefined) return withHeld(row, row.aside)
      return to === undefined || to === (row.shape ?? 1) ? row : { ...row, shape: to }
    },
    storedEntity(row: EntityRow): EntityRow {
      const to = versionOf(entityIn(row.key))
      if (to === undefined) return row
      const [now, earlier] = [stored(row, to), row.earlier?.map((base) => stored(base, to))]
      return earlier === undefined || earlier.every((base, at) => base === row.earlier?.[at]) ? now : { ...now, earlier }
    },
    storedConflict(row: ConflictRow): ConflictRow {
      const to = versionOf(row.entity) ?? 1
      return row.shape !== undefined || to === 1 ? row : { ...row, shape: to }
    },
  }
}

/** An operation with something set aside. */
export type Unusable = OperationRow & Required<Pick<OperationRow, 'aside'>>

/** Its payload can't be brought to the version of this build, and no request was made of it when it could be used. */
export function isUnusable(row: OperationRow | undefined): row is Unusable {
  return row?.aside !== undefined && row.request === undefined && (row.status === 'queued' || row.status === 'waiting')
}

/** Of these two builds the first knows less, and nothing better. */
export function isOlder(one: Versions | undefined, other: Versions): boolean {
  const names = [...Object.keys(one ?? {}), ...Object.keys(other)]
  const leads = names.map((entity) => versionIn(other, entity) - versionIn(one, entity))
  return leads.every((lead) => lead >= 0) && leads.some((lead) => lead > 0)
}

/** What a damaged row says of an entity's version is as good as nothing. */
export function versionIn(versions: Versions | undefined, entity: string): number {
  const version: unknown = versions?.[entity]
  return typeof version === 'number' ? version : 1
}

export function isSame(one: Versions, other: Versions): boolean {
  return [...Object.keys(one), ...Object.keys(other)].every((entity) => one[entity] === other[entity])
}

/** The kind of an entity, by the lane that is its key: `user/kind/id`, of which the first two hold no slash. */
export function entityIn(lane: string): string {
  const from = lane.indexOf('/') + 1
  return lane.slice(from, lane.indexOf('/', from))
}

function stored<T extends Shaped>(one: T, to: number): T {
  if (one.value === undefined && one.aside !== undefined)
    return { ...without(one, ['aside', 'shape']), value: one.aside.held, ...shapeIs(one.aside.shape) }
  if (one.aside === undefined && (one.shape ?? 1) === to) return one
  return { ...without(one, ['aside', 'shape']), ...(one.value === undefined ? {} : shapeIs(to)) }
}

/** What has the first shape says nothing of it. */
function shapeIs(shape: number): { shape?: number } {
  return shape === 1 ? {} : { shape }
}

function without<T extends object>(one: T, fields: readonly string[]): T
function without(one: object, fields: readonly string[]): object {
  return Object.fromEntries(Object.entries(one).filter(([field]) => !fields.includes(field)))
}

/** Of what the server confirmed in another shape nobody can tell what was changed since. */
function unconfirmed({ confirmed: _confirmed, ...undo }: Undo): Undo {
  return undo
}

/** The key that the application chose stands for the same content, in its new shape. */
function inShape<Row extends OperationRow>(row: Row, parts: HeldByOperation): Row {
  const { type, entity, entityId, payload, contentHash: hash } = row
  const isOfPayload = hash !== undefined && hash === contentHash([type, entity, entityId, payload])
  const own = isOfPayload ? { ...row, contentHash: contentHash([type, entity, entityId, parts.payload]) } : row
  return withParts(own, parts)
}

function withParts<Row extends NewOperationRow>(row: Row, { remote, ...parts }: Partial<HeldByOperation>): Row {
  const { conflict } = row
  return {
    ...row,
    ...parts,
    ...(conflict === undefined || remote === undefined ? {} : { conflict: { ...conflict, remote } }),
  }
}

function withoutHeld<Row extends OperationRow>(row: Row, why: SetAside<unknown>['why'], error: SyncError): Row {
  const { payload, base, undo, conflict, shape = 1 } = row
  const held = {
    payload,
    ...(base === undefined ? {} : { base }),
    ...(undo === undefined ? {} : { undo }),
    ...(conflict?.remote === undefined ? {} : { remote: conflict.remote }),
  }
  return {
    ...without(row, ['base', 'undo']),
    payload: null,
    ...(conflict === undefined ? {} : { conflict: without(conflict, ['remote']) }),
    aside: { why, shape, error, held },
  }
}

function withHeld<Row extends NewOperationRow>(row: Row, { shape, held }: SetAside<HeldByOperation>): Row {
  return { ...withParts(without(row, ['aside', 'shape']), held), ...shapeIs(shape) }
}

function newerBuild(what: string, entity: string, shape: number, known: number): SyncError {
  const message = `${what} was written by a newer build of the application: version ${shape} of ${entity}, this one knows ${known}. It is left alone; load this tab (or start this process) anew with the newer build.`
  return new SyncError(NEWER_BUILD, message)
}

function migrationFailed({ id, entity, shape = 1 }: OperationRow, to: number, cause: unknown): SyncError {
  const why = cause instanceof Error ? cause.message : ''
  const message = `Operation ${id} has the shape of version ${shape} of ${entity} and can't be brought to version ${to}. Mend the migration and retry it, or edit or discard it. ${why}`
  return new SyncError(MIGRATION_FAILED, message, { cause })
}

function valueFailed(name: string, shape: number, to: number, cause: unknown): SyncError {
  const why = cause instanceof Error ? cause.message : ''
  const message = `What is stored of ${name} has the shape of version ${shape} and can't be brought to version ${to}: it is not shown until the server was asked for it. Mend the migration. ${why}`
  return new SyncError(MIGRATION_FAILED, message, { cause })
}
