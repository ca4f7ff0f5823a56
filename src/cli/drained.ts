import { isTerminal, type OperationRow } from '../core/operation.ts'
import type { Entry, IndexKey } from '../core/ports.ts'
import { NEVER_DUE, OPERATIONS, readOperation } from '../core/schema.ts'
import { PAGE_LIMIT, type Store } from '../engine/store.ts'

/** Mostly the first row tells. */
const FIRST_LOOK = 8

/**
 * True if nothing of this user is left that an owner would still send by itself, whoever the owner is: what lives waits for a
 * decision, or behind something that does. An owner at work moves rows between two looks, so only what is seen to wait counts as waiting;
 * the caller asks twice.
 */
export async function isDrained(store: Store, user: string): Promise<boolean> {
  const inPlay = { index: 'due', prefix: [user], lt: [user, NEVER_DUE] }
  if (await some(store, inPlay, async (row) => (await blockageOf(store, row)) !== 'unreadable')) return false
  const blocked = new Set<string>()
  const canGo = async (row: OperationRow): Promise<boolean> => {
    if (blocked.has(row.lane ?? '')) return false
    if ((await blockageOf(store, row)) === undefined) return true
    blocked.add(row.lane ?? '')
    return false
  }
  return !(await some(store, { index: 'rank', prefix: [user] }, canGo))
}

/** What a lane waits for that does not end by itself. */
async function blockageOf(
  store: Store,
  { lane = '' }: OperationRow,
): Promise<'unreadable' | 'parked' | 'dependency' | undefined> {
  const [head] = await store.lane(lane, 1)
  if (head === undefined) return undefined
  const row = readOperation(head)
  if (row === undefined) return 'unreadable'
  if (row.status === 'parked') return 'parked'
  if (row.status !== 'queued') return undefined
  const dependencies = await Promise.all((row.dependsOn ?? []).map((id) => store.byId(id)))
  return dependencies.some((other) => other !== undefined && !isTerminal(other.status)) ? 'dependency' : undefined
}

interface Range {
  readonly index: string
  readonly prefix: IndexKey
  readonly lt?: IndexKey
}

async function some({ storage }: Store, range: Range, test: (row: OperationRow) => Promise<boolean>): Promise<boolean> {
  let limit = FIRST_LOOK
  for (let gt: IndexKey | undefined; ; limit = PAGE_LIMIT) {
    const page: readonly Entry[] = await storage.scan(OPERATIONS, { ...range, limit, ...(gt === undefined ? {} : { gt }) })
    for (const entry of page) {
      const row = readOperation(entry)
      if (row !== undefined && (await test(row))) return true
    }
    gt = page.at(-1)?.position
    if (page.length < limit || gt === undefined) return false
  }
}
