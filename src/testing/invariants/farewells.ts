import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

/** E3: once a tab has heard that its user has logged out, it shows nothing of him. */
export const farewells: Checker = (_, report) => {
  /** By tab: what its page shows. */
  const pages = new Map<string, Set<string>>()
  /** Tabs whose user has logged out. */
  const left = new Set<string>()

  function pageOf(tab: string): Set<string> {
    const page = pages.get(tab) ?? new Set()
    pages.set(tab, page)
    return page
  }

  function shows({ tab, user, entity, id, value }: Extract<Fact, { type: 'shown' }>): void {
    if (value === undefined) return void pageOf(tab).delete(`${entity}/${id}`)
    pageOf(tab).add(`${entity}/${id}`)
    if (left.has(tab)) report('E3', `${tab} shows ${entity}/${id} of ${user}, who has logged out.`)
  }

  function loggedOut(tab: string): void {
    left.add(tab)
    const still = [...pageOf(tab)]
    if (still.length > 0) report('E3', `${tab} goes on showing ${still.join(', ')} of who has logged out.`)
  }

  return {
    see(fact) {
      if (fact.type === 'shown') shows(fact)
      else if (fact.type === 'event' && fact.event.type === 'engine:logged-out') loggedOut(fact.tab)
      else if (fact.type === 'tab' && fact.change === 'starting') {
        pages.delete(fact.tab)
        left.delete(fact.tab)
      }
    },
  }
}
