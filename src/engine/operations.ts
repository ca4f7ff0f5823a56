import type { Observable } from 'rxjs'
import { copyJson } from '../core/copy-json.ts'
import { valueIn } from '../core/derive.ts'
import { shownVersion } from '../core/earlier.ts'
import { SyncOperationError, ValidationError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import {
  LIVE_STATUSES,
  TERMINAL_STATUSES,
  isInDoubt,
  isScheduled,
  isTerminal,
  keyOfUser,
  laneOf,
  type OperationRow,
  type OperationStatus,
} from '../core/operation.ts'
import { checkQuery, text } from '../core/option-checks.ts'
import type { Settings } from '../core/options.ts'
import { finish, ofNewKey, storedError, unpark, withPayload } from '../core/rows.ts'
import { OPERATIONS, readOperation, type EntityRow } from '../core/schema.ts'
import { incomplete, memberSeqs } from '../core/transaction.ts'
import { checkJson } from '../core/validate-json.ts'
import { withoutReckoned } from '../core/undo.ts'
import type { Handles } from './handles.ts'
import { checkPayload } from './check-input.ts'
import { decided } from '../core/conflict-row.ts'
import { notFound, ownedBy, type Edits } from './edits.ts'
import type { EnqueueChecks } from './enqueue-checks.ts'
import { infoOf } from './info.ts'
import { DISCARDED } from './optimistic.ts'
import type { Store } from './store.ts'
import type { Transactions } from './transactions.ts'
import type { EnqueueInput, ListQuery, Operation, OperationInfo, SyncEngine } from './types.ts'
import { awaitedAnew, keyOfAnew } from './tried-anew.ts'
import { throwIfRefused } from './validators.ts'

const LIST_LIMIT = 1_000

/** Looking at operations and deciding about those that can't decide for themselves. */
export function createOperations(
  settings: Settings,
  store: Store,
  handles: Handles,
  { edit, edited: changed, made, now }: Edits,
  checks: EnqueueChecks,
  { enqueue, transact, membersOf }: Anew,
  watched: <T>(look: () => Promise<T>, nothing: T) => Observable<T>,
): SyncEngine['operations'] {
  async function found(id: string): Promise<OperationRow> {
    const row = await store.byId(id)
    if (row === undefined) throw notFound(id)
    return ownedBy(settings.user, row)
  }

  /** What was enqueued in its place already. */
  function anewOf(row: OperationRow): Promise<OperationRow | undefined> {
    return store.byChosenKey(keyOfUser(row.user, keyOfAnew(row)))
  }

  /**
   * A rejected operation has ended: trying again is a new operation, which takes its place among the dead letters. However often
   * it is asked for, it is one: its key is made of the old one's id.
   */
  async function enqueueAnew(row: OperationRow, edited?: Json): Promise<Operation> {
    const isSeenTo = row.dismissed !== undefined
    if (isSeenTo && (await anewOf(row)) === undefined) throw cannot(row, 'retried')
    try {
      if (row.transaction !== undefined) return await transactAnew(row, edited)
      const operation = await enqueue(inputOf(row, contentOf(row, edited), await awaitedAnew(store, row)))
      if (!isSeenTo) await edit(row.id, dismissed)
      return operation
    } catch (error) {
      throw error instanceof ValidationError && error.code === 'idempotency-key-reused' ? await otherwiseAnew(row, error) : error
    }
  }

  /** Nobody but us has given that key. */
  async function otherwiseAnew(row: OperationRow, cause: ValidationError): Promise<SyncOperationError> {
    const anew = await anewOf(row)
    const message = `Operation ${row.id} was tried anew already, with another content, as ${anew?.id ?? 'another'}: edit or retry that one.`
    return new SyncOperationError(row.id, 'not-possible', message, { cause })
  }

  /** The whole of its transaction, for nothing of it was applied, or what was is taken back before. */
  async function transactAnew(row: OperationRow, edited?: Json): Promise<Operation> {
    const members = (await membersOf(row)).filter((one) => one !== undefined)
    if (members.length < memberSeqs(row).length) {
      const anew = await anewOf(row)
      if (anew === undefined || edited !== undefined) throw incomplete(row)
      return handles.handle(anew.id)
    }
    const awaited = await Promise.all(members.map((one) => awaitedAnew(store, one)))
    const { operations } = await transact((tx) => {
      for (const [at, one] of members.entries())
        tx.enqueue(inputOf(one, contentOf(one, one.id === row.id ? edited : undefined), awaited[at]))
    })
    for (const one of members) if (one.status === 'rejected' && one.dismissed === undefined) await edit(one.id, dismissed)
    return operations[members.findIndex(({ id }) => id === row.id)] ?? handles.handle(row.id)
  }

  /** What was last to end, of any of these. */
  async function lastEnded(statuses: readonly OperationStatus[], limit: number): Promise<readonly OperationRow[]> {
    const lists = await Promise.all(statuses.map((one) => store.finishedOf(settings.user, one, limit)))
    return lists
      .flat()
      .toSorted((a, b) => (b.finishedAt ?? 0) - (a.finishedAt ?? 0) || b.seq - a.seq)
      .slice(0, limit)
  }

  /** Removes a row that can't be read, by the number that explain() and the event name: `#12`. */
  async function discardCorrupt(id: string): Promise<void> {
    const seq = Number(id.slice(1))
    const entry = Number.isInteger(seq) ? await store.storage.get(OPERATIONS, seq) : undefined
    if (entry === undefined || readOperation(entry) !== undefined)
      throw new SyncOperationError(id, 'not-corrupt', `There is no unreadable row ${id}.`)
    await store.commit([{ type: 'delete', collection: OPERATIONS, key: seq }])
    changed(undefined)
  }

  async function list(query: ListQuery = {}): Promise<readonly OperationInfo[]> {
    checkQuery(query, ['status', 'limit'])
    const { status = 'live', limit = 100 } = query
    if (!Number.isInteger(limit) || limit < 1 || limit > LIST_LIMIT)
      throw new ValidationError('limit', `must be a whole number from 1 to ${LIST_LIMIT}.`)
    const statuses = statusesOf(status)
    const isLive = (one: OperationStatus): boolean => statuses.includes(one)
    const live = statuses.every(isTerminal) ? [] : await store.live(settings.user, limit, isLive)
    const ended = await lastEnded(statuses.filter(isTerminal), limit - live.length)
    return [...live, ...ended].toSorted((a, b) => a.seq - b.seq).map(infoOf)
  }

  async function count(status: OperationStatus | 'live'): Promise<number> {
    statusesOf(status)
    if (status === 'live') return store.countLive(settings.user)
    return isTerminal(status)
      ? (await store.finishedOf(settings.user, status, Infinity)).length
      : (await store.live(settings.user, Infinity, (other) => other === status)).length
  }

  return {
    list,
    count,
    watch: (query) => watched(() => list(query), []),
    watchCount: (status) => watched(() => count(status), 0),

    async get(id) {
      const row = await store.byId(id)
      return row === undefined || row.user !== settings.user ? undefined : infoOf(row)
    },

    handle: handles.handle,

    async retry(id) {
      const row = await found(id)
      if (row.status === 'rejected') return enqueueAnew(row)
      await edit(id, retried)
      return handles.handle(id)
    },

    async edit(id, payload) {
      const { payloadBytes, payloadDepth } = settings.limits
      const json = copyJson(checkJson(payload, 'payload', { maxBytes: payloadBytes, maxDepth: payloadDepth }).json)
      const row = await found(id)
      if (row.type === 'delete') throw noPayload(row)
      checkPayload(row.type, json, 'payload')
      if (row.status === 'rejected') return enqueueAnew(row, json)
      if (checks.concerns(row.entity)) throwIfRefused(await checks.ofEdit(made({ ...row, payload: json })))
      const held = isMadeAnew(row) ? await store.entity(laneOf(row.user, row.entity, row.entityId)) : undefined
      await edit(id, (current) => made(edited(seenOn(current, held), json)))
      return handles.handle(id)
    },

    async discard(id) {
      if (text('id', id, 'the id of an operation, as operations.list() tells it').startsWith('#')) return discardCorrupt(id)
      await edit(id, (row) => discarded(row, now()))
    },
  }
}

export interface Anew {
  enqueue(input: EnqueueInput): Promise<Operation>
  readonly transact: SyncEngine['transaction']
  readonly membersOf: Transactions['membersOf']
}

/** @throws SyncOperationError for what this build can't use: of a newer one nothing is tried anew, else only what was edited. */
function contentOf({ id, payload, aside }: OperationRow, edited: Json | undefined): Json {
  if (aside?.why === 'newer' || (aside !== undefined && edited === undefined))
    throw new SyncOperationError(id, aside.error.code, aside.error.message, { cause: aside.error })
  return edited === undefined ? payload : edited
}

/** What takes it back is worked out anew, where the application has not said it. */
function inputOf(row: OperationRow, payload: unknown, dependsOn: readonly string[] = []): EnqueueInput {
  const { type, entity, entityId, priority, undo } = row
  return {
    type,
    entity,
    id: entityId,
    priority,
    idempotencyKey: keyOfAnew(row),
    ...(type === 'delete' ? {} : { payload }),
    ...(undo === undefined || undo.isReckoned === true ? {} : { undo }),
    ...(dependsOn.length === 0 ? {} : { dependsOn }),
  }
}

function statusesOf(status: NonNullable<ListQuery['status']>): readonly OperationStatus[] {
  const wanted = status === 'live' ? LIVE_STATUSES : Array.isArray(status) ? [...new Set(status)] : [status]
  for (const one of wanted) {
    if (![...LIVE_STATUSES, ...TERMINAL_STATUSES].includes(one))
      throw new ValidationError(
        'status',
        `${String(one)} is not a status. Known: ${[...LIVE_STATUSES, ...TERMINAL_STATUSES].join(', ')}.`,
      )
  }
  return wanted
}

function retried(row: OperationRow): OperationRow {
  if (isScheduled(row)) return { ...row, rev: row.rev + 1, dueAt: 0, notBefore: 0 }
  if (isRefusedUnseen(row)) return unpark(ofNewKey(row))
  if (row.status === 'parked' || row.status === 'waiting') return unpark(decided(row, 'local', 'retry'))
  if (row.status === 'queued') return { ...row, rev: row.rev + 1 }
  throw cannot(row, 'retried')
}

/** Refused for certain, and the server could not be looked at: under the key that it has, it may be told the same for ever. */
function isRefusedUnseen({ status, conflict, lastError, unknownAttempts }: OperationRow): boolean {
  return status === 'parked' && conflict === undefined && lastError?.code === 'conflict' && unknownAttempts === 0
}

/** What it was made on before may not be what it was last sent on, for it may have been merged in between. */
function isMadeAnew({ type, status, attempts }: OperationRow): boolean {
  return type !== 'create' && (status === 'parked' || (status === 'waiting' && attempts > 0))
}

/** Who has decided about a conflict, and thinks of something else before the operation has left. */
const BY_PERSON: ReadonlySet<string | undefined> = new Set(['person', 'retry', 'edit'])

/** Who edits what was sent or is parked has seen what the server had in the conflict that he was asked about, else what is stored of it: on that the new content is made (S12). */
function seenOn(row: OperationRow, held: EntityRow | undefined): OperationRow {
  if (!isMadeAnew(row)) return row
  const { conflict, status } = row
  const isAsked = conflict?.resolution === 'pending' || (status === 'waiting' && BY_PERSON.has(conflict?.strategy))
  const [base, version] = isAsked ? [conflict?.remote, conflict?.remoteVersion] : [valueIn(held), shownVersion(held)]
  if (base === undefined) return row
  return { ...row, base, ...(version === undefined ? {} : { baseVersion: version }) }
}

/** New content for what was never sent; after a definite refusal it is a new request, with a derived key. */
function edited(row: OperationRow, payload: OperationRow['payload']): OperationRow {
  if (row.status === 'queued' || isScheduled(row)) return withPayload(row, payload)
  if (row.status !== 'parked' && row.status !== 'waiting') throw cannot(row, 'edited')
  if (isInDoubt(row))
    throw new SyncOperationError(
      row.id,
      'in-doubt',
      `Operation ${row.id} may already have been applied as it is. Retry it first, or discard it and enqueue a new one.`,
    )
  const settled = decided(row, 'value', 'edit')
  const { request: _request, aside: _aside, ...rest } = unpark(row.attempts > 0 ? ofNewKey(settled) : settled)
  return { ...withoutReckoned(rest), payload }
}

function discarded(row: OperationRow, at: number): OperationRow {
  if (row.status === 'rejected') return dismissed(row)
  if (row.status === 'queued' || row.status === 'waiting' || row.status === 'parked')
    return givenUp(decided(row, 'discarded', 'discard'), at)
  throw cannot(row, 'discarded')
}

export function givenUp(row: OperationRow, at: number): OperationRow {
  const error = new SyncOperationError(row.id, DISCARDED, 'It was discarded before the server confirmed it.')
  return { ...finish(row, 'cancelled', at), lastError: storedError(error) }
}

function dismissed(row: OperationRow): OperationRow {
  return { ...row, rev: row.rev + 1, dismissed: 1 }
}

function noPayload(row: OperationRow): SyncOperationError {
  return new SyncOperationError(row.id, 'no-payload', 'A delete has no payload. Discard it and enqueue what is wanted.')
}

function cannot(row: OperationRow, done: string): SyncOperationError {
  const why = isTerminal(row.status) ? 'it has ended' : 'it is on its way; wait until it has settled or been put off'
  return new SyncOperationError(row.id, 'not-possible', `Operation ${row.id} (${row.status}) can't be ${done}: ${why}.`)
}
