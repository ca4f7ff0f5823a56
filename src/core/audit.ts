import type { AuditedChange, AuditedChanges } from './audit-changes.ts'
import { isNews } from './conflict-row.ts'
import { isTerminal, type ConflictRecord, type OperationRow, type OperationStatus } from './operation.ts'
import type { Entry } from './ports.ts'
import { sameJson } from './same-json.ts'
import { isRecord } from './schema.ts'
import { valueOf } from './sealed.ts'

/**
 * - of an operation: `enqueued`, `ended` (the outcome says how), `parked`, `rollingBack`, `conflict` (the outcome goes on without a person), and what the
 *   application decided: `retried`, `edited`, `dismissed` (a dead letter was seen to), `removed` (a row that could not be read);
 * - of an entity: `pulled`, which others made and the server told of.
 */
export type AuditAction =
  | 'enqueued'
  | 'ended'
  | 'parked'
  | 'rollingBack'
  | 'conflict'
  | 'retried'
  | 'edited'
  | 'dismissed'
  | 'removed'
  | 'pulled'

/** A conflict without its values, which stand in the inbox. */
export interface AuditedConflict extends Pick<ConflictRecord, 'id' | 'type' | 'resolution' | 'strategy'> {
  readonly fields: readonly string[]
}

/** One thing that happened. It is written together with what it tells of, and never changed. */
export interface AuditEntry extends AuditedChanges {
  /** Counts the entries of the store: none is missing between the oldest that is kept and the newest. */
  readonly number: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly user: string
  /** The store that wrote it, by the name that the server hears. */
  readonly client: string
  /** Who brought it about. */
  readonly by: 'application' | 'engine' | 'server'
  readonly action: AuditAction
  /** The status of the operation from then on, or what became of the entity. */
  readonly outcome: OperationStatus | 'created' | 'changed' | 'deleted' | 'removed'
  /** Empty where that is not known. */
  readonly entity: string
  readonly entityId: string
  readonly operation?: string
  /** Of the operation, as `update`. */
  readonly type?: string
  readonly transaction?: string
  readonly supersededBy?: string
  /** The code of its last error. */
  readonly error?: string
  readonly conflict?: AuditedConflict
  /** The server's version from then on. */
  readonly version?: string
  /** By field. Of `enqueued` what was asked for, of `ended` and `pulled` what became of the entity as the server confirmed it. */
  readonly changes: readonly AuditedChange[]
  /** Why the changes could not be told. */
  readonly problem?: string
}

/** An entry before the store has given it its number. */
export type NewAuditEntry = Omit<AuditEntry, 'number'>

/** What a written row tells of; undefined if it is a step on the way. `was` is the row before, where its writer knows it. */
export function actionOf(row: OperationRow, was: OperationRow | undefined, isDecided: boolean): AuditAction | undefined {
  if (row.status !== was?.status) {
    if (isTerminal(row.status)) return 'ended'
    if (row.status === 'parked' || row.status === 'rollingBack') return row.status
  }
  if (was === undefined) return undefined
  if (row.dismissed !== was.dismissed) return 'dismissed'
  if (row.payload !== was.payload && !sameJson(row.payload, was.payload)) return 'edited'
  if (isDecided && row.status === 'waiting') return 'retried'
  return isNews(row, was) ? 'conflict' : undefined
}

export function readAudit(entry: Entry): AuditEntry | undefined {
  const value = valueOf(entry)
  return isAuditEntry(value) ? value : undefined
}

function isAuditEntry(value: unknown): value is AuditEntry {
  return (
    isRecord(value) &&
    typeof value['number'] === 'number' &&
    typeof value['at'] === 'number' &&
    Array.isArray(value['changes']) &&
    value['changes'].every((change) => isRecord(change) && typeof change['path'] === 'string') &&
    TEXTS.every((field) => typeof value[field] === 'string')
  )
}

const TEXTS = ['user', 'client', 'by', 'action', 'outcome', 'entity', 'entityId']
