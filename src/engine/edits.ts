import { SyncOperationError } from '../core/errors.ts'
import type { ConflictRecord, OperationRow } from '../core/operation.ts'
import { settledConflict } from './conflict-store.ts'
import type { Store } from './store.ts'

export interface EditHooks {
  now(): number
  /** The row whose content is new, with when that was made. */
  made(row: OperationRow): OperationRow
  /** A row was changed here; the owner looks again. */
  edited(row: OperationRow | undefined): void
  /** The conflict that the operation was parked for was decided here. */
  resolved(row: OperationRow, conflict: ConflictRecord): void
}

export type Edits = ReturnType<typeof createEdits>

/** Changes of operations by the application, from any tab, with what they decide about conflicts. */
export function createEdits(user: string, store: Store, hooks: EditHooks) {
  return {
    async edit(id: string, change: (row: OperationRow) => OperationRow): Promise<void> {
      let isResolved = false
      const changed = await store.edit(
        id,
        (row) => change(ownedBy(user, row)),
        (row, next) => {
          const writes = settledConflict(row, next, hooks.now())
          isResolved = writes.length > 0
          return writes
        },
      )
      hooks.edited(changed)
      if (isResolved && changed.conflict !== undefined) hooks.resolved(changed, changed.conflict)
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

/** The row with the conflict that it was parked for decided. */
export function decided(row: OperationRow, resolution: ConflictRecord['resolution'], strategy: string): OperationRow {
  if (row.conflict?.resolution !== 'pending' || resolution === undefined) return row
  return { ...row, conflict: { ...row.conflict, resolution, strategy } }
}
