import type { SyncEvent } from '../../engine/types.ts'
import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'
import { isPull, kindIn } from './pulls.ts'

/** Somebody may have stopped it in between. */
const MOST_IN_A_ROW = 5
const NEWS: ReadonlySet<string> = new Set(['pull:completed', 'pull:failed', 'storage:error', 'engine:paused'])

/** L8: a server that says that there is more, and gives the same cursor again, is not asked on and on, and its pull fails by that name. */
export const loops: Checker = ({ repeatsCursors }, report) => {
  /** By tab: how often each page was answered without that anything was said of it. */
  const asked = new Map<string, Map<string, number>>()
  const repeated = new Set<number>()
  /** By tab: of which kind of entity the last page led nowhere. */
  const looping = new Map<string, string>()

  function answered({ request: { tab, path, number }, answer }: Extract<Fact, { type: 'answered' }>): void {
    if (answer !== '200') return
    const counts = asked.get(tab) ?? new Map<string, number>()
    const count = (counts.get(path) ?? 0) + 1
    asked.set(tab, counts.set(path, count))
    if (count > MOST_IN_A_ROW) report('L8', `${tab} has asked for ${path} ${count} times in a row.`)
    if (repeated.delete(number)) looping.set(tab, kindIn(path))
  }

  function told({ tab, event }: Extract<Fact, { type: 'event' }>): void {
    if (NEWS.has(event.type)) asked.delete(tab)
    if (event.type !== 'pull:progress' && event.type !== 'pull:completed' && event.type !== 'pull:failed') return
    if (looping.get(tab) !== event.entity || isHeldBack(event)) return
    looping.delete(tab)
    const isTold = event.type === 'pull:failed' && (event.error.code === 'pull-loop' || event.error.code === 'unreadable')
    if (!isTold) report('L8', `${tab} was given the same cursor again, and says ${event.type} instead of that it leads nowhere.`)
  }

  return {
    see(fact) {
      if (fact.type === 'event') told(fact)
      // Whose pages are not stored asks for them again until it knows that it is the owner no more.
      else if (fact.type === 'tab' || fact.type === 'refused-commit') asked.delete(fact.tab)
      else if (fact.type === 'served' && isPull(fact.request.path)) {
        if (repeatsCursors() && fact.request.path.includes('cursor=')) repeated.add(fact.request.number)
      } else if (fact.type === 'sent' && isPull(fact.request.path)) looping.delete(fact.request.tab)
      else if (fact.type === 'answered' && isPull(fact.request.path)) answered(fact)
    },
  }
}

/** The server has asked for a pause: the page that led nowhere is not what this is about. */
function isHeldBack(event: SyncEvent): boolean {
  return event.type === 'pull:failed' && event.error.code === 'rate-limit'
}
