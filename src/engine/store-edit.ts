import { StorageConflictError, SyncOperationError } from '../core/errors.ts'
import { NEWER_BUILD } from '../core/migrate.ts'
import type { OperationRow } from '../core/operation.ts'
import type { CommitOptions, Expectation, Write } from '../core/ports.ts'
import { EDITS, META, OPERATIONS } from '../core/schema.ts'
import { editsIn } from './edits-counter.ts'
import type { RowStorage } from './shaped-storage.ts'

/** What is written with an edit, as long as these rows are as they were. */
export interface Also {
  readonly writes: readonly Write[]
  readonly unchanged: readonly OperationRow[]
}

export interface Edited {
  readonly changed: OperationRow
  /** The keys of appended rows. */
  readonly appended: readonly number[]
}

interface EditedStore {
  commit(writes: readonly Write[], options: CommitOptions): Promise<readonly number[]>
  byId(id: string): Promise<OperationRow | undefined>
}

const NOTHING_ELSE: Also = { writes: [], unchanged: [] }
const TRIES = 20

/** Changes one operation from any tab, in competition with the owner: whoever commits first wins, the other looks again. */
export function editIn(storage: RowStorage, { commit, byId }: EditedStore) {
  return async function edit(
    id: string,
    change: (row: OperationRow) => OperationRow | Promise<OperationRow>,
    also: (row: OperationRow, changed: OperationRow) => Promise<Also> = async () => NOTHING_ELSE,
  ): Promise<Edited> {
    for (let tries = 0; tries < TRIES; tries++) {
      const [row, edits] = [await byId(id), await editsIn(storage)]
      if (row === undefined)
        throw new SyncOperationError(id, 'not-found', `There is no operation ${id}. List them with operations.list().`)
      if (row.aside?.why === 'newer') throw new SyncOperationError(id, NEWER_BUILD, row.aside.error.message)
      const changed = await change(row)
      const more = await also(row, changed)
      const writes: Write[] = [
        { type: 'put', collection: OPERATIONS, value: changed, was: row },
        { type: 'put', collection: META, value: { name: EDITS, rev: edits + 1 } },
        ...more.writes,
      ]
      try {
        const appended = await commit(writes, {
          expect: [unchanged(row), editsUnchanged(edits), ...more.unchanged.map(unchanged)],
        })
        return { changed, appended }
      } catch (error) {
        if (!(error instanceof StorageConflictError)) throw error
      }
    }
    throw new SyncOperationError(id, 'busy', `Operation ${id} changed too often to be edited. Try again.`)
  }
}

function unchanged({ seq, rev }: OperationRow): Expectation {
  return { collection: OPERATIONS, key: seq, field: 'rev', equals: rev }
}

/** Holds as long as nobody edited an operation behind the owner's back. */
export function editsUnchanged(edits: number): Expectation {
  return edits === 0
    ? { collection: META, key: EDITS, absent: true }
    : { collection: META, key: EDITS, field: 'rev', equals: edits }
}
