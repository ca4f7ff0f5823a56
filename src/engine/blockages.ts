import { StorageCorruptError, type SyncError } from '../core/errors.ts'
import { laneOf, type OperationRow } from '../core/operation.ts'
import type { Entry } from '../core/ports.ts'
import type { Blockage } from './chooser.ts'

export function corrupt(entry: Entry): Blockage {
  return { type: 'corrupt', sequence: Number(entry.key), error: unreadable(entry) }
}

export function unreadable(entry: Entry): SyncError {
  return new StorageCorruptError(
    `The stored operation ${entry.key} can not be read. Its lane waits; discard it by operations.discard('#${entry.key}'), or mend the row.`,
    { cause: entry.corrupt },
  )
}

export function isInLane({ user, entity, entityId }: OperationRow, lane: string): boolean {
  return laneOf(user, entity, entityId) === lane
}

/** Who played it would not know any more which lane it leaves. */
export function outOfLane({ id, seq, entity, entityId }: OperationRow): Blockage {
  const message = `The stored operation #${seq} (${id}) is about ${entity}/${entityId}, and stands in the lane of another. That lane waits; mend it by check({ repair: true }).`
  return { type: 'corrupt', sequence: seq, error: new StorageCorruptError(message) }
}
