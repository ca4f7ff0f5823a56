import type { SyncError } from '../core/errors.ts'
import type { Events } from './events.ts'

const LIMIT = 10_000

/** Tells of each row that can't be read once, however often it is met. */
export function createQuarantine(events: Events): (sequence: number, error: SyncError) => void {
  const told = new Set<number>()

  return (sequence, error) => {
    if (told.has(sequence)) return
    if (told.size >= LIMIT) told.clear()
    told.add(sequence)
    events.emit({ type: 'sync:quarantined', sequence, error })
  }
}
