import type { RowChange } from '../world/facts.ts'
import type { Effect } from '../world/model-server.ts'
import type { Checker } from './invariant.ts'
import type { Known } from './register.ts'

interface Owed {
  readonly effect: Effect
  readonly key: string
  readonly payload: string
}

/**
 * S13: a refusal that our own success has caused is no conflict: as long as nobody else has changed the entity, nothing is sent anew, and
 * nothing is given up.
 */
export const ownSuccess: Checker = ({ register, ledger, undone }, report) => {
  const owed = new Map<Known, Owed>()
  /** What was sent under each key: after an edit, the success of what stood there before is not that of the new. */
  const payloads = new Map<string, string>()

  function latestEffect({ row: { entity, entityId } }: Known): Effect | undefined {
    return ledger.findLast((effect) => effect.entity === entity && effect.id === entityId && !undone.has(effect))
  }

  function refused(one: Known, key: string): void {
    const effect = latestEffect(one)
    if (effect === undefined || register.byKey(effect.user, effect.key) !== one) return
    const payload = payloads.get(effect.key) ?? ''
    if (payload === payloadOf(one)) owed.set(one, { effect, key, payload })
  }

  function sent(one: Known, key: string): void {
    payloads.set(key, payloadOf(one))
    const debt = owed.get(one)
    if (debt === undefined || debt.key === key || debt.effect.key === key || latestEffect(one) !== debt.effect) return
    if (payloadOf(one) === debt.payload)
      report('S13', `${one.id} was sent anew as ${key}, though ${debt.key} was refused only because it had been applied.`)
  }

  function givenUp({ row }: RowChange): void {
    const one = row === undefined ? undefined : register.byId(row.id)
    const debt = one === undefined ? undefined : owed.get(one)
    if (row === undefined || one === undefined || one.isTainted || debt === undefined || latestEffect(one) !== debt.effect) return
    const isGivenUp = row.status === 'parked' || row.status === 'rollingBack'
    if (isGivenUp && row.lastError?.code === 'conflict' && payloadOf(one) === debt.payload)
      report('S13', `${one.id} is ${row.status} for a conflict, though it was refused only because it had been applied.`)
  }

  return {
    see(fact) {
      if (fact.type === 'committed') fact.changes.forEach(givenUp)
      if (fact.type !== 'served' && fact.type !== 'sent') return
      for (const { key } of fact.request.writes) {
        const one = register.byKey(fact.request.user, key)
        if (one === undefined || one.isTainted) continue
        if (fact.type === 'sent') sent(one, key)
        else if (fact.status === 412 || fact.status === 409) refused(one, key)
      }
    },
  }
}

function payloadOf({ row }: Known): string {
  return JSON.stringify(row.payload ?? null)
}
