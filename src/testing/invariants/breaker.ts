import type { Sent } from '../world/facts.ts'
import type { Checker } from './invariant.ts'
import { createRenewals } from './renewals.ts'

interface Seen {
  state: 'closed' | 'open' | 'halfOpen'
  openedAt: number
  /** Writes that left since the breaker became half-open and have no answer yet. */
  probes: Set<number>
  /** When requests failed, or were given up. */
  failures: number[]
  /** Its device slept: the time that it measures stood still meanwhile. */
  hasSlept: boolean
  /** Requests that are out. */
  out: Map<number, number>
  /** Operations whose write met a 401, and when: with new credentials the same send goes on, until its time is up. */
  renewed: Map<string, number>
  /** When the turn of operations came while it was not open. */
  turns: Map<string, number>
  /** Operations whose turn came while it was open. */
  late: Set<string>
}

/** What makes an answer that nobody can tell to be the API's, even a 404. */
const UNREADABLE: ReadonlySet<string> = new Set(['wrong-type', 'truncated'])

/** S23: an open breaker lets nothing through, a half-open one only its probes; only failures of the server or the network open it. */
export const breaker: Checker = ({ settings, now, register }, report) => {
  const tabs = new Map<string, Seen>()
  /** What is no answer of the API, whatever its status. */
  const notFromServer = new Set<string>()
  const renewals = createRenewals(now)
  const { failureThreshold = 10, windowMs = 60_000, halfOpenProbes = 1 } = settings.engine.breaker ?? {}

  function seen(tab: string): Seen {
    const known = tabs.get(tab) ?? fresh()
    tabs.set(tab, known)
    return known
  }

  function hasFailed({ failures, hasSlept, out, renewed }: Seen): number {
    // Those that are still out, or wait for new credentials, may have been given up.
    const counted = [...failures, ...renewed.values()].filter((at) => hasSlept || now() - at <= windowMs)
    return counted.length + out.size
  }

  function idOf({ user }: Sent, { key }: Sent['writes'][number]): string {
    return register.byKey(user, key)?.id ?? ''
  }

  return {
    see(fact) {
      renewals.see(fact, (tab) => tabs.get(tab)?.state === 'open')
      if (fact.type === 'tab' && fact.change === 'starting') tabs.delete(fact.tab)
      if (fact.type === 'fault' && fact.kind === 'slept')
        for (const [tab, one] of tabs) if (tab.startsWith(`${fact.where}.`)) one.hasSlept = true
      if (fact.type === 'fault' && UNREADABLE.has(fact.kind)) notFromServer.add(fact.where)
      if (fact.type === 'event') {
        const one = seen(fact.tab)
        if (fact.event.type === 'breaker:opened') {
          const failed = hasFailed(one)
          if (one.state === 'closed' && failed < failureThreshold)
            report('S23', `The breaker of ${fact.tab} opened after ${failed} failures of ${failureThreshold}.`)
          one.state = 'open'
          one.openedAt = now()
        } else if (fact.event.type === 'breaker:halfOpened') {
          one.state = 'halfOpen'
          one.probes.clear()
          one.late.clear()
        } else if (fact.event.type === 'breaker:closed') {
          one.state = 'closed'
          one.late.clear()
        } else if (fact.event.type === 'sync:started') {
          if (one.state === 'open') one.late.add(fact.event.operation.id)
          else one.turns.set(fact.event.operation.id, now())
        } else if (fact.event.type === 'sync:retry' && one.renewed.delete(fact.event.operation.id)) one.failures.push(now())
      }
      if (fact.type === 'sent') {
        const one = seen(fact.request.tab)
        one.out.set(fact.request.number, now())
        const hasWaited = renewals.hasWaited(fact.request.tab)
        const [write] = fact.request.writes
        if (write === undefined) return
        const id = idOf(fact.request, write)
        if (one.renewed.delete(id)) return
        const isLate = one.late.has(id)
        // What was let through in the instant in which it opened may leave after that.
        const isJustBefore = one.openedAt === now() && one.turns.get(id) === now()
        if (one.state === 'open' && !isJustBefore && (isLate || !hasWaited))
          report('S23', `${fact.request.tab} sent request ${fact.request.number} though its breaker is open.`)
        if (one.state !== 'halfOpen') return
        one.probes.add(fact.request.number)
        if (one.probes.size > halfOpenProbes)
          report('S23', `${fact.request.tab} has ${one.probes.size} probes out, ${halfOpenProbes} allowed.`)
      }
      if (fact.type === 'unsent') seen(fact.tab).failures.push(now())
      if (fact.type === 'answered') {
        const one = seen(fact.request.tab)
        one.out.delete(fact.request.number)
        one.probes.delete(fact.request.number)
        const [write] = fact.request.writes
        if (write !== undefined && fact.answer === '401') one.renewed.set(idOf(fact.request, write), now())
        if (
          !/^[34]/.test(fact.answer) ||
          fact.answer === '408' ||
          fact.answer === '425' ||
          fact.answer === '421' ||
          fact.answer === '407' ||
          (notFromServer.delete(`request ${fact.request.number}`) && !isOneWrite(fact.request))
        )
          one.failures.push(now())
      }
    },
  }
}

/** Its status alone refuses it, whatever the body is. */
function isOneWrite({ method, path }: Sent): boolean {
  return method !== 'GET' && path !== '/batch'
}

function fresh(): Seen {
  const empty = {
    openedAt: -Infinity,
    probes: new Set<number>(),
    failures: [],
    out: new Map(),
    renewed: new Map<string, number>(),
    late: new Set<string>(),
    turns: new Map<string, number>(),
  }
  return { ...empty, state: 'closed', hasSlept: false }
}
