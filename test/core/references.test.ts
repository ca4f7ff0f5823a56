import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/core/json.ts'
import { laneOf } from '../../src/core/operation.ts'
import { referencesIn, withReferences, type References } from '../../src/core/references.ts'
import { nameEachOther, outgoing, renamed, withAssignedId, type Entities } from '../../src/core/server-ids.ts'
import { anyJson, prototypeNames, renamed as underNames, smallObject } from './json-arbitrary.ts'

/** Paths that documents of `smallObject` often have. */
const references: References = { a: 'note', 'b.c': 'note', 'c.a.b': 'page' }

/** A document with ids in many places. */
const document: fc.Arbitrary<Json> = smallObject().map((value): Json => withIds(value))

function withIds(value: Json): Json {
  if (value === 0) return 'old'
  if (value === 1) return ['old', 'kept', 'old']
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((one) => (one === 1 ? 'old' : one))
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withIds(one)]))
}

const rename = (payload: Json, kind = 'note'): Json =>
  withReferences(payload, references, ({ entity, id }) => (entity === kind && id === 'old' ? 'new' : undefined))

/** What is at each path of a document, as JSON; those of arrays are taken as a whole. */
function leaves(value: Json, path = ''): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { [path]: JSON.stringify(value) }
  return Object.assign(
    { [path]: '{' },
    ...Object.entries(value).map(([key, one]) => leaves(one, path === '' ? key : `${path}.${key}`)),
  ) as Record<string, string>
}

const row = (payload: Json) => ({
  user: 'u',
  type: 'update',
  entity: 'comment',
  entityId: 'c',
  payload,
  lane: laneOf('u', 'comment', 'c'),
})
const entities: Entities = { note: { ids: 'server' }, comment: { references, ids: 'server' }, page: {} }

describe('ids in declared fields', () => {
  it('B8 are found, alone and in lists, and nothing else is', () => {
    expect(referencesIn({ a: 'x', b: { c: ['y', 1, '', 'z'] }, c: 'w', d: 'v' }, references)).toEqual([
      { entity: 'note', id: 'x' },
      { entity: 'note', id: 'y' },
      { entity: 'note', id: 'z' },
    ])
    expect(referencesIn(null, references)).toEqual([])
    expect(referencesIn({ c: { a: { b: 'p' } } }, references)).toEqual([{ entity: 'page', id: 'p' }])
  })

  it('B8 are replaced at these paths alone, and only those of the kind that is renamed', () => {
    fc.assert(
      fc.property(document, (payload) => {
        const [before, after] = [leaves(payload), leaves(rename(payload))]
        expect(Object.keys(after)).toEqual(Object.keys(before))
        for (const [path, value] of Object.entries(after)) {
          const isDeclared = path === 'a' || path === 'b.c'
          expect(value).toBe(isDeclared ? before[path]!.replaceAll('"old"', '"new"') : before[path])
        }
      }),
    )
  })

  it('B8 are replaced once: doing it again changes nothing, and what changes nothing is the same value', () => {
    fc.assert(
      fc.property(document, (payload) => {
        const once = rename(payload)
        expect(rename(once)).toBe(once)
        const isNamed = referencesIn(payload, references).some(({ entity, id }) => entity === 'note' && id === 'old')
        expect(once === payload).toBe(!isNamed)
      }),
    )
  })

  it('B8 leave any other document as it is', () => {
    fc.assert(
      fc.property(anyJson, (payload) => {
        expect(rename(payload)).toBe(payload)
      }),
    )
  })

  it('B8 S29 are looked for in own fields alone, and written there', () => {
    fc.assert(
      fc.property(document, prototypeNames, (payload, names) => {
        const strange = underNames(payload, names)
        const paths = Object.fromEntries(
          Object.keys(references).map((path) => [path.replace(/[abc]/g, (key) => names['abc'.indexOf(key)]!), 'note']),
        )
        const found = referencesIn(strange, paths).filter(({ id }) => id === 'old').length
        const changed = withReferences(strange, paths, ({ id }) => (id === 'old' ? 'new' : undefined))
        expect(JSON.stringify(changed).split('"new"').length - 1).toBe(found)
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
    )
    expect(referencesIn({}, { toString: 'note', 'constructor.name': 'note', __proto__: 'note' })).toEqual([])
  })
})

describe('an operation under the names that the server gave', () => {
  const names = new Map([
    [laneOf('u', 'note', 'old'), 'new'],
    [laneOf('u', 'comment', 'c'), 'c-1'],
  ])

  it('B8 has its own id, its lane, and the ids that it names; its own in the payload only if that was it', () => {
    expect(
      renamed(
        {
          ...row({ id: 'c', a: 'old', b: { c: ['old', 'c'] } }),
          base: { id: 'c' },
          undo: { type: 'update', payload: { a: 'old' } },
        },
        names,
        entities,
      ),
    ).toEqual({
      ...row({ id: 'c-1', a: 'new', b: { c: ['new', 'c'] } }),
      entityId: 'c-1',
      lane: laneOf('u', 'comment', 'c-1'),
      base: { id: 'c-1' },
      undo: { type: 'update', payload: { a: 'new' } },
    })
    expect(renamed(row({ id: 'other', a: 1 }), names, entities).payload).toEqual({ id: 'other', a: 1 })
  })

  it('B8 is the same row if it names none of them, and has no lane once it has ended', () => {
    const other = { ...row({ a: 'x' }), entityId: 'd', lane: laneOf('u', 'comment', 'd') }
    expect(renamed(other, names, entities)).toBe(other)
    expect(renamed({ ...row({ a: 'old' }), user: 'v' }, names, entities).payload).toEqual({ a: 'old' })
    const { lane: _lane, ...ended } = row({})
    expect(renamed(ended, names, entities)).toEqual({ ...ended, entityId: 'c-1' })
  })

  it('B8 is told to the transport as one with a temporary id if it creates', () => {
    const operation = { id: '1', ...row({}) }
    expect(outgoing(entities, { ...operation, type: 'create' })).toMatchObject({ isIdTemporary: true })
    expect(outgoing(entities, operation)).toBe(operation)
    expect(outgoing({ comment: {} }, { ...operation, type: 'create' })).not.toHaveProperty('isIdTemporary')
  })

  it('B8 S6 is in doubt while the answer to its create does not tell the id', () => {
    const create = { ...row({}), type: 'create' }
    expect(withAssignedId(entities, create, { type: 'applied', value: { id: 'c-1' } })).toMatchObject({
      type: 'applied',
      id: 'c-1',
    })
    expect(withAssignedId(entities, create, { type: 'applied', id: 'c-2', value: null })).toMatchObject({
      type: 'applied',
      id: 'c-2',
    })
    for (const value of [undefined, null, {}, { id: 7 }, { id: '' }, { id: '..' }, []])
      expect(withAssignedId(entities, create, { type: 'applied', value })).toMatchObject({
        type: 'unknown',
        error: { code: 'unreadable' },
      })
    expect(withAssignedId(entities, row({}), { type: 'applied' })).toEqual({ type: 'applied' })
  })
})

describe('operations of one transaction', () => {
  const base = {
    id: '1',
    seq: 1,
    rev: 1,
    status: 'queued',
    priority: 'medium',
    idempotencyKey: 'k',
    enqueuedAt: 0,
    attempts: 0,
    unknownAttempts: 0,
    reconciliations: 0,
  } as const
  const note = { ...base, user: 'u', type: 'create', entity: 'note', entityId: 'old', payload: {} }
  const child = (payload: Json) => ({ ...base, user: 'u', type: 'create', entity: 'comment', entityId: 'c', payload })

  it('B8 B14 name each other if one refers to what another creates under an id of the server', () => {
    expect(nameEachOther(entities, [note, child({ a: 'old' })])).toBe(true)
    expect(nameEachOther(entities, [note, child({ a: 'other' })])).toBe(false)
    expect(nameEachOther(entities, [{ ...note, type: 'update' }, child({ a: 'old' })])).toBe(false)
    expect(nameEachOther({ ...entities, note: {} }, [note, child({ a: 'old' })])).toBe(false)
  })
})
