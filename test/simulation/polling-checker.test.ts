import { expect, it } from 'vitest'
import { watchInvariants } from '../../src/testing/invariants/index.ts'
import type { Fact, FactBody } from '../../src/testing/world/facts.ts'
import { drawSettings } from '../../src/testing/world/settings.ts'
import { choicesOf, replayedTape } from '../../src/testing/world/tape.ts'
import { createWorld } from '../../src/testing/world/world.ts'

const at = { tab: 'd1.t1', device: 'd1' } as const
const line = (change: 'opening' | 'opened' | 'silent' | 'closed'): FactBody => ({
  type: 'line',
  ...at,
  user: 'u1',
  line: 1,
  change,
})
const pulled: FactBody = { type: 'event', ...at, event: { type: 'pull:completed', entity: 'note', changes: 0, at: 0 } }
const tab = (change: 'started' | 'resumed'): FactBody => ({ type: 'tab', ...at, user: 'u1', build: 1, change })

/** What is said to be violated, where each of these happens a second after the one before, and then nothing for long. */
async function invariantsIn(facts: readonly FactBody[]): Promise<readonly string[]> {
  const choices = choicesOf(replayedTape([]))
  const settings = drawSettings(choices)
  let see = (_: Fact): void => {}
  const world = createWorld({
    settings: { ...settings, lineCount: 1, engine: { ...settings.engine, pull: { everyMs: 2_000 } } },
    deviceCount: 1,
    tabsPerDevice: 1,
    choices,
    observe: (fact) => see(fact),
  })
  const watch = watchInvariants(world)
  see = watch.see
  const [seconds, last]: [number, FactBody] = [facts.length, { type: 'read', tab: 'd1.t2', call: 'get meta' }]
  for (const [second, fact] of [...facts, last].entries())
    world.scheduler.after(1_000 * (second + (second < seconds ? 1 : 10)), () => world.tell(fact))
  await world.scheduler.run(1_000 * (seconds + 11), () => false)
  return watch.violations.filter(({ checker }) => checker === 'polling').map(({ invariant }) => invariant)
}

it.each<readonly [string, readonly FactBody[]]>([
  ['closes', [line('opened'), pulled, line('closed')]],
  ['never opens', [line('opening'), pulled]],
  ['closes, though it opened before the start was told of', [line('opened'), tab('started'), pulled, line('closed')]],
])('L6 tells of who does not pull where its line %s', async (_, facts) => {
  expect(await invariantsIn(facts)).toEqual(['L6'])
})

it.each<readonly [string, readonly FactBody[]]>([
  ['has a line', [line('opened'), pulled]],
  ['has a line that has gone silent', [line('opened'), tab('started'), pulled, line('silent'), pulled]],
  ['had its line before it was frozen', [line('opened'), tab('resumed'), line('silent'), pulled]],
])('L6 says nothing of who %s', async (_, facts) => {
  expect(await invariantsIn(facts)).toEqual([])
})
