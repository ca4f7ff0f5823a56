import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { bug, changed } from './planted/bug.ts'
import { BUGS, createHunter, HARMLESS, inWords, MUTE, reports } from './planted/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const LIMIT_MS = 600_000
const HARMLESS_SEEDS = 10

const seeds: Readonly<Record<string, number>> = JSON.parse(readFileSync(new URL('planted/seeds.json', import.meta.url), 'utf8'))

describe('the table of planted bugs', () => {
  it.each(BUGS.map((one) => [one.name, one] as const))('F4 fits the code: %s', (name, { changes, why, invariants }) => {
    const texts = new Map<string, string>()
    for (const change of changes) {
      const text = texts.get(change.file) ?? readFileSync(join(root, 'dist', change.file), 'utf8')
      texts.set(change.file, changed(text, change, name))
    }
    expect(why).not.toBe('')
    expect(invariants.length).toBeGreaterThan(0)
  })

  it('F4 names no bug twice, and a seed for each', () => {
    expect(Object.keys(seeds).toSorted()).toEqual(BUGS.map(({ name }) => name).toSorted())
  })

  it('F4 names every invariant that a checker can tell of', () => {
    const named = new Set(BUGS.flatMap(({ invariants }) => invariants))
    expect(reports(root).length).toBeGreaterThan(20)
    expect(reports(root).filter((report) => !named.has(report.split(' ')[1] ?? ''))).toEqual([])
  })
})

describe('the hunt for a planted bug', () => {
  it(
    'F4 is alarmed by each seed of an engine that sends nothing',
    async () => {
      for (const seed of [1, 2, 3]) {
        const result = await createHunter({ root, budget: 1, seeds: { [MUTE.name]: seed } })(MUTE)
        expect(result, inWords(result)).toMatchObject({ caught: { seed, invariant: 'L1' } })
      }
    },
    LIMIT_MS,
  )

  it.each(HARMLESS.map((one) => [one.name, one] as const))(
    'F4 is not alarmed without a bug (%s)',
    async (_, one) => {
      const result = await createHunter({ root, budget: HARMLESS_SEEDS, seeds: {} })(one)
      expect(result, inWords(result)).toMatchObject({ tried: HARMLESS_SEEDS, others: {} })
      expect(result).not.toHaveProperty('caught')
    },
    LIMIT_MS,
  )

  it.each([
    ['nowhere', 'there is no such line'],
    ['more than once', 'const'],
  ])('F4 names a bug whose place is found %s', async (_, find) => {
    const stale = bug('a stale bug', 'The code has changed.', 'src/engine/dispatcher.js', find, '', 'S1')
    const result = await createHunter({ root, budget: 1, seeds: {} })(stale)
    expect(result).toMatchObject({ error: { name: 'StaleBugError' } })
    expect(inWords(result)).toContain('"a stale bug" is stale')
  })
})
