import { visibleText } from '../core/visible-text.ts'
import type { OperationInfo } from '../engine/types.ts'

/** An operation in a line, for people. */
export function describeOperation({ id, type, entity, entityId, attempts, lastError }: OperationInfo): string {
  const tries = attempts === 0 ? '' : `, ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`
  return visibleText(`${id}  ${type} ${entity}/${entityId}${tries}${lastError === undefined ? '' : `: ${lastError.message}`}`)
}
