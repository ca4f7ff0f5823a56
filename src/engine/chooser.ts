import { coalesceLane, type Coalesced } from '../core/coalesce.ts'
import { baseOf, earlierBase } from '../core/earlier.ts'
import { SyncError, SyncOperationError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { isTerminal, isUnsent, type OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import type { Entry, Transport, Write } from '../core/ports.ts'
import { beginLooking, beginRollback, claim, finish, park } from '../core/rows.ts'
import type { EntityRow } from '../core/schema.ts'
import { isUnusable, type Unusable } from '../core/shapes.ts'
import { nameEachOther, outgoing } from '../core/server-ids.ts'
import { undoable } from '../core/undo.ts'
import { corrupt, playableIn } from './blockages.ts'
import { updateOperation, type Store } from './store.ts'
import { createTransactionChooser } from './transaction-chooser.ts'
import type { Transactions } from './transactions.ts'

const LANE_LIMIT = 256
/** Characters of what became of a parent: in a chain each error holds the one before it. */
const LONGEST_CAUSE = 500
const NO_ENTITIES: ReadonlyMap<string, EntityRow | undefined> = new Map()

export type Dependency =
  | { readonly type: 'met' }
  | { readonly type: 'waits'; readonly on: string }
  | { readonly type: 'failed'; readonly error: SyncError }

const MET: Dependency = { type: 'met' }

/** What was chosen from one lane: the row to play, as it will be once the choice is committed, and what it took over. Without a row, everything at the head undid itself. */
export interface Choice {
  readonly lane: string
  readonly row?: OperationRow
  /** Rows that end with this choice, superseded or cancelled; or that wait for a person from now on. */
  readonly ended: readonly OperationRow[]
  /** What commits it. */
  readonly writes: readonly Write[]
  /** The turn of the next row of the lane, if there is one. */
  readonly nextRank: number | undefined
}

/** Why nothing can be chosen from a lane. */
export type Blockage =
  | { readonly type: 'empty' }
  | { readonly type: 'notDue'; readonly dueAt: number }
  | { readonly type: 'parked' }
  /** `rank` is the turn of what waits. It may have been on its way when an earlier owner died: then it is found in another way than what is queued. */
  | { readonly type: 'dependency'; readonly on: string; readonly rank: number; readonly isInPlay?: boolean }
  /** Or it was written by a newer build of the application. */
  | { readonly type: 'corrupt'; readonly sequence: number; readonly error: SyncError }

/** What stands at the head of a lane that can go. */
interface Head extends Pick<Choice, 'ended' | 'nextRank'> {
  readonly row: OperationRow | undefined
  readonly endings: readonly Write[]
  /** Why it can't be sent after all. */
  readonly error?: SyncError
}

export interface ChooserParts {
  isPulled(entity: string): boolean
  /** Whether the server takes several operations as one. */
  isAtomic(): boolean
  /** Until retries may go on. */
  retryWaitMs(): number
}

export type Chooser = ReturnType<typeof createChooser>

/** Looks at the heads of lanes and decides what is to be played next; coalesces what was never sent. Pure but for reading. */
export function createChooser(
  settings: Settings,
  transport: Transport,
  store: Store,
  transactions: Transactions,
  { isPulled, isAtomic, retryWaitMs }: ChooserParts,
) {
  const chooseMember = createTransactionChooser({
    store,
    transactions,
    isAtomic: (members) => isAtomic() && !nameEachOther(settings.entities, members),
    claimed,
    dependencyOf,
    dueAt,
  })

  /** Looks at several lanes at once: reading is what costs. The answers in the order of the lanes. */
  async function choose(lanes: readonly string[], now: number): Promise<readonly (Choice | Blockage)[]> {
    const read = await store.lanes(lanes, settings.coalesce ? LANE_LIMIT : 2)
    const rows = read.map((entries, at) => playable(entries, lanes[at] ?? ''))
    const entities = await entitiesFor(lanes, rows)
    const choices: (Choice | Blockage)[] = []
    for (const [at, lane] of lanes.entries())
      choices.push(await chooseFrom(lane, read[at] ?? [], rows[at] ?? [], entities.get(lane), now))
    return choices
  }

  async function chooseFrom(
    lane: string,
    entries: readonly Entry[],
    rows: readonly OperationRow[],
    entity: EntityRow | undefined,
    now: number,
  ): Promise<Choice | Blockage> {
    const [first, ...rest] = rows
    if (first?.aside?.why === 'newer') return { type: 'corrupt', sequence: first.seq, error: first.aside.error }
    const member = first?.transaction === undefined ? 'alone' : await chooseMember(lane, first, rankAfter(rest, entries), now)
    if (member !== 'alone') return member
    const head = await headOf(entries, rows, entity, now)
    if ('type' in head) return head
    return isUnusable(head.row) && head.error === undefined
      ? parking(lane, head.row, head.nextRank)
      : choiceOf(lane, head, entity)
  }

  async function headOf(
    entries: readonly Entry[],
    rows: readonly OperationRow[],
    entity: EntityRow | undefined,
    now: number,
  ): Promise<Head | Blockage> {
    const head = entries[0]
    if (head === undefined) return { type: 'empty' }
    const first = rows[0]
    if (first === undefined) return corrupt(head)
    if (first.status === 'parked') return { type: 'parked' }
    if (dueAt(first, now) > now) return { type: 'notDue', dueAt: dueAt(first, now) }
    if (isUnsent(first)) return unsentHead(rows, entries, entity, now)
    return { row: first, ended: [], endings: [], nextRank: rankAfter(rows.slice(1), entries) }
  }

  /** When it may go. What was sent before may have to wait for the budget of retries. */
  function dueAt({ status, attempts, dueAt: at = 0 }: OperationRow, now: number): number {
    if (status !== 'waiting') return 0
    return at > now || attempts === 0 ? at : now + retryWaitMs()
  }

  async function unsentHead(
    rows: readonly OperationRow[],
    entries: readonly Entry[],
    entity: EntityRow | undefined,
    now: number,
  ): Promise<Head | Blockage> {
    const { survivor, superseded, cancelled, rest } = coalesced(rows, entity)
    const dependency = survivor?.dependsOn === undefined ? MET : await dependencyOf(survivor, survivor.dependsOn)
    if (dependency.type === 'waits') return { type: 'dependency', on: dependency.on, rank: survivor?.rank ?? 0 }
    const ended = [
      ...superseded.map((row) => finish(row, 'superseded', now, survivor?.id)),
      ...cancelled.map((row) => finish(row, 'cancelled', now)),
    ]
    const endings = [...superseded, ...cancelled].map((was, at) => updateOperation(ended[at] ?? was, was))
    const head = { row: survivor, ended, endings, nextRank: rankAfter(rest, entries) }
    return dependency.type === 'failed' ? { ...head, error: dependency.error } : head
  }

  /** What was made on another base is compared with that, and so goes by itself (S12). */
  function coalesced(rows: readonly OperationRow[], entity: EntityRow | undefined): Coalesced {
    if (!settings.coalesce) return { survivor: rows[0], superseded: [], cancelled: [], rest: rows.slice(1) }
    const upTo = Math.min(earlierBase(entity, rows[0]?.seq ?? 0)?.upTo ?? Infinity, lastUsable(rows))
    const { rest, ...group } = coalesceLane(
      rows.filter(({ seq }) => seq <= upTo),
      { maxPayloadBytes: settings.limits.payloadBytes },
    )
    return { ...group, rest: [...rest, ...rows.filter(({ seq }) => seq > upTo)] }
  }

  /** What the server last confirmed of the entities whose first request is yet to be made. */
  async function entitiesFor(
    lanes: readonly string[],
    rows: readonly (readonly OperationRow[])[],
  ): Promise<ReadonlyMap<string, EntityRow | undefined>> {
    const wanted = lanes.filter((_, at) => needsEntity(rows[at] ?? []))
    if (wanted.length === 0) return NO_ENTITIES
    const entities = await store.entities(wanted)
    return new Map(wanted.map((lane, at) => [lane, entities[at]]))
  }

  function choiceOf(lane: string, head: Head, entity: EntityRow | undefined): Choice {
    const { row: was, ended, endings, nextRank } = head
    if (was === undefined) return { lane, ended, writes: endings, nextRank }
    const row = played(was, head.error, entity)
    return { lane, row, ended, writes: [updateOperation(row, was), ...endings], nextRank }
  }

  /** What an earlier owner left in play goes on where it was. */
  function played(row: OperationRow, error: SyncError | undefined, entity: EntityRow | undefined): OperationRow {
    if (row.status === 'reconciling' || row.status === 'rollingBack') return row
    if (error !== undefined) return beginRollback(row, error)
    if (row.looksFirst && row.request === undefined) return beginLooking(row)
    return sentAlone(claimed(row, entity), baseOf(entity, row.seq)?.value)
  }

  /** Sent before: the same bytes again. Never sent: the request is made now, on what the server had confirmed when the operation was made. */
  function claimed(row: OperationRow, entity: EntityRow | undefined): OperationRow {
    if (row.request !== undefined) return claim(row, row.request, row.baseVersion)
    const base = baseOf(entity, row.seq)
    const baseVersion = row.baseVersion ?? base?.version
    try {
      return claim(
        withBase(row, base, base !== entity),
        transport.prepare(outgoing(settings.entities, { ...row, baseVersion })),
        baseVersion,
      )
    } catch (cause) {
      return beginRollback(row, unsendable(row, cause))
    }
  }

  /** What it was made on, where the store will not tell any more: a pull may bring a newer value before the answer comes, or others' has come already. */
  function withBase(row: OperationRow, base: Pick<EntityRow, 'value'> | undefined, isReplaced: boolean): OperationRow {
    const isKept = isReplaced || isPulled(row.entity)
    if (row.base !== undefined || row.baseVersion !== undefined || base?.value === undefined || !isKept) return row
    return { ...row, base: base.value }
  }

  async function dependencyOf(row: OperationRow, dependsOn: readonly string[]): Promise<Dependency> {
    for (const id of dependsOn) {
      const other = await store.successorOf(id)
      if (typeof other === 'number') return { type: 'waits', on: `#${other}` }
      if (other === undefined || other.status === 'done') continue
      if (!isTerminal(other.status)) return { type: 'waits', on: other.id }
      return { type: 'failed', error: dependencyFailed(row, other) }
    }
    return MET
  }

  return { choose }
}

/** Up to which row, by its `seq`, all can be used; the first where that can't. */
function lastUsable(rows: readonly OperationRow[]): number {
  const at = rows.findIndex(({ aside }) => aside !== undefined)
  return at === -1 ? Infinity : (rows[Math.max(0, at - 1)]?.seq ?? 0)
}

function parking(lane: string, was: Unusable, nextRank: number | undefined): Choice {
  const now = park(was, was.aside.error)
  return { lane, ended: [now], writes: [updateOperation(now, was)], nextRank }
}

/** Should a later member of its transaction be refused, it is taken back. */
function sentAlone(row: OperationRow, base: Json | undefined): OperationRow {
  if (row.transaction === undefined || row.status !== 'sending' || row.aside !== undefined) return row
  return { ...undoable(row, row.base ?? base), transaction: { ...row.transaction, sent: 'oneByOne' } }
}

/** A create is made on nothing; what comes after one that undoes itself is not. What may be merged into another was perhaps made on something else. */
function needsEntity(rows: readonly OperationRow[]): boolean {
  const first = rows[0]
  if (first === undefined || first.request !== undefined) return false
  if (first.baseVersion !== undefined) return first.transaction !== undefined || rows.length > 1
  if (first.type === 'create') return first.status === 'queued' && rows.some(({ type }) => type === 'delete')
  return first.status === 'queued' || first.status === 'waiting' || first.status === 'sending'
}

/** The turn of the lane's next row; if the lane was not read to its end, that of what is behind. */
function rankAfter(rest: readonly OperationRow[], entries: readonly Entry[]): number | undefined {
  if (rest.length > 0) return rest[0]?.rank ?? 0
  return entries.length >= LANE_LIMIT ? 0 : undefined
}

/** The rows up to the first that can't be read, or has no place there: nothing overtakes it. */
function playable(entries: readonly Entry[], lane: string): OperationRow[] {
  const rows: OperationRow[] = []
  for (const entry of entries) {
    const row = playableIn(lane, entry)
    if (row === undefined) break
    rows.push(row)
  }
  return rows
}

export function unsendable(row: OperationRow, cause: unknown): SyncError {
  if (cause instanceof SyncError) return cause
  return new SyncOperationError(
    row.id,
    'unsendable',
    `The transport can't make a request of operation ${row.id}. Mend its route, then retry it.`,
    { cause },
  )
}

function dependencyFailed(row: OperationRow, { id, type, entity, entityId, status, lastError }: OperationRow): SyncError {
  const why = lastError === undefined ? '' : ` (${lastError.message.slice(0, LONGEST_CAUSE)})`
  return new SyncOperationError(
    row.id,
    'dependency-failed',
    `It depends on ${id}, the ${type} of ${entity}/${entityId}, which was ${status}${why}. Enqueue it again once that is done.`,
  )
}
