import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

/** S6, S15: handlers of an optimistic change are called once, and none takes back what the server has applied. */
export const handlers: Checker = ({ register, ledger, undone }, report) => {
  const registered = new Map<string, number>()

  function called({ tab, token, change }: Extract<Fact, { type: 'optimistic' }>): void {
    const left = registered.get(`${tab} ${token}`) ?? 0
    registered.set(`${tab} ${token}`, left - 1)
    if (left <= 0) report('S15', `${tab} called a handler of ${token} that had been called before.`)
    const group = [...register.all()].filter(({ row }) => row.token === token)
    const [one] = group
    // What several belong to is taken back with the first that fails, though others may have been applied.
    if (change !== 'taken-back' || one === undefined || group.length > 1 || one.isTainted || one.forgiven > 0) return
    if (ledger.some((effect) => !undone.has(effect) && register.byKey(effect.user, effect.key) === one))
      report('S6', `${tab} took ${token} back, but the server has applied ${one.id}.`)
  }

  return {
    see(fact) {
      if (fact.type === 'asked') {
        for (const { optimistic } of fact.inputs) {
          const name = `${fact.tab} ${optimistic?.token ?? ''}`
          registered.set(name, (registered.get(name) ?? 0) + 1)
        }
      } else if (fact.type === 'optimistic') called(fact)
    },
  }
}
