import { isKeptId } from '../core/entity-id.ts'
import type { Pulled } from '../core/ports.ts'
import type { PullRow, Quarantined } from '../core/pull-row.ts'

type Page = Extract<Pulled, { type: 'page' }>

/** Of more than these nothing is kept in mind: they come with their next change, or when everything is pulled again. */
const MOST = 100
const FIRST_WAIT_MS = 60_000
const LONGEST_WAIT_MS = 86_400_000

/** What a page could not bring is to be asked for alone later. Whether it belongs to a part its answer would not tell. */
export function afterPage(
  { scope, quarantined = [] }: PullRow,
  { changes, unusable }: Page,
  now: number,
): readonly Quarantined[] {
  if (scope !== undefined || (quarantined.length === 0 && unusable.length === 0)) return []
  const brought = new Set(changes.map(({ id }) => id))
  const left = quarantined.filter(({ id }) => !brought.has(id))
  const known = new Set(left.map(({ id }) => id))
  const ids = new Set(unusable.flatMap(({ id }) => (isAwaited(id) && !known.has(id) && !brought.has(id) ? id : [])))
  return [...left, ...[...ids].map((id) => ({ id, tries: 0, dueAt: now + waitMs(0) }))].slice(0, MOST)
}

/** It is named, and a store could keep it. */
function isAwaited(id: string | undefined): id is string {
  return id !== undefined && isKeptId(id)
}

/** Each time after twice as long. */
function waitMs(tries: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries)
}

/** The first that is due. A clock that was set back lets none wait longer than it was to. */
export function dueIn({ isPartial, quarantined = [] }: PullRow, now: number): Quarantined | undefined {
  return isPartial ? undefined : quarantined.find(({ dueAt, tries }) => dueAt <= now || dueAt > now + waitMs(tries))
}

export function withoutIt(row: PullRow, { id }: Quarantined): PullRow {
  return withQuarantined(
    row,
    (row.quarantined ?? []).filter((one) => one.id !== id),
  )
}

/** Last of all, and later. */
export function putOff(row: PullRow, one: Quarantined, now: number): PullRow {
  const tries = one.tries + 1
  const later = { id: one.id, tries, dueAt: now + waitMs(tries) }
  return withQuarantined(row, [...(withoutIt(row, one).quarantined ?? []), later])
}

export function withQuarantined({ quarantined: _, ...row }: PullRow, quarantined: readonly Quarantined[]): PullRow {
  return quarantined.length === 0 ? row : { ...row, quarantined }
}
