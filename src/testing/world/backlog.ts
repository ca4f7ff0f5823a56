import { isTerminal, isUnsent, laneOf, type OperationRow } from '../../core/operation.ts'
import type { Device } from './device.ts'

/** What has not ended in one store: all of it, what waits for a decision, and what must go on by itself. */
export interface Backlog {
  readonly live: readonly OperationRow[]
  readonly parked: readonly OperationRow[]
  readonly free: readonly OperationRow[]
}

/** Of the user who is logged in. */
export function backlogIn({ disk, user }: Device): Backlog {
  const { live, parked, free } = backlogOf(disk.operations.values(), (seq) => disk.damaged.has(seq))
  const mine = (rows: readonly OperationRow[]): readonly OperationRow[] => rows.filter((row) => row.user === user)
  return { live: mine(live), parked: mine(parked), free: mine(free) }
}

/** An operation of the user who is logged in that has been due since then or longer, and that nothing stands before. */
export function dueSince(device: Device, wallTime: number): OperationRow | undefined {
  const all = [...device.disk.operations.values()]
  const live = all.filter(({ status }) => !isTerminal(status))
  const liveIds = new Set(live.map(({ id }) => id))
  const successors = successorsIn(all)
  const isFree = ({ seq, lane, dependsOn = [] }: OperationRow): boolean =>
    !live.some((other) => other.lane === lane && other.seq < seq) &&
    !dependsOn.some((id) => liveIds.has(successorOf(successors, id)))
  return backlogIn(device).free.find((row) => {
    const { status, dueAt = 0 } = row
    const isDue = status === 'queued' || (status === 'waiting' && dueAt < wallTime)
    return isDue && isFree(row) && companions(row, live).every((other) => other.status === status && isFree(other))
  })
}

/** The other members of its transaction: it goes with them, or when those before it are done. */
function companions({ id, transaction }: OperationRow, live: readonly OperationRow[]): readonly OperationRow[] {
  if (transaction === undefined) return []
  return live.filter((other) => other.id !== id && other.transaction?.id === transaction.id)
}

/** A parked operation blocks its own lane and what depends on it, and so on; nothing else (L4). */
function backlogOf(rows: Iterable<OperationRow>, isUnreadable: (seq: number) => boolean): Backlog {
  const all = [...rows].sort((a, b) => a.seq - b.seq)
  const live = all.filter(({ status }) => !isTerminal(status))
  const successors = successorsIn(all)
  const parked = live.filter(({ status, seq }) => status === 'parked' || isUnreadable(seq))
  const stuck = new Set(parked.map(({ id }) => id))
  for (let before = -1; before !== stuck.size;) {
    before = stuck.size
    const lanes = new Set<string>()
    for (const row of live) {
      const lane = laneOf(row.user, row.entity, row.entityId)
      const waits = row.dependsOn?.some((id) => stuck.has(successorOf(successors, id))) ?? false
      const isHeld = companions(row, live).some((other) => stuck.has(other.id))
      if (stuck.has(row.id) || lanes.has(lane) || isHeld || (waits && isUnsent(row))) {
        stuck.add(row.id)
        lanes.add(lane)
      }
    }
  }
  return {
    live,
    parked,
    free: live.filter(({ id }) => !stuck.has(id)),
  }
}

function successorsIn(rows: readonly OperationRow[]): ReadonlyMap<string, string> {
  return new Map(rows.flatMap(({ id, supersededBy }) => (supersededBy === undefined ? [] : [[id, supersededBy] as const])))
}

function successorOf(successors: ReadonlyMap<string, string>, id: string): string {
  const next = successors.get(id)
  return next === undefined ? id : successorOf(successors, next)
}
