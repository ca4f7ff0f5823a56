import type { Json } from '../core/json.ts'
import type { OperationRow } from '../core/operation.ts'
import type { EntityRow } from '../core/schema.ts'

/** What the server confirmed of an entity by its answer to an operation. */
export interface Confirmation {
  readonly operation: OperationRow
  readonly version: string | undefined
  readonly value: Json | undefined
  /** The version that it was applied to, as far as that is known. */
  readonly appliedTo: string | undefined
  /** The server's state was looked at before: what others made may be part of it. */
  readonly wasLookedAt: boolean
}

/** Others made part of what came of the operation: it was not applied to what is in the row. */
export function isMerged({ version, appliedTo }: Confirmation, current: EntityRow | undefined): boolean {
  if (current?.version === undefined || current.deletedAt !== undefined) return false
  return current.version !== appliedTo && current.version !== version
}

/** The answer to an action of the application is the entity only if it says so. */
export function valueOf({ operation: { type, entityId }, value }: Confirmation): Json | undefined {
  if (type === 'create' || type === 'update' || type === 'replace') return value
  return typeof value === 'object' && value !== null && 'id' in value && value['id'] === entityId ? value : undefined
}

export function isWithoutValue(one: Confirmation): boolean {
  return one.operation.type !== 'delete' && valueOf(one) === undefined
}
