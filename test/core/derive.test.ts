import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { derive, isShown, type ActionEffects } from '../../src/core/derive.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { LIVE_STATUSES, TERMINAL_STATUSES, type OperationRow } from '../../src/core/operation.ts'
import type { EntityRow } from '../../src/core/schema.ts'
import { frozen, smallObject } from './json-arbitrary.ts'

const actions: ActionEffects = {
  publish: (value) => value && { ...value, published: true },
  restore: (_, payload) => ({ id: 'a', restored: payload }),
}

const statuses = [...LIVE_STATUSES, ...TERMINAL_STATUSES]
/** What the server has refused, or what has ended, is not shown; all else may still be applied. */
const shown = ['queued', 'waiting', 'sending', 'reconciling', 'parked']

function operation(type: string, payload: Json, status: OperationRow['status'], seq = 1): OperationRow {
  return {
    seq,
    id: `o${seq}`,
    rev: 1,
    user: 'u',
    type,
    entity: 'note',
    entityId: 'a',
    payload,
    status,
    priority: 'medium',
    idempotencyKey: `k${seq}`,
    enqueuedAt: 0,
    attempts: 0,
    unknownAttempts: 0,
    reconciliations: 0,
  }
}

const operations = fc
  .array(
    fc.record({
      type: fc.constantFrom('create', 'update', 'update', 'replace', 'delete', 'publish', 'restore', 'unknown', 'toString'),
      payload: smallObject(),
      status: fc.constantFrom(...statuses),
    }),
    { maxLength: 8 },
  )
  .map((all) =>
    all.map(({ type, payload, status }, seq) => frozen(operation(type, payload, status, seq) as never) as OperationRow),
  )

const bases: fc.Arbitrary<EntityRow | undefined> = fc.option(
  fc.record(
    {
      key: fc.constant('u/note/a'),
      value: smallObject().map((value): Json => frozen({ id: 'a', ...value })),
      deletedAt: fc.constant(5),
      version: fc.constant('7'),
    },
    { requiredKeys: ['key'] },
  ),
  { nil: undefined },
)

/** RFC 7396, told anew. */
function patched(target: Json | undefined, patch: Json): Json {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const into: Record<string, Json> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...(target as JsonObject) } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete into[key]
    else into[key] = patched(into[key], value)
  }
  return into
}

/** What an application sees, told anew: one operation after the other. */
function model(base: EntityRow | undefined, all: readonly OperationRow[]): JsonObject | undefined {
  let value = base === undefined || base.deletedAt !== undefined ? undefined : (base.value as JsonObject | undefined)
  for (const { type, payload, status } of all) {
    if (!shown.includes(status)) continue
    if (type === 'create' || type === 'replace') value = { ...(payload as JsonObject), id: 'a' }
    else if (type === 'delete') value = undefined
    else if (type === 'update') value = value && { ...(patched(value, payload) as JsonObject), id: 'a' }
    else if (type === 'publish') value = value && { ...value, published: true }
    else if (type === 'restore') value = { id: 'a', restored: payload }
  }
  return value
}

describe('the view of an entity', () => {
  it('S14 is the base with the live operations in their order', () => {
    fc.assert(
      fc.property(bases, operations, (base, all) => {
        expect(derive(base, all, actions)).toEqual(model(base, all))
      }),
      { numRuns: 1_000 },
    )
  })

  it('S14 is the same whether derived at once or step by step', () => {
    fc.assert(
      fc.property(bases, operations, fc.nat(), (base, all, at) => {
        const half = all.slice(0, at % (all.length + 1))
        const value = derive(base, half, actions)
        const between: EntityRow = { key: 'u/note/a', ...(value === undefined ? { deletedAt: 1 } : { value }) }
        expect(derive(between, all.slice(half.length), actions)).toEqual(derive(base, all, actions))
      }),
    )
  })

  it('S15 without an operation is what it would be if that had never been, and leaving it out twice is leaving it out once', () => {
    fc.assert(
      fc.property(
        bases,
        operations,
        fc.nat(),
        fc.constantFrom(...TERMINAL_STATUSES, 'rollingBack' as const),
        (base, all, at, ended) => {
          const without = all.filter((_, index) => index !== at % Math.max(1, all.length))
          const rolledBack = all.map((row, index) => (index === at % Math.max(1, all.length) ? { ...row, status: ended } : row))
          expect(derive(base, rolledBack, actions)).toEqual(derive(base, without, actions))
          expect(derive(base, rolledBack.filter(isShown), actions)).toEqual(derive(base, without, actions))
        },
      ),
    )
  })

  it('S15 restores the base exactly: absent is not null', () => {
    const base: EntityRow = { key: 'u/note/a', value: { id: 'a', kept: null } }
    const update = operation('update', { kept: 1, added: 2 }, 'queued')
    expect(derive(base, [update])).toStrictEqual({ id: 'a', kept: 1, added: 2 })
    expect(derive(base, [{ ...update, status: 'rejected' }])).toStrictEqual({ id: 'a', kept: null })
    expect(derive(undefined, [{ ...update, status: 'rejected' }])).toBeUndefined()
  })

  it('S14 has nothing to update where there is no entity, and nothing where the server deleted it', () => {
    expect(derive(undefined, [operation('update', { a: 1 }, 'queued')])).toBeUndefined()
    expect(derive({ key: 'u/note/a', value: { id: 'a' }, deletedAt: 1 }, [])).toBeUndefined()
    expect(derive({ key: 'u/note/a', value: 'text' }, [])).toBeUndefined()
  })

  it('S29 a payload reaches no prototype', () => {
    const payload: Json = JSON.parse('{"__proto__":{"polluted":true},"a":1}')
    const value = derive(undefined, [operation('create', payload, 'queued')])
    expect(Object.hasOwn(value ?? {}, '__proto__')).toBe(true)
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
    expect(derive(undefined, [operation('constructor', {}, 'queued')])).toBeUndefined()
  })
})
