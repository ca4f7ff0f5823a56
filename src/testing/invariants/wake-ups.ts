import type { Fact } from '../world/facts.ts'
import { watchDecay } from './decayed.ts'
import type { Checker } from './invariant.ts'

/** How a tab that owns stands, as far as it tells. */
interface Owner {
  readonly user: string
  readonly pauses: Set<string>
  /** Its breaker; one that is half-open waits for nothing but a probe. */
  isOpen: boolean
}

/** Longer than any wait of an owner that nothing holds back, shorter than its look in case that it was not told. */
const IDLE_MS = 20_000
/** So long the news of a commit may be under way. If its tab dies meanwhile, the owner's look in case that it was not told must find it. */
const NEWS_MS = 1_000
const LOOK_AGAIN_MS = 60_000
/** The longest that timers are throttled. */
const THROTTLED_MS = 150_000

/** L5: an owner that nothing holds back does not rest while something could go; it does not need its look once a minute for what it was told of. */
export const wakeUps: Checker = ({ now, wallTimeOf, dueIn, deviceOf }, report) => {
  const tabs = new Map<string, Owner>()
  const owners = new Map<string, string>()
  const frozen = new Set<string>()
  /** When each tab last wrote. */
  const wrote = new Map<string, number>()
  const decay = watchDecay()
  /** By device: since when nothing has happened on it. */
  const quiet = new Map<string, { since: number; skewMs: number }>()

  function stirred(device: string, untilMs = now()): void {
    const skewMs = wallTimeOf(device) - now()
    quiet.set(device, { since: Math.max(untilMs, quiet.get(device)?.since ?? 0), skewMs })
  }

  function told({ tab, event }: Extract<Fact, { type: 'event' }>): void {
    const one = tabs.get(tab)
    if (one === undefined) return
    if (event.type === 'engine:paused') one.pauses.add(event.reason)
    if (event.type === 'engine:resumed') one.pauses.delete(event.reason)
    if (event.type === 'breaker:opened') one.isOpen = true
    if (event.type === 'breaker:halfOpened' || event.type === 'breaker:closed') one.isOpen = false
  }

  function deviceIn(fact: Fact): string | undefined {
    if (fact.type === 'sent' || fact.type === 'answered') return fact.request.device
    if (fact.type === 'committed') return fact.changes.length > 0 ? fact.device : undefined
    if (fact.type === 'refused-commit' || (fact.type === 'read' && fact.failed !== undefined)) return deviceOf(fact.tab)
    if (fact.type === 'fault') return /^d\d+/.exec(fact.where)?.[0]
    return fact.type === 'tab' || fact.type === 'event' ? fact.device : undefined
  }

  function resting(): void {
    for (const [device, { since, skewMs }] of quiet) {
      if (now() - since <= IDLE_MS) continue
      const tab = owners.get(device) ?? ''
      const owner = tabs.get(tab)
      if (wallTimeOf(device) - now() !== skewMs) {
        stirred(device)
        continue
      }
      if (owner === undefined || owner.pauses.size > 0 || owner.isOpen || decay.isUnsound(device)) continue
      const left = dueIn(device, owner.user, IDLE_MS)
      if (left !== undefined)
        report('L5', `${tab} has rested for ${now() - since} ms, though ${left.id} (${left.status}) could go.`)
      stirred(device)
    }
  }

  return {
    see(fact) {
      decay.see(fact)
      const device = deviceIn(fact)
      if (device !== undefined) stirred(device)
      if (fact.type === 'fault' && fact.kind === 'throttled' && device !== undefined) stirred(device, now() + THROTTLED_MS)
      if (fact.type === 'tab') {
        if (fact.change === 'frozen') frozen.add(fact.tab)
        else frozen.delete(fact.tab)
        if (fact.change === 'starting') tabs.set(fact.tab, { user: fact.user, pauses: new Set(), isOpen: false })
        else if (fact.change === 'stopping' || fact.change === 'killed' || fact.change === 'frozen') owners.delete(fact.device)
        if (fact.change === 'killed' && now() - (wrote.get(fact.tab) ?? -Infinity) <= NEWS_MS)
          stirred(fact.device, now() + LOOK_AGAIN_MS)
      }
      if (fact.type === 'event') told(fact)
      if (fact.type === 'committed' && fact.changes.length > 0) wrote.set(fact.tab, now())
      if (fact.type === 'committed' && fact.lease !== undefined) {
        if (owners.get(fact.device) !== fact.tab) stirred(fact.device)
        // What a tab wrote as it was frozen arrives all the same.
        if (fact.lease.owner === '' || frozen.has(fact.tab)) owners.delete(fact.device)
        else owners.set(fact.device, fact.tab)
      }
      resting()
    },
  }
}
