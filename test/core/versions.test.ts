import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareVersions } from '../../src/core/versions.ts'

/** Beyond what a double holds exactly too, and with leading zeros. */
const wholeNumbers = fc
  .tuple(fc.oneof(fc.bigInt({ min: 0n, max: 20n }), fc.bigInt({ min: 0n, max: 2n ** 80n })), fc.nat({ max: 2 }))
  .map(([number, zeros]) => ({ number, version: '0'.repeat(zeros) + String(number) }))

const others = fc.constantFrom('', 'a1', '1a', '-1', '1.5', '1e3', ' 1', '1 ', '+1', '٣', 'W/1', 'deadbeef')

describe('comparing two versions of one entity', () => {
  it('S19 orders whole numbers of any length as numbers', () => {
    fc.assert(
      fc.property(wholeNumbers, wholeNumbers, (a, b) => {
        expect(Math.sign(compareVersions(a.version, b.version) ?? NaN)).toBe(
          Number(a.number > b.number) - Number(a.number < b.number),
        )
      }),
      {
        examples: [
          [
            { number: 2n ** 53n, version: String(2n ** 53n) },
            { number: 2n ** 53n + 1n, version: String(2n ** 53n + 1n) },
          ],
        ],
      },
    )
  })

  it('S19 is antisymmetric and transitive', () => {
    fc.assert(
      fc.property(wholeNumbers, wholeNumbers, wholeNumbers, (...three) => {
        const [a, b, c] = three.map(({ version }) => version)
        const order = (x: string | undefined, y: string | undefined): number => Math.sign(compareVersions(x, y) ?? NaN)
        expect(order(a, b) + order(b, a)).toBe(0)
        if (order(a, b) <= 0 && order(b, c) <= 0) expect(order(a, c)).toBeLessThanOrEqual(0)
      }),
    )
  })

  it('S19 of versions that are no whole numbers it knows equality alone', () => {
    fc.assert(
      fc.property(
        others,
        fc.oneof(
          others,
          wholeNumbers.map(({ version }) => version),
        ),
        (a, b) => {
          expect(compareVersions(a, b)).toBe(a === b ? 0 : undefined)
          expect(compareVersions(b, a)).toBe(a === b ? 0 : undefined)
        },
      ),
    )
  })

  it('S19 can not tell where a version is not known', () => {
    expect(compareVersions(undefined, '1')).toBeUndefined()
    expect(compareVersions('1', undefined)).toBeUndefined()
    expect(compareVersions(undefined, undefined)).toBeUndefined()
  })
})
