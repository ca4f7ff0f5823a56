import type { Checker } from './invariant.ts'

/** E3: an engine that was started tells once that it has stopped, whoever has it stop. */
export const lives: Checker = (_, report) => {
  /** By tab whose engine was started: how often it has told so. */
  const told = new Map<string, number>()

  return {
    see(fact) {
      if (fact.type === 'event' && fact.event.type === 'engine:stopped' && told.has(fact.tab))
        told.set(fact.tab, (told.get(fact.tab) ?? 0) + 1)
      if (fact.type !== 'tab') return
      const times = told.get(fact.tab)
      if (fact.change === 'started') told.set(fact.tab, 0)
      else if (fact.change === 'starting' || fact.change === 'killed') told.delete(fact.tab)
      else if (fact.change === 'stopped' && times !== undefined) {
        if (times !== 1) report('E3', `${fact.tab} has stopped, and has told so ${times} times.`)
        told.delete(fact.tab)
      }
    },
  }
}
