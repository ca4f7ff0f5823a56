import type { Checker } from './invariant.ts'

const MINUTE_MS = 60_000
/** Heartbeat, polls, alarms and the like. */
const STANDING_TIMERS = 16

/** L9: however long the server is down and however much is queued, a tab asks it seldom, and its timers stay few. */
export const load: Checker = ({ settings, now, isDown, timersOf }, report) => {
  const sent = new Map<string, number[]>()
  const { concurrency = 6, batchSize = 1, breaker } = settings.engine
  const { failureThreshold = 10, cooldownMs = MINUTE_MS, halfOpenProbes = 1 } = breaker ?? {}
  const probes = (Math.ceil(MINUTE_MS / cooldownMs) + 1) * halfOpenProbes
  // Those that were out when it went down, and those that made the breaker open.
  const mostInMinute = 2 * concurrency + failureThreshold + 2 * probes
  // Each operation of a batch has a limit of its own, and a batch that is refused as such goes out one by one.
  const mostTimers = STANDING_TIMERS + 2 * concurrency * batchSize

  return {
    see(fact) {
      if (fact.type === 'tab' && fact.change === 'starting') sent.delete(fact.tab)
      if (fact.type !== 'sent') return
      const { tab } = fact.request
      const timers = timersOf(tab)
      if (timers > mostTimers) report('L9', `${tab} has ${timers} timers, ${mostTimers} allowed.`)
      if (!isDown()) return void sent.delete(tab)
      const lately = [...(sent.get(tab) ?? []).filter((at) => now() - at < MINUTE_MS), now()]
      sent.set(tab, lately)
      if (lately.length > mostInMinute)
        report('L9', `${tab} sent ${lately.length} requests in a minute to a server that is down, ${mostInMinute} allowed.`)
    },
  }
}
