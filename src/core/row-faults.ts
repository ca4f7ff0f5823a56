import type { ConflictRow } from './conflict-row.ts'
import { isScheduled, isTerminal, keyOfUser, laneOf, type OperationRow } from './operation.ts'
import { rankOf, type Ageing } from './rows.ts'
import { IN_PLAY, isCounter, isRecord, NEVER_DUE, type EntityRow } from './schema.ts'

/** A field of a stored row that contradicts the others. */
export interface RowFault {
  readonly field: string
  /** True if what it should be follows from the others. */
  readonly isDerived: boolean
  /** What it leads to. */
  readonly effect: string
}

const IN_PLAY_STATUSES: ReadonlySet<OperationRow['status']> = new Set(['sending', 'reconciling', 'rollingBack'])

/** Its owner may have it in memory, and writes it whatever is in the store. */
function isInPlay({ status }: OperationRow): boolean {
  return IN_PLAY_STATUSES.has(status)
}

/** The fields by which an operation stands in indexes, where they are not what its status asks for; and others that can't be what they are. */
export function operationFaults(row: OperationRow): readonly RowFault[] {
  return [...indexFaults(row), ...shapeFaults(row)]
}

function indexFaults(row: OperationRow): readonly RowFault[] {
  const { status, lane, rank, dueAt, finishedAt, supersededBy } = row
  const ended = isTerminal(status)
  const faults: RowFault[] = []
  const derived = (field: string, isRight: boolean, effect: string): void => {
    if (!isRight) faults.push({ field, isDerived: true, effect })
  }
  derived(
    'lane',
    lane === laneWanted(row),
    ended ? 'it has ended and is shown as pending' : 'it stands in no line, or in another',
  )
  derived(
    'rank',
    status === 'queued' ? isNumber(rank) : rank === undefined,
    'its turn never comes, or comes though it does not wait',
  )
  derived('dueAt', isDueRight(status, dueAt), 'it is never looked at again, or at the wrong time')
  derived('finishedAt', ended ? isNumber(finishedAt) : finishedAt === undefined, 'it is forgotten never, or too early')
  derived('chosenKey', row.chosenKey === chosenWanted(row), 'its idempotency key does not find it')
  derived('dedupeKey', isDedupeRight(row), 'others are taken for it')
  derived(
    'supersededBy',
    status === 'superseded' || supersededBy === undefined,
    'it was merged into none, and what depends on it waits for another',
  )
  return faults
}

function laneWanted({ status, user, entity, entityId }: OperationRow): string | undefined {
  return isTerminal(status) ? undefined : laneOf(user, entity, entityId)
}

/** The engine's own key of an operation is its id. */
function chosenWanted({ id, user, idempotencyKey, contentHash, chosenKey }: OperationRow): string | undefined {
  const isChosen = idempotencyKey !== id || contentHash !== undefined || chosenKey !== undefined
  return isChosen ? keyOfUser(user, idempotencyKey) : undefined
}

function isDedupeRight(row: OperationRow): boolean {
  const { status, user, dedupeKey } = row
  if (dedupeKey === undefined) return true
  return (status === 'queued' || isScheduled(row)) && isText(dedupeKey) && dedupeKey.startsWith(keyOfUser(user, ''))
}

function isDueRight(status: OperationRow['status'], dueAt: number | undefined): boolean {
  if (status === 'waiting') return isNumber(dueAt) && dueAt >= 0 && dueAt < NEVER_DUE
  return dueAt === dueWanted(status)
}

function dueWanted(status: OperationRow['status']): number | undefined {
  if (status === 'waiting') return 0
  if (status === 'parked') return NEVER_DUE
  return IN_PLAY_STATUSES.has(status) ? IN_PLAY : undefined
}

/** What stands for it no other field tells. */
function shapeFaults({ status, supersededBy }: OperationRow): readonly RowFault[] {
  if (status !== 'superseded' || supersededBy !== undefined) return []
  return [{ field: 'supersededBy', isDerived: false, effect: 'it was merged, and it can not be told into what' }]
}

/**
 * The row with its index fields made anew from the others. In play its revision stays, for its owner counts from the one that it knows. What it
 * waited for is not known any more: it is due at once.
 */
export function mendedOperation(row: OperationRow, ageingMs: Ageing, now: number): OperationRow {
  const { lane: _lane, rank, dueAt, finishedAt, chosenKey: _chosenKey, dedupeKey, supersededBy, ...kept } = row
  const { status } = row
  const [lane, chosenKey] = [laneWanted(row), chosenWanted(row)]
  const due = isDueRight(status, dueAt) ? dueAt : dueWanted(status)
  return {
    ...kept,
    rev: isInPlay(row) ? row.rev : row.rev + 1,
    ...(lane === undefined ? {} : { lane }),
    ...(status === 'queued' ? { rank: isNumber(rank) ? rank : rankOf(row, ageingMs) } : {}),
    ...(due === undefined ? {} : { dueAt: due }),
    ...(isTerminal(status) ? { finishedAt: isNumber(finishedAt) ? finishedAt : now } : {}),
    ...(chosenKey === undefined ? {} : { chosenKey }),
    ...(dedupeKey !== undefined && isDedupeRight(row) ? { dedupeKey } : {}),
    ...(status === 'superseded' && supersededBy !== undefined ? { supersededBy } : {}),
  }
}

/** What of an entity's row can't be what it is. Nothing of it follows from the rest: the server has it. */
export function entityFaults(row: EntityRow): readonly RowFault[] {
  const { generation, answeredIn, rev, deletedAt, scopes, earlier = [], value } = row
  const faults: RowFault[] = []
  const own = (field: string, isRight: boolean, effect: string): void => {
    if (!isRight) faults.push({ field, isDerived: false, effect })
  }
  own('rev', rev === undefined || isNumber(rev), 'other tabs do not find it as new')
  own('generation', generation === undefined || isCounter(generation), 'it can not be told whether a pull has met it')
  own('answeredIn', answeredIn === undefined || isCounter(answeredIn), 'it can not be told whether a page is older')
  own('deletedAt', deletedAt === undefined || (isNumber(deletedAt) && value === undefined), 'it is there and gone at once')
  own(
    'scopes',
    scopes === undefined || (isRecord(scopes) && Object.values(scopes).every(isCounter)),
    'it can not be told which part holds it',
  )
  own(
    'earlier',
    earlier.every(({ upTo }, at) => at === 0 || upTo > (earlier[at - 1]?.upTo ?? 0)),
    'operations are compared with what they were not made on',
  )
  return faults
}

/** The conflict with its place in the inbox made anew from what was decided; the same one where that is right. */
export function mendedConflict(row: ConflictRow): ConflictRow {
  const { resolution, detectedAt, resolvedAt, status, since } = row
  const isPending = resolution === 'pending'
  const wanted = isPending ? detectedAt : (resolvedAt ?? detectedAt)
  if (status === (isPending ? 'pending' : 'resolved') && since === wanted) return row
  return { ...row, status: isPending ? 'pending' : 'resolved', since: wanted }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
