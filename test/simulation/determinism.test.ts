import { describe, expect, it } from 'vitest'
import { replay, simulate } from '../../src/testing/simulate.ts'
import { giveWay } from '../support/give-way.ts'

giveWay()

const seeds = Array.from({ length: 200 }, (_, i) => i + 1)

describe('a simulated world', () => {
  it('S30 gives the same trace for the same seed, whatever ran before in the process', async () => {
    const first = new Map<number, string>()
    for (const seed of seeds) first.set(seed, (await simulate(seed)).hash)
    for (const seed of seeds.toReversed()) expect((await simulate(seed)).hash).toBe(first.get(seed))
    expect(new Set(first.values()).size).toBe(seeds.length)
  }, 600_000)

  it('S30 runs again from its tapes as it ran from its seed', async () => {
    for (const seed of seeds.slice(0, 10)) {
      const first = await simulate(seed, { keepsText: true })
      const again = await replay(first.tapes, { keepsText: true })
      expect(again.lines).toEqual(first.lines)
      expect(again.tapes).toEqual(first.tapes)
    }
  }, 600_000)
})
