import { sameJson } from './same-json.ts'
import type { Conflict, EntityOptions, Resolution } from './conflict.ts'
import { causalOrder, conflictOf, mergeOf, type Sides } from './detect.ts'
import { ConflictError, type SyncError } from './errors.ts'
import { isThere } from './is-there.ts'
import type { Json, JsonObject } from './json.ts'
import { applyMergePatch, diffMergePatch } from './merge-patch.ts'
import { isMutation, type ConflictRecord, type ConflictResolution, type OperationRow } from './operation.ts'
import type { Fetched, PreparedRequest } from './ports.ts'
import { withoutOwn } from './own.ts'
import { hasSomeOf } from './undo.ts'
import { unstamped, wasMerged } from './was-merged.ts'

/** How a refused operation goes on. */
export type Decision =
  | { readonly type: 'done'; readonly value?: Json | undefined; readonly version?: string | undefined }
  | {
      readonly type: 'resend'
      readonly as: string
      readonly payload: Json
      readonly version?: string | undefined
      readonly conflict?: ConflictRecord
      /** What the operation was made on: should it be refused again, what is in the store no longer tells. */
      readonly base?: Json | undefined
    }
  /** `isUnusable`: what the server has may not be shown, for the schema refuses it. */
  | { readonly type: 'park'; readonly error: SyncError; readonly conflict?: ConflictRecord; readonly isUnusable?: true }
  | { readonly type: 'refuse'; readonly error: SyncError; readonly conflict?: ConflictRecord }
  /** Looking at the server failed, needs credentials, or may not leave now: it is done again later, and no sooner than the server asked for. */
  | { readonly type: 'failed'; readonly error: SyncError; readonly retryAfterMs?: number | undefined }
  | { readonly type: 'auth' | 'heldBack'; readonly error: SyncError }

/** What was decided; a request that is to be sent comes prepared. */
export type PreparedDecision =
  | Exclude<Decision, { type: 'resend' }>
  | (Extract<Decision, { type: 'resend' }> & {
      readonly request: PreparedRequest
      /** The server has all of it already: only other members of its transaction are to be sent. */
      readonly isMet?: true
    })

type Found = Extract<Fetched, { type: 'found' }>

/** What the server has of the entity. */
export type Seen = Found | Extract<Fetched, { type: 'absent' }>

export type Examination = Decision | { readonly type: 'conflict'; readonly conflict: Conflict }

/**
 * Compares what the operation wanted with what the server has, before anything is called a conflict: an effect of our own that is
 * already there is success (S13), and what only one side changed is merged.
 */
export function examine(
  row: OperationRow,
  base: Json | undefined,
  fetched: Fetched,
  rules: EntityOptions = NO_RULES,
): Examination {
  if (fetched.type === 'failed' || fetched.type === 'auth') return fetched
  if (!isMutation(row.type)) return examineAction(row, base, fetched, rules)
  if (fetched.type === 'absent') return examineAbsent(row, base, rules)
  if (row.looksFirst) return examineMade(row, base, fetched)
  const { value: remote, version } = fetched
  const sides = { base, local: localOf(row, base, remote), remote, version }
  if (isThere(row, remote)) return { type: 'done', value: remote, version }
  const order = causalOrder(row, sides, rules)
  if (order === 'before') return { type: 'done', value: remote, version }
  if (order === 'after' || order === 'equal') return asItIs(row, remote, version)
  if (row.type === 'delete') return examineDelete(row, sides, rules)
  if (row.type === 'update') return examineUpdate(row, sides, rules)
  const type = row.type === 'create' ? 'create-create' : 'update-update'
  return {
    type: 'conflict',
    conflict: conflictOf(row, type, type === 'create-create' ? { ...sides, base: undefined } : sides, rules),
  }
}

const NO_RULES: EntityOptions = {}

/** How a conflict is settled: `merge` takes the given side where both changed a field and no rule says otherwise. */
export type Settlement = Resolution | { readonly merge: 'local' | 'remote' }

export interface ResolveOptions {
  readonly rules?: EntityOptions
  /** Who resolved it. */
  readonly strategy?: string
  /** What was decided about this very conflict before, and is held to. */
  readonly held?: ConflictRecord | undefined
  /** The time. */
  readonly at?: number
}

/** Turns a resolution of a conflict into what happens next. */
export function resolve(
  row: OperationRow,
  conflict: Conflict,
  resolution: Settlement,
  { rules = NO_RULES, strategy = 'merge', held, at = 0 }: ResolveOptions = {},
): Decision {
  const how = { resolution: resolutionOf(resolution), strategy, detectedAt: at }
  const record = held?.id === undefined ? recordOf(row, conflict, how) : held
  if (resolution === 'manual') return { type: 'park', conflict: record, error: new ConflictError(needsDecision(conflict)) }
  if (resolution === 'remote') return keepRemote(conflict, record)
  if (typeof resolution === 'object' && 'merge' in resolution) return mergeInto(row, conflict, resolution.merge, record, rules)
  if (row.type === 'delete' && resolution === 'local') return deleteAgain(conflict, record)
  if (!isMutation(row.type)) return again(row, conflict, resolution, record)
  const wanted = typeof resolution === 'object' ? resolution.value : conflict.local
  return { ...towards(row, conflict, wanted ?? null), conflict: record }
}

function resolutionOf(resolution: Settlement): ConflictResolution {
  if (resolution === 'manual') return 'pending'
  if (typeof resolution === 'string') return resolution
  return 'merge' in resolution ? 'merged' : 'value'
}

/** What can't be merged goes to one side: that a deletion was made there stands, one of our own is made. */
function mergeInto(
  row: OperationRow,
  conflict: Conflict,
  side: 'local' | 'remote',
  record: ConflictRecord,
  rules: EntityOptions,
): Decision {
  if (conflict.merged === undefined) {
    if (conflict.remote === undefined) return keepRemote(conflict, { ...record, resolution: 'remote' })
    const local = { ...record, resolution: 'local' } as const
    return row.type === 'delete' ? deleteAgain(conflict, local) : again(row, conflict, 'local', local)
  }
  const wanted = (side === 'local' ? conflict.merged : mergeOf(row, conflict, rules, side)?.value) ?? null
  if (sameJson(unstamped(wanted, rules), unstamped(conflict.remote ?? null, rules))) {
    if (wasMerged(row, conflict, rules)) return { type: 'done', value: conflict.remote, version: conflict.remoteVersion }
    return keepRemote(conflict, { ...record, resolution: 'remote' })
  }
  return { ...towards(row, conflict, wanted), conflict: record }
}

function keepRemote(conflict: Conflict, record: ConflictRecord): Decision {
  const kept =
    conflict.remote === undefined ? `${nameOf(conflict)} was deleted on the server` : `The server's ${nameOf(conflict)} was kept`
  return { type: 'refuse', error: new ConflictError(`${kept}; this change was dropped.`), conflict: record }
}

function deleteAgain(conflict: Conflict, record: ConflictRecord): Decision {
  return { type: 'resend', as: 'delete', payload: null, version: conflict.remoteVersion, conflict: record }
}

/** What an action of the application does to the entity is known to the server alone: nothing is compared or merged. */
function examineAction(row: OperationRow, base: Json | undefined, fetched: Seen, rules: EntityOptions): Examination {
  const [remote, version] = fetched.type === 'found' ? [fetched.value, fetched.version] : [undefined, undefined]
  const type = remote === undefined ? 'update-delete' : 'version'
  return { type: 'conflict', conflict: conflictOf(row, type, { base, local: undefined, remote, version }, rules) }
}

/** The same action, on the version that the server has now. */
function again(row: OperationRow, conflict: Conflict, resolution: Resolution, record: ConflictRecord): Decision {
  const payload = typeof resolution === 'object' ? resolution.value : row.payload
  return { type: 'resend', as: row.type, payload, version: conflict.remoteVersion, conflict: record }
}

/** Both sides as they are, where the schema of the entity leaves to a person what could be merged. */
export function conflictAt(row: OperationRow, base: Json | undefined, fetched: Seen): Conflict {
  if (fetched.type === 'absent') {
    const sides = { base, local: localOf(row, base, {}), remote: undefined, version: undefined }
    return conflictOf(row, 'update-delete', sides, NO_RULES)
  }
  const { value: remote, version } = fetched
  const type = row.type === 'create' ? 'create-create' : row.type === 'delete' ? 'delete-update' : 'update-update'
  const common = row.type === 'create' ? undefined : base
  return conflictOf(row, type, { base: common, local: localOf(row, base, remote), remote, version }, NO_RULES)
}

/** What the operation wants the entity to be. */
function localOf({ type, payload }: OperationRow, base: Json | undefined, remote: JsonObject): Json | undefined {
  if (type === 'delete') return undefined
  return type === 'update' ? applyMergePatch(base ?? remote, payload) : payload
}

/** What is there can't be created: it becomes what was to be. */
function asItIs({ type, payload }: OperationRow, remote: JsonObject, version: string | undefined): Decision {
  if (type !== 'create') return { type: 'resend', as: type, payload, version }
  return { type: 'resend', as: 'update', payload: diffMergePatch(withoutOwn(remote), withoutOwn(payload)), version }
}

function examineDelete(row: OperationRow, sides: Sides, rules: EntityOptions): Examination {
  const { base = null, remote = null, version } = sides
  if (sameJson(withoutOwn(base), withoutOwn(remote))) return { type: 'resend', as: 'delete', payload: null, version }
  return { type: 'conflict', conflict: conflictOf(row, 'delete-update', sides, rules) }
}

/** What others have made under the same id stays: of what is to be taken back nothing is there. */
function examineMade({ entity, entityId }: OperationRow, made: Json | undefined, { value, version }: Found): Decision {
  if (hasSomeOf(made, value)) return { type: 'resend', as: 'delete', payload: null, version }
  const message = `The server's ${entity}/${entityId} was kept: nothing of it was made by the create that was given up.`
  return { type: 'refuse', error: new ConflictError(message) }
}

function examineAbsent(row: OperationRow, base: Json | undefined, rules: EntityOptions): Examination {
  if (row.type === 'delete') return { type: 'done' }
  if (row.type === 'create' || isUpsert(row, base)) return { type: 'resend', as: row.type, payload: row.payload }
  const sides = { base, local: localOf(row, base, {}), remote: undefined, version: undefined }
  return { type: 'conflict', conflict: conflictOf(row, 'update-delete', sides, rules) }
}

/** It was made on nothing that the server ever had. */
function isUpsert({ type, baseVersion }: OperationRow, base: Json | undefined): boolean {
  return type === 'replace' && baseVersion === undefined && base === undefined
}

function examineUpdate(row: OperationRow, sides: Sides, rules: EntityOptions): Examination {
  const merged = mergeOf(row, sides, rules, 'local')
  if (merged?.type !== 'clean') return { type: 'conflict', conflict: conflictOf(row, 'update-update', sides, rules, merged) }
  const { remote, version } = sides
  // When it was written is older than what is there tells: then that an earlier attempt was applied shows in the rest of it (S13).
  if (
    remote !== undefined &&
    sameJson(merged.value, remote) &&
    isThere({ ...row, payload: unstamped(row.payload, rules) }, remote)
  )
    return { type: 'done', value: remote, version }
  return { type: 'resend', as: 'update', payload: diffMergePatch(remote, merged.value), version }
}

/** The request that makes the server's entity what was decided. */
function towards(
  row: OperationRow,
  conflict: Conflict,
  wanted: Json,
): { type: 'resend'; as: string; payload: Json; version?: string | undefined } {
  if (conflict.remote === undefined) return { type: 'resend', as: 'create', payload: wanted }
  if (row.type === 'replace') return { type: 'resend', as: 'replace', payload: wanted, version: conflict.remoteVersion }
  const patch = diffMergePatch(withoutOwn(conflict.remote), withoutOwn(wanted))
  return { type: 'resend', as: 'update', payload: patch, version: conflict.remoteVersion }
}

/** How the conflict of an operation ended that went on because another of its transaction did: nobody decided about it. */
export const WITH_TRANSACTION = 'transaction'

/** True if the operation was parked for this very conflict and somebody who saw it sent it on: then that is the decision. */
export function wasDecided(row: OperationRow, conflict: Conflict): boolean {
  const { resolution, strategy } = row.conflict ?? {}
  return resolution !== 'pending' && strategy !== WITH_TRANSACTION && wasSeen(row, conflict)
}

function wasSeen({ conflict: seen }: OperationRow, conflict: Conflict): boolean {
  return (
    seen !== undefined &&
    seen.type === conflict.type &&
    seen.remoteVersion === conflict.remoteVersion &&
    sameJson(seen.remote, conflict.remote)
  )
}

/** A conflict that a person has seen stays the one that it was; any other is new, and each step of an operation finds at most one. */
function recordOf(
  row: OperationRow,
  conflict: Conflict,
  how: Required<Pick<ConflictRecord, 'resolution' | 'strategy' | 'detectedAt'>>,
): ConflictRecord {
  const { type, severity, fields, remote, remoteVersion } = conflict
  const seen = wasSeen(row, conflict) ? row.conflict : undefined
  return {
    id: seen?.id ?? `${row.id}.${row.rev}`,
    type,
    severity,
    fields,
    ...how,
    detectedAt: seen?.detectedAt ?? how.detectedAt,
    ...(remote === undefined ? {} : { remote }),
    ...(remoteVersion === undefined ? {} : { remoteVersion }),
  }
}

function nameOf(conflict: Conflict): string {
  return `${conflict.entity}/${conflict.entityId}`
}

function needsDecision(conflict: Conflict): string {
  const fields = conflict.fields.map((field) => field.path).join(', ')
  return `${nameOf(conflict)} was changed on both sides${fields === '' ? '' : ` (${fields})`}. Decide with operations.retry, edit or discard.`
}
