import * as fc from 'fast-check'
import { coalesceLane, type CoalesceOptions } from '../../src/core/coalesce.ts'
import { laneOf, type OperationRow } from '../../src/core/operation.ts'
import { served, workload, type ServerState, type Workload } from './coalesce-world.ts'

/** A queue over several lanes, in the order of enqueueing. Entities of two users are two entities here. */
export interface Queue {
  readonly starts: ReadonlyMap<string, ServerState>
  readonly rows: readonly OperationRow[]
}

/** Which lane is looked at next, and how much of it. */
export interface Look {
  readonly lane: number
  readonly rows: number
}

const OWNERS = ['u1/n1', 'u1/n2', 'u2/n1']

/** Lanes shuffled into one queue; some operations depend on earlier ones, wherever these are. */
export const queue: fc.Arbitrary<Queue> = fc
  .record({
    lanes: fc.array(workload, { minLength: 1, maxLength: 3 }),
    order: fc.array(fc.nat(), { maxLength: 36 }),
    wanted: fc.array(fc.option(fc.nat(), { nil: undefined, freq: 4 }), { maxLength: 36 }),
  })
  .map(({ lanes, order, wanted }) => {
    const owned = lanes.map(({ lane }, i) => lane.map((row) => ownedBy(OWNERS[i] ?? '', row)))
    const rows = shuffled(owned, order).map((row, i) => ({ ...row, seq: i + 1, id: `o${i + 1}`, idempotencyKey: `k${i + 1}` }))
    return { starts: new Map(lanes.map((lane, i) => startOf(owned[i], lane))), rows: withDependencies(rows, wanted) }
  })

function ownedBy(owner: string, row: OperationRow): OperationRow {
  const [user = '', entityId = ''] = owner.split('/')
  const { dependsOn: _dependsOn, depended: _depended, ...bare } = row
  return { ...bare, user, entityId, lane: laneOf(user, 'note', entityId) }
}

function startOf(rows: readonly OperationRow[] | undefined, { start }: Workload): [string, ServerState] {
  return [rows?.[0]?.lane ?? '', start]
}

function shuffled(lanes: readonly (readonly OperationRow[])[], order: readonly number[]): OperationRow[] {
  const left = lanes.map((lane) => [...lane])
  const rows: OperationRow[] = []
  for (let i = 0; left.some((lane) => lane.length > 0); i++) {
    const open = left.filter((lane) => lane.length > 0)
    const next = open[(order[i] ?? i) % open.length]?.shift()
    if (next !== undefined) rows.push(next)
  }
  return rows
}

/** As the engine stores it: who is depended on knows it, unless it was claimed already. */
function withDependencies(rows: readonly OperationRow[], wanted: readonly (number | undefined)[]): OperationRow[] {
  const linked = rows.map((row) => ({ ...row }))
  for (const [i, row] of linked.entries()) {
    const want = wanted[i]
    if (want === undefined || i === 0) continue
    const parent = linked[want % i]
    if (parent === undefined) continue
    Object.assign(row, { dependsOn: [parent.id] })
    if (parent.status === 'queued') Object.assign(parent, { depended: 1 })
  }
  return linked
}

export interface Drained {
  readonly states: ReadonlyMap<string, ServerState>
  /** What was sent, in order. */
  readonly sent: readonly OperationRow[]
  readonly superseded: readonly OperationRow[]
  readonly cancelled: readonly OperationRow[]
}

/** Sends a queue as the engine does: of any lane it coalesces some of the head and sends what that leaves, unless this must wait for another. */
export function drained({ starts, rows }: Queue, looks: readonly Look[], options: CoalesceOptions): Drained {
  const lanes = [...starts.keys()].map((lane) => rows.filter((row) => row.lane === lane))
  const states = new Map(starts)
  const sent: OperationRow[] = []
  const superseded: OperationRow[] = []
  const cancelled: OperationRow[] = []
  const limit = 100 * (rows.length + 1)
  for (let turn = 0; lanes.some((lane) => lane.length > 0); turn++) {
    if (turn > limit) throw new Error('The queue does not move.')
    const look = looks[turn % Math.max(1, looks.length)] ?? { lane: 0, rows: 99 }
    const at = (turn >= looks.length ? turn : look.lane) % lanes.length
    const lane = lanes[at] ?? []
    const seen = 1 + (look.rows % Math.max(1, lane.length))
    const step = coalesceLane(lane.slice(0, seen), options)
    const { survivor } = step
    if (survivor?.dependsOn?.some((id) => !sent.some((row) => row.id === id)) === true) continue
    superseded.push(...step.superseded)
    cancelled.push(...step.cancelled)
    lanes[at] = [...step.rest, ...lane.slice(seen)]
    if (survivor === undefined) continue
    sent.push(survivor)
    states.set(survivor.lane ?? '', served(states.get(survivor.lane ?? '') ?? { value: undefined, marks: [] }, survivor))
  }
  return { states, sent, superseded, cancelled }
}
