import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EntityOptions, FieldRule } from '../../src/core/conflict.ts'
import { mergeRules } from '../../src/core/field-rules.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { merge3, type MergeResult } from '../../src/core/merge.ts'
import { mergeSets } from '../../src/core/merge-set.ts'
import { smallObject } from './json-arbitrary.ts'

const set = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 1, true, null), { maxLength: 6 })
const sorted = (members: readonly Json[] | undefined) => members?.map((member) => JSON.stringify(member)).toSorted()

function merged(options: EntityOptions, base: Json, local: Json, remote: Json, side: 'local' | 'remote' = 'local'): MergeResult {
  return merge3({ base, local, remote }, mergeRules(options, side))
}

describe('merging arrays as sets', () => {
  it('S12 keeps what either added, and drops what either removed', () => {
    fc.assert(
      fc.property(set, set, set, (base, local, remote) => {
        const has = (side: readonly Json[], member: Json) => side.includes(member)
        const wanted = [...new Set([...local, ...remote])].filter((member) =>
          has(base, member) ? has(local, member) && has(remote, member) : true,
        )
        expect(sorted(mergeSets(base, local, remote))).toEqual(sorted(wanted))
      }),
    )
  })

  it('S12 comes to the same members whichever side is which, and merging the result again changes nothing', () => {
    fc.assert(
      fc.property(set, set, set, (base, local, remote) => {
        const result = mergeSets(base, local, remote)
        expect(sorted(mergeSets(base, remote, local))).toEqual(sorted(result))
        expect(sorted(mergeSets(remote, result, remote))).toEqual(sorted(result))
      }),
    )
  })

  it('S12 tells objects apart by their key, and merges the fields of one that both changed', () => {
    const base = [
      { id: 1, n: 0, m: 0 },
      { id: 2, n: 0 },
      { id: 3, n: 0 },
    ]
    const local = [{ id: 1, n: 1, m: 0 }, { id: 3, n: 7 }, { id: 4 }]
    const remote = [{ id: 5 }, { id: 1, n: 0, m: 1 }, { id: 2, n: 0 }]
    // 2 was removed here, 3 was removed there but changed here.
    expect(mergeSets(base, local, remote, 'id')).toEqual([{ id: 5 }, { id: 1, n: 1, m: 1 }, { id: 3, n: 7 }, { id: 4 }])
  })

  it('S12 takes one that is not there for empty: what both have made of nothing is kept, and who removed it all removed each', () => {
    expect(mergeSets(undefined, ['a'], ['b'])).toEqual(['b', 'a'])
    expect(mergeSets(['a'], undefined, ['a', 'b'])).toEqual(['b'])
    expect(mergeSets(['a'], ['a', 'b'], undefined)).toEqual(['b'])
  })

  it.each<[string, Json | undefined, Json | undefined, string | undefined]>([
    ['a text', 'a', ['a'], undefined],
    ['a text there', ['a'], 'a', undefined],
    ['objects without a key', [{ a: 1 }], [], undefined],
    ['an object that lacks the key', [{ a: 1 }], [], 'id'],
    ['scalars where objects are wanted', ['a'], [], 'id'],
  ])('S12 leaves %s to the strategy', (_, local, remote, key) => expect(mergeSets([], local, remote, key)).toBeUndefined())
})

describe('rules for fields', () => {
  const rule = fc.constantFrom<FieldRule[]>(
    'localWins',
    'remoteWins',
    'manual',
    'set',
    { set: 'id' },
    () => 'made',
    () => undefined,
  )
  const options = fc.record({ a: rule, 'b.a': rule }, { requiredKeys: [] }).map((fields): EntityOptions => ({ fields }))
  const side = fc.constantFrom<('local' | 'remote')[]>('local', 'remote')
  const document = smallObject(2)

  it('S12 take what only one side changed from that side, whatever the rules are', () => {
    fc.assert(
      fc.property(options, document, document, side, (rules, base, changed, open) => {
        expect(merged(rules, base, changed, base, open)).toEqual({ type: 'clean', value: changed })
        expect(merged(rules, base, base, changed, open)).toEqual({ type: 'clean', value: changed })
        expect(merged(rules, base, changed, structuredClone(changed), open)).toEqual({ type: 'clean', value: changed })
      }),
    )
  })

  it('S12 keep disjoint changes of both sides, and of each field that both changed all three values', () => {
    fc.assert(
      fc.property(options, document, document, document, side, (rules, base, local, remote, open) => {
        const result = merged(rules, base, local, remote, open)
        const conflicts = result.type === 'clean' ? [] : result.conflicts
        for (const key of ['a', 'b', 'c']) {
          const [before, ours, theirs] = [base[key], local[key], remote[key]]
          const at = conflicts.filter(({ path }) => path === key || path.startsWith(`${key}.`))
          const value = (result.value as JsonObject)[key]
          if (same(ours, before)) expect(value).toEqual(theirs)
          else if (same(theirs, before)) expect(value).toEqual(ours)
          for (const one of at) {
            expect(one.base).toEqual(within(base, one.path))
            expect(one.local).toEqual(within(local, one.path))
            expect(one.remote).toEqual(within(remote, one.path))
          }
        }
      }),
    )
  })

  it('S12 settle one field each, by its path, and the side that was asked for stands for the rest', () => {
    const base = { title: 0, tags: ['a'], address: { street: 0, town: 0 }, count: 1, other: 0 }
    const local = { title: 1, tags: ['a', 'b'], address: { street: 1, town: 1 }, count: 3, other: 1 }
    const remote = { title: 2, tags: ['a', 'c'], address: { street: 2, town: 2 }, count: 2, other: 2 }
    const fields: EntityOptions['fields'] = {
      title: 'remoteWins',
      tags: 'set',
      'address.street': 'localWins',
      count: ({ base = 0, local = 0, remote = 0 }) => Number(local) + Number(remote) - Number(base),
    }
    const result = merged({ fields }, base, local, remote, 'remote')
    expect(result.value).toEqual({ title: 2, tags: ['a', 'c', 'b'], address: { street: 1, town: 2 }, count: 4, other: 2 })
    expect(result.type === 'conflicted' && result.conflicts.map(({ path, rule }) => [path, rule])).toEqual([
      ['title', 'remoteWins'],
      ['tags', 'set'],
      ['address.street', 'localWins'],
      ['address.town', undefined],
      ['count', 'function'],
      ['other', undefined],
    ])
  })

  it('S12 take an object that has one as a whole, whatever each side changed in it', () => {
    const [base, local, remote] = [
      { street: 0, town: 0 },
      { street: 1, town: 0 },
      { street: 0, town: 2 },
    ].map((address) => ({ address }))
    const of = (rule: FieldRule) => merged({ fields: { address: rule } }, base ?? null, local ?? null, remote ?? null).value
    expect(of('remoteWins')).toEqual(remote)
    expect(of('localWins')).toEqual(local)
    expect(of('manual')).toEqual(local)
    expect(of(() => 'made')).toEqual({ address: 'made' })
  })

  it('S12 leave to a person a field that one side has removed together with what is around it', () => {
    const result = merged({ fields: { 'a.b': 'manual' } }, { a: { b: 1, c: 1 } }, { a: { b: 2, c: 1 } }, { a: 'gone' })
    expect(result).toMatchObject({ conflicts: [{ path: 'a', rule: 'manual' }] })
  })

  it('C1 merge vector clocks and take the later stamp, and call neither a conflict', () => {
    const options: EntityOptions = { conflict: 'lastWriteWins', vectorClock: 'clock' }
    const base = { clock: { a: 1 }, updatedAt: 1 }
    const result = merged(options, base, { clock: { a: 2 }, updatedAt: 5 }, { clock: { a: 1, b: 1 }, updatedAt: 3 })
    expect(result).toEqual({ type: 'clean', value: { clock: { a: 2, b: 1 }, updatedAt: 5 } })
  })
})

function within(document: JsonObject, path: string): Json | undefined {
  return path.split('.').reduce<Json | undefined>((value, key) => (value as JsonObject | undefined)?.[key], document)
}

function same(a: Json | undefined, b: Json | undefined): boolean {
  return JSON.stringify(canonical(a)) === JSON.stringify(canonical(b))
}

function canonical(value: Json | undefined): unknown {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, canonical(inner)])
}
