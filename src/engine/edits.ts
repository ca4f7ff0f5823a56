import { SyncOperationError } from '../core/errors.ts'
import type { ConflictRecord, OperationRow, TransactionPart } from '../core/operation.ts'
import { settledConflict } from './conflict-store.ts'
import { markParentsAnew } from './dependencies.ts'
import { appendOperation, type Store } from './store.ts'
import { NO_AFTERMATH, type Transactions } from './transactions.ts'

export interface EditHooks {
  now(): number
  /** The row whose content is new, with the ids by which the server knows what it names, and dependent on the creates of that. */
  linked(row: OperationRow): Promise<OperationRow>
  /** The row whose content is new, with when that was made. */
  made(row: OperationRow): OperationRow
  /** A row was changed here; the owner looks again. */
  edited(row: OperationRow | undefined): void
  /** What the engine itself enqueued was stored. */
  accepted(rows: readonly OperationRow[]): void
  /** The conflict that the operation was parked for was decided here. */
  resolved(row: OperationRow, conflict: ConflictRecord): void
  /** With it the whole of its transaction was given up here; `left` was applied before, and can't be taken back. */
  gaveUp(transaction: TransactionPart, left: readonly OperationRow[]): void
}

export type Edits = ReturnType<typeof createEdits>

/** Changes of operations by the application, from any tab, with what they decide about conflicts. */
export function createEdits(user: string, store: Store, transactions: Transactions, hooks: EditHooks) {
  return {
    /** With what it means for the other members of its transaction. */
    async edit(id: string, change: (row: OperationRow) => OperationRow): Promise<void> {
      let [isResolved, aftermath] = [false, NO_AFTERMATH]
      const { changed, appended } = await store.edit(
        id,
        async (row) => {
          const next = change(ownedBy(user, row))
          return next.payload === row.payload ? next : hooks.linked(next)
        },
        async (row, next) => {
          const settled = settledConflict(row, next, hooks.now())
          isResolved = settled.length > 0
          aftermath = await transactions.editedAftermathOf(row, next)
          const { writes, undoing, unchanged } = aftermath
          const parents = await markParentsAnew(store, row, next)
          return {
            writes: [...settled, ...writes, ...undoing.map(appendOperation), ...parents.writes],
            unchanged: [...unchanged, ...parents.unchanged],
          }
        },
      )
      hooks.edited(changed)
      for (const { row, conflict } of aftermath.followers) {
        hooks.edited(row)
        if (conflict !== undefined) hooks.resolved(row, conflict)
      }
      if (aftermath.undoing.length > 0) hooks.accepted(aftermath.undoing.map((row, at) => ({ ...row, seq: appended[at] ?? 0 })))
      if (isResolved && changed.conflict !== undefined) hooks.resolved(changed, changed.conflict)
      if (changed.status === 'cancelled' && changed.transaction !== undefined) hooks.gaveUp(changed.transaction, aftermath.left)
    },
    edited: hooks.edited,
    now: hooks.now,
    made: hooks.made,
  }
}

/** One user neither sees nor sends what is another's (S25). */
export function ownedBy(user: string, row: OperationRow): OperationRow {
  if (row.user !== user) throw notFound(row.id)
  return row
}

export function notFound(id: string): SyncOperationError {
  return new SyncOperationError(id, 'not-found', `There is no operation ${id}. List them with operations.list().`)
}
