import { ValidationError } from '../core/errors.ts'
import { isTerminal, isUnsent, laneOf, type NewOperationRow, type OperationRow } from '../core/operation.ts'
import type { Expectation, Write } from '../core/ports.ts'
import { EDITS, META, OPERATIONS, readOperation } from '../core/schema.ts'
import { memberSeqs } from '../core/transaction.ts'
import { putOperation, type Store } from './store.ts'
import { editsUnchanged, type Also } from './store-edit.ts'
import { wholeLanes } from './whole-lanes.ts'

export interface Marks {
  readonly writes: readonly Write[]
  readonly expect: readonly Expectation[]
}

const NO_MARKS: Marks = { writes: [], expect: [] }

/**
 * Marks what these rows depend on, in the commit that stores them: from then on it is not coalesced (S17). What was claimed meanwhile
 * needs no mark, and is found so when the commit is tried again. What ended otherwise than done is not forgotten behind the back of
 * these rows (S9): that is counted as an edit, for the owner; as is all that `isEdit` says to be one. Throws `ValidationError` for an operation that does not exist.
 */
export async function markParents(store: Store, rows: readonly NewOperationRow[], isEdit = false): Promise<Marks> {
  if (!isEdit && rows.every((row) => row.dependsOn === undefined)) return NO_MARKS
  const parents = await parentsOf(store, rows)
  const unmarked = parents.filter(isUnmarked)
  const expect = parents.flatMap((parent) => (parent.status === 'done' ? [] : same(parent, 'status')))
  if (!isEdit && unmarked.length === 0 && !parents.some(hasFailed)) return { writes: [], expect }
  const edits = await store.edits()
  return {
    writes: [
      ...unmarked.map(marked).map(putOperation),
      { type: 'put', collection: META, value: { name: EDITS, rev: edits + 1 } },
    ],
    expect: [...expect, ...unmarked.map((parent) => same(parent, 'rev')), editsUnchanged(edits)],
  }
}

/** The same for an operation whose content was edited. The edit itself is counted. */
export async function markParentsAnew(store: Store, was: OperationRow, row: OperationRow): Promise<Also> {
  if (row.dependsOn === undefined || !isUnsent(row) || row.payload === was.payload) return { writes: [], unchanged: [] }
  const found = await store.byIds(row.dependsOn)
  const parents = found.filter((parent) => parent !== undefined)
  return {
    writes: parents.filter(isUnmarked).map(marked).map(putOperation),
    unchanged: parents.filter(({ status }) => status !== 'done'),
  }
}

/** Whether the operation, or one that has to be able to go with it, goes only once this other one has ended: that can't wait for it. */
export async function waitsFor(store: Store, row: OperationRow, id: string): Promise<boolean> {
  const met = new Map<string, OperationRow>()
  for (let open = [row]; open.length > 0 && !met.has(id);) {
    const fresh = open.filter((one) => !met.has(one.id))
    for (const one of fresh) met.set(one.id, one)
    open = (await Promise.all(fresh.map((one) => aroundOf(store, one)))).flat()
  }
  return met.has(id)
}

/** What stands before it in its lane, the others of its transaction, and what it depends on. */
async function aroundOf(store: Store, row: OperationRow): Promise<readonly OperationRow[]> {
  const [lane = []] = await wholeLanes(store.storage, [laneOf(row.user, row.entity, row.entityId)])
  const members = row.transaction === undefined ? [] : await store.storage.getMany(OPERATIONS, memberSeqs(row))
  const stored = [...lane.filter(({ key }) => Number(key) < row.seq), ...members]
  const named = await Promise.all((isUnsent(row) ? (row.dependsOn ?? []) : []).map((id) => store.successorOf(id)))
  const around = [...stored.map((entry) => entry && readOperation(entry)), ...named]
  return around.flatMap((one) => (typeof one === 'object' && !isTerminal(one.status) ? [one] : []))
}

async function parentsOf(store: Store, rows: readonly NewOperationRow[]): Promise<OperationRow[]> {
  const [user] = rows.map((row) => row.user)
  const own = new Set(rows.map((row) => row.id))
  const ids = new Set(rows.flatMap((row) => row.dependsOn ?? []).filter((id) => !own.has(id)))
  return Promise.all([...ids].map((id) => parentOf(store, user, id)))
}

async function parentOf(store: Store, user: string | undefined, id: string): Promise<OperationRow> {
  const row = await store.byId(id)
  if (row !== undefined && row.user === user) return row
  throw new ValidationError('dependsOn', `there is no operation ${id}. Enqueue it first.`, { code: 'unknown-dependency' })
}

function isUnmarked({ status, depended }: OperationRow): boolean {
  return status === 'queued' && depended === undefined
}

function marked(parent: OperationRow): OperationRow {
  return { ...parent, rev: parent.rev + 1, depended: 1 }
}

function hasFailed({ status }: OperationRow): boolean {
  return isTerminal(status) && status !== 'done'
}

function same(row: OperationRow, field: 'rev' | 'status'): Expectation {
  return { collection: OPERATIONS, key: row.seq, field, equals: row[field] }
}
