import { isTerminal, laneOf, type NewOperationRow, type OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import type { Expectation, Write } from '../core/ports.ts'
import { isOperationRow, OPERATIONS, readOperation } from '../core/schema.ts'
import { mayBeNamed, renamed, type Names } from '../core/server-ids.ts'
import type { Confirmation } from './confirmation.ts'
import { editsUnchanged } from './store-edit.ts'
import { updateOperation, type Store } from './store.ts'
import { wholeLanes } from './whole-lanes.ts'

export interface Renaming {
  readonly writes: readonly Write[]
  /** About the entities by their new names. */
  readonly confirmations: readonly Confirmation[]
  /** Operations that are in another lane from then on. */
  readonly moved: readonly OperationRow[]
  /** What was enqueued or edited meanwhile may name a temporary id. */
  readonly expect: readonly Expectation[]
}

export type Renamer = ReturnType<typeof createRenamer>

/** Replaces temporary ids by those that the server has given, in the commit that stores its answers: in all that is live and was never attempted (B8, S5). */
export function createRenamer({ entities, user }: Pick<Settings, 'entities' | 'user'>, store: Store) {
  function namesIn(confirmations: readonly Confirmation[]): Names {
    return new Map(
      confirmations.flatMap(({ operation, id }) => {
        const isNamed = id !== undefined && id !== operation.entityId && mayBeNamed(entities, operation)
        return isNamed ? [[laneOf(user, operation.entity, operation.entityId), id] as const] : []
      }),
    )
  }

  /** All that is in one of these lanes, or may refer to what is. */
  async function concerned(names: Names, named: ReadonlySet<string>): Promise<readonly OperationRow[]> {
    const lanes = await wholeLanes(store.storage, [...names.keys()])
    const kinds = Object.entries(entities).filter(([, { references = {} }]) =>
      Object.values(references).some((kind) => named.has(kind)),
    )
    const found = lanes.flatMap((entries) => entries.flatMap((entry) => readOperation(entry) ?? []))
    for (const [kind] of kinds) found.push(...(await store.live(user, Infinity, () => true, kind)))
    return [...new Map(found.map((row) => [row.seq, row])).values()]
  }

  return {
    /** Whether these confirmations tell ids that are news. */
    isNeeded: (confirmations: readonly Confirmation[]): boolean => namesIn(confirmations).size > 0,

    /** What is enqueued in the same commit, by the ids that these confirmations tell. */
    named(rows: readonly NewOperationRow[], confirmations: readonly Confirmation[]): readonly NewOperationRow[] {
      const names = namesIn(confirmations)
      return rows.map((row) => renamed(row, names, entities))
    },

    /** What is to be written instead of these writes. */
    async rename(writes: readonly Write[], confirmations: readonly Confirmation[]): Promise<Renaming> {
      const names = namesIn(confirmations)
      const edits = await store.edits()
      const rows = await concerned(names, new Set(confirmations.map(({ operation }) => operation.entity)))
      const created = new Set(confirmations.map(({ operation }) => operation.id))
      const written = new Set(writes.flatMap((write) => rowIn(write)?.seq ?? []))
      const changes = rows.flatMap((was) => {
        const now = written.has(was.seq) || !isOpen(was) ? was : renamed(was, names, entities)
        return now === was ? [] : [{ was, now: { ...now, rev: was.rev + 1 } }]
      })
      return {
        writes: [
          ...writes.map((write) => renamedWrite(write, names, created)),
          ...changes.map(({ was, now }) => updateOperation(now, was)),
        ],
        confirmations: confirmations.map((one) => renamedConfirmation(one, names)),
        moved: changes.flatMap(({ was, now }) => (now.lane === was.lane ? [] : [now])),
        expect: [editsUnchanged(edits)],
      }
    },
  }

  /** The create itself is told of by the new name; what was put back before it left is sent by it. */
  function renamedWrite(write: Write, names: Names, created: ReadonlySet<string>): Write {
    const row = rowIn(write)
    if (write.type !== 'put' || row === undefined || !(isTerminal(row.status) ? created.has(row.id) : isOpen(row))) return write
    const now = renamed(row, names, entities)
    return now === row ? write : { ...write, value: now }
  }

  function renamedConfirmation(one: Confirmation, names: Names): Confirmation {
    const { user: whose, entity, entityId } = one.operation
    const to = mayBeNamed(entities, one.operation) ? names.get(laneOf(whose, entity, entityId)) : undefined
    return to === undefined ? one : { ...one, operation: renamed(one.operation, names, entities), formerId: entityId }
  }
}

function rowIn(write: Write): OperationRow | undefined {
  return write.type === 'put' && write.collection === OPERATIONS && isOperationRow(write.value) ? write.value : undefined
}

/** Its request is yet to be made: what was sent is sent as it was (S5), and what is in play is written by whoever plays it. */
function isOpen({ status, request }: OperationRow): boolean {
  return request === undefined && (status === 'queued' || status === 'waiting' || status === 'parked')
}
