import { isTerminal } from '../../core/operation.ts'
import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

/** S1, S2, S3, S8: what was accepted is there, together or not at all, and nothing else is. */
export const durability: Checker = ({ register, rowsOf }, report) => {
  /** With what its tab had stored before. */
  const asked = new Map<number, { readonly fact: Extract<Fact, { type: 'asked' }>; readonly storedBefore: number }>()
  const appended = new Map<string, { readonly id: string; readonly content: string }[]>()

  function accepted({ ids, tab }: Extract<Fact, { type: 'accepted' }>): void {
    for (const id of ids) {
      const one = register.byId(id)
      if (one === undefined || (!one.isStored && !isTerminal(one.row.status) && !one.isLost))
        report('S1', `${id} was accepted in ${tab}, but no row of it is stored.`)
    }
  }

  function committed({ changes, tab }: Extract<Fact, { type: 'committed' }>): void {
    const tokens = new Map<string, number>()
    for (const { before, row } of changes) {
      if (row === undefined && before !== undefined) {
        const one = register.byId(before.id)
        const mayGo = isTerminal(before.status) && (before.status !== 'rejected' || before.dismissed !== undefined)
        if (!mayGo && !one?.isLost)
          report('S1', `The row of ${before.id} (${before.status}) was removed though it had not ended.`)
      }
      if (before !== undefined || row === undefined) continue
      const list = appended.get(tab) ?? []
      appended.set(tab, list)
      list.push({ id: row.id, content: contentOf(row.type, row.entity, row.entityId, row.payload) })
      // What could not be read and was discarded on its way is stored again with its outcome.
      if (row.rev === 1 && row.token?.startsWith('tx')) tokens.set(row.token, (tokens.get(row.token) ?? 0) + 1)
    }
    for (const [token, count] of tokens)
      if (count !== 2) report('S2', `Of the two operations of ${token} only ${count} was stored in one commit.`)
  }

  function declined({ ticket, tab, code }: Extract<Fact, { type: 'declined' }>): void {
    const call = asked.get(ticket)
    for (const { type, entity, id, payload, idempotencyKey, dedupeKey } of call?.fact.inputs ?? []) {
      // Two deletes look alike, and so do those that share a key.
      if (payload === undefined || idempotencyKey !== undefined || dedupeKey !== undefined) continue
      const content = contentOf(type, entity, id, payload)
      const left = appended.get(tab)?.find((one, at) => at >= (call?.storedBefore ?? 0) && one.content === content)
      if (left !== undefined) report('S3', `#${ticket} was declined (${code}), but ${left.id} was stored for it.`)
    }
  }

  return {
    see(fact) {
      if (fact.type === 'asked') asked.set(fact.ticket, { fact, storedBefore: appended.get(fact.tab)?.length ?? 0 })
      else if (fact.type === 'accepted') accepted(fact)
      else if (fact.type === 'declined') declined(fact)
      else if (fact.type === 'committed') committed(fact)
    },
    end() {
      for (const one of register.all()) {
        if (!one.isAccepted || one.isLost) continue
        const row = rowsOf(one.device).get(one.seq)
        if (one.isStored && row?.id !== one.id)
          report('S8', `${one.id} was accepted and had not been forgotten, but it is not in the store.`)
        if (!isTerminal(one.row.status)) report('S8', `${one.id} was accepted, but it has not ended: it is ${one.row.status}.`)
      }
    },
  }
}

function contentOf(type: string, entity: string, id: string, payload: unknown): string {
  return JSON.stringify([type, entity, id, payload ?? null])
}
