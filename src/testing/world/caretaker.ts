import type { Fact } from './facts.ts'
import type { Tab } from './tab.ts'
import type { Choices } from './tape.ts'
import type { World } from './world.ts'

/** People who open a page again that has died. */
export interface Caretaker {
  see(fact: Fact): void
  openAll(): void
  /** From now on what is closed stays closed. */
  goHome(): void
}

const DELAYS_MS = [200, 50, 1_000, 5_000, 20_000] as const

export function createCaretaker(world: World, choices: Choices): Caretaker {
  const tabs = new Map(world.devices.flatMap((device) => device.tabs.map((tab) => [tab.name, tab] as const)))

  let isHere = true

  function open(tab: Tab): void {
    if (!isHere) return
    if (tab.device.isAsleep()) world.scheduler.after(DELAYS_MS[0], () => open(tab))
    else tab.start()
  }

  return {
    see(fact) {
      if (fact.type !== 'tab' || fact.change !== 'killed') return
      const tab = tabs.get(fact.tab)
      if (tab !== undefined) world.scheduler.after(choices.pick(DELAYS_MS), () => open(tab))
    },
    openAll() {
      for (const tab of tabs.values()) open(tab)
    },
    goHome() {
      isHere = false
    },
  }
}
