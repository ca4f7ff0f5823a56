import { isTerminal, laneOf, type OperationRow, type OperationStatus } from '../core/operation.ts'
import { operationFaults } from '../core/row-faults.ts'
import { readOperation } from '../core/schema.ts'
import { createDrainSummary } from './drain-summary.ts'
import { PAGE_LIMIT, type Store } from './store.ts'
import type { DrainSummary } from './types.ts'

export interface FollowSources {
  /** Calls the listener when another handle wrote the store, this engine became the owner, or the store was closed. */
  onChange(listener: () => void): () => void
  isOwner(): boolean
  pauses(): readonly string[]
}

/** Where one of these is not what it should be the owner does not come upon the row: `check()` tells. */
const UNFOUND: ReadonlySet<string> = new Set(['lane', 'rank', 'dueAt'])
const IN_PLAY: readonly OperationStatus[] = ['queued', 'sending', 'reconciling', 'rollingBack']

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

/** True if the owner can do nothing more for it now: it has ended, waits for a time or a decision, or is behind something that does. */
async function isPutOff(store: Store, row: OperationRow, before: ReadonlySet<string> = new Set()): Promise<boolean> {
  if (before.has(row.id)) return true // They wait for each other.
  const met = new Set([...before, row.id])
  if (operationFaults(row).some(({ field }) => UNFOUND.has(field))) return true
  if (row.aside?.why === 'newer' && !(await isOwnersBuild(store, row))) return true
  if (row.status !== 'queued') return !IN_PLAY.includes(row.status)
  const [entry] = await store.lane(laneOf(row.user, row.entity, row.entityId), 1)
  const head = entry === undefined ? undefined : readOperation(entry)
  if (head === undefined) return entry !== undefined
  if (head.id !== row.id) return isPutOff(store, head, met)
  for (const id of row.dependsOn ?? []) {
    const other = await store.successorOf(id)
    if (other !== undefined && !isTerminal(other.status) && (await isPutOff(store, other, met))) return true
  }
  return false
}

/** An older build than the one that wrote the row leaves it alone. */
async function isOwnersBuild(store: Store, { entity, aside }: OperationRow): Promise<boolean> {
  const lease = await store.lease()
  return (lease?.versions?.[entity] ?? 1) >= (aside?.shape ?? 1)
}

function nextChange(onChange: FollowSources['onChange']): Promise<void> {
  return new Promise((resolve) => {
    const stop = onChange(() => {
      stop()
      resolve()
    })
  })
}
