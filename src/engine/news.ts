import type { OperationRow } from '../core/operation.ts'
import type { Write } from '../core/ports.ts'
import { ENTITIES, OPERATIONS, isOperationRow, readEntity, type EntityRow } from '../core/schema.ts'
import type { Mirror, News } from './mirror.ts'

/** By this handle's own commit. What can't be read is removed by its number alone. */
export function newsOf(writes: readonly Write[], keys: readonly number[], mirrors: readonly Mirror[]): News | undefined {
  const entities: EntityRow[] = []
  const operations: OperationRow[] = []
  const removed = new Set<unknown>()
  let appended = 0
  for (const write of writes) {
    if (write.type === 'append') {
      const row = { ...write.value, seq: keys[appended++] }
      if (isOperationRow(row)) operations.push(row)
    } else if (write.type === 'delete') {
      if (write.collection === OPERATIONS) removed.add(write.key)
    } else if (write.collection === OPERATIONS) {
      if (isOperationRow(write.value)) operations.push(write.value)
    } else if (write.collection === ENTITIES) {
      const row = readEntity({ key: '', position: [], value: write.value })
      if (row !== undefined) entities.push(row)
    }
  }
  const ended = removed.size === 0 ? [] : mirrors.flatMap((mirror) => mirror.live()).filter(({ seq }) => removed.has(seq))
  return entities.length + operations.length + ended.length === 0 ? undefined : { entities, operations, ended }
}
