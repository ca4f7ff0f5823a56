import type { Change } from '../core/ports.ts'
import type { PullRow } from '../core/pull-row.ts'
import type { EntityRow } from '../core/schema.ts'
import { compareVersions } from '../core/versions.ts'
import type { Parts } from './generations.ts'

/**
 * Where only parts of an entity are followed, a row is there as long as one of them holds it: those in which a page has met it, each with the
 * generation of that pull. A row that none has met yet is one of our own, which an answer brought.
 */
type Holders = Pick<EntityRow, 'scopes'>

/** What a page tells of each: where it names one twice the newer counts, or the later where that can't be told. */
export function newestByKey(changes: readonly Change[], keyOf: (change: Change) => string): ReadonlyMap<string, Change> {
  const newest = new Map<string, Change>()
  for (const change of changes) {
    const key = keyOf(change)
    if ((compareVersions(newest.get(key)?.version, change.version) ?? 0) <= 0) newest.set(key, change)
  }
  return newest
}

/** Whether it is noted already that this pull has met the row. */
function isMetBy({ scope, generation }: PullRow, row: EntityRow): boolean {
  if (scope === undefined) return row.generation === generation
  return row.deletedAt !== undefined || row.scopes?.[scope] === generation
}

/** The row once this pull has met it. */
export function noted(row: EntityRow, pull: PullRow): EntityRow {
  if (isMetBy(pull, row)) return row
  const { scopes: _scopes, answeredIn: _answeredIn, ...alone } = row
  return pull.scope === undefined ? { ...alone, generation: pull.generation } : { ...row, ...holdersOf(row, pull) }
}

/** Who holds a row that a page brings. */
export function holdersOf(row: EntityRow | undefined, { scope, generation }: PullRow): Holders {
  if (scope === undefined) return {}
  return { scopes: { ...(row?.deletedAt === undefined ? row?.scopes : {}), [scope]: generation } }
}

/**
 * How what is stored stands to what a page tells of it: negative if it is to give way. What was learned before a pull from the beginning began
 * gives way to that, whatever its version. At one and the same version an entity is there for one part and has left another: then it is there, unless
 * none holds it.
 */
export function orderOf(
  row: EntityRow | undefined,
  change: Change | undefined,
  pull: PullRow,
  isConfirmedMeanwhile: boolean,
): number | undefined {
  if (row !== undefined && !isConfirmedMeanwhile && isOutdated(row, pull)) return -1
  const order = compareVersions(row?.version, change?.version)
  if (order !== 0 || pull.scope === undefined || change === undefined) return order
  return (row?.deletedAt === undefined) === 'deleted' in change ? -1 : 0
}

function isOutdated(row: EntityRow, { scope, generation }: PullRow): boolean {
  const learnedIn = row.answeredIn ?? row.generation
  return scope === undefined ? learnedIn !== generation : (learnedIn ?? 0) < generation
}

/** An answer without the entity left us with its version, and a value of our own at best; a migration may have failed of what there was. */
export function lacks(current: EntityRow | undefined, change: Change): boolean {
  return lacksValue(current) && 'value' in change
}

export function lacksValue(row: EntityRow | undefined): boolean {
  const isTold = row?.value !== undefined && row.isReckoned !== true
  return row?.deletedAt === undefined && row?.aside?.why !== 'newer' && !isTold
}

/**
 * What has left the part that holds it is gone also where an answer to one of our own operations has brought it in a newer version since: if it is in the
 * part again, a later page tells of that.
 */
export function departed(change: Change | undefined, row: EntityRow | undefined, { scope }: PullRow): Change | undefined {
  if (change === undefined || !('deleted' in change) || scope === undefined || row?.scopes?.[scope] === undefined) return change
  return (compareVersions(row.version, change.version) ?? 0) > 0 ? { ...change, version: row.version } : change
}

/** The row after it has left a part; undefined if no other holds it. */
export function heldByOthers(row: EntityRow | undefined, scope: string | undefined): EntityRow | undefined {
  return row === undefined || scope === undefined || row.deletedAt !== undefined ? undefined : heldBy(row, (one) => one !== scope)
}

function heldBy(row: EntityRow, goesOn: (scope: string) => boolean): EntityRow | undefined {
  const all = Object.entries(row.scopes ?? {})
  const left = all.filter(([scope]) => goesOn(scope))
  if (left.length === 0) return undefined
  return left.length === all.length ? row : { ...row, scopes: Object.fromEntries(left) }
}

/**
 * What a pull from the beginning leaves of a row at its end: undefined if it is gone. What a page has named that could not be used is there, though the
 * row of it may have come later, by an answer to an operation that was sent before.
 */
export function afterPull(
  row: EntityRow,
  pull: PullRow,
  parts: Parts | undefined,
  named: ReadonlySet<string>,
): EntityRow | undefined {
  const { scope, generation } = pull
  if (scope === undefined && named.has(row.key) && row.generation !== generation) return noted(row, pull)
  if (scope === undefined) return row.generation === generation ? row : undefined
  if (row.scopes === undefined) return isOutlived(row, parts) ? undefined : row
  return (row.scopes[scope] ?? generation) === generation ? row : heldByOthers(row, scope)
}

/** Each part was pulled from the beginning since this was learned, and none has met it. */
function isOutlived({ generation = 0 }: EntityRow, parts: Parts | undefined): boolean {
  const all = [...(parts?.values() ?? [])]
  return all.every((part) => part !== undefined && !part.isPartial && part.generation > generation)
}

/** What is left of a row where only these parts are followed: undefined if it is gone. What none has met waits for the pull of all. */
export function afterChoice(row: EntityRow, scopes: readonly string[]): EntityRow | undefined {
  if (row.scopes === undefined) return scopes.length === 0 ? undefined : row
  return heldBy(row, (scope) => scopes.includes(scope))
}
