import { applied, valueIn, type ActionEffects } from '../core/derive.ts'
import { withEffect, withReplaced, type EarlierBase, type Merge } from '../core/earlier.ts'
import { laneOf } from '../core/operation.ts'
import type { Clock } from '../core/ports.ts'
import type { EntityRow } from '../core/schema.ts'
import { sameJson } from '../core/same-json.ts'
import { compareVersions } from '../core/versions.ts'
import { isGone, isWithoutValue, mergedFrom, valueOf, type Confirmation } from './confirmation.ts'
import type { Generations } from './generations.ts'
import { lacksValue } from './holders.ts'
import type { Store } from './store.ts'

export interface Confirmed {
  readonly row: EntityRow
  /** Not always looked at where nothing is audited. */
  readonly was: EntityRow | undefined
}

/** What the rows of entities become by what the server confirmed of them; those that it leaves as they are are left out. */
export function createConfirmer(
  store: Store,
  user: string,
  { now }: Clock,
  pulls: Generations,
  actionsOf: (entity: string) => ActionEffects,
) {
  /** Of one lane there is one confirmation at most: its operations are in play one at a time. */
  return async function rowsAfter(confirmations: readonly Confirmation[]): Promise<readonly Confirmed[]> {
    const ours = confirmations.filter(({ theirs }) => theirs === undefined)
    const theirs = confirmations.filter((one) => one.theirs !== undefined)
    return [...(await rowsOfOurs(ours)), ...(await rowsOfTheirs(theirs))]
  }

  async function rowsOfOurs(confirmations: readonly Confirmation[]): Promise<readonly Confirmed[]> {
    if (confirmations.length === 0) return []
    const lanes = lanesOf(confirmations)
    const isNeeded = confirmations.some(needsRow)
    const held = isNeeded || store.isAudited ? await store.entities(lanes) : []
    const found = isNeeded ? held : []
    const merges = await mergesOf(confirmations, found, lanes)
    return confirmations.flatMap((one, at) => {
      const [key, current] = [lanes[at] ?? '', found[at]]
      const earlier = withEffect(current, one.operation, actionsOf(one.operation.entity), merges.get(key))
      if (!isOlder(one, current)) return [{ row: withEarlier(rowAfter(key, one, current), earlier), was: held[at] }]
      return current === undefined || earlier.length === 0 ? [] : [{ row: withEarlier(current, earlier), was: current }]
    })
  }

  /** As a page would bring them: what waits is compared with what it was made on. */
  async function rowsOfTheirs(confirmations: readonly Confirmation[]): Promise<readonly Confirmed[]> {
    if (confirmations.length === 0) return []
    const lanes = lanesOf(confirmations)
    const [found, seqs] = [await store.entities(lanes), await store.newestSeqs(lanes)]
    return confirmations.flatMap((one, at) => {
      const [key, current, newestSeq] = [lanes[at] ?? '', found[at], seqs[at]]
      if (isKnown(one, current)) return []
      const isLast = one.theirs === 'kept' && newestSeq === one.operation.seq
      const earlier = withReplaced(current, isLast ? undefined : newestSeq, one.version)
      return [{ row: { ...rowAfter(key, one, current), ...earlier }, was: current }]
    })
  }

  function lanesOf(confirmations: readonly Confirmation[]): readonly string[] {
    return confirmations.map(({ operation: { entity, entityId } }) => laneOf(user, entity, entityId))
  }

  function needsRow(one: Confirmation): boolean {
    return pulls.isPulled(one.operation.entity) || isWithoutValue(one) || one.wasLookedAt
  }

  /** By lane. */
  async function mergesOf(
    confirmations: readonly Confirmation[],
    found: readonly (EntityRow | undefined)[],
    lanes: readonly string[],
  ): Promise<ReadonlyMap<string, Merge>> {
    const merged = confirmations.flatMap((one, at) => {
      const version = hiddenFrom(one, found[at]) ?? mergedFrom(one, found[at])
      return version === undefined ? [] : [{ lane: lanes[at] ?? '', version }]
    })
    if (merged.length === 0) return NO_MERGES
    const seqs = await store.newestSeqs(merged.map(({ lane }) => lane))
    return new Map(merged.map(({ lane, version }, at) => [lane, { newestSeq: seqs[at] ?? 0, version }]))
  }

  /**
   * The version that came of the operation, if it hid from the view some of what others made after it, which was pulled before its answer came: what
   * was queued meanwhile was made on what the two together showed.
   */
  function hiddenFrom(one: Confirmation, current: EntityRow | undefined): string | undefined {
    const { operation, version = one.appliedTo } = one
    if (!isOlder(one, current) || version === current?.version) return undefined
    const value = valueIn(current)
    const shown = applied(value, operation, actionsOf(operation.entity))
    return shown === undefined || sameJson(shown, value) ? undefined : version
  }

  /** Where versions can't be compared, one that the operation was not made on has been pulled since it was sent. */
  function isOlder({ operation: { entity, type, baseVersion }, version }: Confirmation, current: EntityRow | undefined): boolean {
    const isChange = type !== 'create' && type !== 'delete'
    // What has left all parts that are followed is brought back by a page of one alone.
    if (isChange && current?.deletedAt !== undefined && pulls.partsOf(entity) !== undefined) return true
    if (!pulls.isPulled(entity) || current?.version === undefined) return false
    const order = compareVersions(current.version, version)
    if (order !== undefined) return order > 0
    if (baseVersion === undefined) return (type === 'create' || type === 'delete') && current.deletedAt === undefined
    return current.version !== baseVersion
  }

  /** What others made is in the store, or something newer. Where versions can't be compared, a page may have brought that since the operation was made. */
  function isKnown(
    { operation: { entity, baseVersion }, version, value }: Confirmation,
    current: EntityRow | undefined,
  ): boolean {
    if (current === undefined) return value === undefined
    const { deletedAt, version: held } = current
    if (deletedAt !== undefined && (value === undefined || pulls.partsOf(entity) !== undefined)) return true
    const order = compareVersions(held, version)
    if (order !== undefined) return order > 0 || (order === 0 && !lacksValue(current))
    return pulls.isPulled(entity) && (held === undefined || held !== baseVersion)
  }

  function rowAfter(key: string, one: Confirmation, current: EntityRow | undefined): EntityRow {
    const { operation, version } = one
    const [newest, isFresh] = [pulls.newest(operation.entity), pulls.isFresh(operation)]
    const generation = isFresh ? newest : current?.generation
    const met = generation === undefined ? {} : { generation }
    const own = { key, ...met, ...(isFresh || newest === undefined ? {} : { answeredIn: newest }) }
    if (isGone(one)) return { ...own, ...versionOf(version), deletedAt: now() }
    const scopes = pulls.partsOf(operation.entity) === undefined ? undefined : current?.scopes
    const held = { ...own, ...(scopes === undefined ? {} : { scopes }) }
    const told = valueOf(one)
    if (told !== undefined) return { ...held, ...versionOf(version), value: told }
    const value = applied(valueIn(current), operation, actionsOf(operation.entity))
    const from = operation.type === 'create' || operation.type === 'replace' ? undefined : mergedFrom(one, current)
    const reckoned = { isReckoned: true, ...(from === undefined ? {} : { reckonedFrom: from }) } as const
    return { ...held, ...versionOf(version), ...(value === undefined ? {} : { value, ...reckoned }) }
  }
}

const NO_MERGES: ReadonlyMap<string, Merge> = new Map()

function withEarlier(row: EntityRow, earlier: readonly EarlierBase[]): EntityRow {
  return earlier.length === 0 ? row : { ...row, earlier }
}

export function versionOf(version: string | undefined): { version?: string } {
  return version === undefined ? {} : { version }
}
