import { ConsistencyError, StorageCorruptError, type SyncError } from '../core/errors.ts'
import { isTerminal, laneOf, type OperationRow } from '../core/operation.ts'
import type { Entry } from '../core/ports.ts'
import { readOperation } from '../core/schema.ts'
import type { Blockage } from './chooser.ts'

/** What stands at the head of a lane and can't be played. */
export function corrupt(entry: Entry): Blockage {
  const row = readOperation(entry)
  const error = row === undefined ? unreadable(entry) : new ConsistencyError(whyMisplaced(row))
  return { type: 'corrupt', sequence: Number(entry.key), error }
}

export function unreadable(entry: Entry): SyncError {
  return new StorageCorruptError(
    `The stored operation ${entry.key} can not be read. Its lane waits; discard it by operations.discard('#${entry.key}'), or mend the row.`,
    { cause: entry.corrupt },
  )
}

/** The row, if it can be read and has its place in that lane. */
export function playableIn(lane: string, entry: Entry): OperationRow | undefined {
  const row = readOperation(entry)
  return row !== undefined && belongsIn(row, lane) ? row : undefined
}

/** Who played what belongs in another lane would not know any more which one it leaves; and what has ended would be sent once more. */
export function belongsIn(row: OperationRow, lane: string): boolean {
  return laneOf(row.user, row.entity, row.entityId) === lane && !isTerminal(row.status)
}

function whyMisplaced({ id, seq, entity, entityId, status }: OperationRow): string {
  const why = isTerminal(status) ? `has ended (${status}), and still stands in a lane` : 'stands in the lane of another'
  return `The stored operation #${seq} (${id}) is about ${entity}/${entityId} and ${why}. That lane waits; mend it by check({ repair: true }).`
}
