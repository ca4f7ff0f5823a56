import { isTerminal, type TerminalStatus } from '../core/operation.ts'
import type { RetentionOptions } from '../core/options.ts'
import type { Entry, IndexKey, Write } from '../core/ports.ts'
import { ENTITIES, OPERATIONS, readOperation } from '../core/schema.ts'
import { PAGE_LIMIT, type Store } from './store.ts'

const FORGETTABLE: readonly TerminalStatus[] = ['done', 'cancelled', 'superseded', 'rejected']

/** Deletes ended operations that are too old or too many; a dead letter only once it was seen to. Returns how many. */
export async function forgetEnded(store: Store, retention: RetentionOptions, epoch: number, now: number): Promise<number> {
  let forgotten = 0
  for (const status of FORGETTABLE) forgotten += await forgetStatus(store, status, retention, epoch, now)
  return forgotten
}

/** Deletes tombstones that no late answer or page can contradict any more. */
export async function forgetTombstones(
  store: Store,
  { completedMs }: RetentionOptions,
  epoch: number,
  now: number,
): Promise<void> {
  for (;;) {
    const keys = await store.tombstonesUntil(now - completedMs, PAGE_LIMIT)
    const writes = keys.map((key): Write => ({ type: 'delete', collection: ENTITIES, key }))
    if (writes.length > 0) await store.commitAs(epoch, writes)
    if (keys.length < PAGE_LIMIT) return
  }
}

/** From the oldest on, so that what is kept is not read. */
async function forgetStatus(
  store: Store,
  status: TerminalStatus,
  retention: RetentionOptions,
  epoch: number,
  now: number,
): Promise<number> {
  let place = await store.countFinished(status)
  let forgotten = 0
  for (let gt: IndexKey | undefined; ;) {
    const page = await store.oldestFinished(status, PAGE_LIMIT, gt)
    const old: Entry[] = []
    for (const entry of page) if (mayForget(entry, place--, retention, now) && !(await isAwaited(store, entry))) old.push(entry)
    const writes = old.map((entry): Write => ({ type: 'delete', collection: OPERATIONS, key: entry.key }))
    if (writes.length > 0) await store.commitAs(epoch, writes)
    forgotten += writes.length
    gt = page.at(-1)?.position
    if (page.length < PAGE_LIMIT || gt === undefined || !isOld(Number(gt[1]), place + 1, retention, now)) return forgotten
  }
}

/** What was merged into a live operation stands for it to those that depend on it. */
async function isAwaited(store: Store, entry: Entry): Promise<boolean> {
  const by = readOperation(entry)?.supersededBy
  const successor = by === undefined ? undefined : await store.successorOf(by)
  return successor !== undefined && !isTerminal(successor.status)
}

/** `place` counts from the newest. */
function mayForget(entry: Entry, place: number, retention: RetentionOptions, now: number): boolean {
  const row = readOperation(entry)
  if (row === undefined || (row.status === 'rejected' && row.dismissed === undefined)) return false
  return isOld(row.finishedAt ?? now, place, retention, now)
}

function isOld(finishedAt: number, place: number, { completedMs, completedCount }: RetentionOptions, now: number): boolean {
  return place > completedCount || now - finishedAt > completedMs
}
