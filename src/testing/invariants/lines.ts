import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

interface Held {
  readonly tab: string
  readonly device: string
  silentAt?: number
}

/** For the machine to be told, and what it lets go of. */
const GRACE_MS = 1_000
const KNOWN = /^\/(?:note|task)\?/

/** L6: a line that says nothing is let go of within two beats. S25: a hint about what this engine has not makes it ask for nothing. */
export const lines: Checker = ({ now, settings }, report) => {
  const held = new Map<number, Held>()
  /** Processes whose timers come late. */
  const slow = new Set<string>()
  const boundMs = 2 * (settings.engine.realtime?.heartbeatMs ?? 0) + GRACE_MS

  function seeLine({ tab, device, line, change }: Extract<Fact, { type: 'line' }>): void {
    if (change === 'opening') held.set(line, { tab, device })
    else if (change === 'silent') held.set(line, { tab, device, silentAt: now() })
    else if (change !== 'opened') held.delete(line)
  }

  /** Who does not run, or runs slowly, notices nothing in time. */
  function excuse(where: string): void {
    slow.add(where)
    for (const one of held.values()) if (one.tab === where || one.device === where) delete one.silentAt
  }

  function judgeSilence(): void {
    for (const [line, { tab, device, silentAt }] of held) {
      if (silentAt === undefined || slow.has(tab) || slow.has(device) || now() - silentAt <= boundMs) continue
      report('L6', `${tab} holds line ${line}, which has been silent for ${now() - silentAt} ms.`)
    }
  }

  return {
    see(fact) {
      if (fact.type === 'line') seeLine(fact)
      else if (fact.type === 'fault' && (fact.kind === 'throttled' || fact.kind === 'slept')) excuse(fact.where)
      else if (fact.type === 'tab' && fact.change === 'frozen') excuse(fact.tab)
      else if (fact.type === 'sent' && fact.request.method === 'GET' && fact.request.path.includes('?')) {
        if (!KNOWN.test(fact.request.path)) report('S25', `${fact.request.tab} asks for ${fact.request.path}, which it has not.`)
      }
      if (held.size > 0) judgeSilence()
    },
  }
}
