import type { Checker } from './invariant.ts'

/** S25: nobody decides about the operations of another user. */
export const privacy: Checker = ({ register }, report) => {
  const users = new Map<string, string>()

  return {
    see(fact) {
      if (fact.type === 'tab' && fact.change === 'starting') users.set(fact.tab, fact.user)
      if (fact.type !== 'did' || fact.result !== 'done' || fact.operation === undefined) return
      const owner = register.byId(fact.operation)?.user
      const user = users.get(fact.tab)
      if (owner !== undefined && user !== undefined && owner !== user)
        report('S25', `${fact.tab} of ${user} could ${fact.action} ${fact.operation}, an operation of ${owner}.`)
    },
  }
}
