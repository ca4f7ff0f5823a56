import { SyncError, ValidationError } from '../core/errors.ts'
import { checkQuery, text } from '../core/option-checks.ts'
import type { Settings } from '../core/options.ts'
import type { RowStorage } from './shaped-storage.ts'
import { auditPage, type AuditPage, type AuditQuery } from './audit-store.ts'

export interface AuditLog {
  /**
   * The entries of this user, of every tab and process on the store.
   * @throws SyncError `audit-off` where nothing is audited.
   */
  list(query?: AuditQuery): Promise<AuditPage>
}

const LIST_LIMIT = 1_000

/** Looking at the audit. Nothing but the clean-up deletes an entry, and nothing changes one. */
export function createAuditLog({ user, audit }: Settings, storage: RowStorage): AuditLog {
  return {
    async list(query = {}) {
      if (audit === undefined)
        throw new SyncError('audit-off', 'Nothing is audited. Give the engine the option audit, as { audit: {} }, from now on.')
      checkAuditQuery(query)
      return auditPage(storage, user, query)
    },
  }
}

/** @throws ValidationError that names what is wrong. */
export function checkAuditQuery(query: AuditQuery): void {
  checkQuery(query, ['entity', 'id', 'operation', 'since', 'until', 'after', 'first', 'limit'])
  const { entity, id, operation, limit = 1, first = 'newest', since, until, after } = query
  for (const [name, value] of Object.entries({ entity, id, operation }))
    if (value !== undefined) text(name, value, 'a name or an id')
  if (id !== undefined && entity === undefined)
    throw new ValidationError('entity', 'must be given with id: ids are of an entity.')
  if (!Number.isInteger(limit) || limit < 1 || limit > LIST_LIMIT)
    throw new ValidationError('limit', `must be a whole number from 1 to ${LIST_LIMIT}.`)
  if (first !== 'newest' && first !== 'oldest') throw new ValidationError('first', 'must be newest or oldest.')
  for (const [name, value] of Object.entries({ since, until, after })) {
    if (value !== undefined && !Number.isFinite(value)) throw new ValidationError(name, 'must be a number.')
  }
}
