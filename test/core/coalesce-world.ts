import * as fc from 'fast-check'
import { coalesceLane, type Coalesced, type CoalesceOptions } from '../../src/core/coalesce.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { applyMergePatch } from '../../src/core/merge-patch.ts'
import { PRIORITIES, type OperationRow } from '../../src/core/operation.ts'
import { smallObject } from './json-arbitrary.ts'

export const roomy: CoalesceOptions = { maxPayloadBytes: 10_000 }

export function row(seq: number, type: string, payload: Json, more: Partial<OperationRow> = {}): OperationRow {
  return {
    seq,
    id: `o${seq}`,
    rev: 1,
    user: 'u1',
    type,
    entity: 'note',
    entityId: 'n1',
    payload,
    status: 'queued',
    priority: 'medium',
    idempotencyKey: `k${seq}`,
    enqueuedAt: seq,
    attempts: 0,
    unknownAttempts: 0,
    reconciliations: 0,
    lane: 'u1/note/n1',
    rank: 1_000 + seq,
    ...more,
  }
}

/** The lane's one entity on a server, and a counter that other operations leave their mark on. */
export interface ServerState {
  readonly value: JsonObject | undefined
  readonly marks: readonly Json[]
}

/** What a server does with an operation that is valid there; it has no answer to others. */
export function served({ value, marks }: ServerState, { type, payload }: OperationRow): ServerState {
  if (type === 'delete' && value !== undefined) return { value: undefined, marks }
  if (type === 'create' && value === undefined) return { value: payload as JsonObject, marks }
  if (type === 'replace' && value !== undefined) return { value: payload as JsonObject, marks }
  if (type === 'update' && value !== undefined) return { value: applyMergePatch(value, payload) as JsonObject, marks }
  if (type === 'stamp') return { value, marks: [...marks, value ?? null] }
  throw new Error(`A ${type} is not valid here.`)
}

/** Sends a lane as the engine does: coalesces some of its head, sends what that leaves, and so on. */
export function drained(start: ServerState, lane: readonly OperationRow[], looks: readonly number[], options: CoalesceOptions) {
  const steps: Coalesced[] = []
  let state = start
  let requests = 0
  for (let left = lane; left.length > 0;) {
    const look = 1 + ((looks[steps.length % Math.max(1, looks.length)] ?? 99) % left.length)
    const step = coalesceLane(left.slice(0, look), options)
    steps.push(step)
    if (step.survivor !== undefined) {
      state = served(state, step.survivor)
      requests++
    }
    const remaining = [...step.rest, ...left.slice(look)]
    if (remaining.length >= left.length) throw new Error('The lane does not move.')
    left = remaining
  }
  return { state, requests, steps }
}

const KINDS = ['create', 'update', 'update', 'update', 'replace', 'delete', 'stamp'] as const

/** What differs from row to row; mostly nothing that ends a group. */
const aside: fc.Arbitrary<Partial<OperationRow>> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ priority: fc.constantFrom(...PRIORITIES), rank: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.constant({ dependsOn: ['elsewhere'] }) },
  { weight: 1, arbitrary: fc.constant({ token: 't1' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Partial<OperationRow>>({ attempts: 1 }, { reconciliations: 1 }, { status: 'waiting' }),
  },
)

export interface Workload {
  readonly start: ServerState
  readonly lane: readonly OperationRow[]
}

/** Lanes whose operations are valid one after the other: only what exists is changed or deleted, only what does not is created. */
export const workload: fc.Arbitrary<Workload> = fc
  .record({
    value: fc.option(smallObject(2), { nil: undefined }),
    wishes: fc.array(fc.tuple(fc.constantFrom(...KINDS), smallObject(2), aside), { minLength: 1, maxLength: 12 }),
  })
  .map(({ value, wishes }) => {
    const start: ServerState = { value, marks: [] }
    const lane: OperationRow[] = []
    let exists = value !== undefined
    for (const [kind, payload, more] of wishes) {
      const type = kind === 'stamp' || (exists && kind !== 'create') ? kind : exists ? 'update' : 'create'
      if (type === 'create' || type === 'delete') exists = type === 'create'
      lane.push(row(lane.length + 1, type, type === 'delete' ? null : payload, more))
    }
    return { start, lane }
  })
