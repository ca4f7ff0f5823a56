import { applied, valueIn, type ActionEffects } from './derive.ts'
import type { Json } from './json.ts'
import type { OperationRow, SetAside } from './operation.ts'
import { isObject } from './own.ts'
import type { EntityRow } from './schema.ts'

/**
 * What operations of ours were made on that wait while what others made replaces it, be it by a pull or merged with an operation before them: they
 * are still to be compared with that, not with what came since (S12).
 * In the order of `upTo`.
 */
export interface EarlierBase {
  /** It is the base of operations up to this `seq`, as far as none before it in the list is. */
  readonly upTo: number
  readonly version?: string
  readonly value?: Json
  /** The version of its entity in the application that the value has the shape of; absent: 1. */
  readonly shape?: number
  /** Then there is no value. */
  readonly aside?: SetAside<Json>
}

/** What an operation that was never sent was made on; nothing if the server had no such entity. */
export function baseOf(entity: EntityRow | undefined, seq: number): Pick<EntityRow, 'version' | 'value'> | undefined {
  const earlier = earlierBase(entity, seq)
  if (earlier !== undefined) return earlier
  if (entity === undefined || entity.deletedAt !== undefined) return undefined
  return held({ version: shownVersion(entity), value: entity.value })
}

/** The version that the value is of. */
export function shownVersion(row: Pick<EntityRow, 'version' | 'reckonedFrom'> | undefined): string | undefined {
  return row?.reckonedFrom ?? row?.version
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
  const { earlier = [], value, aside, deletedAt } = row
  const version = shownVersion(row)
  const isKnown = newestSeq <= (earlier.at(-1)?.upTo ?? -1)
  const isSame = version !== undefined && version === by
  if (isKnown || isSame || deletedAt !== undefined) return earlier.length === 0 ? {} : { earlier }
  return { earlier: [...earlier, { upTo: newestSeq, ...held({ version, value, aside }) }] }
}

/** What came of an operation has something of others in it, which those that wait up to `newestSeq` were not made on. */
export interface Merge {
  readonly newestSeq: number
  /** What the operation itself was made on, or would have been. */
  readonly version: string
}

/** The server has confirmed an operation: what waits behind it was made on its effect, too. */
export function withEffect(
  row: EntityRow | undefined,
  operation: OperationRow,
  actions: ActionEffects,
  merge: Merge | undefined,
): readonly EarlierBase[] {
  const waiting = (row?.earlier ?? []).filter(({ upTo }) => upTo > operation.seq)
  const isNews = merge !== undefined && merge.newestSeq > Math.max(operation.seq, waiting.at(-1)?.upTo ?? 0)
  const last = isNews ? [{ upTo: merge.newestSeq, ...held({ version: merge.version, value: valueIn(row) }) }] : []
  return [...waiting, ...last].map((base) => effectOn(base, operation, actions))
}

function effectOn(base: EarlierBase, operation: OperationRow, actions: ActionEffects): EarlierBase {
  const { upTo, version } = base
  const value = applied(isObject(base.value) ? base.value : undefined, operation, actions)
  return { upTo, ...held({ version, value }) }
}

function held({
  version,
  value,
  aside,
}: {
  readonly version?: string | undefined
  readonly value?: Json | undefined
  readonly aside?: SetAside<Json> | undefined
}): Omit<EarlierBase, 'upTo'> {
  return {
    ...(version === undefined ? {} : { version }),
    ...(value === undefined ? {} : { value }),
    ...(aside === undefined ? {} : { aside }),
  }
}
