import { describe, expect, it } from 'vitest'
import { replay, simulate } from '../support/built-simulator.mjs'
import { forManySeeds } from '../support/for-many-seeds.ts'

forManySeeds()

describe('a simulated world', () => {
  it('S30 runs again from its tapes as it ran from its seed', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const first = await simulate(seed, { keepsText: true })
      const again = await replay(first.tapes, { keepsText: true })
      expect(again.lines).toEqual(first.lines)
      expect(again.tapes).toEqual(first.tapes)
    }
  }, 600_000)
})
