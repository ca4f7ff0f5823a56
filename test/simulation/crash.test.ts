import { describe, expect, it } from 'vitest'
import type { CrashReport } from '../../src/testing/crash.ts'
import { crashEverywhere } from '../support/built-simulator.mjs'
import { forManySeeds } from '../support/for-many-seeds.ts'

forManySeeds()

const LIMIT_MS = 600_000
const SEEDS = [26, 50]
const shape = { deviceCount: 1, tabsPerDevice: 2, steps: 6 }

function inWords({ seed, points, failures }: CrashReport): string[] {
  return failures.map(
    ({ crashAt, violation }) => `seed ${seed}, point ${crashAt} of ${points}: ${violation.invariant}: ${violation.sentence}`,
  )
}

describe.each([
  ['in peace', false],
  ['while other things go wrong', true],
])('a process that dies %s', (_, hasFaults) => {
  it.each(SEEDS)(
    'S1 S4 S5 S9 S10 L1 L10 does no harm, before or after any call of a port (seed %i)',
    async (seed) => {
      const report = await crashEverywhere(seed, { shape, hasFaults })
      expect(inWords(report)).toEqual([])
      expect(report.points).toBeGreaterThan(100)
    },
    LIMIT_MS,
  )
})
