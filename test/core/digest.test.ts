import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareIds, createDigest, cutAt, isWithin } from '../../src/core/digest.ts'

const digestOf = (entries: readonly (readonly [string, string])[]) => {
  const digest = createDigest()
  for (const [id, version] of entries) digest.add(id, version)
  return digest.read()
}

describe('B13 digests', () => {
  it('B13 are those of the wire protocol', () => {
    expect(digestOf([])).toEqual({ count: 0, hash: '0000000000000000' })
    expect(digestOf([['a', '42']])).toEqual({ count: 1, hash: '82ab4660f4bdc241' })
    expect(digestOf([['n1', '1']])).toEqual({ count: 1, hash: hashOf(['n1\n1']) })
    expect(
      digestOf([
        ['é😀', 'v2'],
        ['n1', '1'],
      ]),
    ).toEqual({ count: 2, hash: hashOf(['é😀\nv2', 'n1\n1']) })
  })

  it('B13 are the same in any order, and tell one version from another', () => {
    const entry = fc.tuple(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme-ascii' }))
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1 }), (entries) => {
        expect(digestOf(entries.toReversed())).toEqual(digestOf(entries))
        const [[id, version] = ['', ''], ...rest] = entries
        expect(digestOf([[id, `${version}!`], ...rest])).not.toEqual(digestOf(entries))
      }),
    )
  })

  it('B13 order ids as the bytes of their UTF-8', () => {
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareIds(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
  })

  it('B13 cut a range so that each id is in one part', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.string(), (cuts, id) => {
        expect(cutAt({}, cuts).filter((range) => isWithin(range, id))).toHaveLength(1)
      }),
    )
  })
})

/** As the wire protocol says it, by BigInt. */
function hashOf(texts: readonly string[]): string {
  const sum = (offset: bigint): string =>
    (
      texts
        .map((text) => [...Buffer.from(text)].reduce((hash, byte) => ((hash ^ BigInt(byte)) * 0x01000193n) % 2n ** 32n, offset))
        .reduce((a, b) => a + b, 0n) %
      2n ** 32n
    )
      .toString(16)
      .padStart(8, '0')
  return sum(0x811c9dc5n) + sum(0x9747b28cn)
}
