import type { Json, JsonObject } from './json.ts'
import { applyMergePatch, diffMergePatch } from './merge-patch.ts'
import { merge3, type MergeRules } from './merge.ts'
import { isMutation, type OperationRow, type Undo } from './operation.ts'
import { getOwn, isObject, withoutOwn } from './own.ts'
import { sameJson } from './same-json.ts'

/**
 * A member of a transaction, with what will take it back on the server should another member be refused after it; `base` is what it is made on. What the
 * application itself said stays. An action of its own can't be taken back otherwise, nor what is made on an entity that this device has never seen.
 */
export function undoable(row: OperationRow, base: Json | undefined): OperationRow {
  if (row.undo !== undefined) return row
  const undo = undoOf(row, base)
  return undo === undefined ? row : { ...row, undo: { ...undo, isReckoned: true } }
}

/** Its content is another: what takes that back is worked out when it is sent. */
export function withoutReckoned(row: OperationRow): OperationRow {
  if (row.undo?.isReckoned !== true) return row
  const { undo: _undo, ...kept } = row
  return kept
}

type Content = Pick<OperationRow, 'type' | 'payload'>

/** What it meets and overwrites is what it is taken back to, for others have made that since. What an earlier try may have made is set back, too. */
export function undoOver(
  { undo, wasInDoubt }: OperationRow,
  sent: Content,
  remote: Json | undefined,
): Pick<OperationRow, 'undo'> {
  const next = undo?.isReckoned === true ? undoOf(sent, remote) : undefined
  if (undo === undefined || next === undefined) return {}
  const isOfBoth = wasInDoubt === true && undo.type === 'update' && isObject(undo.payload) && isObject(next.payload)
  const payload = isOfBoth ? { ...undo.payload, ...next.payload } : next.payload
  return { undo: { type: next.type, payload, isReckoned: true } }
}

function undoOf({ type, payload }: Content, base: Json | undefined): Undo | undefined {
  if (type === 'create') return { type: 'delete', payload: null }
  if (!isObject(base)) return type === 'replace' ? { type: 'delete', payload: null } : undefined
  if (type === 'delete') return { type: 'create', payload: withoutOwn(base) }
  if (type === 'replace') return { type: 'replace', payload: withoutOwn(base) }
  return type === 'update' ? { type: 'update', payload: diffMergePatch(applyMergePatch(base, payload), base) } : undefined
}

/** The member once it is done, with what the server confirmed of what its undo sets back. */
export function confirmedAs(row: OperationRow, value: Json | undefined): OperationRow {
  const { type, transaction, undo } = row
  if (transaction?.sent !== 'oneByOne' || undo === undefined || !isMutation(type) || !isObject(value)) return row
  if (undo.type === 'replace') return { ...row, undo: { ...undo, confirmed: withoutOwn(value) } }
  if (undo.type !== 'update' || !isObject(undo.payload)) return row
  const { payload } = undo
  const confirmed = Object.fromEntries(Object.entries(value).filter(([field]) => Object.hasOwn(payload, field)))
  return { ...row, undo: { ...undo, confirmed } }
}

/** What became of its entity since. */
export interface Since {
  /** What the server last confirmed; undefined where that is not known, or it is gone. */
  readonly now: JsonObject | undefined
  readonly isGone: boolean
  /** What waits for it here. */
  readonly later: readonly OperationRow[]
}

/** What takes it back and leaves what was made of its entity since, or is to be made of it; undefined if these leave nothing of it. */
export function undoUnder(row: OperationRow, since: Since): Undo | undefined {
  const { undo } = row
  if (undo === undefined || !isMutation(undo.type)) return undo
  const { now, later } = since
  if (isMadeElse(row, undo, since) || later.some(({ type }) => type !== 'update' && isMutation(type))) return undefined
  const patches = later.flatMap(({ type, payload }) => (type === 'update' && isObject(payload) ? [payload] : []))
  const { type, payload } = stillToUndo(undo, now)
  if (type === 'replace') return { type, payload: patches.reduce<Json>(applyMergePatch, payload) }
  if (type !== 'update' || !isObject(payload)) return undo
  const left = patches.reduce(without, payload)
  return Object.keys(left).length === 0 ? undefined : { type, payload: left }
}

/** It was deleted since, or made anew, or what is there was never made by it: of what was done nothing is there. */
function isMadeElse({ type, status, payload }: OperationRow, undo: Undo, { now, isGone }: Since): boolean {
  if (status !== 'done') return type === 'create' && now !== undefined && !hasSomeOf(payload, now)
  return type === 'delete' ? undo.type === 'create' && now !== undefined : isMutation(type) && isGone
}

/** A create whose answer was lost may have made it: the rest could have been changed since. */
export function hasSomeOf(payload: Json | undefined, now: JsonObject): boolean {
  const fields = Object.entries(withoutOwn(payload ?? null) ?? {})
  return fields.length === 0 || fields.some(([field, value]) => sameJson(getOwn(now, field), value))
}

/** What is another than the server had confirmed stays. */
function stillToUndo({ type, payload, confirmed }: Undo, now: JsonObject | undefined): Undo {
  if (confirmed === undefined || now === undefined) return { type, payload }
  const [isWhole, remote] = [type === 'replace', withoutOwn(now)]
  const local = isWhole ? payload : applyMergePatch(confirmed, payload)
  const { value } = merge3({ base: confirmed, local, remote }, KEEP_REMOTE)
  return { type, payload: isWhole ? value : diffMergePatch(remote, value) }
}

const KEEP_REMOTE: MergeRules = { isWhole: () => false, settle: ({ remote }) => ({ value: remote }) }

/** A merge patch without what another sets. */
function without(patch: JsonObject, other: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(patch).flatMap(([key, value]) => {
      const set = getOwn(other, key)
      if (set === undefined) return [[key, value]]
      if (!isObject(value) || !isObject(set)) return []
      const left = without(value, set)
      return Object.keys(left).length === 0 ? [] : [[key, left]]
    }),
  )
}
