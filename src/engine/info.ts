import type { OperationRow } from '../core/operation.ts'
import { NEVER_DUE } from '../core/schema.ts'
import type { OperationInfo, Reason, Settlement } from './types.ts'

/** The part of a row that the application sees. */
export function infoOf(row: OperationRow): OperationInfo {
  const info: { -readonly [K in keyof OperationInfo]: OperationInfo[K] } = {
    id: row.id,
    sequence: row.seq,
    type: row.type,
    entity: row.entity,
    entityId: row.entityId,
    payload: row.aside?.held.payload ?? row.payload,
    status: row.status,
    priority: row.priority,
    idempotencyKey: row.idempotencyKey,
    enqueuedAt: row.enqueuedAt,
    attempts: row.attempts,
  }
  if (row.dueAt !== undefined && row.dueAt > 0 && row.dueAt !== NEVER_DUE) info.nextAttemptAt = row.dueAt
  if (row.notBefore !== undefined) info.notBefore = row.notBefore
  if (row.dependsOn !== undefined) info.dependsOn = row.dependsOn
  if (row.transaction !== undefined) info.transaction = row.transaction.id
  if (row.lastError !== undefined) info.lastError = row.lastError
  if (row.conflict !== undefined) info.conflict = row.conflict
  if (row.aside !== undefined) info.ofVersion = row.aside.shape
  if (row.supersededBy !== undefined) info.supersededBy = row.supersededBy
  return info
}

export function reasonOf(row: OperationRow): Reason {
  const { id, entity, entityId, status, lastError } = row
  return { id, entity, entityId, status, ...(lastError === undefined ? {} : { error: lastError }) }
}

/** What became of a row, once it has ended. */
export function settlementOf(row: OperationRow): Settlement | undefined {
  if (row.status === 'done' || row.status === 'cancelled') return { status: row.status }
  if (row.status === 'rejected') return { status: 'rejected', error: row.lastError }
  if (row.status === 'superseded') return { status: 'superseded', by: row.supersededBy ?? '' }
  return undefined
}
