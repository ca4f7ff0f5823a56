import { conflictRow, readConflict, type ConflictRow } from '../../core/conflict-row.ts'
import { StorageConflictError } from '../../core/errors.ts'
import type { OperationRow } from '../../core/operation.ts'
import type { Entry, Expectation, Scalar } from '../../core/ports.ts'
import { mendedConflict } from '../../core/row-faults.ts'
import { CONFLICTS, OPERATIONS, readOperation } from '../../core/schema.ts'
import { setAside } from './aside.ts'
import type { Findings, Found } from './findings.ts'
import { isPlaced, missedByIndexes, pagesOf, strays } from './pages.ts'
import { isOwn, type Task } from './site.ts'

/**
 * The inbox: that each row can be read and stands where it belongs, and that an operation waits for what is open, be it one of those that are `misplaced`.
 */
export async function checkConflicts(task: Task, findings: Findings, misplaced: ReadonlyMap<string, number>): Promise<void> {
  const { storage } = task.store
  const seen = new Set<Scalar>()
  for await (const page of pagesOf(storage, CONFLICTS)) {
    for (const entry of page) if (readConflict(entry) === undefined) await foundUnreadable(task, findings, entry.key)
    const own = page.filter((entry) => isConcerned(task, readConflict(entry)))
    findings.count('conflicts', own.length)
    for (const entry of own) await checkRow(task, findings, entry, seen, misplaced)
    for (const entry of await missedByIndexes(storage, CONFLICTS, own))
      if (!seen.has(entry.key) && (await isPlaced(storage, CONFLICTS, entry)) === false)
        await foundPlace(task, findings, entry, seen)
  }
  for await (const entry of strays(storage, CONFLICTS))
    if (!seen.has(entry.key) && isConcerned(task, readConflict(entry))) await foundPlace(task, findings, entry, seen)
}

function isConcerned(task: Task, row: ConflictRow | undefined): boolean {
  return row !== undefined && isOwn(task, row.user) && task.concerns(row.entity)
}

function about(row: ConflictRow): Pick<Found, 'collection' | 'key' | 'operationId' | 'entity' | 'entityId'> {
  return { collection: CONFLICTS, key: row.id, operationId: row.operationId, entity: row.entity, entityId: row.entityId }
}

async function foundUnreadable(task: Task, findings: Findings, key: Scalar): Promise<void> {
  const now = await task.store.storage.get(CONFLICTS, key)
  if (now === undefined || readConflict(now) !== undefined) return
  findings.count('conflicts')
  const isAside = task.repair && (await setAside(task, CONFLICTS, key, (entry) => readConflict(entry) === undefined))
  const message = `The conflict ${key} can not be read.${isAside ? ' It was set aside; what waits for it is in the inbox again after the next check.' : ''}`
  findings.add({ code: 'unreadable', collection: CONFLICTS, key, message, repaired: isAside ? 'quarantined' : 'none' })
}

async function checkRow(
  task: Task,
  findings: Findings,
  entry: Entry,
  seen: Set<Scalar>,
  misplaced: ReadonlyMap<string, number>,
): Promise<void> {
  const row = readConflict(entry)
  if (row === undefined) return
  const mended = mendedConflict(row)
  if (mended !== row) {
    seen.add(row.id)
    const repaired = task.repair && (await put(task, row, mended)) ? 'mended' : 'none'
    const message = `The conflict ${row.id} stands in the inbox as ${row.status}, which contradicts its resolution.`
    findings.add({ ...about(row), code: 'field', message, repaired })
  } else if (row.status === 'pending') await checkOpen(task, findings, row, misplaced)
}

async function foundPlace(task: Task, findings: Findings, entry: Entry, seen: Set<Scalar>): Promise<void> {
  const row = readConflict(entry)
  if (row === undefined || seen.has(row.id)) return
  seen.add(row.id)
  const repaired = task.repair && (await put(task, row, row)) ? 'mended' : 'none'
  const message = `The conflict ${row.id} does not stand in an index of the store where it belongs: the inbox does not show it.`
  findings.add({ ...about(row), code: 'place', message, repaired })
}

/** Nobody can decide about a conflict whose operation does not wait for that. */
async function checkOpen(
  task: Task,
  findings: Findings,
  row: ConflictRow,
  misplaced: ReadonlyMap<string, number>,
): Promise<void> {
  const { storage } = task.store
  const operation = await operationOf(task, row, misplaced.get(row.operationId))
  if (operation === 'unreadable' || (operation !== undefined && isOpenIn(operation, row))) return
  const again = readConflict(await storage.get(CONFLICTS, row.id))
  if (JSON.stringify(again) !== JSON.stringify(row)) return
  const at = task.now()
  const known = operation?.conflict?.id === row.id ? conflictRow(operation, at) : undefined
  const closed: ConflictRow = known ?? { ...row, ...CLOSED, resolvedAt: at, since: at }
  const repaired = task.repair && (await put(task, row, closed)) ? 'mended' : 'none'
  const message = `The conflict ${row.id} waits for a decision, but operation ${row.operationId} does not wait for it.`
  findings.add({ ...about(row), code: 'conflict', message, repaired })
}

const CLOSED = { status: 'resolved', resolution: 'discarded', strategy: 'repair' } as const

function isOpenIn({ conflict }: OperationRow, { id }: ConflictRow): boolean {
  return conflict?.id === id && (conflict.resolution ?? 'pending') === 'pending'
}

/** `seq`: where it is, if an index may lack it. */
async function operationOf(
  { store }: Task,
  { operationId }: ConflictRow,
  seq: number | undefined,
): Promise<OperationRow | 'unreadable' | undefined> {
  const [found] = await store.storage.scan(OPERATIONS, { index: 'id', prefix: [operationId], limit: 1 })
  const entry = found ?? (seq === undefined ? undefined : await store.storage.get(OPERATIONS, seq))
  return entry === undefined ? undefined : (readOperation(entry) ?? 'unreadable')
}

/** As long as it is as it was. */
async function put(task: Task, was: ConflictRow, row: ConflictRow): Promise<boolean> {
  const { id: key, status, since } = was
  return commits(task, row, [
    { collection: CONFLICTS, key, field: 'status', equals: status },
    { collection: CONFLICTS, key, field: 'since', equals: since },
  ])
}

async function commits(task: Task, row: ConflictRow, expect: readonly Expectation[]): Promise<boolean> {
  try {
    await task.store.commit([{ type: 'put', collection: CONFLICTS, value: row }], { expect })
    task.mended()
    return true
  } catch (error) {
    if (error instanceof StorageConflictError) return false
    throw error
  }
}

/** An operation that waits for a person is in the inbox. */
export function isConflictOwed({ status, conflict }: OperationRow): boolean {
  return status === 'parked' && conflict?.id !== undefined && (conflict.resolution ?? 'pending') === 'pending'
}

/** `gone`: it does not lack it, or waits for it no more. */
export async function mendMissingConflict(task: Task, row: OperationRow): Promise<boolean | 'gone'> {
  const { storage } = task.store
  const key = row.conflict?.id ?? ''
  const held = await storage.get(CONFLICTS, key)
  const entry = await storage.get(OPERATIONS, row.seq)
  const now = entry === undefined ? undefined : readOperation(entry)
  if (now?.rev !== row.rev || readConflict(held)?.status === 'pending') return 'gone'
  const value = conflictRow(now, task.now())
  if (!task.repair || value === undefined) return false
  return commits(task, value, [{ collection: OPERATIONS, key: row.seq, field: 'rev', equals: row.rev }])
}
