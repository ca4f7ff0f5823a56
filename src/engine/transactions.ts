import { conflictRow, decided, isNews } from '../core/conflict-row.ts'
import { isShown, valueIn } from '../core/derive.ts'
import { shownVersion } from '../core/earlier.ts'
import { SyncError, SyncOperationError } from '../core/errors.ts'
import {
  isInDoubt,
  isTerminal,
  keyOfUser,
  laneOf,
  type ConflictRecord,
  type NewOperationRow,
  type OperationRow,
} from '../core/operation.ts'
import { NEWER_BUILD } from '../core/migrate.ts'
import type { Settings } from '../core/options.ts'
import type { SystemPorts, Write } from '../core/ports.ts'
import { WITH_TRANSACTION } from '../core/reconcile.ts'
import { finish, rankOf, storedError } from '../core/rows.ts'
import { CONFLICTS, OPERATIONS, readOperation, type EntityRow } from '../core/schema.ts'
import { failedBy, follow, isTogether, memberSeqs, type Part } from '../core/transaction.ts'
import { undoable, undoUnder, type Since } from '../core/undo.ts'
import { toldBy, type Confirmation } from './confirmation.ts'
import type { Linker } from './links.ts'
import { errorOf } from './optimistic.ts'
import type { Stamps } from './stamps.ts'
import { updateOperation, type Store } from './store.ts'
import { wholeLanes } from './whole-lanes.ts'

/** Another member of a transaction, as it is from then on. */
export interface Follower {
  readonly row: OperationRow
  readonly conflict: ConflictRecord | undefined
}

/** What the step of one operation does to the others of its transaction, to be written with it. */
export interface Aftermath {
  readonly followers: readonly Follower[]
  readonly writes: readonly Write[]
  readonly confirmations: readonly Confirmation[]
  /** What takes back those that were done before. */
  readonly undoing: readonly NewOperationRow[]
  /** Those that were done before, and that nothing is known to take back. */
  readonly left: readonly OperationRow[]
  /** What it was worked out from. */
  readonly unchanged: readonly OperationRow[]
}

interface Undoable {
  readonly row: OperationRow
  readonly since: Since
}

export type Transactions = ReturnType<typeof createTransactions>

/** The operations of a transaction: what becomes of one is written together with what that means for the others. */
export function createTransactions(
  settings: Settings,
  { clock, newId }: SystemPorts,
  store: Store,
  { stamps, linker }: { readonly stamps: Stamps; readonly linker: Linker },
) {
  /** In their order; a number where one can't be read, undefined where one is lost. */
  async function placesOf(row: OperationRow): Promise<readonly (OperationRow | number | undefined)[]> {
    const seqs = memberSeqs(row)
    const entries = await store.storage.getMany(OPERATIONS, seqs)
    return entries.map((entry, at) => {
      const found = entry === undefined ? undefined : readOperation(entry)
      if (found === undefined) return entry === undefined ? undefined : seqs[at]
      return found.transaction?.id === row.transaction?.id ? found : undefined
    })
  }

  /** In their order; undefined where one is lost, or can't be read. */
  async function membersOf(row: OperationRow): Promise<readonly (OperationRow | undefined)[]> {
    return (await placesOf(row)).map((one) => (typeof one === 'number' ? undefined : one))
  }

  /** In their order. @throws SyncError if one is lost, or can't be read: nothing is done with the others as if they were all. */
  async function wholeOf(row: OperationRow): Promise<readonly OperationRow[]> {
    const members = (await membersOf(row)).filter((member) => member !== undefined)
    if (members.length < memberSeqs(row).length) throw notWhole(row)
    return members
  }

  /** `parts`: what was said of each member. */
  async function aftermathOf(row: OperationRow, parts?: readonly Part[]): Promise<Aftermath> {
    return aftermathAmong(await othersOf(row), row, parts)
  }

  async function aftermathAmong(others: readonly OperationRow[], row: OperationRow, parts?: readonly Part[]): Promise<Aftermath> {
    if (others.some(isTogether)) return alongside(row, others, parts)
    return isUndone(row) ? undone(row, others) : NO_AFTERMATH
  }

  /** By somebody who has changed the row. @throws SyncOperationError if another member is on its way: what becomes of that is open. */
  async function editedAftermathOf(row: OperationRow, next: OperationRow): Promise<Aftermath> {
    if (row.transaction === undefined) return NO_AFTERMATH
    const others = await othersOf(row)
    const newer = others.find(({ status, aside }) => !isTerminal(status) && aside?.why === 'newer')?.aside
    if (newer !== undefined) throw new SyncOperationError(row.id, NEWER_BUILD, newer.error.message)
    const busy = isUndone(next) ? others.find((other) => hasBegun(other, row)) : undefined
    if (busy !== undefined) throw onItsWay(row, busy)
    return aftermathAmong(others, next)
  }

  /** The same, where it was written with the row already. */
  async function knownAftermathOf(row: OperationRow): Promise<Aftermath> {
    const others = await othersOf(row)
    const isOne = others.some(isTogether)
    if (!isOne && !isUndone(row)) return NO_AFTERMATH
    const followers = isOne ? others : others.filter(({ status }) => isTerminal(status) && status !== 'done')
    return {
      ...NO_AFTERMATH,
      followers: followers.map((other) => ({ row: other, conflict: undefined })),
      left: isOne ? [] : [...doneBefore(row, others), ...(await undoables(followers.filter(isInDoubt)))].filter(isLeft),
    }
  }

  async function othersOf(row: OperationRow): Promise<readonly OperationRow[]> {
    return (await membersOf(row)).flatMap((one) => (one === undefined || one.seq === row.seq ? [] : [one]))
  }

  function alongside(row: OperationRow, others: readonly OperationRow[], parts: readonly Part[] = []): Aftermath {
    const live = others.filter(({ status }) => !isTerminal(status))
    const after = live.map((was) => ({ was, now: goneOn(was, follow(was, row, parts[was.transaction?.place ?? 0])) }))
    const conflicts = after.map(({ was, now }) => (isNews(now, was) ? conflictRow(now, clock.now()) : undefined))
    return {
      ...NO_AFTERMATH,
      unchanged: live,
      followers: after.map(({ now }, at) => ({ row: now, conflict: conflicts[at] === undefined ? undefined : now.conflict })),
      writes: [
        ...after.map(({ was, now }) => updateOperation(now, was)),
        ...conflicts.flatMap((value): Write[] => (value === undefined ? [] : [{ type: 'put', collection: CONFLICTS, value }])),
      ],
      confirmations: [row, ...live].flatMap((one) => confirmedOf(one, row, parts[one.transaction?.place ?? 0])),
    }
  }

  /** Those after it are not sent any more, and those that were done, or may have been, are taken back, the last first. */
  async function undone(row: OperationRow, others: readonly OperationRow[]): Promise<Aftermath> {
    // Those after it have been sent where an endpoint turned out not to be atomic.
    const open = others.filter(({ status, attempts, seq }) => !isTerminal(status) && (attempts === 0 || seq > row.seq))
    const ended = open.map((was) => ({
      was,
      now: { ...finish(was, endOf(row), row.finishedAt ?? 0), lastError: storedError(failedBy(was, row, errorOf(row))) },
    }))
    const applied = doneBefore(row, others)
    const mayBe = await undoables(open.filter(isInDoubt))
    const toUndo = await withSince([...applied, ...(isInDoubt(row) ? [row] : []), ...mayBe])
    const { undoing, parents } = await linked((await Promise.all(toUndo.toReversed().map(undoingOf))).flat(), row)
    return {
      ...NO_AFTERMATH,
      unchanged: [...others, ...parents],
      left: [...applied, ...mayBe].filter(isLeft),
      followers: ended.map(({ now }) => ({ row: now, conflict: undefined })),
      writes: ended.map(({ was, now }) => updateOperation(now, was)),
      undoing,
    }
  }

  /** With what takes them back, as far as this device knows what they were made on. */
  async function undoables(rows: readonly OperationRow[]): Promise<readonly OperationRow[]> {
    if (rows.length === 0) return []
    const held = await store.entities(rows.map(({ user, entity, entityId }) => laneOf(user, entity, entityId)))
    return rows.map((row, at) => {
      const known = held[at]
      return undoable(row, row.base ?? (shownVersion(known) === row.baseVersion ? known?.value : undefined))
    })
  }

  /** Each with what became of its entity, and what waits behind it for that: this is sent before what takes it back. Both are to stay. */
  async function withSince(rows: readonly OperationRow[]): Promise<readonly Undoable[]> {
    const lanes = rows.map(({ user, entity, entityId }) => laneOf(user, entity, entityId))
    const [waiting, held] = [await wholeLanes(store.storage, lanes), await store.entities(lanes)]
    return Promise.all(
      rows.map(async (row, at) => {
        const behind = (waiting[at] ?? []).filter(({ key }) => Number(key) > row.seq)
        const later = behind.flatMap((entry) => readOperation(entry) ?? []).filter(isShown)
        return { row, since: { now: valueIn(held[at]), isGone: await isGone(row, held[at]), later } }
      }),
    )
  }

  /** What has left the parts that are followed may be there all the same. */
  async function isGone({ user, entity }: OperationRow, held: EntityRow | undefined): Promise<boolean> {
    return held?.deletedAt !== undefined && (await store.pullRow(user, entity))?.parts === undefined
  }

  /** What they name may have got its id meanwhile, or get it only later. What is given up with the transaction is not waited for. */
  async function linked(
    rows: readonly NewOperationRow[],
    { transaction }: OperationRow,
  ): Promise<Pick<Aftermath, 'undoing'> & { readonly parents: readonly OperationRow[] }> {
    const { rows: named, links } = await linker.look(rows)
    const creates = new Map([...links.creates].filter(([, create]) => create.transaction?.id !== transaction?.id))
    return { undoing: linker.dependent(named, { ...links, creates }), parents: [...creates.values()] }
  }

  /** One operation for ever: whoever looks again finds that it is there. */
  async function undoingOf({ row, since }: Undoable): Promise<readonly NewOperationRow[]> {
    const { user, entity, entityId, priority } = row
    const undo = undoUnder(row, since)
    if (undo === undefined) return []
    const idempotencyKey = `${row.id}.undo`
    const chosenKey = keyOfUser(user, idempotencyKey)
    if ((await store.byChosenKey(chosenKey)) !== undefined) return []
    const enqueuedAt = clock.now()
    const hlc = stamps.next(entity)
    const isDoubted = row.type === 'create' && row.status !== 'done' && undo.type === 'delete'
    return [
      {
        id: newId(),
        rev: 1,
        user,
        type: undo.type,
        entity,
        entityId,
        payload: stamps.stamped(undo.type, entity, undo.payload, hlc),
        status: 'queued',
        priority,
        idempotencyKey,
        chosenKey,
        enqueuedAt,
        attempts: 0,
        unknownAttempts: 0,
        reconciliations: 0,
        lane: laneOf(user, entity, entityId),
        rank: rankOf({ enqueuedAt, priority }, settings.ageingMs),
        ...(hlc === undefined ? {} : { hlc }),
        ...(isDoubted ? { looksFirst: true, base: row.payload, depended: 1 } : {}),
      },
    ]
  }

  return { placesOf, membersOf, wholeOf, aftermathOf, knownAftermathOf, editedAftermathOf }
}

export const NO_AFTERMATH: Aftermath = { followers: [], writes: [], confirmations: [], undoing: [], left: [], unchanged: [] }

function isUndone({ status }: OperationRow): boolean {
  return status === 'rejected' || status === 'cancelled'
}

function doneBefore(row: OperationRow, others: readonly OperationRow[]): readonly OperationRow[] {
  return others.filter(({ status, seq }) => status === 'done' && seq < row.seq)
}

/** Nothing is known that takes it back. A create without that has made nothing. */
function isLeft({ type, undo }: OperationRow): boolean {
  return undo === undefined && type !== 'create'
}

/** With the whole its own conflict is given up, or sent again: it waits for nobody any more. */
function goneOn(was: OperationRow, now: OperationRow): OperationRow {
  if (was.status !== 'parked' || now.status === 'parked') return now
  return decided(now, isTerminal(now.status) ? 'discarded' : 'local', WITH_TRANSACTION)
}

/** What becomes of it is open. What is sent as one ends as one. */
function hasBegun({ status, attempts }: OperationRow, row: OperationRow): boolean {
  const isWithIt = isTogether(row) && (status === 'waiting' || status === 'parked')
  return !isTerminal(status) && attempts > 0 && !isWithIt
}

function onItsWay({ id, status }: OperationRow, busy: OperationRow): SyncOperationError {
  const message = `Operation ${id} (${status}) can't be discarded: operation ${busy.id} (${busy.status}) of the same transaction has been sent. Discard that one, or wait until it has settled.`
  return new SyncOperationError(id, 'not-possible', message)
}

function notWhole({ id }: OperationRow): SyncError {
  return new SyncError(
    'storage-unavailable',
    `The transaction of operation ${id} can't be read as a whole; it is looked at again.`,
    {
      retryable: true,
    },
  )
}

function endOf({ status }: OperationRow): 'rejected' | 'cancelled' {
  return status === 'cancelled' ? 'cancelled' : 'rejected'
}

/** What the server said of a member: by its answer, or when it was looked at. That of the played one is known otherwise, but for what is there while others are sent. */
function confirmedOf(operation: OperationRow, played: OperationRow, part: Part | undefined): readonly Confirmation[] {
  if (part?.type === 'applied' && operation !== played && operation.transaction?.isMet === undefined) {
    const { version, value, id } = part
    return [{ operation, version, value, appliedTo: operation.baseVersion, wasLookedAt: operation.reconciliations > 0, id }]
  }
  const told = part === undefined ? undefined : toldBy(operation, part)
  const isKnown = operation === played && (played.status === 'done' || told?.theirs !== undefined)
  return told === undefined || isKnown ? [] : [told]
}
