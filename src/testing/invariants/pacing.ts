import type { ServerWishes } from '../../core/ports.ts'
import type { Fact, RowChange, Sent } from '../world/facts.ts'
import { watchClocks } from './clocks.ts'
import type { Checker } from './invariant.ts'
import { isPull, kindIn, partIn } from './pulls.ts'

/** What one process was told by the server, as it must hold it. */
interface Told {
  pausedUntil: number
  /** From the instant on at which it was told, that may be later than this one. */
  since: number
  minPollMs: number
  maxBatch: number
  /** By pull: when its last answer came, and when it was told to be at its end. */
  readonly answered: Map<string, number>
  readonly ended: Map<string, number>
}

/** What was told before is held by another clock. */
const JUMPS: ReadonlySet<string> = new Set(['clock-hour', 'clock-year', 'slept', 'throttled'])

/**
 * B7: no request while the server has asked for a pause, no pull sooner after its last than it wants, no batch larger than it takes, and no operation before its
 * own time.
 */
export const pacing: Checker = (picture, report) => {
  const { now, deviceOf, register } = picture
  const clocks = watchClocks(picture)
  const tabs = new Map<string, Told>()
  /** Requests that were refused for their credentials, and may come once more. */
  const renewed = new Set<string>()

  function toldTo(tab: string): Told {
    const one = tabs.get(tab) ?? {
      pausedUntil: 0,
      since: 0,
      minPollMs: 0,
      maxBatch: Infinity,
      answered: new Map(),
      ended: new Map(),
    }
    tabs.set(tab, one)
    return one
  }

  function sent({ tab, path, writes, body }: Sent): void {
    const told = toldTo(tab)
    const name = pullOf(path)
    const [ended, last] = name === undefined ? [undefined, undefined] : [told.ended.get(name), told.answered.get(name)]
    if (name !== undefined) told.ended.delete(name)
    // After a 401 the same request is sent once more, whatever was asked for meanwhile.
    if (renewed.delete(`${tab} ${path} ${body}`)) return
    if (now() > told.since && now() < told.pausedUntil)
      report(
        'B7',
        `${tab} sent a request ${told.pausedUntil - now()} ms before the pause was over that the server had asked for.`,
      )
    const isAtomic = body?.startsWith('{"atomic":true') ?? false
    if (!isAtomic && writes.length > told.maxBatch && now() > told.since)
      report('B7', `${tab} sent ${writes.length} operations in one request, though the server takes ${told.maxBatch}.`)
    if (ended !== undefined && last !== undefined && now() > told.since && now() < last + told.minPollMs)
      report('B7', `${tab} pulled ${name} ${last + told.minPollMs - now()} ms sooner than the server wants.`)
  }

  function answered({ request, answer, wishes }: Extract<Fact, { type: 'answered' }>): void {
    if (answer === '401') renewed.add(`${request.tab} ${request.path} ${request.body}`)
    const told = toldTo(request.tab)
    const name = pullOf(request.path)
    if (name !== undefined) told.answered.set(name, now())
    // After a 401 the same request is sent once more, and what that brings counts.
    if (wishes !== undefined && answer !== '401') heed(told, wishes)
  }

  function heed(told: Told, { pauseMs = 0, minPollMs, maxBatch }: ServerWishes): void {
    told.since = now()
    told.pausedUntil = Math.max(told.pausedUntil, now() + pauseMs)
    told.minPollMs = minPollMs ?? told.minPollMs
    told.maxBatch = maxBatch === undefined ? told.maxBatch : Math.max(1, maxBatch)
  }

  function changed(latest: number, change: RowChange): void {
    const isEarly = clocks.isEarly(change, latest, ({ notBefore }) => notBefore)
    const { before, row } = change
    // Its time has come once, whatever the clock says since.
    if (!isEarly || before === undefined || before.attempts > 0 || register.byId(row?.id ?? '')?.isTainted === true) return
    report('B7', `${before.id} was claimed ${(before.notBefore ?? 0) - latest} ms before its time.`)
  }

  return {
    see(fact) {
      if (fact.type === 'sent') sent(fact.request)
      else if (fact.type === 'answered') answered(fact)
      else if (fact.type === 'tab' && fact.change !== 'stopping') tabs.delete(fact.tab)
      else if (fact.type === 'event' && fact.event.type === 'pull:completed')
        toldTo(fact.tab).ended.set(nameOf(fact.event.entity, fact.event.scope), now())
      else if (fact.type === 'committed') {
        const latest = clocks.latest(fact.device)
        for (const change of fact.changes) changed(latest, change)
      } else if (fact.type === 'fault' && JUMPS.has(fact.kind)) {
        const device = deviceOf(fact.where) ?? fact.where
        if (clocks.isWatched(device)) clocks.latest(device)
        for (const tab of tabs.keys()) if (deviceOf(tab) === device) tabs.delete(tab)
      }
    },
  }
}

function pullOf(path: string): string | undefined {
  return isPull(path) ? nameOf(kindIn(path), partIn(path)) : undefined
}

function nameOf(entity: string, part: string | undefined): string {
  return part === undefined ? entity : `${entity} ${part}`
}
