import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { BATCH_ABORTED, ClientError, ConflictError, NetworkError } from '../../src/core/errors.ts'
import type { NewOperationRow, OperationRow } from '../../src/core/operation.ts'
import type { Outcome } from '../../src/core/ports.ts'
import { applied } from '../../src/core/derive.ts'
import { decidedTogether, follow, ledBy, memberSeqs, together } from '../../src/core/transaction.ts'
import { inOrder } from '../../src/core/transaction-order.ts'
import { undoable } from '../../src/core/undo.ts'
import { row } from './coalesce-world.ts'

const member = (place: number, given: Partial<OperationRow> = {}): OperationRow =>
  row(10 + place, 'update', {}, { id: `o${place}`, entityId: `n${place}`, transaction: { id: 't', place, size: 3 }, ...given })
const members = [member(0), member(1), member(2)]

const fine: Outcome = { type: 'applied', version: '1' }
const aborted: Outcome = { type: 'rejected', definite: true, error: new ClientError('Aborted.', { code: BATCH_ABORTED }) }
const refused: Outcome = { type: 'rejected', definite: true, error: new ClientError('No.', { status: 422 }) }
const stale: Outcome = { type: 'conflict', reason: 'stale', error: new ConflictError('Stale.') }
const lost: Outcome = { type: 'unknown', error: new NetworkError('Lost.') }
const types = (outcomes: readonly Outcome[]) => outcomes.map(({ type }) => type)

describe('the answer to an atomic batch', () => {
  it('B14 is that of each operation where all were applied', () => {
    expect(together(members, [fine, undefined, fine])).toEqual([fine, { type: 'applied' }, fine])
  })

  it('B14 is for all of them what befell the one that stopped it, which the others name', () => {
    const outcomes = together(members, [aborted, refused, aborted])
    expect(types(outcomes)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(outcomes[1]).toBe(refused)
    expect(outcomes[0]).toMatchObject({ error: { code: 'transaction-failed', message: expect.stringContaining('o1') as string } })
    expect(types(together(members, [aborted, aborted, stale]))).toEqual(['conflict', 'conflict', 'conflict'])
  })

  it('S6 B14 leaves open what became of it where one of them does', () => {
    expect(types(together(members, [refused, lost, aborted]))).toEqual(['unknown', 'unknown', 'unknown'])
  })

  it('S6 B14 of an endpoint that applied a part is that nothing is known, and says so', () => {
    const open = { type: 'unknown', error: { code: 'not-atomic' } }
    expect(together(members, [fine, refused, fine])).toMatchObject([open, open, open])
  })

  it('S13 B14 that was stopped by a delete of what is gone is to be looked into', () => {
    expect(types(together(members, [{ type: 'applied' }, aborted, aborted]))).toEqual(['conflict', 'conflict', 'conflict'])
  })
})

describe('what looking at the server decides', () => {
  const request = { method: 'PATCH', path: '/note/n0', headers: {}, body: '{}' }
  const resent = { type: 'resend', as: 'update', payload: {}, request } as const
  const parked = { type: 'park', error: new ConflictError('Decide.') } as const

  it('B14 for one of them holds for all', () => {
    const decisions = decidedTogether(members, [{ type: 'done' }, parked, resent])
    expect(decisions.map(({ type }) => type)).toEqual(['park', 'park', 'park'])
    expect(decisions[2]).toMatchObject({ error: { code: 'transaction-failed' } })
  })

  it('B14 is that the first of them goes on for the others, though the server has it', () => {
    const leader = member(0, { request })
    expect(ledBy(leader, [{ type: 'done' }, resent])).toMatchObject({ type: 'resend', isMet: true, request })
    expect(ledBy(leader, [{ type: 'done' }, { type: 'done' }])).toEqual({ type: 'done' })
    expect(follow(member(1, { request }), { ...leader, status: 'sending' }, { type: 'done' }).transaction).toMatchObject({
      isMet: true,
    })
  })

  it('S5 S12 B14 is nothing where the first of them is parked all the same: what was sent stays as it is, and each says why', () => {
    const error = { name: 'SyncOperationError', code: 'changed-too-often', message: 'It was refused too often.' }
    const leader = member(0, { status: 'parked', lastError: error, request, reconciliations: 1 })
    const was = member(1, { status: 'reconciling', request, baseVersion: '1', reconciliations: 1 })
    const anew = { ...resent, request: { ...request, body: '{"n":1}' }, version: '2', conflict: { id: 'c' } as never }
    const after = follow(was, leader, anew)
    expect(after).toMatchObject({ status: 'parked', request, baseVersion: '1', lastError: error })
    expect(after.conflict).toBeUndefined()
  })
})

describe('the members of a transaction', () => {
  it('B14 stand one after the other', () => {
    expect(memberSeqs(member(1))).toEqual([10, 11, 12])
    expect(memberSeqs(row(4, 'update', {}))).toEqual([4])
  })

  it('B14 are put into an order in which each comes after what it depends on, or the cycle is named', () => {
    const edges = fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 8 })
    fc.assert(
      fc.property(edges, (pairs) => {
        const rows: NewOperationRow[] = Array.from({ length: 6 }, (_, at) => ({
          ...member(at),
          lane: `l${at}`,
          dependsOn: pairs.filter(([from]) => from === at).map(([, on]) => `o${on}`),
        }))
        try {
          const places = new Map(inOrder(rows).map((row, at) => [row.id, at]))
          expect(places.size).toBe(6)
          for (const [from, on] of pairs) expect(places.get(`o${on}`)).toBeLessThan(places.get(`o${from}`) ?? -1)
        } catch (error) {
          expect(error).toMatchObject({ code: 'dependency-cycle' })
          expect(hasCycle(pairs)).toBe(true)
        }
      }),
    )
  })
})

function hasCycle(pairs: readonly (readonly [number, number])[]): boolean {
  const reaches = (from: number, to: number, seen: ReadonlySet<number>): boolean =>
    pairs.some(([a, b]) => a === from && (b === to || (!seen.has(b) && reaches(b, to, new Set([...seen, b])))))
  return [0, 1, 2, 3, 4, 5].some((one) => reaches(one, one, new Set()))
}

describe('what takes an operation back', () => {
  const value = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(fc.integer(), fc.record({ x: fc.integer() })))
  const base = value.map((fields) => ({ ...fields, id: 'n0' }))

  it('S15 B14 sets the entity back to what it was, whatever was done to it', () => {
    const done = fc.constantFrom('update', 'replace', 'delete')
    fc.assert(
      fc.property(base, value, done, (before, payload, type) => {
        const one = member(0, { type, payload: type === 'delete' ? null : payload })
        const { undo } = undoable(one, before)
        const after = applied(before, one, {})
        expect(applied(after, { ...one, ...undo }, {})).toEqual(before)
      }),
    )
  })

  it('S15 B14 deletes what was created, and is not known of what this device never had', () => {
    expect(undoable(member(0, { type: 'create' }), undefined).undo).toMatchObject({ type: 'delete', payload: null })
    expect(undoable(member(0, { type: 'replace' }), undefined).undo).toMatchObject({ type: 'delete', payload: null })
    expect(undoable(member(0, { type: 'update' }), undefined).undo).toBeUndefined()
    expect(undoable(member(0, { type: 'publish' }), { id: 'n0' }).undo).toBeUndefined()
    const own = { type: 'unpublish', payload: null }
    expect(undoable(member(0, { type: 'publish', undo: own }), { id: 'n0' }).undo).toBe(own)
  })
})
