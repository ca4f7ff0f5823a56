import { ConflictError, type SyncError } from './errors.ts'
import { isRecord } from './schema.ts'
import { fieldPath } from './field-path.ts'
import type { Json, JsonObject } from './json.ts'
import { merge3, type MergeResult } from './merge.ts'
import { applyMergePatch, diffMergePatch } from './merge-patch.ts'
import type { ConflictRecord, FieldConflict, OperationRow } from './operation.ts'
import { getOwn, isObject } from './own.ts'
import type { Fetched } from './ports.ts'
import { sameJson } from './same-json.ts'

/** What to do with a true conflict. `merge` keeps what only one side changed and takes the local value where both did. */
export type ConflictStrategy = 'localWins' | 'remoteWins' | 'merge' | 'manual' | ConflictResolver

/** Decides one conflict. A promise is awaited; if it throws or rejects, the operation is parked. */
export type ConflictResolver = (conflict: Conflict) => Resolution | Promise<Resolution>

/** `local` and `remote` take one side, `manual` parks the operation, `value` is what the whole entity should be. */
export type Resolution = 'local' | 'remote' | 'manual' | { readonly value: JsonObject }

export interface Conflict {
  readonly operationId: string
  readonly entity: string
  readonly entityId: string
  readonly type: ConflictRecord['type']
  /** The server's value that the operation was made on, if it is known. */
  readonly base: Json | undefined
  /** What the operation wants the entity to be; undefined for a delete. */
  readonly local: Json | undefined
  /** What the server has; undefined if the entity is gone. */
  readonly remote: JsonObject | undefined
  readonly remoteVersion: string | undefined
  /** Fields that both sides changed. */
  readonly fields: readonly FieldConflict[]
  /** Local and remote merged by field, the local value where both changed. */
  readonly merged: Json | undefined
}

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
  | { readonly type: 'park'; readonly error: SyncError; readonly conflict: ConflictRecord }
  | { readonly type: 'refuse'; readonly error: SyncError }
  /** Looking at the server failed, needs credentials, or may not leave now: it is done again later. */
  | { readonly type: 'failed' | 'auth' | 'heldBack'; readonly error: SyncError }

/** What the server has of the entity. */
type Seen = Extract<Fetched, { type: 'found' | 'absent' }>

export type Examination = Decision | { readonly type: 'conflict'; readonly conflict: Conflict }

/**
 * Compares what the operation wanted with what the server has, before anything is called a conflict: an effect of our own that is
 * already there is success (S13), and what only one side changed is merged.
 */
export function examine(row: OperationRow, base: Json | undefined, fetched: Fetched): Examination {
  if (fetched.type === 'failed' || fetched.type === 'auth') return fetched
  if (!isMutation(row.type)) return examineAction(row, base, fetched)
  if (row.type === 'delete') return examineDelete(row, base, fetched)
  if (fetched.type === 'absent') return examineAbsent(row, base)
  if (row.type === 'create') return examineCreate(row, fetched)
  if (row.type === 'update') return examineUpdate(row, base, fetched)
  return examineReplace(row, base, fetched)
}

/** Turns a resolution of a conflict into what happens next. */
export function resolve(row: OperationRow, conflict: Conflict, resolution: Resolution | 'merge'): Decision {
  const record = recordOf(conflict)
  if (resolution === 'manual') return { type: 'park', conflict: record, error: new ConflictError(needsDecision(conflict)) }
  if (resolution === 'remote')
    return { type: 'refuse', error: new ConflictError(`The server's ${nameOf(conflict)} was kept; this change was dropped.`) }
  if (row.type === 'delete' && typeof resolution === 'string')
    return { type: 'resend', as: 'delete', payload: null, version: conflict.remoteVersion, conflict: record }
  if (resolution === 'merge' && conflict.remote === undefined)
    return { type: 'refuse', error: new ConflictError(`${nameOf(conflict)} was deleted on the server.`) }
  if (!isMutation(row.type)) return again(row, conflict, resolution, record)
  const wanted = typeof resolution === 'object' ? resolution.value : resolution === 'merge' ? conflict.merged : conflict.local
  return { ...towards(row, conflict, wanted ?? null), conflict: record }
}

/** What an action of the application does to the entity is known to the server alone: nothing is compared or merged. */
function examineAction(row: OperationRow, base: Json | undefined, fetched: Seen): Examination {
  const [remote, version] = fetched.type === 'found' ? [fetched.value, fetched.version] : [undefined, undefined]
  const type = remote === undefined ? 'update-delete' : 'update-update'
  return { type: 'conflict', conflict: conflictOf(row, type, { base, local: undefined, remote, version }) }
}

/** The same action, on the version that the server has now. */
function again(row: OperationRow, conflict: Conflict, resolution: Resolution | 'merge', record: ConflictRecord): Decision {
  const payload = typeof resolution === 'object' ? resolution.value : row.payload
  return { type: 'resend', as: row.type, payload, version: conflict.remoteVersion, conflict: record }
}

function isMutation(type: string): boolean {
  return type === 'create' || type === 'update' || type === 'replace' || type === 'delete'
}

function examineDelete(row: OperationRow, base: Json | undefined, fetched: Seen): Examination {
  if (fetched.type === 'absent') return { type: 'done' }
  if (sameJson(base, fetched.value)) return { type: 'resend', as: 'delete', payload: null, version: fetched.version }
  return {
    type: 'conflict',
    conflict: conflictOf(row, 'delete-update', { base, local: undefined, remote: fetched.value, version: fetched.version }),
  }
}

function examineAbsent(row: OperationRow, base: Json | undefined): Examination {
  if (row.type === 'create' || row.type === 'replace') return { type: 'resend', as: row.type, payload: row.payload }
  return {
    type: 'conflict',
    conflict: conflictOf(row, 'update-delete', {
      base,
      local: applyMergePatch(base ?? {}, row.payload),
      remote: undefined,
      version: undefined,
    }),
  }
}

function examineCreate(row: OperationRow, fetched: Extract<Fetched, { type: 'found' }>): Examination {
  if (contains(fetched.value, row.payload)) return { type: 'done', value: fetched.value, version: fetched.version }
  return {
    type: 'conflict',
    conflict: conflictOf(row, 'create-create', {
      base: undefined,
      local: row.payload,
      remote: fetched.value,
      version: fetched.version,
    }),
  }
}

function examineUpdate(row: OperationRow, base: Json | undefined, fetched: Extract<Fetched, { type: 'found' }>): Examination {
  const remote = fetched.value
  const patched = applyMergePatch(remote, row.payload)
  if (sameJson(patched, remote)) return { type: 'done', value: remote, version: fetched.version }
  const local = base === undefined ? patched : applyMergePatch(base, row.payload)
  const merged = base === undefined ? overwriting(remote, patched) : merge3({ base, local, remote })
  if (merged.type === 'clean')
    return { type: 'resend', as: 'update', payload: diffMergePatch(remote, merged.value), version: fetched.version }
  const sides = { base, local, remote, version: fetched.version }
  return { type: 'conflict', conflict: conflictOf(row, 'update-update', sides, merged) }
}

function examineReplace(row: OperationRow, base: Json | undefined, fetched: Extract<Fetched, { type: 'found' }>): Examination {
  const remote = fetched.value
  if (contains(remote, row.payload) && contains(row.payload, withoutOwn(remote)))
    return { type: 'done', value: remote, version: fetched.version }
  return {
    type: 'conflict',
    conflict: conflictOf(row, 'update-update', { base, local: row.payload, remote, version: fetched.version }),
  }
}

interface Sides {
  readonly base: Json | undefined
  readonly local: Json | undefined
  readonly remote: JsonObject | undefined
  readonly version: string | undefined
}

function conflictOf(
  row: OperationRow,
  type: ConflictRecord['type'],
  { base, local, remote, version }: Sides,
  merged = local !== undefined && remote !== undefined ? merge3({ base: base ?? {}, local, remote }) : undefined,
): Conflict {
  return {
    operationId: row.id,
    entity: row.entity,
    entityId: row.entityId,
    type,
    base,
    local,
    remote,
    remoteVersion: version,
    fields: merged?.type === 'conflicted' ? merged.conflicts : [],
    merged: merged?.value,
  }
}

/** The request that makes the server's entity what was decided. */
function towards(
  row: OperationRow,
  conflict: Conflict,
  wanted: Json,
): { type: 'resend'; as: string; payload: Json; version?: string | undefined } {
  if (conflict.remote === undefined) return { type: 'resend', as: 'create', payload: wanted }
  if (row.type === 'replace') return { type: 'resend', as: 'replace', payload: wanted, version: conflict.remoteVersion }
  const patch = diffMergePatch(withoutOwn(conflict.remote), isRecord(wanted) ? withoutOwn(wanted) : wanted)
  return { type: 'resend', as: 'update', payload: patch, version: conflict.remoteVersion }
}

/** True if the operation was parked for this very conflict and somebody who saw it sent it on: then that is the decision. */
export function wasDecided({ conflict: seen }: OperationRow, conflict: Conflict): boolean {
  return (
    seen !== undefined &&
    seen.type === conflict.type &&
    seen.remoteVersion === conflict.remoteVersion &&
    sameJson(seen.remote, conflict.remote)
  )
}

function recordOf(conflict: Conflict): ConflictRecord {
  return {
    type: conflict.type,
    fields: conflict.fields,
    ...(conflict.remote === undefined ? {} : { remote: conflict.remote }),
    ...(conflict.remoteVersion === undefined ? {} : { remoteVersion: conflict.remoteVersion }),
  }
}

/** True if `whole` has every field of `part`, however deep; what the server added of its own does not matter. */
function contains(whole: Json, part: Json): boolean {
  if (!isRecord(whole) || !isRecord(part)) return sameJson(whole, part)
  return Object.entries(part).every(([key, value]) => Object.hasOwn(whole, key) && contains(whole[key] ?? null, value))
}

/** Without a known base nobody can tell who changed a field, so each of the server's that the patch replaces or removes is a conflict. */
function overwriting(remote: JsonObject, patched: Json): MergeResult {
  const conflicts = isObject(patched) ? overwritten('', remote, patched) : []
  return conflicts.length === 0 ? { type: 'clean', value: patched } : { type: 'conflicted', value: patched, conflicts }
}

function overwritten(path: string, remote: JsonObject, patched: JsonObject): FieldConflict[] {
  return Object.entries(remote).flatMap(([key, before]): FieldConflict[] => {
    const [field, after] = [fieldPath(path, key), getOwn(patched, key)]
    if (isObject(before) && isObject(after)) return overwritten(field, before, after)
    return sameJson(before, after) ? [] : [{ path: field, ...(after !== undefined && { local: after }), remote: before }]
  })
}

/** The fields that are the application's: not the identity and version that the server adds. */
function withoutOwn(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'id' && key !== 'version'))
}

function nameOf(conflict: Conflict): string {
  return `${conflict.entity}/${conflict.entityId}`
}

function needsDecision(conflict: Conflict): string {
  const fields = conflict.fields.map((field) => field.path).join(', ')
  return `${nameOf(conflict)} was changed on both sides${fields === '' ? '' : ` (${fields})`}. Decide with operations.retry, edit or discard.`
}
