import type { ValidationIssue } from './errors.ts'
import type { Json } from './json.ts'
import type { ConflictRecord, ConflictResolution, FieldConflict, OperationRow } from './operation.ts'
import type { Entry } from './ports.ts'
import { isRecord } from './schema.ts'

/** A conflict as the inbox keeps it, with all that it takes to judge it, also after its operation was forgotten. */
export interface ConflictRow {
  readonly id: string
  readonly user: string
  readonly operationId: string
  readonly operationType: string
  readonly entity: string
  readonly entityId: string
  readonly type: ConflictRecord['type']
  readonly severity: NonNullable<ConflictRecord['severity']>
  readonly fields: readonly FieldConflict[]
  /** What the operation wanted to send. */
  readonly payload: Json
  /** The server's value at the time; absent if the entity was gone. */
  readonly remote?: Json
  readonly remoteVersion?: string
  readonly resolution: ConflictResolution
  /** What the schema of the entity has against it, where that left it to a person. */
  readonly issues?: readonly ValidationIssue[]
  /** Who decides or has decided: the strategy of the entity, `fields`, `function`, `schema`, `person`, or `retry`, `edit` or `discard` of the operation. */
  readonly strategy: string
  readonly detectedAt: number
  readonly resolvedAt?: number
  /** The version of its entity in the application that payload and remote have the shape of; absent: 1, or in memory that of this build. */
  readonly shape?: number
  /** Index `status`: since when it waits for a person, or is resolved. */
  readonly status: 'pending' | 'resolved'
  readonly since: number
}

/** The inbox's row of the conflict that this operation last met; `at` is when it was resolved, if it was. */
export function conflictRow(row: OperationRow, at: number): ConflictRow | undefined {
  const { conflict, aside } = row
  if (conflict?.id === undefined) return undefined
  const {
    id,
    type,
    severity = 'medium',
    fields,
    remote,
    remoteVersion,
    resolution = 'pending',
    strategy = '',
    issues,
    detectedAt = at,
  } = conflict
  const isPending = resolution === 'pending'
  return {
    id,
    user: row.user,
    operationId: row.id,
    operationType: row.type,
    entity: row.entity,
    entityId: row.entityId,
    type,
    severity,
    fields,
    payload: row.payload,
    ...(remote === undefined ? {} : { remote }),
    ...(aside === undefined ? {} : asStored(aside)),
    ...(remoteVersion === undefined ? {} : { remoteVersion }),
    resolution,
    strategy,
    ...(issues === undefined ? {} : { issues }),
    detectedAt,
    ...(isPending ? {} : { resolvedAt: at }),
    status: isPending ? 'pending' : 'resolved',
    since: isPending ? detectedAt : at,
  }
}

function asStored({ held: { payload, remote }, shape }: NonNullable<OperationRow['aside']>): Partial<ConflictRow> {
  return { payload, ...(remote === undefined ? {} : { remote }), shape }
}

/** True if the operation's last step has found a conflict, or found another way out of it. */
export function isNews(row: OperationRow, was: OperationRow | undefined): boolean {
  const [now, before] = [row.conflict, was?.conflict]
  return now?.id !== undefined && (now.id !== before?.id || now.resolution !== before.resolution)
}

export function readConflict(entry: Entry | undefined): ConflictRow | undefined {
  return isConflictRow(entry?.value) ? entry.value : undefined
}

function isConflictRow(value: unknown): value is ConflictRow {
  return (
    isRecord(value) &&
    ['id', 'user', 'operationId', 'entity', 'entityId', 'type', 'severity', 'resolution', 'strategy'].every(
      (field) => typeof value[field] === 'string',
    ) &&
    (value['status'] === 'pending' || value['status'] === 'resolved') &&
    typeof value['since'] === 'number' &&
    typeof value['detectedAt'] === 'number' &&
    Array.isArray(value['fields'])
  )
}

/** The row with the conflict that it was parked for decided. */
export function decided(row: OperationRow, resolution: ConflictRecord['resolution'], strategy: string): OperationRow {
  if (row.conflict?.resolution !== 'pending' || resolution === undefined) return row
  return { ...row, conflict: { ...row.conflict, resolution, strategy } }
}
