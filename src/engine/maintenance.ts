import { StorageConflictError } from '../core/errors.ts'
import { isTerminal, isUnsent, type OperationRow, type TerminalStatus } from '../core/operation.ts'
import type { RetentionOptions } from '../core/options.ts'
import type { Entry, Scalar, Write } from '../core/ports.ts'
import { ENTITIES, OPERATIONS, readEntity, readOperation, type EntityRow } from '../core/schema.ts'
import { memberSeqs } from '../core/transaction.ts'
import { forgetConflicts } from './conflict-store.ts'
import { PAGE_LIMIT, type Store } from './store.ts'
import { editsUnchanged } from './store-edit.ts'

/** In this order. */
const FORGETTABLE: readonly TerminalStatus[] = ['done', 'superseded', 'cancelled', 'rejected']

/** So many of which others may hang are looked into at once; the others wait for the next time. */
const DOUBTFUL_LIMIT = 10_000

/** The key of its row by the id of each operation that did not come to be done: who depends on one that is unknown takes it for done. */
type Doubtful = Map<string, Scalar>

/** Deletes ended operations that are too old or too many; a dead letter only once it was seen to. Returns how many. */
export async function forgetEnded(store: Store, retention: RetentionOptions, epoch: number, now: number): Promise<number> {
  const edits = await store.edits()
  const doubtful: Doubtful = new Map()
  await forgetConflicts(store, retention, epoch, now)
  let forgotten = 0
  for (const status of FORGETTABLE) forgotten += await forgetStatus(store, status, doubtful, retention, epoch, now)
  return forgotten + (await forgetDoubtful(store, doubtful, epoch, edits))
}

/** Runs a task while nothing else writes entities. */
export type InTurn = <T>(task: () => Promise<T>) => Promise<T>

/**
 * Deletes tombstones that no late answer or page can contradict any more; one that is found in its turn stays until it is deleted, and no page brings
 * it to life between. The newest row of all stays: by its revision the next is numbered, and tabs take what is numbered no higher than what they know
 * for old.
 */
export async function forgetTombstones(
  store: Store,
  { completedMs }: RetentionOptions,
  epoch: number,
  now: number,
  inTurn: InTurn,
): Promise<void> {
  let isMore: boolean
  do isMore = await inTurn(() => forgetPage(store, now - completedMs, epoch))
  while (isMore)
}

/** Where an operation lives, an answer may still come that is older than the deletion (S19). */
async function forgetPage(store: Store, until: number, epoch: number): Promise<boolean> {
  const { key: newest } = await store.newestEntity()
  const page = await store.tombstonesUntil(until, PAGE_LIMIT)
  const keys = page.filter((entry) => isTombstone(readEntity(entry))).map(({ key }) => key)
  const heads = await store.lanes(keys.map(String), 1)
  const forgotten = keys.filter((key, at) => key !== newest && heads[at]?.length === 0)
  if (forgotten.length > 0)
    await store.commitAs(
      epoch,
      forgotten.map((key): Write => ({ type: 'delete', collection: ENTITIES, key })),
    )
  return page.length >= PAGE_LIMIT && forgotten.length > 0
}

/** What says otherwise itself, though it stands among them, is not forgotten: a check finds it. */
function isTombstone(row: EntityRow | undefined): boolean {
  return row?.deletedAt !== undefined && row.value === undefined
}

/** From the oldest on, so that what is kept is not read. */
async function forgetStatus(
  store: Store,
  status: TerminalStatus,
  doubtful: Doubtful,
  retention: RetentionOptions,
  epoch: number,
  now: number,
): Promise<number> {
  let place = await store.countFinished(status)
  let forgotten = 0
  for await (const page of store.finishedPages(status)) {
    const writes: Write[] = []
    for (const entry of page) {
      const row = forgettable(entry, place--, retention, now)
      const end = row === undefined ? undefined : await endOf(store, row)
      if (row === undefined || end === 'live') continue
      if (end === 'done') writes.push(deletion(entry.key))
      else if (doubtful.size < DOUBTFUL_LIMIT) doubtful.set(row.id, entry.key)
    }
    if (writes.length > 0) await store.commitAs(epoch, writes)
    forgotten += writes.length
    if (!isOld(Number(page.at(-1)?.position[1]), place + 1, retention, now)) break
  }
  return forgotten
}

/** How it ended, or what it was merged into and stands for it; what isn't known any more was done. */
async function endOf(store: Store, row: OperationRow): Promise<'live' | 'done' | 'other'> {
  if (row.transaction !== undefined && (await isNeeded(store, memberSeqs(row)))) return 'live'
  if (row.supersededBy === undefined) return row.status === 'done' ? 'done' : 'other'
  const successor = await store.successorOf(row.supersededBy)
  if (typeof successor === 'number') return 'live'
  if (successor === undefined || successor.status === 'done') return 'done'
  return isTerminal(successor.status) ? 'other' : 'live'
}

/** What is done of a transaction may still have to be taken back, or be enqueued anew with what was refused. */
async function isNeeded(store: Store, seqs: readonly number[]): Promise<boolean> {
  const entries = await store.storage.getMany(OPERATIONS, seqs)
  return entries.some((entry) => entry !== undefined && isOpen(readOperation(entry)))
}

/** One that can't be read is taken for it. */
function isOpen(row: OperationRow | undefined): boolean {
  return row === undefined || !isTerminal(row.status) || (row.status === 'rejected' && row.dismissed === undefined)
}

/**
 * Deletes those that no other row names any more, unless somebody looked at one meanwhile to depend on it. Only what was never sent still has to
 * learn how what it depends on has ended.
 */
async function forgetDoubtful(store: Store, doubtful: Doubtful, epoch: number, edits: number): Promise<number> {
  if (doubtful.size === 0) return 0
  for await (const page of store.finishedPages('superseded')) keep(doubtful, page, (row) => [row.supersededBy ?? ''])
  for await (const page of store.queuedPages()) keep(doubtful, page, (row) => row.dependsOn ?? [])
  for await (const page of store.waitingPages()) keep(doubtful, page, (row) => (isUnsent(row) ? (row.dependsOn ?? []) : []))
  const writes = [...doubtful.values()].map(deletion)
  try {
    for (let at = 0; at < writes.length; at += PAGE_LIMIT)
      await store.commitAs(epoch, writes.slice(at, at + PAGE_LIMIT), { expect: [editsUnchanged(edits)] })
    return writes.length
  } catch (error) {
    if (error instanceof StorageConflictError) return 0
    throw error
  }
}

function keep(doubtful: Doubtful, page: readonly Entry[], named: (row: OperationRow) => readonly string[]): void {
  for (const entry of page) {
    const row = readOperation(entry)
    if (row !== undefined) for (const id of named(row)) doubtful.delete(id)
  }
}

function deletion(key: Scalar): Write {
  return { type: 'delete', collection: OPERATIONS, key }
}

/** The row, if its time is up. `place` counts from the newest. */
function forgettable(entry: Entry, place: number, retention: RetentionOptions, now: number): OperationRow | undefined {
  const row = readOperation(entry)
  if (row === undefined || (row.status === 'rejected' && row.dismissed === undefined)) return undefined
  return isOld(row.finishedAt ?? now, place, retention, now) ? row : undefined
}

function isOld(finishedAt: number, place: number, { completedMs, completedCount }: RetentionOptions, now: number): boolean {
  return place > completedCount || now - finishedAt > completedMs
}
