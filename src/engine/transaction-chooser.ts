import { SyncOperationError, type SyncError } from '../core/errors.ts'
import { MIGRATION_FAILED } from '../core/migrate.ts'
import { isInDoubt, isTerminal, laneOf, type OperationRow } from '../core/operation.ts'
import { beginRollback, park } from '../core/rows.ts'
import { IN_PLAY, readOperation, type EntityRow } from '../core/schema.ts'
import { isUnusable } from '../core/shapes.ts'
import { failedBy, incomplete } from '../core/transaction.ts'
import type { Blockage, Choice, Dependency } from './chooser.ts'
import { errorOf } from './optimistic.ts'
import { updateOperation, type Store } from './store.ts'
import type { Transactions } from './transactions.ts'

export interface TransactionChooserParts {
  readonly store: Store
  readonly transactions: Transactions
  /** Whether the server takes these operations as one. */
  isAtomic(members: readonly OperationRow[]): boolean
  claimed(row: OperationRow, entity: EntityRow | undefined): OperationRow
  dependencyOf(row: OperationRow, dependsOn: readonly string[]): Promise<Dependency>
  /** When it may go; 0 if it does not wait for a time. */
  dueAt(row: OperationRow, now: number): number
}

interface Step {
  readonly was: OperationRow
  readonly now: OperationRow
}

/**
 * Whether a member of a transaction, at the head of its lane, may go. Sent together, the first of them is played once all stand at the heads of their
 * lanes; sent one by one, each goes when those before it are done. What is done is kept until the whole has ended: so one that is missing is lost, and the
 * whole fails. `alone`: it may go as any other operation does.
 */
export function createTransactionChooser({
  store,
  transactions,
  isAtomic,
  claimed,
  dependencyOf,
  dueAt,
}: TransactionChooserParts) {
  return async function choose(
    lane: string,
    first: OperationRow,
    nextRank: number | undefined,
    now: number,
  ): Promise<Choice | Blockage | 'alone'> {
    const places = await transactions.placesOf(first)
    const members = places.filter(isRow)
    const unreadable = places.find((one) => typeof one === 'number')
    const newer = members.find(({ aside }) => aside?.why === 'newer')
    if (newer !== undefined) return waitsFor(first, newer.id)
    const isWhole = members.length === places.length
    if (sentHow(members, places.length) === 'oneByOne') {
      const before = members.find((row) => row.seq < first.seq && !isTerminal(row.status))
      if (before !== undefined) return waitsFor(first, before.id)
      if (isWhole || first.attempts > 0) return 'alone'
      return unreadable === undefined
        ? choiceOf(lane, first, failing([first], first, incomplete(first)), nextRank)
        : waitsFor(first, `#${unreadable}`)
    }
    const rows = members.filter(({ status }) => !isTerminal(status))
    const leader = rows[0]
    // It has ended since its lane was read, and who ended it has the lanes looked at anew.
    if (leader === undefined) return { type: 'empty' }
    if (leader.seq !== first.seq) return waitsFor(first, leader.id)
    if (leader.status === 'parked') return { type: 'parked' }
    if (dueAt(leader, now) > now) return { type: 'notDue', dueAt: dueAt(leader, now) }
    if (leader.status === 'reconciling' || leader.status === 'rollingBack')
      return { lane, row: leader, ended: [], writes: [updateOperation(leader, leader)], nextRank }
    if (rows.length < places.length && rows.some(isInDoubt)) return parking(lane, rows, incomplete, nextRank)
    if (rows.some(isUnusable)) return parking(lane, rows, unusable(rows), nextRank)
    if (unreadable !== undefined) return waitsFor(leader, `#${unreadable}`)
    const steps = rows.length < places.length ? failing(rows, leader, incomplete(leader)) : await stepsOf(leader, rows)
    return 'type' in steps ? steps : choiceOf(lane, leader, steps, nextRank)
  }

  /** A single one goes as any other does. */
  function sentHow(members: readonly OperationRow[], size: number): 'together' | 'oneByOne' {
    const sent = members.find((row) => row.transaction?.sent !== undefined)?.transaction?.sent
    return sent ?? (size > 1 && isAtomic(members) ? 'together' : 'oneByOne')
  }

  async function stepsOf(first: OperationRow, rows: readonly OperationRow[]): Promise<readonly Step[] | Blockage> {
    const own = new Set(rows.map(({ id }) => id))
    const ahead = first.attempts > 0 ? undefined : await aheadOf(rows)
    if (ahead !== undefined) return waitsFor(first, ahead)
    for (const row of rows) {
      const others = (row.dependsOn ?? []).filter((id) => row.attempts === 0 && !own.has(id))
      const dependency = await dependencyOf(row, others)
      if (dependency.type === 'waits') return waitsFor(first, dependency.on)
      if (dependency.type === 'failed') return failing(rows, row, dependency.error)
    }
    const entities = await store.entities(rows.map(laneOfRow))
    const steps = rows.map((was, at) => ({ was, now: sentTogether(claimed(was, entities[at])) }))
    const unsendable = steps.find(({ now }) => now.status === 'rollingBack')
    return unsendable === undefined ? steps : failing(rows, unsendable.was, errorOf(unsendable.now))
  }

  /** What stands before one of them in its lane. */
  async function aheadOf(rows: readonly OperationRow[]): Promise<string | undefined> {
    const heads = await store.lanes(rows.map(laneOfRow), 1)
    for (const [at, [head]] of heads.entries()) {
      if (head === undefined) continue
      const row = readOperation(head)
      if (row?.id !== rows[at]?.id) return row?.id ?? `#${head.key}`
    }
    return undefined
  }
}

function choiceOf(lane: string, first: OperationRow, steps: readonly Step[], nextRank: number | undefined): Choice {
  const row = steps.find(({ was }) => was.seq === first.seq)?.now ?? first
  return { lane, row, ended: [], writes: steps.map(({ now, was }) => updateOperation(now, was)), nextRank }
}

/** The whole may have been applied before a part of it was lost, and it can't be sent again as it was: only a person can say what to do (S6). */
function parking(
  lane: string,
  rows: readonly OperationRow[],
  why: (row: OperationRow) => SyncError,
  nextRank: number | undefined,
): Choice {
  const parked = rows.map((was) => ({ was, now: park(was, why(was)) }))
  const writes = parked.map(({ now, was }) => updateOperation(now, was))
  return { lane, ended: parked.map(({ now }) => now), writes, nextRank }
}

function isRow(one: OperationRow | number | undefined): one is OperationRow {
  return typeof one === 'object'
}

function waitsFor(row: OperationRow, on: string): Blockage {
  return { type: 'dependency', on, rank: row.rank ?? 0, isInPlay: row.dueAt === IN_PLAY }
}

/** None of them was sent, and none will be. */
function failing(rows: readonly OperationRow[], culprit: OperationRow, error: SyncError): readonly Step[] {
  return rows.map((was) => {
    const why = was.seq === culprit.seq ? error : failedBy(was, culprit, error)
    return { was, now: sentTogether(beginRollback(was, why)) }
  })
}

function sentTogether(row: OperationRow): OperationRow {
  return row.transaction === undefined ? row : { ...row, transaction: { ...row.transaction, sent: 'together' } }
}

function laneOfRow({ user, entity, entityId }: OperationRow): string {
  return laneOf(user, entity, entityId)
}

/** Of one of them a migration made nothing: the whole waits until somebody has seen to that. */
function unusable(rows: readonly OperationRow[]): (row: OperationRow) => SyncError {
  const culprit = rows.find(isUnusable)
  const message = `Operation ${culprit?.id ?? ''} of the same transaction can't be migrated. See to that one, and the whole goes on.`
  return (row) => row.aside?.error ?? new SyncOperationError(row.id, MIGRATION_FAILED, message)
}
