import type { Json } from './json.ts'
import type { EntityRow } from './schema.ts'

/**
 * What operations of ours were made on that wait while a pull replaces it: they are still to be compared with that, not with what came since (S12).
 * In the order of `upTo`.
 */
export interface EarlierBase {
  /** It is the base of operations up to this `seq`, as far as none before it in the list is. */
  readonly upTo: number
  readonly version?: string
  readonly value?: Json
}

/** What an operation that was never sent was made on; nothing if the server had no such entity. */
export function baseOf(entity: EntityRow | undefined, seq: number): Pick<EntityRow, 'version' | 'value'> | undefined {
  const earlier = earlierBase(entity, seq)
  if (earlier !== undefined) return earlier
  return entity?.deletedAt === undefined ? entity : undefined
}

export function earlierBase(entity: EntityRow | undefined, seq: number): EarlierBase | undefined {
  return entity?.earlier?.find(({ upTo }) => seq <= upTo)
}

/** The row is about to be replaced by what others made, of this version; `newestSeq` is the newest live operation of its lane. */
export function withReplaced(
  row: EntityRow | undefined,
  newestSeq: number | undefined,
  by: string | undefined,
): Pick<EntityRow, 'earlier'> {
  if (row === undefined || newestSeq === undefined) return {}
  const { earlier = [], version, value, deletedAt } = row
  const isKnown = newestSeq <= (earlier.at(-1)?.upTo ?? -1)
  const isSame = version !== undefined && version === by
  if (isKnown || isSame || deletedAt !== undefined) return earlier.length === 0 ? {} : { earlier }
  const replaced = { upTo: newestSeq, ...(version === undefined ? {} : { version }), ...(value === undefined ? {} : { value }) }
  return { earlier: [...earlier, replaced] }
}

/** An operation was applied before what the row holds was made: what waits behind it was made on its effect. Undefined if nothing does. */
export function withOlderAnswer(row: EntityRow, seq: number, answer: Omit<EarlierBase, 'upTo'>): EntityRow | undefined {
  const [next, ...others] = (row.earlier ?? []).filter(({ upTo }) => upTo > seq)
  return next === undefined ? undefined : { ...row, earlier: [{ upTo: next.upTo, ...answer }, ...others] }
}
