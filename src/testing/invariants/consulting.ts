import type { JsonObject } from '../../core/json.ts'
import { withoutOwn } from '../../core/own.ts'
import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'
import { textOf } from './strategies.ts'

/**
 * S12: a function of the application that is to decide about a conflict is given what the server has; where it fails, or does not answer, a person decides, and
 * nothing is sent or given up meanwhile.
 */
export const consulting: Checker = ({ register, valueOf }, report) => {
  /** What each tab was last shown of an entity. */
  const looks = new Map<string, string>()
  /** What a function would not decide, by tab and operation. */
  const undecided = new Set<string>()

  function consulted({ tab, operation, remote, answer }: Extract<Fact, { type: 'consulted' }>): void {
    const one = register.byId(operation)
    if (answer === 'said') undecided.delete(`${tab} ${operation}`)
    else undecided.add(`${tab} ${operation}`)
    if (one === undefined || one.isTainted) return
    const seen = looks.get(`${tab} /${one.row.entity}/${one.row.entityId}`)
    if (seen !== undefined && seen !== contentOf(remote))
      report('S12', `${tab} asked a function about ${operation} and ${contentOf(remote)}, but the server had told ${seen}.`)
  }

  function committed({ tab, changes }: Extract<Fact, { type: 'committed' }>): void {
    for (const { before, row } of changes) {
      if (before?.status !== 'reconciling' || row === undefined || row.status === 'reconciling') continue
      if (!undecided.delete(`${tab} ${row.id}`) || row.transaction !== undefined || register.byId(row.id)?.isTainted) continue
      if (row.status !== 'parked' && row.status !== 'waiting')
        report('S12', `${row.id} is ${row.status}, though the function that was to decide about its conflict has not.`)
    }
  }

  return {
    see(fact) {
      if (fact.type === 'served' && fact.request.method === 'GET')
        looks.set(`${fact.request.tab} ${fact.request.path}`, contentOf(valueOf(fact.request.path)))
      if (fact.type === 'consulted') consulted(fact)
      if (fact.type === 'committed') committed(fact)
    },
  }
}

/** Without what the server says of it beside. */
function contentOf(value: JsonObject | undefined): string {
  return textOf(value && withoutOwn(value))
}
