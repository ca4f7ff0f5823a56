import * as fc from 'fast-check'
import type { CoalesceOptions } from '../../src/core/coalesce.ts'
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

const KINDS = ['create', 'update', 'update', 'update', 'replace', 'delete', 'stamp'] as const

/** What differs from row to row; mostly nothing that ends a group. */
const aside: fc.Arbitrary<Partial<OperationRow>> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ priority: fc.constantFrom(...PRIORITIES), rank: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.constantFrom<Partial<OperationRow>>({ dependsOn: ['elsewhere'] }, { depended: 1 }) },
  { weight: 1, arbitrary: fc.constant({ token: 't1' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Partial<OperationRow>>(
      { attempts: 1 },
      { unknownAttempts: 1 },
      { reconciliations: 1 },
      { status: 'waiting' },
    ),
  },
)

export interface Workload {
  readonly start: ServerState
  readonly lane: readonly OperationRow[]
}

const wish = fc.tuple(fc.constantFrom(...KINDS), smallObject(2), aside)

/** Lanes whose operations are valid one after the other: only what exists is changed or deleted, only what does not is created. */
export const workload: fc.Arbitrary<Workload> = fc
  .record({
    value: fc.option(smallObject(2), { nil: undefined }),
    wishes: fc.array(wish, { minLength: 1, maxLength: 12 }),
  })
  .map(({ value, wishes }) => {
    const lane: OperationRow[] = []
    let exists = value !== undefined
    for (const [kind, payload, more] of wishes) {
      const type = typeFor(kind, exists)
      if (type === 'create' || type === 'delete') exists = type === 'create'
      lane.push(row(lane.length + 1, type, type === 'delete' ? null : payload, more))
    }
    return { start: { value, marks: [] }, lane }
  })

function typeFor(kind: string, exists: boolean): string {
  return kind === 'stamp' || (exists && kind !== 'create') ? kind : exists ? 'update' : 'create'
}
