import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_DRIFT_MS, compareHlc, decodeHlc, encodeHlc, newClock, receive, tick, type Hlc } from '../../src/core/hlc.ts'

const node = fc.constantFrom('a', 'b', '0198c1f0-5b1e-7c55-8a43-4f3fbd1c2d3e')
const ms = fc.integer({ min: 0, max: 4_000_000_000_000 })
const hlc: fc.Arbitrary<Hlc> = fc.record({ ms, count: fc.integer({ min: 0, max: 36 ** 4 - 1 }), node })

describe('a hybrid logical clock', () => {
  it('C1 never goes back, however the wall clock jumps', () => {
    fc.assert(
      fc.property(fc.array(ms, { minLength: 2, maxLength: 30 }), (walls) => {
        let last = newClock('a')
        for (const wall of walls) {
          const next = tick(last, wall)
          expect(compareHlc(last, next)).toBeLessThan(0)
          expect(next.ms).toBeGreaterThanOrEqual(wall)
          last = next
        }
      }),
    )
  })

  it('C1 begins the next millisecond early where the count of one is used up', () => {
    const last: Hlc = { ms: 5, count: 36 ** 4 - 1, node: 'a' }
    expect(tick(last, 5)).toEqual({ ms: 6, count: 0, node: 'a' })
    expect(tick({ ...last, count: 36 ** 4 - 2 }, 5)).toEqual(last)
  })

  it('C1 is the wall-clock time where that is later than all it has seen', () => {
    fc.assert(
      fc.property(hlc, ms, (last, wall) => {
        fc.pre(wall > last.ms)
        expect(tick(last, wall)).toEqual({ ms: wall, count: 0, node: last.node })
      }),
    )
  })

  it('C1 comes after what it has received, so a cause is before its effect on any two devices', () => {
    fc.assert(
      fc.property(hlc, hlc, ms, (last, remote, wall) => {
        const received = receive(last, remote, wall)
        if (received.type === 'refused') {
          expect(remote.ms - wall).toBeGreaterThan(MAX_DRIFT_MS)
          return
        }
        expect(compareHlc(received.hlc, last)).toBeGreaterThan(0)
        expect(compareHlc(received.hlc, remote)).toBeGreaterThan(0)
        expect(received.hlc.ms).toBeGreaterThanOrEqual(wall)
        expect(received.hlc.node).toBe(last.node)
      }),
    )
  })

  it('C1 is no further ahead than the limit of what it believes, whoever tells it what', () => {
    fc.assert(
      fc.property(fc.array(hlc, { maxLength: 20 }), ms, (stamps, wall) => {
        let last = tick(newClock('a'), wall)
        for (const stamp of stamps) {
          const received = receive(last, stamp, wall)
          if (received.type === 'received') last = received.hlc
        }
        expect(last.ms - wall).toBeLessThanOrEqual(MAX_DRIFT_MS + 1)
      }),
    )
    expect(receive(newClock('a'), { ms: 31_536_000_000, count: 0, node: 'b' }, 0)).toEqual({
      type: 'refused',
      aheadMs: 31_536_000_000,
    })
  })

  it('C1 is written so that the texts sort like the stamps, and read back as it was', () => {
    fc.assert(
      fc.property(hlc, hlc, (a, b) => {
        const [x, y] = [encodeHlc(a), encodeHlc(b)]
        expect(Math.sign(compareHlc(a, b))).toBe(x === y ? 0 : x < y ? -1 : 1)
        expect(decodeHlc(x)).toEqual(a)
      }),
    )
  })

  it('C1 tells by the node what two devices wrote at once', () => {
    const [a, b] = ['0198c1f0-5b1e-7c55-8a43-4f3fbd1c2d3e', '0198c1f0-5b1e-7c55-8a43-4f3fbd1c2d3f'].map((id) =>
      tick(newClock(id), 1),
    )
    expect(compareHlc(a!, b!)).toBeLessThan(0)
    expect(compareHlc(b!, a!)).toBeGreaterThan(0)
  })

  it('C1 takes any id as a node, of any length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), ms, (id, wall) => {
        const stamp = tick(newClock(id), wall)
        expect(decodeHlc(encodeHlc(stamp))).toEqual(stamp)
      }),
    )
  })

  it.each(['', '1-0-a', '000000000000001-0000-', '00000000000000a-0000-a', '000000000000001-00000-a', '9'.repeat(400)])(
    'C1 reads nothing from %s',
    (text) => expect(decodeHlc(text)).toBeUndefined(),
  )
})
