import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { giveWay } from '../support/give-way.ts'
import { bug, changed } from './planted/bug.ts'
import { BUGS, createHunter, HARMLESS, inWords, MUTE, reports, seedsFrom, unproved } from './planted/index.ts'
import type { Failed, Hunt } from './planted/index.ts'

giveWay()

const root = fileURLToPath(new URL('../..', import.meta.url))
const LIMIT_MS = 900_000
const HARMLESS_SEEDS = 10
/** A bug that is not found in the seed that once caught it is looked for in so many. */
const BUDGET = 40

const seeds: Readonly<Record<string, number>> = JSON.parse(readFileSync(new URL('planted/seeds.json', import.meta.url), 'utf8'))
const hunter = createHunter({ root })
const hunts = new Map<string, Promise<Hunt | Failed>>()

beforeAll(() => {
  for (const one of BUGS) hunts.set(one.name, hunter.hunt(one, seedsFrom(seeds[one.name], BUDGET)))
})
afterAll(async () => {
  stdout.write(`\n${(await Promise.all(hunts.values())).map(inWords).join('\n')}\n`)
  hunter.close()
}, LIMIT_MS)

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
})

describe('the hunt for planted bugs', () => {
  it.each(BUGS.map(({ name }) => name))(
    'F4 catches: %s',
    async (name) => {
      const result = await hunts.get(name)
      expect(result, result && inWords(result)).toMatchObject({ caught: { seed: expect.any(Number) } })
    },
    LIMIT_MS,
  )

  it(
    'F4 shows of every checker that it can tell of each of its invariants',
    async () => {
      expect(reports(root).length).toBeGreaterThan(40)
      expect(unproved(reports(root), await Promise.all(hunts.values()))).toEqual([])
    },
    LIMIT_MS,
  )

  it(
    'F4 is alarmed by each seed of an engine that sends nothing',
    async () => {
      for (const seed of [1, 2, 3]) {
        const result = await hunter.hunt(MUTE, [seed])
        expect(result, inWords(result)).toMatchObject({ caught: { seed } })
      }
    },
    LIMIT_MS,
  )

  it.each(HARMLESS.map((one) => [one.name, one] as const))(
    'F4 is not alarmed without a bug (%s)',
    async (_, one) => {
      const result = await hunter.hunt(one, seedsFrom(undefined, HARMLESS_SEEDS))
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
    const result = await hunter.hunt(stale, [1])
    expect(result).toMatchObject({ error: { name: 'StaleBugError' } })
    expect(inWords(result)).toContain('"a stale bug" is stale')
  })
})
