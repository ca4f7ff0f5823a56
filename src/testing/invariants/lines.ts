import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'
import { isPull } from './pulls.ts'

interface Held {
  readonly tab: string
  readonly device: string
  silentAt?: number
  /** When its tab told that it has lost the lease. */
  lostAt?: number
}

/** For the machine to be told, and what it lets go of. */
const GRACE_MS = 1_000
/** More attempts at once than jitter lets anybody make. */
const WINDOW_MS = 600
const MOST_IN_WINDOW = 6
const KNOWN = /^\/(?:note|task|folder|page)\?/

/**
 * L6: a line that says nothing is let go of within two beats. L9: a device has one line, its owner's, and lines are not opened again and again without a
 * pause; S22: nor sooner than the server asked. S25: a hint about what this engine has not makes it ask for nothing.
 */
export const lines: Checker = ({ now, settings, deviceOf }, report) => {
  const held = new Map<number, Held>()
  const openings = new Map<string, number[]>()
  /** By tab: until when the server asked it to stay away. */
  const away = new Map<string, number>()
  /** Processes whose timers come late. */
  const slow = new Set<string>()
  const frozen = new Set<string>()
  /** By device: since when more than one of its tabs have a line. */
  const shared = new Map<string, number>()
  const silenceMs = 2 * (settings.engine.realtime?.heartbeatMs ?? 0) + GRACE_MS
  /** An owner that was overtaken finds it out by its next beat. */
  const sharedMs = 2 * (settings.engine.lock?.heartbeatMs ?? 0) + 10_000

  function seeLine({ tab, device, line, change, retryAfterMs }: Extract<Fact, { type: 'line' }>): void {
    if (change === 'opening') opening(tab, device, line)
    else if (change === 'silent') held.set(line, { tab, device, silentAt: now() })
    else if (change !== 'opened') held.delete(line)
    if (change === 'closed' && retryAfterMs !== undefined) away.set(tab, now() + retryAfterMs)
    judgeSharing(device)
  }

  function opening(tab: string, device: string, line: number): void {
    const until = away.get(tab)
    if (until !== undefined && now() < until)
      report('S22', `${tab} opened a line ${until - now()} ms before the server wants it to.`)
    if ([...held.values()].some((other) => other.tab === tab))
      report('L9', `${tab} opened line ${line} beside the one that it has.`)
    held.set(line, { tab, device })
    const recent = [...(openings.get(tab) ?? []), now()].filter((at) => at > now() - WINDOW_MS)
    openings.set(tab, recent)
    if (recent.length > MOST_IN_WINDOW) report('L9', `${tab} opened ${recent.length} lines within ${WINDOW_MS} ms.`)
  }

  /** Who does not run, or runs slowly, notices nothing in time. */
  function excuse(where: string): void {
    slow.add(where)
    for (const one of held.values()) if (one.tab === where || one.device === where) delete one.silentAt
  }

  function judgeSharing(device: string): void {
    const tabs = new Set([...held.values()].filter((one) => one.device === device).map(({ tab }) => tab))
    if (tabs.size < 2 || [...tabs].some((tab) => frozen.has(tab) || slow.has(tab))) shared.delete(device)
    else if (!shared.has(device)) shared.set(device, now())
  }

  function judge(): void {
    for (const [line, { tab, device, silentAt, lostAt }] of held) {
      if (lostAt !== undefined && !slow.has(tab) && now() - lostAt > GRACE_MS)
        report('L9', `${tab} keeps line ${line} ${now() - lostAt} ms after it has lost the lease.`)
      if (silentAt === undefined || slow.has(tab) || slow.has(device) || now() - silentAt <= silenceMs) continue
      report('L6', `${tab} holds line ${line}, which has been silent for ${now() - silentAt} ms.`)
    }
    for (const [device, since] of shared)
      if (now() - since > sharedMs) report('L9', `Two tabs of ${device} have had a line each for ${now() - since} ms.`)
  }

  function lost(where: string): void {
    away.delete(where)
    for (const one of held.values()) if (one.tab === where) one.lostAt = now()
  }

  function regained(where: string): void {
    for (const one of held.values()) if (one.tab === where) delete one.lostAt
  }

  /** What a process was told of lines it forgets with its end, and with the lease. */
  function seeTab({ tab, device, change }: Extract<Fact, { type: 'tab' }>): void {
    away.delete(tab)
    if (change === 'frozen') {
      frozen.add(tab)
      excuse(tab)
    } else frozen.delete(tab)
    shared.delete(device)
    judgeSharing(device)
  }

  return {
    see(fact) {
      if (fact.type === 'line') seeLine(fact)
      else if (fact.type === 'fault' && (fact.kind === 'throttled' || fact.kind === 'slept')) {
        excuse(fact.where)
        shared.delete(deviceOf(fact.where) ?? fact.where)
      } else if (fact.type === 'tab') seeTab(fact)
      else if (fact.type === 'event' && fact.event.type === 'lock:lost') lost(fact.tab)
      else if (fact.type === 'event' && fact.event.type === 'lock:acquired') regained(fact.tab)
      else if (fact.type === 'sent' && fact.request.method === 'GET' && isPull(fact.request.path)) {
        if (!KNOWN.test(fact.request.path)) report('S25', `${fact.request.tab} asks for ${fact.request.path}, which it has not.`)
      }
      if (held.size > 0) judge()
    },
  }
}
