import { isTerminal, type TerminalStatus } from '../core/operation.ts'
import type { RetentionOptions } from '../core/options.ts'
import type { Entry, IndexKey, Write } from '../core/ports.ts'
import { OPERATIONS, readOperation } from '../core/schema.ts'
import { PAGE_LIMIT, type Store } from './store.ts'

const FORGETTABLE: readonly TerminalStatus[] = ['done', 'cancelled', 'superseded', 'rejected']

/** Deletes ended operations that are too old or too many; a dead letter only once it was seen to. Returns how many. */
export async function forgetEnded(store: Store, retention: RetentionOptions, epoch: number, now: number): Promise<number> {
  let forgotten = 0
  for (const status of FORGETTABLE) forgotten += await forgetStatus(store, status, retention, epoch, now)
  return forgotten
}

async function forgetStatus(
  store: Store,
  status: TerminalStatus,
  retention: RetentionOptions,
  epoch: number,
  now: number,
): Promise<number> {
  let seen = 0
  let forgotten = 0
  for (let lt: IndexKey | undefined; ;) {
    const page = await store.finished(status, PAGE_LIMIT, true, lt)
    const old: Entry[] = []
    for (const entry of page) if (mayForget(entry, ++seen, retention, now) && !(await isAwaited(store, entry))) old.push(entry)
    const writes = old.map((entry): Write => ({ type: 'delete', collection: OPERATIONS, key: entry.key }))
    if (writes.length > 0) await store.commitAs(epoch, writes)
    forgotten += writes.length
    lt = page.at(-1)?.position
    if (page.length < PAGE_LIMIT || lt === undefined) return forgotten
  }
}

/** What was merged into a live operation stands for it to those that depend on it. */
async function isAwaited(store: Store, entry: Entry): Promise<boolean> {
  const by = readOperation(entry)?.supersededBy
  const successor = by === undefined ? undefined : await store.successorOf(by)
  return successor !== undefined && !isTerminal(successor.status)
}

/** `place` counts from the newest. */
function mayForget(entry: Entry, place: number, { completedMs, completedCount }: RetentionOptions, now: number): boolean {
  const row = readOperation(entry)
  if (row === undefined || (row.status === 'rejected' && row.dismissed === undefined)) return false
  return place > completedCount || now - (row.finishedAt ?? now) > completedMs
}
