import { watchInvariants, type InvariantWatch } from '../../src/testing/invariants/index.ts'
import type { Fact, FactBody } from '../../src/testing/world/facts.ts'
import { drawSettings, type WorldSettings } from '../../src/testing/world/settings.ts'
import { choicesOf, replayedTape } from '../../src/testing/world/tape.ts'
import { createWorld, type World } from '../../src/testing/world/world.ts'

/** A world in which nothing happens but what the test tells, or does to it between two facts. */
export function told(facts: readonly (FactBody | ((world: World) => void))[]): InvariantWatch {
  const choices = choicesOf(replayedTape([]))
  const heard: Fact[] = []
  const world = createWorld({
    settings: drawSettings(choices),
    deviceCount: 1,
    tabsPerDevice: 2,
    choices,
    observe: (fact) => void heard.push(fact),
  })
  const watch = watchInvariants(world)
  for (const fact of facts) {
    if (typeof fact === 'function') fact(world)
    else world.tell(fact)
    for (const one of heard.splice(0)) watch.see(one)
  }
  watch.end()
  return watch
}

export function invariantsIn(facts: Parameters<typeof told>[0]): readonly string[] {
  return told(facts).violations.map(({ invariant }) => invariant)
}

/** Which invariants a checker says are violated, where each of these happens at its time, in milliseconds, and then nothing until the end. */
export async function saidBy(
  checker: string,
  timed: readonly (readonly [atMs: number, fact: FactBody])[],
  untilMs: number,
  set: (settings: WorldSettings) => WorldSettings = (settings) => settings,
): Promise<readonly string[]> {
  const choices = choicesOf(replayedTape([]))
  let see = (_: Fact): void => {}
  const world = createWorld({
    settings: set(drawSettings(choices)),
    deviceCount: 1,
    tabsPerDevice: 1,
    choices,
    observe: (fact) => see(fact),
  })
  const watch = watchInvariants(world)
  see = watch.see
  for (const [atMs, fact] of timed) world.scheduler.after(atMs, () => world.tell(fact))
  await world.scheduler.run(untilMs, () => false)
  return watch.violations.filter((one) => one.checker === checker).map(({ invariant }) => invariant)
}
