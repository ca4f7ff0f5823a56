import { coalesceLane } from '../core/coalesce.ts'
import { StorageCorruptError, SyncError, SyncOperationError } from '../core/errors.ts'
import { isTerminal, type OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import type { Entry, Transport } from '../core/ports.ts'
import { beginRollback, claim, finish } from '../core/rows.ts'
import { readOperation } from '../core/schema.ts'
import type { Store } from './store.ts'

const LANE_LIMIT = 256

/** What was chosen from one lane: the row to play, as it will be once the choice is committed, and what it took over. Without a row, everything at the head undid itself. */
export interface Choice {
  readonly lane: string
  readonly row?: OperationRow
  /** Rows that end with this choice, superseded or cancelled. */
  readonly ended: readonly OperationRow[]
  /** The turn of the next row of the lane, if there is one. */
  readonly nextRank: number | undefined
}

/** Why nothing can be chosen from a lane. */
export type Blockage =
  | { readonly type: 'empty' }
  | { readonly type: 'notDue'; readonly dueAt: number }
  | { readonly type: 'parked' }
  /** `rank` is the turn of what waits. */
  | { readonly type: 'dependency'; readonly on: string; readonly rank: number }
  | { readonly type: 'corrupt'; readonly sequence: number; readonly error: SyncError }

export type Chooser = ReturnType<typeof createChooser>

/** Looks at the head of a lane and decides what is to be played next; coalesces what was never sent. Pure but for reading. */
export function createChooser(settings: Settings, transport: Transport, store: Store) {
  async function choose(lane: string, now: number): Promise<Choice | Blockage> {
    const entries = await store.lane(lane, settings.coalesce ? LANE_LIMIT : 2)
    const head = entries[0]
    if (head === undefined) return { type: 'empty' }
    const rows = readable(entries)
    const first = rows[0]
    if (first === undefined) return corrupt(head)
    if (first.status === 'queued') return await chooseQueued(lane, rows, entries, now)
    const nextRank = rankAfter(rows.slice(1), entries)
    if (first.status === 'parked') return { type: 'parked' }
    if (first.status === 'waiting' && (first.dueAt ?? 0) > now) return { type: 'notDue', dueAt: first.dueAt ?? 0 }
    if (first.status === 'reconciling' || first.status === 'rollingBack') return { lane, row: first, ended: [], nextRank }
    return { lane, row: await claimed(first, lane), ended: [], nextRank }
  }

  async function chooseQueued(
    lane: string,
    rows: readonly OperationRow[],
    entries: readonly Entry[],
    now: number,
  ): Promise<Choice | Blockage> {
    const { survivor, superseded, cancelled, rest } = settings.coalesce
      ? coalesceLane(rows, { maxPayloadBytes: settings.limits.payloadBytes })
      : { survivor: rows[0], superseded: [], cancelled: [], rest: rows.slice(1) }
    const ended = [
      ...superseded.map((row) => finish(row, 'superseded', now, survivor?.id)),
      ...cancelled.map((row) => finish(row, 'cancelled', now)),
    ]
    const nextRank = rankAfter(rest, entries)
    if (survivor === undefined) return { lane, ended, nextRank }
    const dependency = await dependencyOf(survivor)
    if (dependency.type === 'waits') return { type: 'dependency', on: dependency.on, rank: survivor.rank ?? 0 }
    const row = dependency.type === 'failed' ? beginRollback(survivor, dependency.error) : await claimed(survivor, lane)
    return { lane, row, ended, nextRank }
  }

  /** Sent before: the same bytes again. Never sent: the request is made now, on the version that the server last confirmed. */
  async function claimed(row: OperationRow, lane: string): Promise<OperationRow> {
    if (row.request !== undefined) return claim(row, row.request, row.baseVersion)
    const baseVersion = row.baseVersion ?? (row.type === 'create' ? undefined : (await store.entity(lane))?.version)
    try {
      return claim(row, transport.prepare({ ...row, baseVersion }), baseVersion)
    } catch (cause) {
      return beginRollback(row, unsendable(row, cause))
    }
  }

  async function dependencyOf(
    row: OperationRow,
  ): Promise<{ type: 'met' } | { type: 'waits'; on: string } | { type: 'failed'; error: SyncError }> {
    for (const id of row.dependsOn ?? []) {
      const other = await store.successorOf(id)
      if (other === undefined || other.status === 'done') continue
      if (!isTerminal(other.status)) return { type: 'waits', on: other.id }
      return { type: 'failed', error: dependencyFailed(row, other) }
    }
    return { type: 'met' }
  }

  return { choose }
}

/** The turn of the lane's next row; if the lane was not read to its end, that of what is behind. */
function rankAfter(rest: readonly OperationRow[], entries: readonly Entry[]): number | undefined {
  if (rest.length > 0) return rest[0]?.rank ?? 0
  return entries.length >= LANE_LIMIT ? 0 : undefined
}

/** The rows up to the first that can't be read: nothing overtakes it. */
function readable(entries: readonly Entry[]): OperationRow[] {
  const rows: OperationRow[] = []
  for (const entry of entries) {
    const row = readOperation(entry)
    if (row === undefined) break
    rows.push(row)
  }
  return rows
}

function corrupt(entry: Entry): Blockage {
  return { type: 'corrupt', sequence: Number(entry.key), error: unreadable(entry) }
}

export function unreadable(entry: Entry): SyncError {
  return new StorageCorruptError(
    `The stored operation ${entry.key} can not be read. Its lane waits; discard it by operations.discard('#${entry.key}'), or mend the row.`,
    { cause: entry.corrupt },
  )
}

export function unsendable(row: OperationRow, cause: unknown): SyncError {
  if (cause instanceof SyncError) return cause
  return new SyncOperationError(
    row.id,
    'unsendable',
    `The transport can't make a request of operation ${row.id}. Mend its route, then retry it.`,
    { cause },
  )
}

function dependencyFailed(row: OperationRow, other: OperationRow): SyncError {
  return new SyncOperationError(
    row.id,
    'dependency-failed',
    `It depends on ${other.id}, which was ${other.status}. Enqueue it again once that is done.`,
  )
}
