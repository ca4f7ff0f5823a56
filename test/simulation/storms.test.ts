import { describe, expect, it } from 'vitest'
import { FAULTS } from '../../src/testing/faults/kinds.ts'
import { simulate, type SimulationResult } from '../../src/testing/simulate.ts'

const SEEDS = 200
const GROUP = 25
const seeds = Array.from({ length: SEEDS }, (_, i) => i + 1)
const groups = Array.from({ length: SEEDS / GROUP }, (_, i) => [i * GROUP + 1, (i + 1) * GROUP] as const)

const results = new Map<number, Promise<SimulationResult>>()

function resultOf(seed: number): Promise<SimulationResult> {
  const result = results.get(seed) ?? simulate(seed)
  results.set(seed, result)
  return result
}

async function violationsOf(seed: number): Promise<readonly string[]> {
  const { violations } = await resultOf(seed)
  return violations.map(({ invariant, sentence }) => `seed ${seed} violates ${invariant}: ${sentence}`)
}

describe('three devices of two tabs each, in a storm of faults', () => {
  it.each(groups)(
    'F4 S1 S2 S3 S4 S5 S6 S7 S8 S9 S10 S11 S12 S13 S15 S16 S17 S22 S23 S24 S25 S27 S28 L1 L2 L4 L5 L7 L9 L10 hold in the seeds %i to %i',
    async (from, to) => {
      for (let seed = from; seed <= to; seed++) expect(await violationsOf(seed)).toEqual([])
    },
    240_000,
  )

  it('D8 every kind of fault fired in some of them, and none in some', async () => {
    const faults = await Promise.all(seeds.map(async (seed) => (await resultOf(seed)).faults))
    expect(FAULTS.filter((kind) => !faults.some((fired) => fired.has(kind)))).toEqual([])
    expect(faults.some((fired) => fired.size === 0)).toBe(true)
  }, 240_000)
})
