import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

/** What synchronises again and again in one process. */
interface Periodic {
  readonly everyMs: number
  /** From when on it is counted, and since then. */
  since: number
}

interface Rounds {
  readonly periodic: Periodic[]
  /** Synchronisations that began since then, but for those that somebody asked for. */
  begun: number
  lastAt: number
}

const JITTER = 0.25
/** So long one may take, at the most, with the takeover and the outage that it has to wait for. */
const LONGEST_MS = 180_000
const JUMPS: ReadonlySet<string> = new Set(['clock-hour', 'clock-year', 'slept', 'throttled'])

/** B7: what is scheduled again and again comes no sooner than its rest lets it, less the jitter, and does not cease. */
export const schedules: Checker = ({ now, deviceOf }, report) => {
  const tabs = new Map<string, Rounds>()

  function did({ tab, action, result }: Extract<Fact, { type: 'did' }>): void {
    if (action === 'scheduled') {
      const rounds = tabs.get(tab) ?? { periodic: [], begun: 0, lastAt: now() }
      rounds.periodic.push({ everyMs: Number(result), since: now() })
      tabs.set(tab, rounds)
      return
    }
    const rounds = tabs.get(tab)
    if (rounds === undefined) return
    if (action === 'asks to synchronise') rounds.begun -= 1
    if (action === 'synchronises') began(tab, rounds)
  }

  function began(tab: string, rounds: Rounds): void {
    rounds.begun += 1
    rounds.lastAt = now()
    const most = rounds.periodic.reduce(
      (sum, { everyMs, since }) => sum + Math.floor((now() - since) / (everyMs * (1 - JITTER))),
      0,
    )
    if (rounds.begun > most)
      report(
        'B7',
        `${tab} has synchronised ${rounds.begun} times by itself, though its schedules ask for ${most} by now at most.`,
      )
  }

  function left(tab: string): void {
    const rounds = tabs.get(tab)
    if (rounds === undefined) return
    const longest = Math.max(...rounds.periodic.map(({ everyMs }) => everyMs)) * (1 + JITTER) + LONGEST_MS
    if (now() - rounds.lastAt > longest)
      report('B7', `${tab} has not synchronised for ${now() - rounds.lastAt} ms, though it is scheduled again and again.`)
  }

  /** Nobody knows when the next one is due by a clock that was set; once each may come at once. */
  function beginAnew(device: string): void {
    for (const [tab, rounds] of tabs) {
      if (tab !== device && deviceOf(tab) !== device) continue
      rounds.begun = -rounds.periodic.length
      rounds.lastAt = Infinity
      for (const one of rounds.periodic) one.since = now()
    }
  }

  return {
    see(fact) {
      if (fact.type === 'did') did(fact)
      else if (fact.type === 'tab') {
        if (fact.change === 'stopping') left(fact.tab)
        if (fact.change === 'frozen' || fact.change === 'resumed') beginAnew(fact.tab)
        else tabs.delete(fact.tab)
      } else if (fact.type === 'event' && fact.event.type === 'engine:stopped') tabs.delete(fact.tab)
      else if (fact.type === 'fault' && JUMPS.has(fact.kind)) beginAnew(deviceOf(fact.where) ?? fact.where)
    },
  }
}
