import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

interface Owner {
  readonly device: string
  hasLine: boolean
  /** Since when nothing was pulled that could have been. */
  idleSince: number
  /** A pull is under way, rests after a failure, or could not begin now. */
  isBusy: boolean
  readonly pauses: Set<string>
}

/** For a timer, and for looking at the store first. */
const GRACE_MS = 1_500

/** L6: whoever has no line, or has lost it, pulls by itself as often as if there were none. */
export const polling: Checker = ({ now, settings, isHeldUp }, report) => {
  const owners = new Map<string, Owner>()
  /** Tabs whose breaker is open, which outlives that they own. */
  const tripped = new Set<string>()
  const excused = new Set<string>()
  const { everyMs = 0 } = settings.engine.pull ?? {}
  const boundMs = 1.25 * everyMs + GRACE_MS

  function seeLine({ tab, device, change }: Extract<Fact, { type: 'line' }>): void {
    // Of a line that has gone silent nobody is told: it is held until it is let go.
    if (change === 'silent') return
    const one = owners.get(tab) ?? newOwner(device, now())
    owners.set(tab, one)
    if (change === 'opened') one.hasLine = true
    else if (change === 'closed' || change === 'left') {
      if (one.hasLine) one.idleSince = now()
      one.hasLine = false
    }
  }

  function seeEvent({ tab, event }: Extract<Fact, { type: 'event' }>): void {
    if (event.type === 'breaker:opened' || event.type === 'breaker:halfOpened') tripped.add(tab)
    else if (event.type === 'breaker:closed') tripped.delete(tab)
    const one = owners.get(tab)
    if (one === undefined) return
    if (event.type === 'lock:lost') owners.delete(tab)
    else if (event.type === 'engine:paused') one.pauses.add(event.reason)
    else if (event.type === 'engine:resumed') one.pauses.delete(event.reason)
    else if (event.type === 'pull:started' || event.type === 'pull:failed' || event.type === 'storage:error') one.isBusy = true
    else if (event.type === 'pull:completed') one.isBusy = false
    else if (!event.type.startsWith('breaker:')) return
    one.idleSince = now()
  }

  function seeTab({ tab, change }: Extract<Fact, { type: 'tab' }>): void {
    owners.delete(tab)
    if (change === 'starting') tripped.delete(tab)
  }

  function judge(): void {
    for (const [tab, one] of owners) {
      if (isHeldUp(one.device)) one.idleSince = now()
      if (one.hasLine || one.isBusy || one.pauses.size > 0 || tripped.has(tab) || now() - one.idleSince <= boundMs) continue
      if (!excused.has(tab) && !excused.has(one.device))
        report('L6', `${tab} has no line, and has not pulled anything for ${now() - one.idleSince} ms.`)
      one.idleSince = now()
    }
  }

  return {
    see(fact) {
      if (settings.lineCount === 0) return
      judge()
      if (fact.type === 'line') seeLine(fact)
      else if (fact.type === 'event') seeEvent(fact)
      // An engine may own before its start has been told of.
      else if (fact.type === 'tab' && fact.change !== 'started') seeTab(fact)
      else if (fact.type === 'fault' && (fact.kind === 'throttled' || fact.kind === 'slept')) excused.add(fact.where)
      // The server may have asked for longer rests.
      else if (fact.type === 'answered' && (fact.wishes?.minPollMs ?? 0) > 0) excused.add(fact.request.tab)
      else if (fact.type === 'read' && fact.failed !== undefined) busy(fact.tab)
      else if (fact.type === 'refused-commit') busy(fact.tab)
      // A run that goes on is not told of anew.
      else if (fact.type === 'sent' && fact.request.path.includes('?')) busy(fact.request.tab)
    },
  }

  function busy(tab: string): void {
    const one = owners.get(tab)
    if (one !== undefined) one.isBusy = true
  }
}

function newOwner(device: string, at: number): Owner {
  return { device, hasLine: false, idleSince: at, isBusy: true, pauses: new Set() }
}
