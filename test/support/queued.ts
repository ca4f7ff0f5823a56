import type { OperationRow } from '../../src/core/operation.ts'

/** What checkers are told of: an update that was enqueued, and not sent yet. */
export const queued: OperationRow = {
  seq: 1,
  id: 'o1',
  rev: 1,
  user: 'u1',
  type: 'update',
  entity: 'note',
  entityId: 'n1',
  payload: { a: 1 },
  status: 'queued',
  priority: 'medium',
  idempotencyKey: 'o1',
  enqueuedAt: 0,
  attempts: 0,
  unknownAttempts: 0,
  reconciliations: 0,
  lane: 'u1/note/n1',
}
