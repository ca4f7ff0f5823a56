import { isTerminal, laneOf, type OperationRow, type OperationStatus } from '../core/operation.ts'
import { operationFaults } from '../core/row-faults.ts'
import { OPERATIONS, readOperation } from '../core/schema.ts'
import { versionIn } from '../core/shapes.ts'
import { memberSeqs } from '../core/transaction.ts'
import { playableIn } from './blockages.ts'
import type { Store } from './store.ts'

export const IN_PLAY: readonly OperationStatus[] = ['queued', 'sending', 'reconciling', 'rollingBack']

/** Where one of these is not what it should be the owner does not come upon the row: `check()` tells. */
const UNFOUND: ReadonlySet<string> = new Set(['lane', 'rank', 'dueAt'])

/** `stuck` if one of them can't be read, or stands where it can't be played: nothing passes it until somebody mends it. */
type Rows = readonly OperationRow[] | 'stuck'

interface Surroundings {
  /** What lives and has to end before it can go. */
  readonly ahead: readonly OperationRow[]
  /** What has to be able to go with it. */
  readonly beside: readonly OperationRow[]
}

/**
 * True if the owner can do nothing more for it now: it has ended, waits for a time or a decision, or is behind something that does; or it and all that it is
 * behind wait for each other.
 */
export async function isPutOff(store: Store, row: OperationRow): Promise<boolean> {
  const met = new Set<string>()
  let canMove = false
  for (let open = [row]; open.length > 0;) {
    const next: OperationRow[] = []
    for (const one of open.filter(({ id }) => !met.has(id))) {
      met.add(one.id)
      if (await isAtRest(store, one)) return true
      const around = await surroundingsOf(store, one)
      if (around === 'stuck') return true
      if (around.ahead.length === 0) canMove = true
      next.push(...around.ahead, ...around.beside)
    }
    open = next
  }
  return !canMove
}

async function isAtRest(store: Store, row: OperationRow): Promise<boolean> {
  if (!IN_PLAY.includes(row.status) || operationFaults(row).some(({ field }) => UNFOUND.has(field))) return true
  return row.aside?.why === 'newer' && !(await isOwnersBuild(store, row))
}

/** An older build than the one that wrote the row leaves it alone. */
async function isOwnersBuild(store: Store, { entity, aside }: OperationRow): Promise<boolean> {
  const lease = await store.lease()
  return versionIn(lease?.versions, entity) >= (aside?.shape ?? 1)
}

/** Sent as one, the members of a transaction wait for what any of them waits for; what is in play only for what damage has put before it. */
async function surroundingsOf(store: Store, row: OperationRow): Promise<Surroundings | 'stuck'> {
  const members = await membersOf(store, row)
  if (members === 'stuck') return members
  const isOneByOne = members.some(({ transaction }) => transaction?.sent === 'oneByOne')
  const group = isOneByOne ? [row] : members
  const heads = await headsOf(store, group)
  if (heads === 'stuck') return heads
  const own = new Set(group.map(({ id }) => id))
  const isOther = ({ id }: OperationRow): boolean => !own.has(id)
  const before = heads.filter(isOther)
  if (row.status !== 'queued') return { ahead: before, beside: [] }
  const named = await Promise.all(group.flatMap(({ dependsOn = [] }) => dependsOn).map((id) => store.successorOf(id)))
  if (named.some((one) => typeof one === 'number')) return 'stuck'
  const parents = named.filter((one) => typeof one === 'object')
  const earlier = isOneByOne ? members.filter(({ seq }) => seq < row.seq) : []
  // Members may name each other; an operation that names itself never goes.
  const isSentWithOthers = row.transaction !== undefined && !isOneByOne
  const ahead = [...before, ...(isSentWithOthers ? parents.filter(isOther) : parents), ...earlier]
  return { ahead: ahead.filter(isLive), beside: group.filter(isLive) }
}

async function membersOf(store: Store, row: OperationRow): Promise<Rows> {
  if (row.transaction === undefined) return [row]
  const entries = await store.storage.getMany(OPERATIONS, memberSeqs(row))
  const rows = entries.flatMap((entry) => (entry === undefined ? [] : [readOperation(entry)]))
  if (rows.includes(undefined)) return 'stuck'
  return rows.flatMap((one) => (one?.transaction?.id === row.transaction?.id && one !== undefined ? [one] : []))
}

/** What stands first in their lanes. */
async function headsOf(store: Store, rows: readonly OperationRow[]): Promise<Rows> {
  const lanes = rows.filter(isLive).map(({ user, entity, entityId }) => laneOf(user, entity, entityId))
  const read = await store.lanes(lanes, 1)
  const heads = lanes.flatMap((lane, at) => read[at]?.map((entry) => playableIn(lane, entry)) ?? [])
  return heads.every((one) => one !== undefined) ? heads : 'stuck'
}

function isLive({ status }: OperationRow): boolean {
  return !isTerminal(status)
}
