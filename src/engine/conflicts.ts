import type { Observable } from 'rxjs'
import type { ConflictRow } from '../core/conflict-row.ts'
import type { ConflictStatistics } from '../core/conflict-statistics.ts'
import { copyJson } from '../core/copy-json.ts'
import { SyncOperationError, ValidationError } from '../core/errors.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { diffMergePatch } from '../core/merge-patch.ts'
import type { OperationRow } from '../core/operation.ts'
import { checkQuery } from '../core/option-checks.ts'
import type { Settings } from '../core/options.ts'
import { isObject, withoutOwn } from '../core/own.ts'
import { ofNewKey, unpark } from '../core/rows.ts'
import { withoutReckoned } from '../core/undo.ts'
import { checkJson } from '../core/validate-json.ts'
import { conflictById, conflictsOf, conflictStatistics } from './conflict-store.ts'
import { decided } from '../core/conflict-row.ts'
import type { Edits } from './edits.ts'
import type { EnqueueChecks } from './enqueue-checks.ts'
import { givenUp } from './operations.ts'
import type { Store } from './store.ts'
import { throwIfRefused } from './validators.ts'

/** A conflict as the application sees it. */
export type ConflictInfo = Omit<ConflictRow, 'user' | 'status' | 'since'>

export interface ConflictQuery {
  /** Default `pending`. */
  readonly status?: ConflictRow['status'] | 'all' | undefined
  readonly entity?: string | undefined
  readonly entityId?: string | undefined
  readonly operationId?: string | undefined
  /** Default 100, at most 1,000. */
  readonly limit?: number | undefined
}

/** What a person decides: the operation goes on as it is, is given up, or brings the entity to this value (of an action: takes it as payload). */
export type ConflictDecision = 'local' | 'remote' | { readonly value: JsonObject }

export interface ConflictInbox {
  /** The newest first. */
  list(query?: ConflictQuery): Promise<readonly ConflictInfo[]>
  get(id: string): Promise<ConflictInfo | undefined>
  /** Those that wait for a person, now and after each change: the newest 1,000 at most. */
  watch(): Observable<readonly ConflictInfo[]>
  /** Decides about a pending conflict, from any tab: its operation goes on. */
  resolve(id: string, decision: ConflictDecision): Promise<void>
  /** All that there were, whatever became of them, the newest first. */
  history(query?: Omit<ConflictQuery, 'status'>): Promise<readonly ConflictInfo[]>
  /** Kept over restarts, and when conflicts are forgotten. */
  statistics(): Promise<ConflictStatistics>
}

const LIST_LIMIT = 1_000
const QUERY = ['status', 'entity', 'entityId', 'operationId', 'limit']

/** The inbox of conflicts. */
export function createConflicts(
  { user, limits }: Settings,
  store: Store,
  edits: Edits,
  checks: EnqueueChecks,
  watched: <T>(look: () => Promise<T>, nothing: T) => Observable<T>,
): ConflictInbox {
  async function list(query: ConflictQuery = {}) {
    checkQuery(query, QUERY)
    const { status = 'pending', entity, entityId, operationId, limit = 100 } = query
    checkRange(status, limit)
    const wanted = (row: ConflictRow): boolean =>
      row.user === user &&
      (entity ?? row.entity) === row.entity &&
      (entityId ?? row.entityId) === row.entityId &&
      (operationId ?? row.operationId) === row.operationId
    const statuses = status === 'all' ? (['pending', 'resolved'] as const) : [status]
    const found = await Promise.all(statuses.map((one) => conflictsOf(store, one, limit, wanted)))
    return found
      .flat()
      .toSorted((a, b) => b.detectedAt - a.detectedAt)
      .slice(0, limit)
      .map(infoOf)
  }

  async function own(id: string): Promise<ConflictRow | undefined> {
    const row = await conflictById(store, id)
    return row?.user === user ? row : undefined
  }

  /** The value is looked at by the schema later, on the entity that it is for. */
  function valueIn(given: unknown): JsonObject | undefined {
    if (given === 'local' || given === 'remote') return undefined
    const value = typeof given === 'object' && given !== null && 'value' in given ? given.value : undefined
    const { json } = checkJson(value ?? null, 'value', { maxBytes: limits.payloadBytes, maxDepth: limits.payloadDepth })
    const copy = copyJson(json)
    if (!isObject(copy)) throw new ValidationError('decision', "must be 'local', 'remote' or { value: {…} }.")
    return copy
  }

  function decidedAs(row: OperationRow, given: unknown, value: JsonObject | undefined): OperationRow {
    if (value !== undefined) return edits.made(towards(row, value))
    if (given === 'local') return unpark(decided(row, 'local', 'person'))
    return givenUp(decided(row, 'remote', 'person'), edits.now())
  }

  return {
    list,
    async get(id) {
      const row = await own(id)
      return row && infoOf(row)
    },
    watch: () => watched(() => list({ limit: LIST_LIMIT }), []),
    async resolve(id, given) {
      const value = valueIn(given)
      const conflict = await own(id)
      if (conflict === undefined) throw notPending(id)
      const { entity, entityId, operationType } = conflict
      if (value !== undefined) throwIfRefused(await checks.ofDecision(entity, entityId, operationType, value))
      await edits.edit(conflict.operationId, (row) => {
        if (row.status !== 'parked' || row.conflict?.id !== id || row.conflict.resolution !== 'pending') throw notPending(id)
        return decidedAs(row, given, value)
      })
    },
    history: (query = {}) => list({ ...query, status: 'all' }),
    statistics: () => conflictStatistics(store, user),
  }
}

/** The operation makes the server's entity this value, on the version that the person has seen. */
function towards(parked: OperationRow, value: JsonObject): OperationRow {
  const unparked = unpark(ofNewKey(decided(parked, 'value', 'person')))
  const { request: _request, baseVersion: _baseVersion, aside: _aside, ...row } = unparked
  const { remote = {}, remoteVersion } = parked.conflict ?? {}
  const isChange = row.type === 'update' || row.type === 'delete'
  const content: { type: string; payload: Json } = isChange
    ? { type: 'update', payload: diffMergePatch(withoutOwn(remote), withoutOwn(value)) }
    : { type: row.type, payload: value }
  return {
    ...withoutReckoned(row),
    ...content,
    base: remote,
    ...(remoteVersion === undefined ? {} : { baseVersion: remoteVersion }),
  }
}

function infoOf({ user: _user, status: _status, since: _since, ...info }: ConflictRow): ConflictInfo {
  return info
}

function checkRange(status: string, limit: number): void {
  if (status !== 'pending' && status !== 'resolved' && status !== 'all')
    throw new ValidationError('status', 'must be pending, resolved or all.')
  if (!Number.isInteger(limit) || limit < 1 || limit > LIST_LIMIT)
    throw new ValidationError('limit', `must be a whole number from 1 to ${LIST_LIMIT}.`)
}

function notPending(id: string): SyncOperationError {
  return new SyncOperationError(id, 'not-pending', `No conflict ${id} waits for a decision. List them with conflicts.list().`)
}
