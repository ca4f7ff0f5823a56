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
  /** The id that the server gave to what was created. */
  readonly id?: string | undefined
  /** The temporary id by which the entity was known until now. */
  readonly formerId?: string
}

/**
 * The version that the operation was made on, if others made part of what came of it: it was not applied to what is in the row. A create or a
 * replace hid what others made from the view, so there it is always so once it was merged, also if only a look at the server told that it was done.
 */
export function mergedFrom(one: Confirmation, current: EntityRow | undefined): string | undefined {
  const { operation, version, appliedTo, wasLookedAt } = one
  if (operation.type === 'create' || operation.type === 'replace')
    return wasLookedAt ? (appliedTo ?? operation.baseVersion) : undefined
  if (current === undefined || current.deletedAt !== undefined) return undefined
  return current.version === appliedTo || current.version === version ? undefined : current.version
}

/** The answer to an action of the application is the entity only if it says so. */
export function valueOf({ operation: { type, entityId }, value }: Pick<Confirmation, 'operation' | 'value'>): Json | undefined {
  if (type === 'create' || type === 'update' || type === 'replace') return value
  return typeof value === 'object' && value !== null && 'id' in value && value['id'] === entityId ? value : undefined
}

export function isWithoutValue(one: Confirmation): boolean {
  return one.operation.type !== 'delete' && valueOf(one) === undefined
}
