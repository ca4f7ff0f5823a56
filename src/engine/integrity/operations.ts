import { readConflict } from '../../core/conflict-row.ts'
import type { OperationRow } from '../../core/operation.ts'
import type { Entry } from '../../core/ports.ts'
import { operationFaults } from '../../core/row-faults.ts'
import { CONFLICTS, OPERATIONS, readOperation } from '../../core/schema.ts'
import { unreadable } from '../blockages.ts'
import { mendMissingConflict, isConflictOwed } from './conflicts.ts'
import type { Findings, Found } from './findings.ts'
import { mendOperation, nameOf } from './mend-operation.ts'
import { isPlaced, missedByIndexes, pagesOf, strays } from './pages.ts'
import { referenceProblems } from './references.ts'
import { isOwn, type Task } from './site.ts'

/**
 * Every operation: that it can be read, stands where it belongs, and names what is there. Gives the number of each that stood, or stands, where it does not
 * belong, by its id: who looks for it by an index may find nothing.
 */
export async function checkOperations(task: Task, findings: Findings): Promise<ReadonlyMap<string, number>> {
  const { storage } = task.store
  const seen = new Map<number, string>()
  for await (const page of pagesOf(storage, OPERATIONS)) {
    for (const entry of page) if (readOperation(entry) === undefined) await foundUnreadable(task, findings, Number(entry.key))
    const own = page.filter((entry) => isConcerned(task, readOperation(entry)))
    findings.count('operations', own.length)
    for (const entry of own) await checkFields(task, findings, entry, seen)
    for (const entry of await missedByIndexes(storage, OPERATIONS, own)) await checkPlace(task, findings, entry, seen)
    await checkReferences(
      task,
      findings,
      own.flatMap((entry) => readOperation(entry) ?? []),
    )
  }
  for await (const entry of strays(storage, OPERATIONS)) {
    const row = readOperation(entry)
    if (row !== undefined && isConcerned(task, row)) await foundPlace(task, findings, row, seen)
  }
  return new Map([...seen].map(([seq, id]) => [id, seq]))
}

function isConcerned(task: Task, row: OperationRow | undefined): boolean {
  return row !== undefined && isOwn(task, row.user) && task.concerns(row.entity)
}

/** It is told of once more only if it was not mended meanwhile, or discarded. */
async function foundUnreadable(task: Task, findings: Findings, seq: number): Promise<void> {
  const now = await task.store.storage.get(OPERATIONS, seq)
  if (now === undefined || readOperation(now) !== undefined) return
  findings.count('operations')
  const error = unreadable(now)
  if (task.repair) task.quarantined(seq, error)
  findings.add({
    code: 'unreadable',
    collection: OPERATIONS,
    key: seq,
    message: error.message,
    repaired: task.repair ? 'quarantined' : 'none',
  })
}

function about(row: OperationRow): Pick<Found, 'collection' | 'key' | 'operationId' | 'entity' | 'entityId'> {
  return { collection: OPERATIONS, key: row.seq, operationId: row.id, entity: row.entity, entityId: row.entityId }
}

async function checkFields(task: Task, findings: Findings, entry: Entry, seen: Map<number, string>): Promise<void> {
  const row = readOperation(entry)
  const faults = row === undefined ? [] : operationFaults(row)
  if (row === undefined || faults.length === 0) return
  const canBe = faults.some(({ isDerived }) => isDerived)
  const isMended = task.repair && canBe && (await mendOperation(task, row.seq))
  if (canBe) seen.set(row.seq, row.id)
  for (const { field, isDerived, effect } of faults)
    findings.add({
      ...about(row),
      code: 'field',
      message: `The field ${field} of operation #${row.seq}, ${nameOf(row)}, contradicts the others: ${effect}.${isDerived ? '' : ' Enqueue it anew if the server lacks it.'}`,
      repaired: isMended && isDerived ? 'mended' : 'none',
    })
}

/** What was on its way to another place when it was looked at is looked at anew. */
async function checkPlace(task: Task, findings: Findings, entry: Entry, seen: Map<number, string>): Promise<void> {
  for (let now: Entry | undefined = entry; now !== undefined; now = await task.store.storage.get(OPERATIONS, entry.key)) {
    const row = readOperation(now)
    const placed = row === undefined ? true : await isPlaced(task.store.storage, OPERATIONS, now)
    if (placed === 'changed') continue
    return placed || row === undefined ? undefined : foundPlace(task, findings, row, seen)
  }
}

/** Once for each row, however many indexes lack it. */
async function foundPlace(task: Task, findings: Findings, row: OperationRow, seen: Map<number, string>): Promise<void> {
  if (seen.has(row.seq)) return
  seen.set(row.seq, row.id)
  const isMended = task.repair && (await mendOperation(task, row.seq))
  findings.add({
    ...about(row),
    code: 'place',
    message: `Operation #${row.seq}, ${nameOf(row)}, does not stand in an index of the store where it belongs: who looks there does not find it.`,
    repaired: isMended ? 'mended' : 'none',
  })
}

async function checkReferences(task: Task, findings: Findings, rows: readonly OperationRow[]): Promise<void> {
  for (const { row, ...found } of await referenceProblems(task, rows)) findings.add({ ...about(row), ...found })
  const owed = rows.filter(isConflictOwed)
  const held = await task.store.storage.getMany(
    CONFLICTS,
    owed.map(({ conflict }) => conflict?.id ?? ''),
  )
  for (const [at, row] of owed.entries()) {
    if (readConflict(held[at])?.status === 'pending') continue
    const isMended = await mendMissingConflict(task, row)
    if (isMended === 'gone') continue
    findings.add({
      ...about(row),
      code: 'conflict',
      message: `Operation #${row.seq}, ${nameOf(row)}, waits for a decision on a conflict that is not in the inbox.`,
      repaired: isMended ? 'mended' : 'none',
    })
  }
}
