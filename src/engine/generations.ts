import type { OperationRow } from '../core/operation.ts'
import type { Write } from '../core/ports.ts'
import { pullRowName, type PullRow } from '../core/pull-row.ts'
import { META, OPERATIONS, isCounter, isOperationRow } from '../core/schema.ts'
import { isSame } from './scopes.ts'
import { PAGE_LIMIT, type EntityPage, type Store } from './store.ts'

/** How far each part of an entity has been pulled; undefined for those of which nothing was. */
export type Parts = ReadonlyMap<string, PullRow | undefined>

/** The newest pull from the beginning of a kind of entity, or of one of its parts. */
interface Run {
  readonly generation: number
  /** It is under way; of parts, that of any is. */
  readonly isPartial: boolean
  /** Operations that were sent for the first time since it began: whatever becomes of what they made, its pages tell. */
  readonly fresh: Set<string>
}

export type Generations = ReturnType<typeof createGenerations>

/** What the owner knows of the pulls, by entity: it alone writes how far they are. */
export function createGenerations(user: string) {
  const runs = new Map<string, Run>()
  const followed = new Map<string, Map<string, PullRow | undefined>>()

  function noteParts(entity: string, row: PullRow): void {
    if (row.scope !== undefined) followed.get(entity)?.set(row.scope, row)
    else if (row.parts === undefined) followed.delete(entity)
    else followed.set(entity, new Map(row.parts.map((scope) => [scope, undefined])))
  }

  function runOf(entity: string, row: PullRow, known: Run | undefined): Run {
    if (row.scope === undefined) return { generation: row.generation, isPartial: row.isPartial, fresh: new Set() }
    const isPartial = [...(followed.get(entity)?.values() ?? [])].some((part) => part?.isPartial === true)
    return { generation: Math.max(known?.generation ?? 0, row.generation), isPartial, fresh: new Set() }
  }

  return {
    /** As all of it lies in the store: the row of an entity before those of its parts. */
    load(rows: readonly (readonly [entity: string, row: PullRow])[]): void {
      runs.clear()
      followed.clear()
      for (const [entity, row] of rows) this.note(entity, row)
    },
    note(entity: string, row: PullRow): void {
      noteParts(entity, row)
      const known = runs.get(entity)
      const next = runOf(entity, row, known)
      const isSame = known !== undefined && known.generation === next.generation && next.isPartial
      runs.set(entity, isSame ? known : next)
    },
    isPulled: (entity: string): boolean => runs.has(entity),
    newest: (entity: string): number | undefined => runs.get(entity)?.generation,
    /** Undefined where the entity is pulled as a whole, or not at all. */
    partsOf: (entity: string): Parts | undefined => followed.get(entity),
    /** The row of the entity names these parts, and how far others were pulled is not kept. */
    isDividedInto(scopes: readonly string[], entity: string, { parts = [] }: PullRow): boolean {
      const kept = followed.get(entity)
      return kept !== undefined && isSame([...kept.keys()], scopes) && isSame(parts, scopes)
    },
    /** How far the other parts have been pulled is forgotten. */
    endAllBut: (entity: string, scopes: readonly string[]): Write[] =>
      [...(followed.get(entity)?.keys() ?? [])]
        .filter((scope) => !scopes.includes(scope))
        .map((scope) => ({ type: 'delete', collection: META, key: pullRowName(user, entity, scope) })),
    /** Sent for the first time since the present run began. */
    isFresh({ id, entity }: OperationRow): boolean {
      const run = runs.get(entity)
      return run === undefined || !run.isPartial || run.fresh.has(id)
    },
    noteFirstSends(writes: readonly Write[]): void {
      for (const write of writes) {
        if (write.type !== 'put' || write.collection !== OPERATIONS || !isOperationRow(write.value)) continue
        const { id, entity, status, attempts } = write.value
        const run = runs.get(entity)
        if (status === 'sending' && attempts === 1 && run?.isPartial === true) run.fresh.add(id)
      }
    },
  }
}

/** Where it was lost how far pulls had come, rows of an earlier one are not to be taken for met: the generation after all of theirs. */
export async function firstAfter(store: Store, user: string, entity: string, { rows, last }: EntityPage): Promise<number> {
  const newest = rows.reduce((most, { generation }) => (isCounter(generation) ? Math.max(most, generation) : most), 0)
  if (last === undefined) return newest + 1
  const next = await store.entityPage(user, entity, last, PAGE_LIMIT)
  return Math.max(newest + 1, await firstAfter(store, user, entity, next))
}
