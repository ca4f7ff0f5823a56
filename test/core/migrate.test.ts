import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULTS } from '../../src/core/options.ts'
import { createShapes, isOlder } from '../../src/core/shapes.ts'
import type { Migrations } from '../../src/core/migrate.ts'
import type { OperationRow } from '../../src/core/operation.ts'
import type { EntityRow } from '../../src/core/schema.ts'
import type { Json } from '../../src/index.ts'

const json = fc
  .jsonValue()
  .map((value) => JSON.parse(JSON.stringify(value)) as Json)
  .filter((value) => !/"(__proto__|constructor|prototype)":/.test(JSON.stringify(value)))
const record = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), json, { maxKeys: 4 })
const version = fc.integer({ min: 1, max: 6 })
/** At these versions the migration fails. */
const failures = fc.subarray([2, 3, 4, 5, 6])

function rowOf(payload: Record<string, Json>, shape: number): OperationRow {
  return {
    seq: 1,
    id: 'o1',
    rev: 1,
    user: 'u',
    type: 'create',
    entity: 'note',
    entityId: 'a',
    payload,
    status: 'queued',
    priority: 'medium',
    idempotencyKey: 'o1',
    enqueuedAt: 0,
    attempts: 0,
    unknownAttempts: 0,
    reconciliations: 0,
    ...(shape === 1 ? {} : { shape }),
  }
}

/** Each step adds its number to a trail. */
function build(to: number, broken: readonly number[] = []) {
  const walked = (step: number) => (value: Json) => {
    if (broken.includes(step)) throw new Error('broken')
    const { trail = [], ...rest } = value as { trail?: number[] }
    return { ...rest, trail: [...trail, step] }
  }
  const steps = Array.from({ length: to - 1 }, (_, at) => at + 2)
  const migrations: Migrations = Object.fromEntries(
    steps.map((step) => [step, { payload: walked(step), value: walked(step) as never }]),
  )
  return createShapes({ note: { version: to, migrations } }, DEFAULTS.limits)
}

function trail(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, at) => from + 1 + at)
}

describe('rows of other versions of the application', () => {
  it('S27 take every step once and in order, or are set aside whole and written back as they were', () => {
    fc.assert(
      fc.property(record, version, version, failures, (payload, from, to, broken) => {
        const shapes = build(to, broken)
        const row = rowOf(payload, from)
        const before = structuredClone(row)
        const now = shapes.operation(row)
        expect(row).toEqual(before)
        if (from === to) expect(now).toBe(row)
        if (from === to) return
        const fails = trail(from, to).some((step) => broken.includes(step))
        if (from > to || fails) {
          expect(now.aside?.why).toBe(from > to ? 'newer' : 'failed')
          expect(now.payload).toBeNull()
          expect(shapes.storedOperation(now)).toEqual(row)
        } else {
          expect(now.payload).toMatchObject({ trail: trail(from, to) })
          expect(shapes.storedOperation(now)).toEqual({ ...now, shape: to })
        }
        // Who reads what was written has the same again.
        expect(shapes.operation(shapes.storedOperation(now))).toMatchObject({ payload: now.payload })
      }),
    )
  })

  it('S27 of entities likewise, each value that they hold for itself', () => {
    fc.assert(
      fc.property(record, record, version, version, version, failures, (value, base, from, shape, to, broken) => {
        const shapes = build(to, broken)
        const row: EntityRow = {
          key: 'u/note/a',
          version: '1',
          value,
          shape: from,
          earlier: [{ upTo: 3, value: base, shape }],
        }
        const stored = shapes.storedEntity(shapes.entityRow(row))
        const expected = (json: Record<string, Json>, was: number) => {
          const fails = was > to || trail(was, to).some((step) => broken.includes(step))
          const end = fails ? was : to
          const value = fails || was === to ? json : { ...json, trail: trail(was, to) }
          return end === 1 ? { value } : { value, shape: end }
        }
        expect(stored).toMatchObject(expected(value, from))
        expect(stored.earlier?.[0]).toMatchObject(expected(base, shape))
      }),
    )
  })

  it('S27 is the same whether it goes there at once or by each version in between', () => {
    fc.assert(
      fc.property(record, version, version, version, (payload, a, b, c) => {
        const [from = 1, over = 1, to = 1] = [a, b, c].toSorted((x, y) => x - y)
        const row = rowOf(payload, from)
        const twice = build(to).operation(build(over).storedOperation(build(over).operation(row)))
        expect(twice.payload).toEqual(build(to).operation(row).payload)
      }),
    )
  })

  it('S10 S27 of two builds one is older, or none', () => {
    const versions = fc.dictionary(fc.constantFrom('note', 'task'), fc.integer({ min: 2, max: 4 }))
    fc.assert(fc.property(versions, versions, (one, other) => !(isOlder(one, other) && isOlder(other, one))))
    fc.assert(fc.property(versions, (one) => !isOlder(one, one)))
    expect(isOlder(undefined, { note: 2 })).toBe(true)
    expect(isOlder({ note: 2 }, { task: 2 })).toBe(false)
  })
})
