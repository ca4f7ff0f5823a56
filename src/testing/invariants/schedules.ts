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
const JUMPS: ReadonlySet<string> = new Set(['clock-hour', 'clock-year', 'slept', 'throttled'])

/** B7: what is scheduled again and again comes no sooner than its rest lets it, less the jitter, and does not cease. */
export const schedules: Checker = ({ now, deviceOf }, report) => {
  const tabs = new Map<string, Rounds>()
  /** Devices whose clocks were set: what was scheduled by another time may wait for that. */
  const jumped = new Set<string>()
  let restedAt = Infinity

  function did({ tab, action, result }: Extract<Fact, { type: 'did' }>): void {
    if (action === 'scheduled') {
      const rounds = tabs.get(tab) ?? { periodic: [], begun: 0, lastAt: now() }
      rounds.periodic.push({ everyMs: Number(result), since: now() })
      tabs.set(tab, rounds)
      return
    }
    if (action === 'rests' && result === 'begun') restedAt = now()
    if (action === 'rests' && result === 'done') rested()
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

  /** All was at rest for longer than any of them waits. */
  function rested(): void {
    for (const [tab, { lastAt }] of tabs)
      if (lastAt < restedAt && !jumped.has(deviceOf(tab) ?? ''))
        report('B7', `${tab} has not synchronised for ${now() - lastAt} ms, though it is scheduled again and again.`)
  }

  /** Nobody knows when the next one is due by a clock that was set; once each may come at once. */
  function beginAnew(device: string): void {
    jumped.add(device)
    for (const [tab, rounds] of tabs) {
      if (tab !== device && deviceOf(tab) !== device) continue
      rounds.begun = -rounds.periodic.length
      for (const one of rounds.periodic) one.since = now()
    }
  }

  return {
    see(fact) {
      if (fact.type === 'did') did(fact)
      else if (fact.type === 'tab') {
        if (fact.change === 'frozen' || fact.change === 'resumed') beginAnew(fact.tab)
        else tabs.delete(fact.tab)
      } else if (fact.type === 'event' && fact.event.type === 'engine:stopped') tabs.delete(fact.tab)
      else if (fact.type === 'fault' && JUMPS.has(fact.kind)) beginAnew(deviceOf(fact.where) ?? fact.where)
    },
  }
}
