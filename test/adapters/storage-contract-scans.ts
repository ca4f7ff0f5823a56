import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/core/errors.ts'
import type { Entry, IndexKey, Scalar, ScanQuery, Storage, Write } from '../../src/core/ports.ts'
import { keysOf, readAll, schema } from './storage-world.ts'
import type { StorageWorld } from './storage-world.ts'

const put = (value: object): Write => ({ type: 'put', collection: 'notes', value })
const append = (value: object): Write => ({ type: 'append', collection: 'operations', value })

/** The order that ports.ts promises, written down independently of the adapters. */
function compare(left: IndexKey, right: IndexKey): number {
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const [a, b] = [left[at]!, right[at]!]
    if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1
    if (a !== b) return a < b ? -1 : 1
  }
  return left.length - right.length
}

function expected(positions: readonly IndexKey[], query: ScanQuery): readonly IndexKey[] {
  const { prefix = [], gt, lt, reverse = false, limit } = query
  const hits = positions
    .filter((position) => prefix.every((value, at) => position[at] === value))
    .filter((position) => (!gt || compare(position, gt) > 0) && (!lt || compare(position, lt) < 0))
    .toSorted(compare)
  return (reverse ? hits.toReversed() : hits).slice(0, limit)
}

export function describeScans(makeWorld: () => Promise<StorageWorld>): void {
  describe('scans', () => {
    let world: StorageWorld
    let storage: Storage
    beforeEach(async () => {
      world = await makeWorld()
      storage = world.handle()
      await storage.open(schema)
    })
    afterEach(async () => {
      await storage.close()
      await world.destroy()
    })

    async function each(collection: string, keys: readonly Scalar[]) {
      const found: (Entry | undefined)[] = []
      for (const key of keys) found.push(await storage.get(collection, key))
      return found
    }

    it('C6 keys come back as they went in, numbers in order before strings in order', async () => {
      const keys = [-1.5, 0, 2, 10, 1e12, '', '10', '2', 'Z', 'a', 'aa', 'b', 'ä', '日本']
      const shuffled = keys.toSorted((a, b) => String(a).length - String(b).length || (String(a) < String(b) ? 1 : -1))
      await storage.commit(shuffled.map((id) => put({ id })))
      expect(keysOf(await storage.scan('notes', { limit: 1000 }))).toEqual(keys)
      expect(keysOf(await storage.scan('notes', { limit: 1000, reverse: true }))).toEqual(keys.toReversed())
      expect(keysOf(await storage.scan('notes', { gt: [10], lt: ['a'], limit: 1000 }))).toEqual([1e12, '', '10', '2', 'Z'])
    })

    it('C6 an entry has its key, its position in the index that was scanned, and the row as it was written', async () => {
      await storage.commit([put({ id: 'n1', tag: 7, deep: { list: [1, null, 'x'] } })])
      const value = { id: 'n1', tag: 7, deep: { list: [1, null, 'x'] } }
      expect(await storage.scan('notes', { limit: 10 })).toEqual([{ key: 'n1', position: ['n1'], value }])
      expect(await storage.scan('notes', { index: 'byTagAndId', limit: 10 })).toEqual([{ key: 'n1', position: [7, 'n1'], value }])
      expect(await storage.get('notes', 'n1')).toEqual({ key: 'n1', position: ['n1'], value })
    })

    it('C6 the key of an appended row is part of the row and of its index positions', async () => {
      const [seq] = await storage.commit([append({ id: 'o1', lane: 'note/n1', user: 'u1', rank: 3 })])
      const value = { seq, id: 'o1', lane: 'note/n1', user: 'u1', rank: 3 }
      expect(await storage.get('operations', seq!)).toEqual({ key: seq, position: [seq], value })
      expect(await storage.scan('operations', { index: 'byLane', prefix: ['note/n1'], limit: 1 })).toEqual([
        { key: seq, position: ['note/n1', seq], value },
      ])
    })

    it('C6 prefix, gt, lt, reverse and limit agree with plain comparison of positions', async () => {
      const values: Scalar[] = [1, 2, 'x', 'y']
      const pairs = values.flatMap((a) => values.map((b): [Scalar, Scalar] => [a, b]))
      await storage.commit(pairs.map(([a, b]) => put({ id: `${a}-${b}`, a, b })))
      const bounds: (IndexKey | undefined)[] = [undefined, [], [1], [1.5], ['x'], [2, 'x'], [2, 2], ['x', 0], [2, 'x', 1], ['zz']]
      const prefixes: (IndexKey | undefined)[] = [undefined, [2], ['x', 'y'], [3]]
      for (const prefix of prefixes) {
        for (const gt of bounds) {
          for (const lt of bounds) {
            const query: ScanQuery = {
              index: 'byPair',
              limit: 5,
              reverse: (gt?.length ?? 0) % 2 === 1,
              ...(prefix && { prefix }),
              ...(gt && { gt }),
              ...(lt && { lt }),
            }
            const found = (await storage.scan('notes', query)).map((entry) => entry.position)
            expect(found, JSON.stringify(query)).toEqual(expected(pairs, query))
          }
        }
      }
    })

    it('C6 the position in an index goes on with the last field, whatever the bounds leave open', async () => {
      await storage.commit([1, 2, 3, 4, 5].map((rank) => append({ id: `o${rank}`, lane: 'l', user: 'u1', rank: rank % 2 })))
      const all = await storage.scan('operations', { index: 'byDue', prefix: ['u1'], limit: 1000 })
      expect(all.map((entry) => entry.position.slice(0, 2))).toEqual([
        ['u1', 0],
        ['u1', 0],
        ['u1', 1],
        ['u1', 1],
        ['u1', 1],
      ])
      const rest = await storage.scan('operations', { index: 'byDue', prefix: ['u1'], gt: all[2]!.position, limit: 1000 })
      expect(keysOf(rest)).toEqual(keysOf(all).slice(3))
      const due = await storage.scan('operations', { index: 'byDue', prefix: ['u1'], lt: ['u1', 1], limit: 1000 })
      expect(keysOf(due)).toEqual(keysOf(all).slice(0, 2))
    })

    it('C6 rows with the same position come in the order of their keys', async () => {
      await storage.commit(['c', 'a', 'd', 'b'].map((id) => put({ id, tag: 'same' })))
      expect(keysOf(await storage.scan('notes', { index: 'byTag', limit: 10 }))).toEqual(['a', 'b', 'c', 'd'])
      expect(keysOf(await storage.scan('notes', { index: 'byTag', limit: 10, reverse: true }))).toEqual(['d', 'c', 'b', 'a'])
    })

    it('C6 an index is sparse: a row without a usable value in one of the fields is not in it', async () => {
      const odd = [null, true, ['x'], { x: 1 }].map((a, at) => put({ id: `odd${at}`, a, b: 1 }))
      await storage.commit([put({ id: 'whole', a: 1, b: 1 }), put({ id: 'half', a: 1 }), put({ id: 'none' }), ...odd])
      expect(keysOf(await storage.scan('notes', { index: 'byPair', limit: 10 }))).toEqual(['whole'])
      expect(await storage.scan('notes', { limit: 10 })).toHaveLength(7)
    })

    it('C6 count tells how many rows stand under a prefix of an index, as a scan finds them', async () => {
      const tags = ['red', 'red', 'blue', 'redder', 'red']
      await storage.commit([...tags.map((tag, at) => put({ id: `n${at}`, tag, a: at % 2, b: at })), put({ id: 'untagged' })])
      for (const [index, prefix] of [
        ['byTag', ['red']],
        ['byTag', ['none']],
        ['byTag', []],
        ['byPair', [1]],
        ['byPair', [0, 2]],
        ['byPair', []],
      ] as const) {
        const found = await storage.scan('notes', { index, prefix, limit: 1000 })
        expect(await storage.count('notes', { index, prefix })).toBe(found.length)
      }
      expect(await storage.count('notes', { index: 'byTag', prefix: ['red'] })).toBe(3)
      await expect(storage.count('notes', { index: 'nowhere', prefix: [] })).rejects.toBeInstanceOf(ValidationError)
    })

    it('C6 a scan for one row finds it also after the same scan for more has found nothing', async () => {
      const scan = (tag: string, limit: number) => storage.scan('notes', { index: 'byTag', prefix: [tag], limit })
      await storage.commit([put({ id: 'n1', tag: 'red' })])
      expect(keysOf(await scan('none', 5))).toEqual([])
      expect(keysOf(await scan('red', 1))).toEqual(['n1'])
      expect(keysOf(await scan('none', 1))).toEqual([])
      expect(keysOf(await scan('red', 5))).toEqual(['n1'])
    })

    it('C6 several scans at once answer in the order of their queries, each as it would alone', async () => {
      await storage.commit([put({ id: 'n1', tag: 'red' }), put({ id: 'n2', tag: 'blue' }), put({ id: 'n3', tag: 'red' })])
      const queries = ['blue', 'none', 'red'].map((tag) => ({ index: 'byTag', prefix: [tag], limit: 5 }))
      const found = await storage.scanMany('notes', [...queries, { limit: 1, reverse: true }, { limit: 0 }])
      expect(found.map(keysOf)).toEqual([['n2'], [], ['n1', 'n3'], ['n3'], []])
      expect(await storage.scanMany('notes', [])).toEqual([])
      await expect(storage.scanMany('notes', [{ limit: 1 }, { limit: 1001 }])).rejects.toBeInstanceOf(ValidationError)
    })

    it.each([
      ['as it is', { id: 'n1', tag: 'red', name: 'one' }],
      ['as it is not', { id: 'n1', tag: 'blue', name: 'two' }],
      ['in part as it is not', { id: 'n1', tag: 'red', name: 'two' }],
      ['without its fields', { id: 'n1' }],
      ['with fields that are no scalars', { id: 'n1', tag: {}, name: null }],
    ])('C6 a row that is put by who knows it %s stands where its fields say, alone', async (_, was) => {
      await storage.commit([put({ id: 'n1', tag: 'red', name: 'one' })])
      await storage.commit([{ type: 'put', collection: 'notes', value: { id: 'n1', tag: 'blue', name: 'two', more: 1 }, was }])
      const absent = { id: 'n2', tag: 'blue', name: 'new' }
      await storage.commit([{ type: 'put', collection: 'notes', value: absent, was: absent }])
      const byTag = (tag: string) => storage.scan('notes', { index: 'byTag', prefix: [tag], limit: 5 })
      expect([keysOf(await byTag('red')), keysOf(await byTag('blue'))]).toEqual([[], ['n1', 'n2']])
      expect((await storage.scan('notes', { index: 'byName', limit: 5 })).map(({ position }) => position[0])).toEqual([
        'new',
        'two',
      ])
      expect((await storage.get('notes', 'n1'))?.value).toEqual({ id: 'n1', tag: 'blue', name: 'two', more: 1 })
    })

    it('C6 a row moves in its indexes when it is put again, and leaves them when it is deleted', async () => {
      await storage.commit([put({ id: 'n1', tag: 'red', name: 'one' })])
      await storage.commit([put({ id: 'n1', tag: 'blue' })])
      expect(await storage.scan('notes', { index: 'byTag', prefix: ['red'], limit: 10 })).toEqual([])
      expect(keysOf(await storage.scan('notes', { index: 'byTag', prefix: ['blue'], limit: 10 }))).toEqual(['n1'])
      expect(await storage.scan('notes', { index: 'byName', limit: 10 })).toEqual([])
      await storage.commit([{ type: 'delete', collection: 'notes', key: 'n1' }])
      expect(await storage.scan('notes', { index: 'byTag', limit: 10 })).toEqual([])
    })

    it('C6 an index of the key alone is counted and scanned as any other', async () => {
      await storage.close()
      const extras = { key: 'id', indexes: { byKey: { fields: ['id'] } } }
      await storage.open({ version: 2, collections: { ...schema.collections, extras } })
      await storage.commit([1, 2, 'a'].map((id) => ({ type: 'put', collection: 'extras', value: { id } })))
      expect(await storage.count('extras', { index: 'byKey', prefix: [] })).toBe(3)
      expect(await storage.count('extras', { index: 'byKey', prefix: [2] })).toBe(1)
      expect(keysOf(await storage.scan('extras', { index: 'byKey', gt: [1], limit: 9 }))).toEqual([2, 'a'])
    })

    it('C6 getMany answers in the order of the keys and leaves a hole for a row that is not there', async () => {
      await storage.commit([put({ id: 'a' }), put({ id: 'b' }), put({ id: 7 })])
      const found = await storage.getMany('notes', ['b', 'absent', 7, 'a', 'b', '7'])
      expect(found.map((entry) => entry?.key)).toEqual(['b', undefined, 7, 'a', 'b', undefined])
      expect(await storage.getMany('notes', [])).toEqual([])
      expect(await storage.get('notes', 'absent')).toBeUndefined()
    })

    it('C6 getMany finds of many keys what get finds of each, whatever the keys', async () => {
      const keys = [
        -1.5,
        0,
        7,
        1e12,
        1e300,
        2 ** 60 + 256,
        2.606319440866729e-21,
        '',
        '7',
        'a',
        'ä',
        '日本',
        "'",
        '"',
        '\\',
        '\n',
        '%',
        '\ufffd',
      ]
      await storage.commit(keys.map((id) => put({ id })))
      await storage.commit(Array.from({ length: 9 }, (_, at) => append({ lane: `l${at}`, status: 'queued' })))
      const asked = [...keys, 'a\0', '\0', '\ud800', 'a\udc00', -0, 8, '0', 'A', ...keys.toReversed(), Number.MAX_VALUE]
      expect(await storage.getMany('notes', asked)).toEqual(await each('notes', asked))
      for (const id of ['\ud800', '\ufffd\0', '\0']) {
        expect(await storage.scan('notes', { prefix: [id], limit: 9 })).toEqual([])
        await storage.commit([{ type: 'delete', collection: 'notes', key: id }])
      }
      expect(await storage.scan('notes', { limit: 99 })).toHaveLength(keys.length)
      const seqs = [3, '3', 1, 0, -1, 2.5, 99, 9, 2 ** 53, 1e300, '', 'x', 1]
      expect(await storage.getMany('operations', seqs)).toEqual(await each('operations', seqs))
      expect((await storage.getMany('operations', seqs)).filter((entry) => entry !== undefined)).toHaveLength(4)
    })

    it('C6 a scan for more than 1,000 rows, or over an index or collection that is not declared, is refused', async () => {
      await expect(storage.scan('notes', { limit: 1001 })).rejects.toBeInstanceOf(ValidationError)
      await expect(storage.scan('notes', { limit: 1.5 })).rejects.toBeInstanceOf(ValidationError)
      await expect(storage.scan('notes', { limit: -1 })).rejects.toBeInstanceOf(ValidationError)
      await expect(storage.scan('notes', { index: 'nowhere', limit: 1 })).rejects.toBeInstanceOf(ValidationError)
      await expect(storage.scan('nothing', { limit: 1 })).rejects.toBeInstanceOf(ValidationError)
      await expect(storage.get('nothing', 'x')).rejects.toBeInstanceOf(ValidationError)
    })

    it('C6 pages of 1,000 rows show no row twice and lose none that stays, while another handle commits', async () => {
      const other = world.handle()
      await other.open(schema)
      const pad = (n: number) => String(n).padStart(5, '0')
      for (let from = 0; from < 3500; from += 500) {
        await storage.commit(Array.from({ length: 500 }, (_, n) => put({ id: pad((from + n) * 2), tag: 't' })))
      }
      const seen: Scalar[] = []
      let after: IndexKey | undefined
      for (let page = 0; ; page++) {
        const entries = await storage.scan('notes', {
          index: 'byTagAndId',
          prefix: ['t'],
          limit: 1000,
          ...(after && { gt: after }),
        })
        seen.push(...keysOf(entries))
        after = entries.at(-1)?.position
        if (entries.length < 1000) break
        await other.commit([
          ...Array.from({ length: 40 }, (_, n) => put({ id: pad(page * 1999 + n * 170 + 1), tag: 't' })),
          { type: 'delete', collection: 'notes', key: pad(page * 1000) },
          { type: 'delete', collection: 'notes', key: pad(page * 1000 + 3000) },
        ])
      }
      const rows = keysOf(await readAll(storage, 'notes'))
      const stayed = rows.filter((key) => Number(key) % 2 === 0)
      await other.close()
      expect(seen).toEqual(seen.toSorted((left, right) => compare([left], [right])))
      expect(new Set(seen).size).toBe(seen.length)
      expect(stayed.filter((key) => !seen.includes(key))).toEqual([])
      expect(stayed.length).toBeGreaterThan(3490)
    })
  })
}
