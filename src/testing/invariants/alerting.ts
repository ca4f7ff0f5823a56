import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

type Told = Extract<Fact, { type: 'event' }>

interface Watcher {
  readonly raised: Set<string>
  /** When something happened that an alert must tell of, or its end; it comes at once afterwards. */
  readonly owed: Map<string, { readonly isRaised: boolean; readonly at: number }>
}

/** A12: an alert is raised when there is a reason, at once where the engine is told of it, and cleared when that is over, or nobody watches any more. */
export const alerting: Checker = ({ now, register }, report) => {
  const tabs = new Map<string, Watcher>()

  function told({ tab, event }: Told): void {
    const { raised, owed } = tabs.get(tab) ?? fresh(tab)
    switch (event.type) {
      case 'alert:raised': {
        const { alert, operation } = event
        if (raised.has(alert)) report('A12', `${tab} raised ${alert}, which it had raised and not cleared.`)
        raised.add(alert)
        const about = operation === undefined ? undefined : register.byId(operation.id)
        if (alert === 'dead-letter' && about?.row.status !== 'rejected' && about?.isTainted === false)
          report('A12', `${tab} tells of the dead letter ${about.id}, which is ${about.row.status}.`)
        break
      }
      case 'alert:cleared':
        if (!raised.delete(event.alert)) report('A12', `${tab} cleared ${event.alert}, which it had not raised.`)
        break
      case 'sync:failed':
        owed.set('dead-letter', { isRaised: true, at: now() })
        break
      case 'breaker:opened':
        owed.set('breaker-open', { isRaised: true, at: now() })
        break
      case 'breaker:closed':
        owed.set('breaker-open', { isRaised: false, at: now() })
        break
      case 'lock:acquired':
        owed.set('no-owner', { isRaised: false, at: now() })
        break
      case 'lock:lost':
        owed.clear()
        owed.set('breaker-open', { isRaised: false, at: now() }).set('dead-letter', { isRaised: false, at: now() })
        break
      default:
    }
  }

  function fresh(tab: string): Watcher {
    const watcher: Watcher = { raised: new Set(), owed: new Map() }
    tabs.set(tab, watcher)
    return watcher
  }

  /** By now all that belongs to an earlier moment has been told. */
  function settle(tab: string): void {
    const { raised, owed } = tabs.get(tab) ?? fresh(tab)
    for (const [alert, { isRaised, at }] of owed) {
      if (at === now()) continue
      owed.delete(alert)
      if (raised.has(alert) !== isRaised)
        report(
          'A12',
          `${tab} has not ${isRaised ? 'raised' : 'cleared'} ${alert}, though it was told at ${at} of what it is about.`,
        )
    }
  }

  return {
    see(fact) {
      if (fact.type === 'event') {
        settle(fact.tab)
        told(fact)
      }
      if (fact.type !== 'tab') return
      const left = [...(tabs.get(fact.tab)?.raised ?? [])]
      if (fact.change === 'stopped' && left.length > 0)
        report('A12', `${fact.tab} has stopped and not cleared ${left.join(', ')}.`)
      if (fact.change === 'starting' || fact.change === 'stopped' || fact.change === 'killed') tabs.delete(fact.tab)
    },
  }
}
