import { SyncOperationError, type SyncError } from '../core/errors.ts'
import { isTerminal, laneOf, type OperationRow } from '../core/operation.ts'
import { beginRollback } from '../core/rows.ts'
import { readOperation, type EntityRow } from '../core/schema.ts'
import { failedBy } from '../core/transaction.ts'
import type { Blockage, Choice, Dependency } from './chooser.ts'
import { errorOf } from './optimistic.ts'
import { updateOperation, type Store } from './store.ts'
import type { Transactions } from './transactions.ts'

export interface TransactionChooserParts {
  readonly store: Store
  readonly transactions: Transactions
  /** Whether the server takes several operations as one. */
  isAtomic(): boolean
  claimed(row: OperationRow, entity: EntityRow | undefined): OperationRow
  dependencyOf(row: OperationRow, dependsOn: readonly string[]): Promise<Dependency>
}

interface Step {
  readonly was: OperationRow
  readonly now: OperationRow
}

type Members = readonly (OperationRow | undefined)[]

/**
 * Whether a member of a transaction, at the head of its lane, may go. Sent together, the first of them is played once all stand at the heads of their
 * lanes; sent one by one, each goes when the one before it is done. `alone`: it may go as any other operation does.
 */
export function createTransactionChooser({ store, transactions, isAtomic, claimed, dependencyOf }: TransactionChooserParts) {
  return async function choose(
    lane: string,
    first: OperationRow,
    nextRank: number | undefined,
    now: number,
  ): Promise<Choice | Blockage | 'alone'> {
    const members = await transactions.membersOf(first)
    const place = first.transaction?.place ?? 0
    if (sentHow(members) === 'oneByOne') return afterThoseBefore(first, members.slice(0, place).at(-1))
    const leader = members[0]
    if (place > 0 && leader !== undefined && !isTerminal(leader.status)) return waitsFor(first, leader.id)
    if (first.status === 'parked') return { type: 'parked' }
    if (first.status === 'waiting' && (first.dueAt ?? 0) > now) return { type: 'notDue', dueAt: first.dueAt ?? 0 }
    if (first.status === 'reconciling' || first.status === 'rollingBack')
      return { lane, row: first, ended: [], writes: [updateOperation(first, first)], nextRank }
    const rows = members.flatMap((row) => (row === undefined || isTerminal(row.status) ? [] : [row]))
    const steps = rows.length < members.length ? failing(rows, first, lost(first)) : await stepsOf(first, rows)
    if ('type' in steps) return steps
    const writes = steps.map((step) => updateOperation(step.now, step.was))
    return { lane, row: steps.find(({ was }) => was.seq === first.seq)?.now ?? first, ended: [], writes, nextRank }
  }

  /** What was done is kept until the whole has ended: so one that is missing is lost. */
  function sentHow(members: Members): 'together' | 'oneByOne' {
    const sent = members.find((row) => row?.transaction?.sent !== undefined)?.transaction?.sent
    return sent ?? (isAtomic() ? 'together' : 'oneByOne')
  }

  async function stepsOf(first: OperationRow, rows: readonly OperationRow[]): Promise<readonly Step[] | Blockage> {
    const own = new Set(rows.map(({ id }) => id))
    const ahead = await aheadOf(rows)
    if (ahead !== undefined) return waitsFor(first, ahead)
    for (const row of rows) {
      const dependency = await dependencyOf(
        row,
        (row.dependsOn ?? []).filter((id) => !own.has(id)),
      )
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

function afterThoseBefore(first: OperationRow, before: OperationRow | undefined): Blockage | 'alone' {
  return before === undefined || isTerminal(before.status) ? 'alone' : waitsFor(first, before.id)
}

function waitsFor(row: OperationRow, on: string): Blockage {
  return { type: 'dependency', on, rank: row.rank ?? 0 }
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

function lost({ id, transaction }: OperationRow): SyncError {
  const message = `Another operation of its transaction ${transaction?.id ?? ''} is lost or was discarded, so nothing of it is sent. Enqueue the whole anew.`
  return new SyncOperationError(id, 'transaction-incomplete', message)
}
