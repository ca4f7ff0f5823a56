import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeHlc } from '../../src/core/hlc.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { applyMergePatch } from '../../src/core/merge-patch.ts'
import { merge3 } from '../../src/core/merge.ts'
import type { OperationRow } from '../../src/core/operation.ts'
import type { Fetched } from '../../src/core/ports.ts'
import { examine, resolve, type Decision, type Examination, type Settlement } from '../../src/core/reconcile.ts'
import { row } from './coalesce-world.ts'
import { smallObject, withoutNulls } from './json-arbitrary.ts'

/** A merge patch can't set null, so no document here has one. */
const document = smallObject(2).map((value) => withoutNulls(value) as JsonObject)
const patch = smallObject(2)

const found = (value: JsonObject): Fetched => ({ type: 'found', value, version: '7' })

/** What the server has once the decision was carried out. */
function carriedOut(decision: Decision, remote: JsonObject): Json {
  if (decision.type === 'done') return remote
  if (decision.type !== 'resend') throw new Error(`It was to be sent, not to be ${decision.type}.`)
  expect(decision.version).toBe('7')
  return decision.as === 'update' ? applyMergePatch(remote, decision.payload) : decision.payload
}

function settled(examination: Examination, update: ReturnType<typeof row>, resolution: Settlement): Decision {
  return examination.type === 'conflict' ? resolve(update, examination.conflict, resolution) : examination
}

describe('an update that was refused for another version', () => {
  it('S12 leaves the server with what both sides changed, and of a true conflict a record with both values', () => {
    fc.assert(
      fc.property(document, document, patch, (base, remote, payload) => {
        const update = row(1, 'update', payload)
        const local = applyMergePatch(base, payload)
        const merged = merge3({ base, local, remote })
        const examination = examine(update, base, found(remote))
        if (examination.type === 'done') {
          expect(applyMergePatch(remote, payload)).toEqual(remote)
          return
        }
        const decision = settled(examination, update, { merge: 'local' })
        expect(carriedOut(decision, remote)).toEqual(merged.value)
        expect(examination.type === 'conflict').toBe(merged.type === 'conflicted')
        if (merged.type === 'clean') return
        const record = { type: 'update-update', fields: merged.conflicts, remote, remoteVersion: '7' }
        expect(decision).toMatchObject({ conflict: record })
        const parked = examination.type === 'conflict' && resolve(update, examination.conflict, 'manual')
        expect(parked).toMatchObject({ type: 'park', conflict: record })
        expect(carriedOut(settled(examination, update, 'local'), remote)).toEqual(local)
      }),
      { numRuns: 1_000 },
    )
  })

  it('S13 is done where all that it changed is there, and only when it was written is older than what the server has', () => {
    const [ours, theirs] = [encodeHlc({ ms: 1_000, count: 0, node: 'a' }), encodeHlc({ ms: 2_000, count: 0, node: 'b' })]
    const rules = { conflict: 'lastWriteWins', stamp: 'hlc' } as const
    const update = row(1, 'update', { c: -5, hlc: ours })
    const base = { a: 1, hlc: encodeHlc({ ms: 500, count: 0, node: 'b' }) }
    const seen = (c: number, hlc: string): Examination => examine(update, base, found({ a: 12, c, hlc }), rules)
    expect(seen(-5, theirs)).toEqual({ type: 'done', value: { a: 12, c: -5, hlc: theirs }, version: '7' })
    expect(seen(-5, base.hlc)).toMatchObject({ type: 'resend', payload: { hlc: ours } })
    expect(seen(4, theirs)).toMatchObject({ type: 'conflict' })
  })

  it('S12 loses nothing of the patch where the base is not known, and records what it takes the place of', () => {
    fc.assert(
      fc.property(document, patch, (remote, payload) => {
        const update = row(1, 'update', payload)
        const examination = examine(update, undefined, found(remote))
        const wanted = applyMergePatch(remote, payload)
        for (const resolution of [{ merge: 'local' }, 'local'] as const)
          expect(carriedOut(settled(examination, update, resolution), remote)).toEqual(wanted)
        const fields = examination.type === 'conflict' ? examination.conflict.fields : []
        const given = new Map(fields.map(({ path, ...values }) => [path, values]))
        expect(given).toEqual(replacedBy(payload, remote))
      }),
      { numRuns: 1_000 },
    )
  })

  it('S12 does not lose the removal of a field where the base is not known', () => {
    const update = row(1, 'update', { a: null, b: { x: null } })
    const examination = examine(update, undefined, found({ a: 1, b: { x: 1, y: 2 }, c: 3 }))
    expect(examination).toMatchObject({
      type: 'conflict',
      conflict: {
        merged: { b: { y: 2 }, c: 3 },
        fields: [
          { path: 'a', remote: 1 },
          { path: 'b.x', remote: 1 },
        ],
      },
    })
  })
})

/** The leaves of a document, by path, that a patch removes or sets to something else. */
function replacedBy(payload: JsonObject, remote: JsonObject): Map<string, object> {
  const wanted = applyMergePatch(remote, payload)
  const lost = new Map<string, object>()
  const walk = (path: string, before: Json, after: Json | undefined): void => {
    if (isPlain(before) && isPlain(after)) {
      for (const [key, value] of Object.entries(before)) walk(path === '' ? key : `${path}.${key}`, value, after[key])
    } else if (JSON.stringify(before) !== JSON.stringify(after)) {
      lost.set(path, { remote: before, ...(after !== undefined && { local: after }) })
    }
  }
  walk('', remote, wanted)
  return lost
}

function isPlain(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

describe('an operation whose effect is on the server already', () => {
  it('S13 is done: an update, a create to which the server added fields, a replace', () => {
    fc.assert(
      fc.property(document, document, patch, fc.option(document, { nil: undefined }), (value, added, payload, base) => {
        const after = applyMergePatch(value, payload) as JsonObject
        expect(examine(row(1, 'update', payload), base, found(after)).type).toBe('done')
        expect(examine(row(1, 'create', value), undefined, found({ ...added, ...value, version: 1 })).type).toBe('done')
        expect(examine(row(1, 'replace', value), base, found({ ...value, id: 'n1', version: 1 })).type).toBe('done')
      }),
      { numRuns: 300 },
    )
  })

  it('S13 is done: a delete of what is gone, and one of what the operation was made on is sent again', () => {
    fc.assert(
      fc.property(document, document, (base, other) => {
        const remove = row(1, 'delete', null)
        expect(examine(remove, base, { type: 'absent' })).toEqual({ type: 'done' })
        expect(examine(remove, base, found(structuredClone(base)))).toMatchObject({ type: 'resend', as: 'delete', version: '7' })
        fc.pre(JSON.stringify(withoutNulls(base)) !== JSON.stringify(other))
        const again = examine(remove, base, found(other))
        if (again.type === 'conflict') expect(again.conflict).toMatchObject({ type: 'delete-update', base, remote: other })
        else expect(base).toEqual(other)
      }),
    )
  })
})

describe('an operation whose entity was deleted', () => {
  it.each([
    ['update', { a: 1, kept: 0 }],
    ['replace', { a: 1 }],
  ])('S12 is in conflict: %s', (type, local) => {
    const change = row(1, type, { a: 1 }, { baseVersion: '6' })
    const examination = examine(change, { a: 0, kept: 0 }, { type: 'absent' })
    expect(examination).toMatchObject({ type: 'conflict', conflict: { type: 'update-delete', local, remote: undefined } })
    if (examination.type !== 'conflict') return
    expect(resolve(change, examination.conflict, 'local')).toMatchObject({ type: 'resend', as: 'create', payload: local })
    expect(resolve(change, examination.conflict, { merge: 'local' })).toMatchObject({
      type: 'refuse',
      error: { message: expect.stringContaining('note/n1 was deleted on the server') as string },
      conflict: { id: 'o1.1', type: 'update-delete', severity: 'high', resolution: 'remote', strategy: 'merge' },
    })
  })

  it('S12 makes it, if it is a replace that was made on nothing', () => {
    expect(examine(row(1, 'replace', { a: 1 }), undefined, { type: 'absent' })).toMatchObject({ type: 'resend', as: 'replace' })
  })

  it('S12 does not bring back what is gone by a replace that was made on something, or an update whose base is not known', () => {
    const absent: Fetched = { type: 'absent' }
    expect(examine(row(1, 'replace', { a: 1 }, { baseVersion: '6' }), undefined, absent).type).toBe('conflict')
    expect(examine(row(1, 'replace', { a: 1 }), { a: 0 }, absent).type).toBe('conflict')
    expect(examine(row(1, 'update', { a: 1 }), undefined, absent).type).toBe('conflict')
  })
})

describe('a delete and an action that meet what others changed', () => {
  it.each([
    ['delete', null],
    ['publish', { n: 1 }],
  ])('B4 are made where the strategy is to merge, and the record tells of both sides: %s', (type, payload) => {
    const operation = row(1, type, payload)
    const examination = examine(operation, { a: 0 }, found({ a: 9 }))
    expect(settled(examination, operation, { merge: 'local' })).toMatchObject({
      type: 'resend',
      as: type,
      payload,
      version: '7',
      conflict: { id: 'o1.1', resolution: 'local', remote: { a: 9 }, remoteVersion: '7' },
    })
  })

  it('B5 an action is sent with what a person decided that it carries', () => {
    const action = row(1, 'publish', { n: 1 })
    const decision = settled(examine(action, undefined, found({ a: 9 })), action, { value: { n: 2 } })
    expect(decision).toMatchObject({ type: 'resend', as: 'publish', payload: { n: 2 }, conflict: { resolution: 'value' } })
  })

  it('D5 wait for a person with a word of what is in conflict, where fields are', () => {
    const update = row(1, 'update', { a: 1, b: 1 })
    const said = (operation: typeof update) => {
      const decision = settled(examine(operation, { a: 0, b: 0 }, found({ a: 9, b: 9 })), operation, 'manual')
      return decision.type === 'park' ? decision.error.message : decision.type
    }
    expect(said(update)).toContain('note/n1 was changed on both sides (a, b). ')
    expect(said(row(1, 'delete', null))).toContain('note/n1 was changed on both sides. ')
  })
})

describe('an update that was sent anew with what the rules had left of it', () => {
  const rules = { fields: { a: 'remoteWins' } } as const
  const base = { a: 0, c: 0 }
  const settledOn = (
    remote: JsonObject,
    reconciliations: number,
    doubt: { wasInDoubt?: true } = { wasInDoubt: true },
  ): Decision => {
    const update = row(1, 'update', { a: 1, c: 1 }, { reconciliations, ...doubt })
    const examination = examine(update, base, found(remote), rules)
    if (examination.type !== 'conflict') throw new Error(`It was to be a conflict, not ${examination.type}.`)
    return resolve(update, examination.conflict, { merge: 'local' }, { rules })
  }

  it('S13 is done if that is there: only the answer was lost', () => {
    expect(settledOn({ a: 9, c: 1 }, 1)).toEqual({ type: 'done', value: { a: 9, c: 1 }, version: '7' })
  })

  it('S12 gives way if others made that too: each attempt was refused for certain', () => {
    expect(settledOn({ a: 9, c: 1 }, 1, {})).toMatchObject({
      type: 'refuse',
      conflict: { type: 'update-update', resolution: 'remote', remote: { a: 9, c: 1 }, remoteVersion: '7' },
    })
  })

  const judged = (
    type: string,
    payload: JsonObject,
    from: JsonObject | undefined,
    remote: JsonObject,
    before: Partial<OperationRow> = {},
  ): string => {
    const operation = row(1, type, payload, { reconciliations: 1, wasInDoubt: true, ...before })
    const examination = examine(operation, from, found(remote), rules)
    if (examination.type !== 'conflict') throw new Error(`It was to be a conflict, not ${examination.type}.`)
    return resolve(operation, examination.conflict, { merge: 'local' }, { rules }).type
  }

  it.each<[string, string, JsonObject, JsonObject | undefined, JsonObject]>([
    ['a field that it removed is gone', 'update', { a: 1, c: null }, base, { a: 9 }],
    ['the base is not known', 'update', { a: 1, c: 1 }, undefined, { a: 9, c: 1 }],
  ])('S13 is done by what it made, too, where %s', (_, type, payload, from, remote) => {
    expect(judged(type, payload, from, remote)).toBe('done')
  })

  it.each<[string, string, JsonObject, JsonObject | undefined, JsonObject]>([
    ['nothing of it is there', 'update', { a: 1 }, base, { a: 9, c: 0 }],
    ['what is there was so before', 'update', { a: 1, c: 1 }, { a: 0, c: 1 }, { a: 9, c: 1 }],
    ['what it removed was not there before', 'update', { a: 1, c: null }, { a: 0 }, { a: 9 }],
    ['only the id is what it said', 'create', { id: 'n1', a: 1 }, undefined, { id: 'n1', a: 9 }],
  ])('S12 gives way where %s', (_, type, payload, from, remote) => {
    expect(judged(type, payload, from, remote)).toBe('refuse')
  })

  it('S12 gives way where others made the entity anew without the field that it removed (seed 35134)', () => {
    const update = row(1, 'update', { a: 1, c: null }, { wasInDoubt: true })
    const wasDeleted = examine(update, base, { type: 'absent' })
    const created = settled(wasDeleted, update, 'local')
    if (created.type !== 'resend' || created.conflict === undefined) throw new Error('It was to be created anew.')
    const before = { conflict: created.conflict }
    expect(judged('update', { a: 1, c: null }, base, { a: 9 }, before)).toBe('refuse')
    expect(judged('update', { a: 1, c: 1 }, base, { a: 9, c: 1 }, before)).toBe('done')
  })

  it('S12 is sent once more if that is not there, and gives way where nothing of it was ever sent', () => {
    expect(settledOn({ a: 9, c: 0 }, 1)).toMatchObject({ type: 'resend', payload: { c: 1 } })
    expect(settledOn({ a: 9, c: 1 }, 0)).toMatchObject({ type: 'refuse', conflict: { resolution: 'remote' } })
  })
})
