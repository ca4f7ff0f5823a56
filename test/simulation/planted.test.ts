import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { bug, StaleBugError } from './planted/bug.ts'
import { BUGS, createHunter, inWords } from './planted/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const LIMIT_MS = 900_000
const HARMLESS_SEEDS = 15

const seeds: Readonly<Record<string, number>> = JSON.parse(readFileSync(new URL('planted/seeds.json', import.meta.url), 'utf8'))
const huntBug = createHunter({ root, seeds })
/** What has told of a planted bug: a checker and an invariant. */
const proved = new Set<string>()

/** Every invariant that a checker can tell of. */
function reports(): string[] {
  const folder = join(root, 'src/testing')
  const files = [...readdirSync(join(folder, 'invariants')).map((file) => `invariants/${file}`), 'liveness.ts']
  return files.flatMap((file) => {
    const checker = file.replace(/^.*\/|\.ts$/g, '')
    const said = readFileSync(join(folder, file), 'utf8').matchAll(/\b(?:report|fail)\(\s*'([SL]\d+)'/g)
    return [...new Set([...said].map(([, invariant]) => `${checker} ${invariant}`))]
  })
}

describe.concurrent('a bug planted in the engine', () => {
  it.each(BUGS.map((one) => [one.invariants.join(' '), one.name, one] as const))(
    '%s can tell of it: %s',
    async (_invariants, _name, one) => {
      const result = await huntBug(one)
      const caught = 'error' in result ? undefined : result.caught
      expect(caught, inWords(result)).toBeDefined()
      proved.add(`${caught?.checker} ${caught?.invariant}`)
    },
    LIMIT_MS,
  )
})

describe('the hunt for planted bugs', () => {
  it('F4 has shown that every checker can tell of every invariant that it watches', () => {
    expect(reports().length).toBeGreaterThan(20)
    expect(reports().filter((report) => !proved.has(report))).toEqual([])
  })

  it(
    'F4 is alarmed by each seed of an engine that sends nothing',
    async () => {
      const mute = bug(
        'nothing is sent',
        'It shows that the alarm works.',
        'src/engine/sender.js',
        'queueMicrotask(leave);',
        '',
        'L1',
      )
      for (const seed of [1, 2, 3]) {
        const result = await createHunter({ root, budget: 1, seeds: { [mute.name]: seed } })(mute)
        expect(result, inWords(result)).toMatchObject({ caught: { seed, invariant: 'L1' } })
      }
    },
    LIMIT_MS,
  )

  it.each([
    ['nothing is changed', 'const LINGER_MS = 50;', 'const LINGER_MS = 50;'],
    ['other times, and nothing wrong with them', 'const LINGER_MS = 50;', 'const LINGER_MS = 45;'],
  ])(
    'F4 is not alarmed where %s',
    async (name, find, replace) => {
      const everything = [...new Set(BUGS.flatMap(({ invariants }) => invariants))].join(' ')
      const harmless = bug(name, 'It shows that the alarm is no habit.', 'src/engine/dispatcher.js', find, replace, everything)
      const result = await createHunter({ root, budget: HARMLESS_SEEDS, seeds: {} })(harmless)
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
    expect(result).toMatchObject({ error: expect.any(StaleBugError) })
    expect(inWords(result)).toContain('"a stale bug" is stale')
  })
})
