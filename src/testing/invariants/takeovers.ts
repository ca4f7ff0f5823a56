import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

interface Ownership {
  holder: string | undefined
  /** Since when nobody holds the lease who could use it. */
  goneAt: number | undefined
}

/** Reads and commits take their time. */
const SLACK_MS = 5_000
/** The longest that timers are throttled. */
const THROTTLED_MS = 150_000

/** L2: while another tab runs undisturbed, an owner that died, froze or left is succeeded as soon as its lease is stale. */
export const takeovers: Checker = ({ settings, now, isHeldUp }, report) => {
  const devices = new Map<string, Ownership>()
  /** Tabs that could take over, and since when nothing has disturbed them. */
  const ready = new Map<string, { readonly device: string; since: number }>()
  /** Until when the timers of a process come late. */
  const throttled = new Map<string, number>()
  const { staleMs = 120_000, pollMs = 10_000 } = settings.engine.lock ?? {}
  const boundMs = staleMs + 2 * pollMs + SLACK_MS

  function ownershipOf(device: string): Ownership {
    const one = devices.get(device) ?? { holder: undefined, goneAt: undefined }
    devices.set(device, one)
    return one
  }

  function lived({ tab, device, change }: Extract<Fact, { type: 'tab' }>): void {
    const one = ownershipOf(device)
    if (change === 'starting') throttled.delete(tab)
    if (change === 'started' || (change === 'resumed' && ready.has(tab)))
      ready.set(tab, { device, since: Math.max(now(), throttled.get(tab) ?? 0) })
    else if (change === 'frozen' && ready.has(tab)) ready.set(tab, { device, since: Infinity })
    else ready.delete(tab)
    if (one.holder !== tab) {
      if (one.holder === undefined) one.goneAt ??= now()
      return
    }
    if (change === 'resumed') one.goneAt = undefined
    else if (change !== 'started') one.goneAt ??= now()
  }

  function disturbed(tab: string, untilMs: number): void {
    const one = ready.get(tab)
    if (one !== undefined) one.since = Math.max(one.since, untilMs)
  }

  function troubled(fact: Fact): void {
    if (fact.type === 'refused-commit' && fact.code !== 'storage-conflict') disturbed(fact.tab, now())
    if (fact.type === 'read' && fact.failed !== undefined) disturbed(fact.tab, now())
    if (fact.type === 'event' && fact.event.type === 'engine:error') disturbed(fact.tab, now())
    if (fact.type !== 'fault') return
    if (fact.kind === 'throttled') {
      throttled.set(fact.where, now() + THROTTLED_MS)
      disturbed(fact.where, now() + THROTTLED_MS)
    }
    if (fact.kind === 'evicted' || fact.kind === 'power-loss') devices.set(fact.where, { holder: undefined, goneAt: now() })
  }

  function succeeded(): void {
    for (const [device, one] of devices) {
      if (one.goneAt === undefined) continue
      for (const [tab, { device: home, since }] of ready) {
        if (home !== device || tab === one.holder) continue
        if (isHeldUp(device)) disturbed(tab, now())
        const waitedMs = now() - Math.max(one.goneAt, since)
        if (waitedMs <= boundMs) continue
        report('L2', `${one.holder ?? 'Nobody'} has held the lease of ${device} for ${waitedMs} ms, and ${tab} has not taken it.`)
        one.goneAt = undefined
        break
      }
    }
  }

  return {
    see(fact) {
      if (fact.type === 'tab') lived(fact)
      else if (fact.type === 'committed' && fact.lease !== undefined) {
        const { owner } = fact.lease
        devices.set(fact.device, owner === '' ? { holder: undefined, goneAt: now() } : { holder: fact.tab, goneAt: undefined })
      } else troubled(fact)
      succeeded()
    },
  }
}
