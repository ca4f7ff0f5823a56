import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'
import { createRenewals } from './renewals.ts'

interface Seen {
  state: 'closed' | 'open' | 'halfOpen'
  /** When the server failed, since the breaker last changed. */
  failures: number[]
  /** Requests of any kind that left while it was half-open, and have no answer yet. */
  readonly probes: Map<number, string>
  /** Paths that a 401 met: with new credentials the same request goes on. */
  readonly renewed: Set<string>
}

const STATES = { 'breaker:opened': 'open', 'breaker:halfOpened': 'halfOpen', 'breaker:closed': 'closed' } as const

/** Answers that are the server's failure beyond doubt. */
const FAILURES: ReadonlySet<string> = new Set(['500', '502', '504'])

/** L9, S23: after so many failures a tab stops asking, and looks at the server are held back like writes. */
export const outages: Checker = ({ settings, now }, report) => {
  const tabs = new Map<string, Seen>()
  const renewals = createRenewals(now)
  const { failureThreshold = 10, windowMs = 60_000, halfOpenProbes = 1 } = settings.engine.breaker ?? {}

  function seen(tab: string): Seen {
    const one = tabs.get(tab) ?? { state: 'closed', failures: [], probes: new Map(), renewed: new Set() }
    tabs.set(tab, one)
    return one
  }

  function changed({ tab, event }: Extract<Fact, { type: 'event' }>): void {
    const one = seen(tab)
    // Who loses the lease calls its requests off.
    if (event.type === 'lock:lost') one.probes.clear()
    // Who pauses calls its pulls off.
    if (event.type === 'engine:paused') for (const [number, path] of one.probes) if (path.includes('?')) one.probes.delete(number)
    if (event.type !== 'breaker:opened' && event.type !== 'breaker:halfOpened' && event.type !== 'breaker:closed') return
    one.state = STATES[event.type]
    one.failures = []
    one.probes.clear()
  }

  function sent({ request: { tab, path, method, number } }: Extract<Fact, { type: 'sent' }>): void {
    const one = seen(tab)
    const failed = one.failures.filter((at) => at < now() && now() - at < windowMs).length
    if (failed >= failureThreshold)
      report('L9', `${tab} sent request ${number} after ${failed} failures, and its breaker has not opened.`)
    const hasWaited = renewals.hasWaited(tab)
    if (one.renewed.delete(path)) return
    if (one.state === 'open' && method === 'GET' && !hasWaited)
      report('S23', `${tab} looked at ${path} though its breaker is open.`)
    if (one.state !== 'halfOpen') return
    one.probes.set(number, path)
    if (one.probes.size > halfOpenProbes)
      report('S23', `${tab} has ${one.probes.size} requests out, looks included, where ${halfOpenProbes} may probe.`)
  }

  return {
    see(fact) {
      renewals.see(fact, (tab) => tabs.get(tab)?.state === 'open')
      // Time may have passed for a process in another measure than for us.
      if (fact.type === 'tab' && fact.change !== 'started' && fact.change !== 'stopping') tabs.delete(fact.tab)
      else if (fact.type === 'event') changed(fact)
      else if (fact.type === 'sent') sent(fact)
      else if (fact.type === 'answered') {
        const one = seen(fact.request.tab)
        one.probes.delete(fact.request.number)
        if (FAILURES.has(fact.answer)) one.failures.push(now())
        if (fact.answer === '401') one.renewed.add(fact.request.path)
      }
    },
  }
}
