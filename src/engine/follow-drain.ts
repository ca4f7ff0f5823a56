import type { OperationRow } from '../core/operation.ts'
import { createDrainSummary } from './drain-summary.ts'
import { IN_PLAY, isPutOff } from './put-off.ts'
import { PAGE_LIMIT, type Store } from './store.ts'
import type { DrainSummary } from './types.ts'

export interface FollowSources {
  /** Calls the listener when another handle wrote the store, this engine became the owner, or the store was closed. */
  onChange(listener: () => void): () => void
  isOwner(): boolean
  pauses(): readonly string[]
}

/**
 * What `flush()` means where another tab sends: waits until each of the first 1,000 live operations has ended or been put off there.
 * Undefined if this engine became the owner meanwhile. @throws StorageCorruptError if the lease can't be read, for then nobody sends.
 */
export async function followDrain(store: Store, user: string, sources: FollowSources): Promise<DrainSummary | undefined> {
  const summary = createDrainSummary()
  let ids = (await store.live(user, PAGE_LIMIT, (status) => IN_PLAY.includes(status))).map((row) => row.id)
  while (ids.length > 0) {
    const changed = nextChange(sources.onChange)
    if (sources.isOwner()) return undefined
    // Where it can't be read nobody sends, and nothing would ever change.
    await store.lease()
    const rows = (await store.byIds(ids)).filter((row): row is OperationRow => row !== undefined)
    const isPaused = sources.pauses().length > 0
    const settled = await Promise.all(rows.map(async (row) => isPaused || (await isPutOff(store, row))))
    rows.forEach((row, i) => settled[i] === true && summary.add(row))
    ids = rows.filter((_, i) => settled[i] === false).map((row) => row.id)
    if (ids.length > 0) await changed
  }
  return summary.take(sources.pauses())
}

function nextChange(onChange: FollowSources['onChange']): Promise<void> {
  return new Promise((resolve) => {
    const stop = onChange(() => {
      stop()
      resolve()
    })
  })
}
