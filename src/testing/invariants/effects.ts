import type { Fact, Sent, SentWrite } from '../world/facts.ts'
import type { Effect } from '../world/model-server.ts'
import type { Checker } from './invariant.ts'
import type { Known } from './register.ts'

/** S4, S6, S11: how often the server changed something for an operation. */
export const effects: Checker = ({ register, undone, ledger }, report) => {
  const made = new Map<Known, Effect[]>()
  /** Ended without looking at the server's state first, by an answer that says that it was applied. */
  const confirmed = new Set<Known>()
  const holders = new Map<string, string>()
  /** Tabs from which another has taken the lease: what they had chosen before may still leave, and must change nothing (S11). */
  const deposed = new Set<string>()

  function countOf(one: Known): number {
    return (made.get(one) ?? []).filter((effect) => !undone.has(effect)).length
  }

  /** Also with what was sent under its key for one whose row was lost. */
  function tookEffect(one: Known): boolean {
    return made.has(one) || [...made.values()].flat().some(({ user, key }) => register.byKey(user, key) === one)
  }

  function served({ effects: news }: Extract<Fact, { type: 'served' }>): void {
    for (const effect of news) {
      const one = register.byKey(effect.user, effect.key)
      if (one === undefined) {
        report('S4', `The server took effect for the key ${effect.key} of ${effect.user}, which no stored operation has.`)
        continue
      }
      const list = made.get(one) ?? []
      made.set(one, list)
      list.push(effect)
      if (one.isTainted) continue
      const { status } = one.row
      if (countOf(one) > 1 + one.forgiven)
        report('S4', `The server took effect ${countOf(one)} times for ${one.id}: ${keysOf(list)}.`)
      if ((status === 'rejected' || status === 'superseded') && one.forgiven === 0)
        report('S11', `The server took effect for ${one.id}, which had been ${status} before.`)
    }
  }

  function leased({ device, tab, lease }: Extract<Fact, { type: 'committed' }>): void {
    if (lease === undefined) return
    const before = holders.get(device)
    if (before !== undefined && before !== tab) deposed.add(before)
    holders.set(device, tab)
    deposed.delete(tab)
  }

  function sent({ tab, user }: Sent, { key }: SentWrite): void {
    const one = register.byKey(user, key)
    if (one === undefined || one.isTainted || one.forgiven > 0 || deposed.has(tab)) return
    const earlier = (made.get(one) ?? []).find((effect) => effect.key !== key)
    if (earlier !== undefined)
      report('S6', `${one.id} was sent with the key ${key}, though it had taken effect with ${earlier.key}.`)
  }

  function ended(one: Known): void {
    if (one.isTainted) return
    const { status } = one.row
    const count = countOf(one)
    const isSure = one.forgiven === 0
    if (status === 'rejected' && count > 0 && isSure)
      report('S4', `${one.id} was rejected, but the server had taken effect for it.`)
    if (status === 'superseded' && one.sends > 0) report('S17', `${one.id} was superseded, but it had been sent.`)
    if (status === 'done' && confirmed.has(one) && !tookEffect(one))
      report('S4', `${one.id} is done, but the server never took effect for it.`)
  }

  return {
    see(fact) {
      if (fact.type === 'served') served(fact)
      else if (fact.type === 'sent') for (const write of fact.request.writes) sent(fact.request, write)
      else if (fact.type === 'tab' && fact.change === 'starting') deposed.delete(fact.tab)
      else if (fact.type === 'committed') {
        leased(fact)
        for (const { before, row } of fact.changes) {
          const one = row === undefined ? undefined : register.byId(row.id)
          if (one === undefined || row === undefined || before?.status === row.status) continue
          const isSent = row.type !== 'delete' && row.transaction?.isMet === undefined
          if (row.status === 'done' && before?.status === 'sending' && isSent) confirmed.add(one)
          ended(one)
        }
      }
    },
    end() {
      if (new Set(ledger).size !== ledger.length) report('S4', 'The ledger names an effect twice.')
      for (const one of register.all()) ended(one)
    },
  }
}

function keysOf(list: readonly Effect[]): string {
  return list.map(({ key, version }) => `${key} made version ${version}`).join(', ')
}
