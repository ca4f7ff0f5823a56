import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

/** What one process has met, in the order of time; each takes from its tokens, or gives back. */
interface Account {
  readonly sentAt: Map<number, number>
  readonly met: { readonly at: number; readonly amount: number }[]
  readonly begunAt: number
}

/** A claim may have been decided on so long before it is committed. */
const BEFORE_MS = 300
/** What is answered later may have been given up. */
const LONGEST_MS = 3_000
const EXACTLY = 0.05
/** A failure of the server, or of the way to it. */
const FAILURE = /^(?:50[0234]|socket hang up)$/

/**
 * B7: while no more than half of the tokens of `retry.budget` are left, nothing is tried again. It counts for the engine where that is not certain: only what
 * surely failed takes a token, and all else that was answered gives back.
 */
export const budgets: Checker = ({ now, settings, deviceOf }, report) => {
  const { budget, capMs = 0 } = settings.engine.retry ?? {}
  const accounts = new Map<string, Account>()

  function accountOf(tab: string): Account {
    const known = accounts.get(tab) ?? { sentAt: new Map(), met: [], begunAt: now() }
    accounts.set(tab, known)
    return known
  }

  function answered({ request, answer }: Extract<Fact, { type: 'answered' }>): void {
    const { sentAt, met } = accountOf(request.tab)
    if (budget === undefined || request.writes.length === 0) return
    // What was sent before all that was met is forgotten may give back, and does not surely take.
    const at = sentAt.get(request.number)
    const isFailure = at !== undefined && FAILURE.test(answer) && now() - at <= LONGEST_MS
    sentAt.delete(request.number)
    met.push({ at: now(), amount: isFailure ? -1 : budget.ratio })
  }

  /** As many as there can be at most, of what had failed by then. */
  function mostTokens({ met, begunAt }: Account, tokens: number): number {
    let [left, at] = [tokens, begunAt]
    for (const one of [
      ...met.filter(({ at: then, amount }) => amount > 0 || then <= now() - BEFORE_MS),
      { at: now(), amount: 0 },
    ]) {
      left = Math.min(tokens, left + (tokens * (one.at - at)) / Math.max(1, capMs))
      left = Math.max(0, Math.min(tokens, left + one.amount))
      at = one.at
    }
    return left
  }

  function committed({ tab, changes }: Extract<Fact, { type: 'committed' }>): void {
    if (budget === undefined) return
    for (const { before, row } of changes) {
      if (before?.status !== 'waiting' || row?.status !== 'sending' || before.attempts === 0) continue
      const left = mostTokens(accountOf(tab), budget.tokens)
      if (left < budget.tokens / 2 - EXACTLY)
        report(
          'B7',
          `${row.id} was tried again by ${tab}, which has ${left.toFixed(2)} of ${budget.tokens} tokens for that at most.`,
        )
    }
  }

  /** It is another process, or one that lets go of what it has under way. */
  function forget(device: string): void {
    for (const tab of accounts.keys()) if (tab === device || deviceOf(tab) === device) accounts.delete(tab)
  }

  return {
    see(fact) {
      if (budget === undefined) return
      if (fact.type === 'sent' && fact.request.writes.length > 0)
        accountOf(fact.request.tab).sentAt.set(fact.request.number, now())
      else if (fact.type === 'answered') answered(fact)
      else if (fact.type === 'committed') committed(fact)
      else if (fact.type === 'tab') accounts.delete(fact.tab)
      else if (fact.type === 'event' && /^(engine|lock|network|storage):/.test(fact.event.type)) accounts.delete(fact.tab)
      else if (fact.type === 'fault') forget(deviceOf(fact.where) ?? fact.where)
    },
  }
}
