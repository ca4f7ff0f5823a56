import type { Checker } from './invariant.ts'

interface Seen {
  isOpen: boolean
  /** When the server failed, since the breaker last changed. */
  failures: number[]
  /** Paths of looks that a 401 met: with new credentials they go on. */
  readonly renewed: Set<string>
}

/** Answers that are the server's failure beyond doubt. */
const FAILURES: ReadonlySet<string> = new Set(['500', '502', '504'])

/** L9, S23: after so many failures a tab stops asking, and an open breaker holds back looks at the server as well. */
export const outages: Checker = ({ settings, now }, report) => {
  const tabs = new Map<string, Seen>()
  const { failureThreshold = 10, windowMs = 60_000 } = settings.engine.breaker ?? {}

  function seen(tab: string): Seen {
    const one = tabs.get(tab) ?? { isOpen: false, failures: [], renewed: new Set() }
    tabs.set(tab, one)
    return one
  }

  return {
    see(fact) {
      // Time may have passed for a process in another measure than for us.
      if (fact.type === 'tab' && fact.change !== 'started' && fact.change !== 'stopping') tabs.delete(fact.tab)
      if (fact.type === 'event' && fact.event.type.startsWith('breaker:')) {
        const one = seen(fact.tab)
        one.isOpen = fact.event.type === 'breaker:opened'
        one.failures = []
      }
      if (fact.type === 'answered') {
        const { tab, path, method } = fact.request
        if (FAILURES.has(fact.answer)) seen(tab).failures.push(now())
        if (fact.answer === '401' && method === 'GET') seen(tab).renewed.add(path)
      }
      if (fact.type !== 'sent') return
      const { tab, path, method, number } = fact.request
      const one = seen(tab)
      const failed = one.failures.filter((at) => at < now() && now() - at < windowMs).length
      if (failed >= failureThreshold)
        report('L9', `${tab} sent request ${number} after ${failed} failures, and its breaker has not opened.`)
      if (method === 'GET' && one.isOpen && !one.renewed.delete(path))
        report('S23', `${tab} looked at ${path} though its breaker is open.`)
    },
  }
}
