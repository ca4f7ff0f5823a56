import { isTerminal, type OperationRow, type OperationStatus } from '../core/operation.ts'
import type { Entry, IndexKey, Storage } from '../core/ports.ts'
import { OPERATIONS, readOperation } from '../core/schema.ts'
import { infoOf } from '../engine/info.ts'
import { PAGE_LIMIT } from '../engine/store.ts'
import type { OperationInfo } from '../engine/types.ts'

/** What a store holds, from one reading of all its operations. */
export interface Tally {
  readonly operations: number
  readonly byStatus: Readonly<Record<OperationStatus, number>>
  readonly live: number
  /** Requests that left, or may have left before a crash, and those of them that were not the first of their operation. */
  readonly attempts: number
  readonly repeated: number
  /** Definite refusals that were reconciled. */
  readonly reconciled: number
  /** Rows that can't be read. */
  readonly unreadable: number
  readonly oldestLive: OperationInfo | undefined
  /** The first few of each. */
  readonly firstLive: readonly OperationInfo[]
  readonly rejected: readonly OperationInfo[]
  readonly parked: readonly OperationInfo[]
}

const LISTED = 20
const NONE = {
  queued: 0,
  waiting: 0,
  sending: 0,
  reconciling: 0,
  rollingBack: 0,
  parked: 0,
  done: 0,
  rejected: 0,
  cancelled: 0,
  superseded: 0,
}

export async function tally(storage: Storage): Promise<Tally> {
  const byStatus = { ...NONE }
  const firstLive: OperationInfo[] = []
  const rejected: OperationInfo[] = []
  const parked: OperationInfo[] = []
  let [operations, live, attempts, repeated, reconciled, unreadable] = [0, 0, 0, 0, 0, 0]

  function count(row: OperationRow): void {
    byStatus[row.status] += 1
    attempts += row.attempts
    repeated += Math.max(0, row.attempts - 1)
    reconciled += row.reconciliations
    if (!isTerminal(row.status)) live += 1
    if (!isTerminal(row.status)) keep(firstLive, row)
    if (row.status === 'rejected' && row.dismissed === undefined) keep(rejected, row)
    if (row.status === 'parked') keep(parked, row)
  }

  for await (const entry of allOf(storage)) {
    operations += 1
    const row = readOperation(entry)
    if (row === undefined) unreadable += 1
    else count(row)
  }
  return {
    operations,
    byStatus,
    live,
    attempts,
    repeated,
    reconciled,
    unreadable,
    oldestLive: firstLive[0],
    firstLive,
    rejected,
    parked,
  }
}

function keep(list: OperationInfo[], row: OperationRow): void {
  if (list.length < LISTED) list.push(infoOf(row))
}

/** In the order of acceptance. */
async function* allOf(storage: Storage): AsyncGenerator<Entry> {
  for (let gt: IndexKey | undefined; ;) {
    const page: readonly Entry[] = await storage.scan(OPERATIONS, { limit: PAGE_LIMIT, ...(gt === undefined ? {} : { gt }) })
    yield* page
    gt = page.at(-1)?.position
    if (page.length < PAGE_LIMIT || gt === undefined) return
  }
}
