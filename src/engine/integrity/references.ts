import { isTerminal, laneOf, type OperationRow } from '../../core/operation.ts'
import type { Entry } from '../../core/ports.ts'
import { OPERATIONS, readOperation } from '../../core/schema.ts'
import { memberSeqs } from '../../core/transaction.ts'
import type { Found } from './findings.ts'
import { nameOf } from './mend-operation.ts'
import { rowsAt } from './pages.ts'
import type { Task } from './site.ts'

/** So far it is looked who waits for whom. */
const MOST_STEPS = 200

export type ReferenceProblem = Pick<Found, 'code' | 'message'> & { readonly row: OperationRow }

/**
 * What operations name that is not there, or not what it must be. One that is not found was forgotten after it had ended, as far as anybody can tell:
 * nothing is accepted that names what is not there.
 */
export async function referenceProblems({ store }: Task, rows: readonly OperationRow[]): Promise<readonly ReferenceProblem[]> {
  const { storage } = store

  async function byIds(ids: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    const queries = ids.map((id) => ({ index: 'id', prefix: [id], limit: 1 }))
    return (await storage.scanMany(OPERATIONS, queries)).map(([entry]) => entry)
  }

  async function ofDependencies(): Promise<readonly ReferenceProblem[]> {
    const pairs = rows
      .filter(({ status, attempts }) => !isTerminal(status) && attempts === 0)
      .flatMap((row) => (row.dependsOn ?? []).map((id) => ({ row, id })))
    const found = await byIds(pairs.map(({ id }) => id))
    const problems: ReferenceProblem[] = []
    for (const [at, { row, id }] of pairs.entries()) {
      const fault = await dependencyFault(row, found[at])
      const message = `Operation #${row.seq}, ${nameOf(row)}, depends on ${id}, ${fault}. Discard one of them.`
      if (fault !== undefined) problems.push({ row, code: 'dependency', message })
    }
    return problems
  }

  async function dependencyFault(row: OperationRow, entry: Entry | undefined): Promise<string | undefined> {
    if (entry === undefined) return undefined
    const other = readOperation(entry)
    if (other === undefined) return `which can not be read (#${entry.key})`
    if (other.user !== row.user) return "another user's"
    return other.seq >= row.seq && (await waitsFor(other, row)) ? 'which waits for it' : undefined
  }

  /** Whether one waits for the other, be it through others: for what it depends on, and what stands before it in its line. */
  async function waitsFor(first: OperationRow, row: OperationRow): Promise<boolean> {
    const seen = new Set<number>()
    for (let open: readonly OperationRow[] = [first]; open.length > 0 && seen.size < MOST_STEPS;) {
      const fresh = open.filter(({ status, seq }) => !isTerminal(status) && !seen.has(seq))
      if (fresh.some(({ seq }) => seq === row.seq)) return true
      for (const { seq } of fresh) seen.add(seq)
      const named = await byIds(fresh.flatMap(({ dependsOn = [] }) => dependsOn))
      const heads = (await store.lanes(fresh.map(laneOfRow), 1)).map(([head]) => head)
      open = [...named, ...heads].flatMap((entry) => (entry === undefined ? [] : (readOperation(entry) ?? [])))
    }
    return false
  }

  async function ofSuperseded(): Promise<readonly ReferenceProblem[]> {
    const merged = rows.filter(({ status, supersededBy }) => status === 'superseded' && supersededBy !== undefined)
    const found = await byIds(merged.map(({ supersededBy = '' }) => supersededBy))
    const strange = merged.flatMap((row, at) => {
      const entry = found[at]
      const other = entry === undefined ? undefined : readOperation(entry)
      if (other === undefined || (other.seq > row.seq && laneOfRow(other) === laneOfRow(row))) return []
      return [{ row, isOlder: other.seq <= row.seq }]
    })
    if (strange.length === 0) return []
    // What had ended kept the temporary id when the server gave another.
    const named = await store.entities(strange.map(({ row }) => laneOfRow(row)))
    return strange.flatMap(({ row, isOlder }, at): readonly ReferenceProblem[] => {
      if (!isOlder && named[at]?.movedTo !== undefined) return []
      const message = `Operation #${row.seq}, ${nameOf(row)}, is said to be merged into ${row.supersededBy}, which is older or on another entity: what became of it can't be told. Enqueue it anew if the server lacks it.`
      return [{ row, code: 'superseded', message }]
    })
  }

  /** Of each transaction that lives, all at one moment. */
  async function ofTransactions(): Promise<readonly ReferenceProblem[]> {
    const seen = new Set<string>()
    const problems: ReferenceProblem[] = []
    for (const row of rows) {
      const { id = '', size = 0 } = row.transaction ?? {}
      if (isTerminal(row.status) || seen.has(id) || size <= 1) continue
      seen.add(id)
      const lost = await lostOf(row)
      if (lost === undefined || lost.length === 0) continue
      const message = `The transaction ${id} of operation #${row.seq}, ${nameOf(row)}, lacks its parts ${lost.join(', ')}: it ends as a whole when its turn comes, or waits for a person. Enqueue it anew then.`
      problems.push({ row, code: 'transaction', message })
    }
    return problems
  }

  /** The places of those that are lost; undefined if it does not live any more, or one of them is told of by somebody who met it first. */
  async function lostOf(row: OperationRow): Promise<readonly number[] | undefined> {
    const seqs = memberSeqs(row)
    const entries = await rowsAt(storage, OPERATIONS, seqs)
    const members = entries.map((entry) => (entry === undefined ? undefined : readOperation(entry)))
    const now = members[row.transaction?.place ?? 0]
    const isOfIt = (one: OperationRow | undefined): boolean => one?.transaction?.id === row.transaction?.id
    const first = members.find((one) => one !== undefined && isOfIt(one) && !isTerminal(one.status))
    if (now === undefined || isTerminal(now.status) || first?.seq !== row.seq) return undefined
    return members.flatMap((one, place) => (isOfIt(one) || (one === undefined && entries[place] !== undefined) ? [] : [place]))
  }

  return [...(await ofDependencies()), ...(await ofSuperseded()), ...(await ofTransactions())]
}

function laneOfRow({ user, entity, entityId }: OperationRow): string {
  return laneOf(user, entity, entityId)
}
