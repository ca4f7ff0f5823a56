import { parseRetryAfter } from '../../core/retry-after.ts'
import type { Fact, RowChange, Sent } from '../world/facts.ts'
import { watchClocks } from './clocks.ts'
import type { Checker } from './invariant.ts'

interface Asked {
  readonly tab: string
  readonly answer: string
  /** In true time. */
  readonly until: number
  /** By how much the device's wall clock was ahead when the answer came. */
  readonly skewMs: number
  readonly retryAfter: string
}

/** Who answers so speaks of now, not of the request. */
const HONOURED: ReadonlySet<string> = new Set(['429', '500', '502', '503', '504', '408', '421', '425', '407', '511'])

/** A proxy's or a portal's: where the network itself is found to be gone, the server has asked for nothing. */
const NOT_THE_SERVER: ReadonlySet<string> = new Set(['407', '511'])

/** S22, S24: nobody comes back before he was told to, and a missing log-in costs nothing. */
export const waits: Checker = (picture, report) => {
  const { register, now, wallTimeOf } = picture
  const clocks = watchClocks(picture)
  /** By operation: what the last answer asked for. */
  const asked = new Map<string, Asked>()
  /** By operation: its last request. Of what another tab asked before it took over nobody has learned the answer. */
  const last = new Map<string, number>()
  /** Tabs without a network, as they found. */
  const cutOff = new Set<string>()

  function answered({ request, answer, retryAfter }: Extract<Fact, { type: 'answered' }>): void {
    const nowMs = wallTimeOf(request.device)
    const { tab } = request
    const isHonoured = HONOURED.has(answer) && !(cutOff.has(tab) && NOT_THE_SERVER.has(answer))
    const waitMs = isHonoured ? parseRetryAfter(retryAfter, { nowMs }) : undefined
    for (const { key } of request.writes) {
      const one = register.byKey(request.user, key)
      if (one === undefined || (last.get(one.id) ?? request.number) !== request.number) continue
      if (waitMs === undefined || retryAfter === undefined) asked.delete(one.id)
      else asked.set(one.id, { until: now() + waitMs, skewMs: nowMs - now(), retryAfter, tab, answer })
    }
  }

  /** How long before its end it is due. The clock may have been set back since the answer came: then the row tells a time of either. */
  function earlyMs({ until, skewMs }: Asked, device: string, dueAt: number): number {
    return until - (dueAt - Math.min(skewMs, wallTimeOf(device) - now()))
  }

  function changed(device: string, latest: number, change: RowChange): void {
    const { before, row } = change
    const isEarly = clocks.isEarly(change, latest)
    if (before === undefined || row === undefined || register.byId(row.id)?.isTainted) return
    const wish = asked.get(row.id)
    const wasAttempted = before.status === 'sending' && row.attempts === before.attempts
    const early = wish === undefined ? 0 : earlyMs(wish, device, row.dueAt ?? 0)
    if (wasAttempted && row.status === 'waiting' && early > 0)
      report('S22', `${row.id} is due ${early} ms before the server's Retry-After: ${wish?.retryAfter} is over.`)
    if (isEarly) report('S22', `${row.id} was claimed ${(before.dueAt ?? 0) - latest} ms before it was due.`)
    const isNew = JSON.stringify(row.lastError) !== JSON.stringify(before.lastError)
    if (!isNew || row.lastError?.code !== 'authentication' || row.lastError.status !== 401 || before.status !== 'sending') return
    if (row.status !== 'queued' && row.status !== 'waiting') report('S24', `${row.id} met a 401 and became ${row.status}.`)
    else if (row.attempts !== before.attempts - 1) report('S24', `${row.id} met a 401, and it cost an attempt.`)
  }

  function sent({ user, writes, number }: Sent): void {
    for (const { key } of writes) {
      const id = register.byKey(user, key)?.id ?? ''
      asked.delete(id)
      last.set(id, number)
    }
  }

  function told({ tab, event }: Extract<Fact, { type: 'event' }>): void {
    if (event.type === 'network:online') cutOff.delete(tab)
    if (event.type !== 'network:offline') return
    cutOff.add(tab)
    for (const [id, one] of asked) if (one.tab === tab && NOT_THE_SERVER.has(one.answer)) asked.delete(id)
  }

  return {
    see(fact) {
      if (fact.type === 'event') told(fact)
      if (fact.type === 'answered') answered(fact)
      if (fact.type === 'sent') sent(fact.request)
      if (fact.type === 'fault' && clocks.isWatched(fact.where)) clocks.latest(fact.where)
      if (fact.type !== 'committed') return
      const latest = clocks.latest(fact.device)
      for (const change of fact.changes) changed(fact.device, latest, change)
    },
  }
}
