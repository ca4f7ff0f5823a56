import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { coalesceLane } from '../../src/core/coalesce.ts'
import type { OperationRow } from '../../src/core/operation.ts'
import { drained, queue } from './coalesce-queue.ts'
import { roomy, row, served, workload } from './coalesce-world.ts'

const looks = fc.array(fc.record({ lane: fc.nat(2), rows: fc.nat(11) }), { maxLength: 6 })
const options = fc.record({ maxPayloadBytes: fc.constantFrom(12, 40, 10_000) })

const create = row(1, 'create', { a: 1, b: null })
const update = row(2, 'update', { a: null, c: 3 })
const later = row(3, 'update', { c: 4, d: { e: 1 } })
const replace = row(4, 'replace', { z: 1 })
const remove = row(5, 'delete', null)

/** What a survivor does, and who was merged into it. */
function outcome(rows: readonly OperationRow[], given = roomy) {
  const { survivor, superseded, cancelled, rest } = coalesceLane(rows, given)
  const ids = (some: readonly OperationRow[]): string => some.map(({ id }) => id).join(' ')
  const what = survivor && { id: survivor.id, type: survivor.type, payload: survivor.payload }
  return { ...what, superseded: ids(superseded), cancelled: ids(cancelled), rest: ids(rest) }
}

describe('sending a lane coalesced', () => {
  it('S16 ends in the same state of the server as sending it row by row, whichever lane goes first', () => {
    fc.assert(
      fc.property(queue, looks, options, (given, seen, limits) => {
        const wanted = new Map(given.starts)
        for (const row of given.rows) wanted.set(row.lane!, served(wanted.get(row.lane!)!, row))
        expect(drained(given, seen, limits).states).toEqual(wanted)
      }),
      { numRuns: 1_000 },
    )
  })

  it('S8 S9 accounts for every operation once, and sends what is left of a lane in order', () => {
    fc.assert(
      fc.property(queue, looks, options, (given, seen, limits) => {
        const { sent, superseded, cancelled } = drained(given, seen, limits)
        const ended = [...sent, ...superseded, ...cancelled].map(({ seq }) => seq)
        expect(ended.toSorted((a, b) => a - b)).toEqual(given.rows.map(({ seq }) => seq))
        for (const lane of given.starts.keys()) {
          const order = sent.filter((row) => row.lane === lane).map(({ seq }) => seq)
          expect(order).toEqual(order.toSorted((a, b) => a - b))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('S17 sends as they are, each by itself, what was attempted, what depends on another and what another depends on', () => {
    fc.assert(
      fc.property(queue, looks, options, (given, seen, limits) => {
        const { sent } = drained(given, seen, limits)
        for (const row of given.rows) {
          const untouchable = row.attempts + row.unknownAttempts + row.reconciliations > 0 || row.status !== 'queued'
          if (untouchable || row.dependsOn !== undefined || row.depended !== undefined) expect(sent).toContain(row)
          for (const id of row.dependsOn ?? [])
            expect(sent.findIndex((other) => other.id === id)).toBeLessThan(sent.findIndex((other) => other.id === row.id))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('S16 accounts for every row once, in order, and leaves the rest as it was', () => {
    fc.assert(
      fc.property(workload, options, ({ lane }, given) => {
        const { survivor, superseded, cancelled, rest } = coalesceLane(lane, given)
        const group = survivor === undefined ? superseded : [...superseded, survivor]
        expect([...cancelled, ...group, ...rest].map(({ id }) => id)).toEqual(lane.map(({ id }) => id))
        for (const other of [...superseded, ...cancelled, ...rest]) expect(lane).toContain(other)
      }),
      { numRuns: 500 },
    )
  })

  it('S16 leaves nothing that could still be merged', () => {
    fc.assert(
      fc.property(workload, ({ lane }) => {
        const first = coalesceLane(lane, roomy)
        fc.pre(first.survivor !== undefined)
        const again = coalesceLane([first.survivor, ...first.rest], roomy)
        expect(again.survivor).toBe(first.survivor)
        expect(again).toMatchObject({ superseded: [], cancelled: [] })
      }),
      { numRuns: 500 },
    )
  })
})

describe('what may be merged', () => {
  it('S17 is only what was never attempted, has no dependency, and is of one user and one token', () => {
    fc.assert(
      fc.property(workload, options, ({ lane }, given) => {
        const { survivor, superseded, cancelled } = coalesceLane(lane, given)
        const group = superseded.length === 0 ? [] : [...superseded, lane.find(({ id }) => id === survivor?.id)!]
        for (const merged of [...cancelled, ...group]) {
          expect(merged).toMatchObject({ status: 'queued', attempts: 0, unknownAttempts: 0, reconciliations: 0 })
          expect(['create', 'update', 'replace', 'delete']).toContain(merged.type)
          expect(merged).not.toHaveProperty('request')
          expect(merged).not.toHaveProperty('dependsOn')
          expect(merged).not.toHaveProperty('depended')
        }
        expect(new Set(group.map(({ token }) => token)).size).toBeLessThanOrEqual(1)
      }),
      { numRuns: 500 },
    )
  })

  const barriers: readonly (readonly [string, Partial<OperationRow>])[] = [
    ['was attempted', { attempts: 1 }],
    ['may have been applied', { unknownAttempts: 1 }],
    ['was reconciled', { reconciliations: 1 }],
    ['has a frozen request', { request: { method: 'PATCH', path: '/note/n1', headers: {}, body: '{}' } }],
    ['waits', { status: 'waiting' }],
    ['is being sent', { status: 'sending' }],
    ['is parked', { status: 'parked' }],
    ['is done', { status: 'done' }],
    ['depends on another', { dependsOn: ['x'] }],
    ['another depends on', { depended: 1 }],
    ['is of a transaction', { transaction: { id: 't1', place: 0, size: 2 } }],
    ['is of another kind', { type: 'publish' }],
    ['has no object as its payload', { payload: [1] }],
  ]

  it.each(barriers)('S17 is not a row that %s, neither as the older nor as the newer one', (_why, more) => {
    const barrier = { ...later, ...more }
    expect(coalesceLane([update, barrier, remove], roomy)).toEqual({
      survivor: update,
      superseded: [],
      cancelled: [],
      rest: [barrier, remove],
    })
    const asHead = coalesceLane([barrier, replace, remove], roomy)
    expect(asHead.survivor).toBe(barrier)
    expect(asHead).toMatchObject({ superseded: [], cancelled: [], rest: [replace, remove] })
    expect(coalesceLane([barrier], roomy).survivor).toBe(barrier)
  })

  it.each([{ user: 'u2' }, { token: 't1' }, { entity: 'list' }, { entityId: 'n2' }])('S17 does not reach over to %o', (more) => {
    const other = { ...later, ...more }
    expect(outcome([update, other])).toMatchObject({ id: 'o2', superseded: '', rest: 'o3' })
    expect(outcome([create, { ...remove, ...more }])).toMatchObject({ id: 'o1', cancelled: '', rest: 'o5' })
  })

  it('S17 is what one token groups, and what has an empty list of dependencies', () => {
    const inTransaction = { token: 't1', dependsOn: [] }
    expect(
      outcome([
        { ...update, ...inTransaction },
        { ...later, ...inTransaction },
      ]),
    ).toMatchObject({ id: 'o3', superseded: 'o2' })
  })

  it('S17 is not taken up beyond a row that could not be merged, even if the ones after it could', () => {
    expect(outcome([update, { ...later, attempts: 1 }, row(6, 'update', { x: 1 })])).toMatchObject({
      id: 'o2',
      superseded: '',
      rest: 'o3 o6',
    })
  })
})

describe('what two operations amount to', () => {
  it('A5 merges updates into the create before them', () => {
    expect(outcome([create, update])).toEqual({
      id: 'o2',
      type: 'create',
      payload: { b: null, c: 3 },
      superseded: 'o1',
      cancelled: '',
      rest: '',
    })
  })

  it('A5 merges updates, and an update into the replace before it', () => {
    expect(outcome([update, later])).toMatchObject({
      id: 'o3',
      type: 'update',
      payload: { a: null, c: 4, d: { e: 1 } },
      superseded: 'o2',
    })
    expect(outcome([{ ...replace, seq: 1 }, later])).toMatchObject({
      id: 'o3',
      type: 'replace',
      payload: { z: 1, c: 4, d: { e: 1 } },
    })
  })

  it('A5 lets a replace take the place of what was before it', () => {
    expect(outcome([create, replace])).toMatchObject({ id: 'o4', type: 'create', payload: { z: 1 }, superseded: 'o1' })
    expect(outcome([update, later, replace])).toMatchObject({ id: 'o4', type: 'replace', payload: { z: 1 }, superseded: 'o2 o3' })
    expect(outcome([row(1, 'replace', {}), replace])).toMatchObject({ id: 'o4', type: 'replace', payload: { z: 1 } })
  })

  it('A5 lets a delete take the place of pending changes', () => {
    expect(outcome([update, later, remove])).toMatchObject({ id: 'o5', type: 'delete', payload: null, superseded: 'o2 o3' })
    expect(outcome([replace, remove])).toMatchObject({ id: 'o5', type: 'delete', superseded: 'o4' })
  })

  it('A5 cancels a create with its delete and all between, and goes on with what follows', () => {
    const anew = row(6, 'create', { n: 1 })
    const changed = row(7, 'update', { n: 2 })
    expect(outcome([create, update, remove])).toEqual({ superseded: '', cancelled: 'o1 o2 o5', rest: '' })
    expect(outcome([create, remove, anew, changed])).toEqual({
      id: 'o7',
      type: 'create',
      payload: { n: 2 },
      superseded: 'o6',
      cancelled: 'o1 o5',
      rest: '',
    })
    expect(outcome([create, remove, anew, row(8, 'delete', null)])).toEqual({
      superseded: '',
      cancelled: 'o1 o5 o6 o8',
      rest: '',
    })
  })

  it('A5 does not send what follows a cancelled group if it must be looked at first', () => {
    const dependent = row(6, 'create', { n: 1 }, { dependsOn: ['x'] })
    expect(outcome([create, remove, dependent])).toEqual({ superseded: '', cancelled: 'o1 o5', rest: 'o6' })
  })

  it('S16 merges nothing into a delete, nor a create into anything', () => {
    expect(outcome([remove, row(6, 'create', {})])).toMatchObject({ id: 'o5', superseded: '', rest: 'o6' })
    expect(outcome([remove, row(6, 'delete', null)])).toMatchObject({ id: 'o5', superseded: '', rest: 'o6' })
    for (const older of [create, update, replace])
      expect(outcome([older, row(6, 'create', {})])).toMatchObject({ superseded: '', rest: 'o6' })
  })

  it('S16 does not merge updates that no single patch can express', () => {
    expect(outcome([update, row(3, 'update', { a: { b: 1 } }), row(4, 'update', { x: 1 })])).toMatchObject({
      id: 'o2',
      superseded: '',
      rest: 'o3 o4',
    })
  })

  it('A5 gives an empty lane nothing to do', () => {
    expect(coalesceLane([], roomy)).toEqual({ survivor: undefined, superseded: [], cancelled: [], rest: [] })
  })
})

describe('the survivor', () => {
  it('S16 lives on as itself, on the base of the oldest', () => {
    const oldest = { ...update, baseVersion: 'v1', base: { a: 0 } }
    const newest = { ...later, baseVersion: 'v2', base: { a: 9 }, dedupeKey: 'd3', contentHash: 'h3', chosenKey: 'c3' }
    const { survivor } = coalesceLane([oldest, newest], roomy)
    expect(survivor).toStrictEqual({
      ...newest,
      baseVersion: 'v1',
      base: { a: 0 },
      payload: { a: null, c: 4, d: { e: 1 } },
      rank: 1_002,
    })
  })

  it('S16 has no base if the oldest has none', () => {
    const { survivor } = coalesceLane([create, { ...update, baseVersion: 'v2', base: { a: 9 } }], roomy)
    expect(survivor).not.toHaveProperty('baseVersion')
    expect(survivor).not.toHaveProperty('base')
  })

  it('C3 goes when the most urgent of its group would have gone', () => {
    const urgent = { ...update, priority: 'critical' as const, rank: 70 }
    const early = { ...later, priority: 'low' as const, rank: 50 }
    const { rank: _rank, ...unranked } = row(9, 'update', { x: 1 })
    expect(coalesceLane([urgent, early, unranked], roomy).survivor).toMatchObject({ id: 'o9', priority: 'critical', rank: 50 })
    expect(coalesceLane([unranked, early, urgent], roomy).survivor).toMatchObject({ id: 'o2', priority: 'critical', rank: 50 })
    expect(coalesceLane([unranked, { ...unranked, id: 'o10' }], roomy).survivor).not.toHaveProperty('rank')
  })

  it('A5 is the row itself if there is nothing to merge', () => {
    for (const only of [create, update, replace, remove]) expect(coalesceLane([only], roomy).survivor).toBe(only)
    expect(coalesceLane([update, row(3, 'create', {})], roomy).survivor).toBe(update)
  })
})

describe('the size of what is merged', () => {
  const half = row(1, 'update', { a: 'x'.repeat(40) })
  const other = row(2, 'update', { b: 'ü'.repeat(20) })
  const together = Buffer.byteLength(JSON.stringify({ a: 'x'.repeat(40), b: 'ü'.repeat(20) }))

  it('A5 may be the limit, but not a byte more', () => {
    expect(outcome([half, other], { maxPayloadBytes: together })).toMatchObject({ id: 'o2', superseded: 'o1' })
    expect(outcome([half, other], { maxPayloadBytes: together - 1 })).toMatchObject({ id: 'o1', superseded: '', rest: 'o2' })
    const made = { ...half, type: 'create' }
    expect(outcome([made, other], { maxPayloadBytes: together - 1 })).toMatchObject({ id: 'o1', superseded: '', rest: 'o2' })
  })

  it('A5 counts what is left after merging, not what went into it', () => {
    const same = Array.from({ length: 50 }, (_, n) => row(n + 1, 'update', { a: 'x'.repeat(40), n }))
    expect(coalesceLane(same, { maxPayloadBytes: 60 })).toMatchObject({ survivor: { id: 'o50' }, rest: [] })
  })

  it('A5 never exceeds the limit', () => {
    fc.assert(
      fc.property(workload, fc.nat(60), ({ lane }, maxPayloadBytes) => {
        const { survivor, superseded } = coalesceLane(lane, { maxPayloadBytes })
        fc.pre(superseded.length > 0)
        const own = lane.find(({ id }) => id === survivor?.id)
        const bytes = Buffer.byteLength(JSON.stringify(survivor?.payload))
        expect(bytes <= maxPayloadBytes || JSON.stringify(survivor?.payload) === JSON.stringify(own?.payload)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('A5 merges 5,000 updates of one entity at once', () => {
    const rows = Array.from({ length: 5_000 }, (_, n) => row(n + 1, 'update', { n, [`field${n % 20}`]: n }))
    const { survivor, superseded } = coalesceLane(rows, roomy)
    expect(superseded).toHaveLength(4_999)
    expect(survivor?.payload).toMatchObject({ n: 4_999, field0: 4_980, field19: 4_999 })
  })
})
