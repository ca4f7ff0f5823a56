import { conflictRow, readConflict, type ConflictRow } from '../core/conflict-row.ts'
import { NO_CONFLICTS, readStatistics, withConflicts, type ConflictStatistics } from '../core/conflict-statistics.ts'
import type { OperationRow } from '../core/operation.ts'
import { text } from '../core/option-checks.ts'
import type { RetentionOptions } from '../core/options.ts'
import type { Entry, IndexKey, Write } from '../core/ports.ts'
import { CONFLICTS, META } from '../core/schema.ts'
import { PAGE_LIMIT, type Store } from './store.ts'

type Status = ConflictRow['status']

export async function conflictById({ storage }: Store, id: string): Promise<ConflictRow | undefined> {
  return readConflict(await storage.get(CONFLICTS, text('id', id, 'the id of a conflict, as conflicts.list() tells it')))
}

/** The newest first, those of one status. */
export async function conflictsOf(
  { storage }: Store,
  status: Status,
  limit: number,
  wanted: (row: ConflictRow) => boolean,
): Promise<ConflictRow[]> {
  const found: ConflictRow[] = []
  for (let lt: IndexKey | undefined; found.length < limit;) {
    const query = { index: 'status', prefix: [status], limit: PAGE_LIMIT, reverse: true }
    const page: readonly Entry[] = await storage.scan(CONFLICTS, lt === undefined ? query : { ...query, lt })
    found.push(...page.flatMap((entry) => readConflict(entry) ?? []).filter(wanted))
    lt = page.at(-1)?.position
    if (page.length < PAGE_LIMIT || lt === undefined) break
  }
  return found.slice(0, limit)
}

/** What an edit of an operation makes of the conflict that it was parked for, in the same commit. */
export function settledConflict(row: OperationRow, changed: OperationRow, at: number): readonly Write[] {
  if (row.conflict?.resolution !== 'pending' || changed.conflict?.resolution === 'pending') return []
  // Of the operation as it was: the conflict was about that payload.
  const value = conflictRow({ ...row, conflict: changed.conflict ?? row.conflict }, at)
  return value === undefined ? [] : [{ type: 'put', collection: CONFLICTS, value }]
}

export async function conflictStatistics(store: Store, user: string): Promise<ConflictStatistics> {
  const isOwn = (row: ConflictRow): boolean => row.user === user
  const [forgotten, pending, resolved] = [
    await forgottenOf(store, user),
    await conflictsOf(store, 'pending', Infinity, isOwn),
    await conflictsOf(store, 'resolved', Infinity, isOwn),
  ]
  return withConflicts(forgotten, [...pending, ...resolved])
}

/** Deletes resolved conflicts that are too old or too many, and keeps how many they were. */
export async function forgetConflicts(store: Store, retention: RetentionOptions, epoch: number, now: number): Promise<void> {
  for (;;) {
    const count = await store.storage.count(CONFLICTS, { index: 'status', prefix: ['resolved'] })
    const page = await store.storage.scan(CONFLICTS, { index: 'status', prefix: ['resolved'], limit: PAGE_LIMIT })
    const old = page.filter(
      ({ position }, at) => count - at > retention.conflictCount || now - Number(position[1]) > retention.conflictMs,
    )
    if (old.length === 0) return
    const rows = old.flatMap((entry) => readConflict(entry) ?? [])
    const users = new Set(rows.map(({ user }) => user))
    const counts = await Promise.all([...users].map((user) => countForgotten(store, user, rows)))
    const deletes = old.map(({ key }): Write => ({ type: 'delete', collection: CONFLICTS, key }))
    await store.commitAs(epoch, [...deletes, ...counts])
    if (old.length < PAGE_LIMIT) return
  }
}

async function countForgotten(store: Store, user: string, rows: readonly ConflictRow[]): Promise<Write> {
  const statistics = withConflicts(
    await forgottenOf(store, user),
    rows.filter((row) => row.user === user),
  )
  return { type: 'put', collection: META, value: { name: statisticsKey(user), ...statistics } }
}

async function forgottenOf({ storage }: Store, user: string): Promise<ConflictStatistics> {
  const entry = await storage.get(META, statisticsKey(user))
  return entry === undefined ? NO_CONFLICTS : readStatistics(entry.value)
}

function statisticsKey(user: string): string {
  return `conflicts/${encodeURIComponent(user)}`
}
