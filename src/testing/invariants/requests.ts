import type { Fact, SentWrite } from '../world/facts.ts'
import { isTerminal } from '../../core/operation.ts'
import type { Checker } from './invariant.ts'
import type { Known } from './register.ts'

/** S5, S9, S25: what leaves, in which order, and as whose. */
export const requests: Checker = ({ register, rowsOf }, report) => {
  /** By key: what was sent with it first, and for which operation. */
  const contents = new Map<string, { readonly content: string; readonly of: Known | undefined }>()
  const lastEffects = new Map<string, number>()

  function sameContent(user: string, write: SentWrite): void {
    const { method, path, headers, body, key } = write
    const content = JSON.stringify([method, path, headers['If-Match'] ?? null, body])
    const of = register.byKey(user, key)
    const known = contents.get(`${user} ${key}`)
    // The key that a lost row had is given again: who was lost can't be remembered.
    if (known === undefined || (known.of !== of && known.of?.isTainted)) contents.set(`${user} ${key}`, { content, of })
    else if (known.content !== content && !of?.isTainted)
      report('S5', `The key ${key} was sent with ${content}, and before with ${known.content}.`)
  }

  function noneOvertaken(device: string, tab: string, user: string, { key }: SentWrite): void {
    const one = register.byKey(user, key)
    if (one === undefined || one.isTainted || !one.isStored) return
    for (const row of rowsOf(device).values()) {
      if (row.seq >= one.seq || row.lane !== one.lane || isTerminal(row.status)) continue
      // What can't be read stays where it is when the others get the server's id.
      if (one.row.lane !== one.lane && register.bySeq(device, row.seq)?.isTainted) continue
      report('S9', `${tab} sent ${one.id} though ${row.id} (${row.status}) stands before it in its lane.`)
    }
  }

  function asOwnUser({ request }: Extract<Fact, { type: 'sent' }>, { key }: SentWrite): void {
    const credentials = /^Bearer (.+)-\d+$/.exec(request.headers['Authorization'] ?? '')?.[1]
    const sequence = Number(/\d+/.exec(request.headers['Synchart-Sequence'] ?? '')?.[0] ?? Number.NaN)
    const owner = register.byKey(request.user, key)?.user ?? register.bySeq(request.device, sequence)?.user
    if (credentials !== request.user)
      report('S25', `${request.tab} of ${request.user} sent ${key} with the credentials of ${credentials}.`)
    if (owner !== request.user)
      report('S25', `${request.tab} of ${request.user} sent ${key}, an operation of ${owner ?? 'nobody'}.`)
  }

  return {
    see(fact) {
      if (fact.type === 'sent') {
        const { device, tab, user } = fact.request
        for (const write of fact.request.writes) {
          sameContent(user, write)
          noneOvertaken(device, tab, user, write)
          asOwnUser(fact, write)
        }
      }
      // What certainly was for nothing is made anew: on what was pulled since, or by another build in its own shape.
      if (fact.type === 'committed')
        for (const { before, row } of fact.changes)
          if (before?.status === 'sending' && row?.status === 'queued') contents.delete(`${row.user} ${row.idempotencyKey}`)
      if (fact.type === 'answered' && fact.answer === '401') {
        const { user } = fact.request
        for (const { key } of fact.request.writes) if (register.byKey(user, key)?.sends === 0) contents.delete(`${user} ${key}`)
      }
      if (fact.type !== 'served') return
      for (const { user, key, client, entity, id, sequence } of fact.effects) {
        const one = register.byKey(user, key)
        // Who gives an operation up that is in doubt lets the next ones pass.
        if (one === undefined || one.isTainted || one.forgiven > 0 || one.row.status === 'cancelled') continue
        const lane = `${client} ${user} ${entity}/${id}`
        const last = lastEffects.get(lane) ?? 0
        if (sequence < last)
          report('S9', `On ${entity}/${id} the server applied operation ${sequence} of ${client} after ${last}.`)
        lastEffects.set(lane, Math.max(last, sequence))
      }
    },
  }
}
