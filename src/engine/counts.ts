import { createHistogram } from '../core/histogram.ts'
import { countsOf, type Counter, type Counts } from '../core/statistics.ts'
import type { SyncEvent, SyncEventType } from './types.ts'

/** Each comes in one engine only, whoever else hears of what it tells: that which did it. */
const COUNTED: { readonly [Type in SyncEventType]?: Counter } = {
  'sync:queued': 'enqueued',
  'sync:completed': 'done',
  'sync:failed': 'rejected',
  'sync:retry': 'retried',
  'sync:coalesced': 'coalesced',
  'sync:cancelled': 'cancelled',
  'sync:conflict': 'refused',
  'conflict:detected': 'conflicts',
  'conflict:resolved': 'conflictsResolved',
  'pull:completed': 'pulls',
  'lock:acquired': 'takeovers',
  'breaker:opened': 'breakerTrips',
}

/** Counts what the event bus tells. */
export function createCounts() {
  const counts = countsOf(() => 0)
  const latencyMs = createHistogram()
  let isEmpty = true

  function count(counter: Counter, more = 1): void {
    counts[counter] += more
    isEmpty = false
  }

  return {
    record(event: SyncEvent): void {
      const counter = COUNTED[event.type]
      if (counter === undefined || (event.type === 'lock:acquired' && !event.takeover)) return
      count(counter)
      if (event.type === 'sync:completed') latencyMs.record(event.at - event.operation.enqueuedAt)
      if (event.type === 'pull:completed') count('pulledChanges', event.changes)
    },
    requested: (): void => count('requests'),
    isEmpty: (): boolean => isEmpty,
    counts: counts as Readonly<Record<Counter, number>>,
    read: (): Counts => ({ ...counts, latencyMs: latencyMs.read() }),
  }
}
