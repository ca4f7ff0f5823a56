import type { OperationRow } from '../core/operation.ts'
import { NEVER_DUE } from '../core/schema.ts'
import type { OperationInfo, Reason, Settlement } from './types.ts'

/** The part of a row that the application sees. */
export function infoOf(row: OperationRow): OperationInfo {
  return {
    id: row.id,
    sequence: row.seq,
    type: row.type,
    entity: row.entity,
    entityId: row.entityId,
    payload: row.payload,
    status: row.status,
    priority: row.priority,
    idempotencyKey: row.idempotencyKey,
    enqueuedAt: row.enqueuedAt,
    attempts: row.attempts,
    ...(row.dueAt === undefined || row.dueAt <= 0 || row.dueAt === NEVER_DUE ? {} : { nextAttemptAt: row.dueAt }),
    ...(row.dependsOn === undefined ? {} : { dependsOn: row.dependsOn }),
    ...(row.lastError === undefined ? {} : { lastError: row.lastError }),
    ...(row.conflict === undefined ? {} : { conflict: row.conflict }),
    ...(row.supersededBy === undefined ? {} : { supersededBy: row.supersededBy }),
  }
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
