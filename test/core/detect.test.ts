import { describe, expect, it } from 'vitest'
import type { EntityOptions } from '../../src/core/conflict.ts'
import { encodeHlc, MAX_DRIFT_MS } from '../../src/core/hlc.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import type { Fetched } from '../../src/core/ports.ts'
import { examine } from '../../src/core/reconcile.ts'
import { settleByRule } from '../../src/core/settle.ts'
import { laterSide, readStamp } from '../../src/core/stamp.ts'
import { row } from './coalesce-world.ts'

const found = (value: JsonObject): Fetched => ({ type: 'found', value, version: '7' })
const base = { title: 'old', tags: ['a'] }

function detected(type: string, payload: Json, fetched: Fetched, options: EntityOptions = {}) {
  const examination = examine(row(1, type, payload), base, fetched, options)
  return examination.type === 'conflict' ? examination.conflict : examination.type
}

describe('the detector', () => {
  const theirs = { title: 'theirs', tags: ['b'] }

  it('B3 names the type, the fields and how much it matters', () => {
    expect(detected('update', { title: 'ours' }, found(theirs))).toMatchObject({
      type: 'update-update',
      severity: 'medium',
      fields: [{ path: 'title', base: 'old', local: 'ours', remote: 'theirs' }],
    })
    expect(detected('create', { title: 'ours' }, found(theirs))).toMatchObject({
      type: 'create-create',
      severity: 'medium',
      base: undefined,
    })
    expect(detected('update', { title: 'ours' }, { type: 'absent' })).toMatchObject({ type: 'update-delete', severity: 'high' })
    expect(detected('delete', null, found(theirs))).toMatchObject({ type: 'delete-update', severity: 'high' })
    expect(detected('replace', { title: 'ours' }, found(theirs))).toMatchObject({ type: 'update-update', base })
    expect(detected('publish', null, found(theirs))).toMatchObject({ type: 'version', severity: 'medium' })
    expect(detected('publish', null, { type: 'absent' })).toMatchObject({ type: 'update-delete', severity: 'high' })
  })

  it('B3 takes a conflict lightly if each field has a rule that merges it, and gravely if a person is to decide about one', () => {
    const update = { title: 'ours', tags: ['c'] }
    const of = (fields: EntityOptions['fields']) => detected('update', update, found(theirs), { fields })
    expect(of({ title: 'localWins', tags: 'set' })).toMatchObject({
      severity: 'low',
      merged: { title: 'ours', tags: ['b', 'c'] },
    })
    expect(of({ tags: 'set' })).toMatchObject({ severity: 'medium' })
    expect(of({ title: 'manual', tags: 'set' })).toMatchObject({ severity: 'high' })
  })

  it('S12 calls of two creates only that a conflict which both say otherwise, and keeps what either says alone', () => {
    expect(detected('create', { title: 'ours', mine: 1 }, found(theirs))).toMatchObject({
      fields: [{ path: 'title', local: 'ours', remote: 'theirs' }],
      merged: { title: 'ours', tags: ['b'], mine: 1 },
    })
  })

  it('B3 calls disjoint changes no conflict', () => {
    expect(detected('update', { title: 'ours' }, found({ ...base, tags: ['z'] }))).toBe('resend')
  })
})

describe('vector clocks of the server’s values', () => {
  const options: EntityOptions = { vectorClock: 'clock' }
  const made = { title: 'old', clock: { server: 1 } }

  function order(payload: JsonObject, remote: JsonObject, from: Json | undefined = made) {
    const examination = examine(row(1, 'update', payload), from, found(remote), options)
    return examination.type === 'resend' ? examination.payload : examination.type
  }

  it('C1 an update that the server’s value has seen is done', () => {
    expect(order({ title: 'ours', clock: { me: 1 } }, { title: 'theirs', clock: { server: 2, me: 1 } })).toBe('done')
  })

  it('C1 an update that has seen all that the server has is sent again as it is', () => {
    const update = { title: 'ours', clock: { server: 2, me: 1 } }
    expect(order(update, { title: 'theirs', clock: { server: 2 } })).toEqual(update)
    expect(order({ title: 'ours' }, { title: 'theirs', clock: { server: 1 } })).toEqual({ title: 'ours' })
  })

  it('C1 an update that is concurrent with the server’s is merged by field, and its clock with it', () => {
    expect(order({ title: 'ours' }, { title: 'theirs', clock: { server: 2 } })).toBe('conflict')
    const disjoint = { body: 'ours', clock: { server: 1, me: 1 } }
    expect(order(disjoint, { title: 'theirs', clock: { server: 2 } })).toEqual({ body: 'ours', clock: { me: 1 } })
  })

  it('C1 a clock that can not be read, or is not there, decides nothing', () => {
    expect(order({ title: 'ours' }, { title: 'theirs', clock: 'noon' })).toBe('conflict')
    expect(order({ title: 'ours' }, { title: 'theirs' }, { title: 'old' })).toBe('conflict')
    expect(order({ title: 'ours' }, { title: 'theirs', clock: { server: 2 } }, { title: 'old' })).toBe('conflict')
  })
})

describe('the later write', () => {
  const at = (ms: number, count = 0, node = 'n') => readStamp(encodeHlc({ ms, count, node }))
  const now = 1_700_000_000_000

  it('B4 is told by HLC, by ISO date and by milliseconds', () => {
    expect(laterSide(at(now - 2), at(now - 1), now)).toBe('remote')
    expect(laterSide(at(now - 1, 1), at(now - 1), now)).toBe('local')
    expect(laterSide(at(now - 1), at(now - 1, 1), now)).toBe('remote')
    expect(laterSide(at(now - 2_000), readStamp(new Date(now).toISOString()), now)).toBe('remote')
    expect(laterSide(at(now), readStamp(new Date(now - 1).toISOString()), now)).toBe('local')
    expect(laterSide(at(now - 1), readStamp(now), now)).toBe('remote')
  })

  it('B4 is the one that reaches the server last where a stamp is missing, unreadable or too far ahead to be believed', () => {
    const year = 31_536_000_000
    expect(laterSide(at(now), undefined, now)).toBe('local')
    expect(laterSide(undefined, at(now), now)).toBe('local')
    expect(laterSide(at(now), at(now + year), now)).toBe('local')
    expect(laterSide(at(now), at(now + MAX_DRIFT_MS), now)).toBe('remote')
    for (const odd of ['yesterday', '2026-01-01', -1, null, {}, Infinity]) expect(readStamp(odd as Json)).toBeUndefined()
  })
})

describe('settling without asking anybody', () => {
  const theirs = { title: 'theirs', tags: ['b'] }
  const settled = (type: string, payload: Json, fetched: Fetched, options: EntityOptions) => {
    const conflict = detected(type, payload, fetched, options)
    if (typeof conflict === 'string') throw new Error(`It was no conflict but ${conflict}.`)
    return settleByRule(row(1, type, payload), conflict, options, () => 'remote').settlement
  }
  const one = { title: 'ours' }
  const both = { title: 'ours', tags: ['c'] }

  it('B4 goes by the strategy of the entity for each type of conflict', () => {
    const cases = { localWins: 'local', remoteWins: 'remote', manual: 'manual' } as const
    for (const [conflict, wanted] of Object.entries(cases) as [keyof typeof cases, string][]) {
      expect(settled('update', one, found(theirs), { conflict })).toBe(wanted)
      expect(settled('update', one, { type: 'absent' }, { conflict })).toBe(wanted)
      expect(settled('delete', null, found(theirs), { conflict })).toBe(wanted)
      expect(settled('create', one, found(theirs), { conflict })).toBe(wanted)
    }
    expect(settled('update', one, found(theirs), {})).toEqual({ merge: 'local' })
    expect(settled('update', one, found(theirs), { conflict: 'lastWriteWins' })).toEqual({ merge: 'remote' })
    expect(settled('delete', null, found(theirs), { conflict: 'lastWriteWins' })).toBe('remote')
    expect(settled('update', one, found(theirs), { conflict: () => 'local' })).toBeUndefined()
  })

  it('B4 goes by the rules of fields first', () => {
    expect(settled('update', both, found(theirs), { conflict: 'manual', fields: { title: 'remoteWins', tags: 'set' } })).toEqual({
      merge: 'local',
    })
    expect(settled('update', both, found(theirs), { conflict: 'localWins', fields: { title: 'manual' } })).toBe('manual')
    expect(settled('update', both, found(theirs), { conflict: 'remoteWins', fields: { tags: 'set' } })).toEqual({
      merge: 'remote',
    })
    expect(settled('delete', null, found(theirs), { conflict: 'localWins', fields: { tags: 'set' } })).toBe('local')
  })
})
