import type { Json } from '../core/json.ts'
import type { OperationRow } from '../core/operation.ts'

/** What the server confirmed of an entity by its answer to an operation. */
export interface Confirmation {
  readonly operation: OperationRow
  readonly version: string | undefined
  readonly value: Json | undefined
}

/** The answer to an action of the application is the entity only if it says so. */
export function valueOf({ operation: { type, entityId }, value }: Confirmation): Json | undefined {
  if (type === 'create' || type === 'update' || type === 'replace') return value
  return typeof value === 'object' && value !== null && 'id' in value && value['id'] === entityId ? value : undefined
}

export function isWithoutValue(one: Confirmation): boolean {
  return one.operation.type !== 'delete' && valueOf(one) === undefined
}
