import type { Fact } from '../world/facts.ts'

/**
 * What a tab's breaker let through, and then had to wait for new credentials: it leaves when those have come, whatever the breaker has done
 * meanwhile. All that waited leave at one instant.
 */
export function createRenewals(now: () => number) {
  /** By tab: when those that wait left, once they have. */
  const renewals = new Map<string, number | undefined>()

  return {
    /** `isOpen`: the tab's breaker; what meets a 401 then comes too late for others to have been let through. */
    see(fact: Fact, isOpen: (tab: string) => boolean): void {
      if (fact.type === 'answered' && fact.answer === '401' && !isOpen(fact.request.tab))
        renewals.set(fact.request.tab, undefined)
      else if (fact.type === 'tab') renewals.delete(fact.tab)
      else if (fact.type === 'event' && endsWait(fact)) renewals.delete(fact.tab)
    },
    /** Whether what leaves now may have waited so; to be asked of all that leaves. */
    hasWaited(tab: string): boolean {
      if (!renewals.has(tab)) return false
      const leftAt = renewals.get(tab) ?? now()
      renewals.set(tab, leftAt)
      return leftAt === now()
    },
  }
}

/** No credentials have come, or the breaker has changed its mind. */
function endsWait({ event }: Extract<Fact, { type: 'event' }>): boolean {
  if (event.type === 'engine:paused') return event.reason === 'auth'
  return event.type === 'breaker:halfOpened' || event.type === 'breaker:closed'
}
