import { isDecay } from '../faults/kinds.ts'
import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'
import type { Known } from './register.ts'

/**
 * S9, S17: nothing is sent before what it depends on is done, also where the store has forgotten that or where it can't be read, and what others depend
 * on is not merged.
 */
export const dependencies: Checker = ({ register }, report) => {
  /** Rows that can't be read, by device and number, until they are written anew or gone. */
  const damaged = new Set<string>()

  function successorOf(id: string): Known | undefined {
    const one = register.byId(id)
    return one?.row.supersededBy === undefined ? one : successorOf(one.row.supersededBy)
  }

  function sent(tab: string, one: Known): void {
    for (const id of one.row.dependsOn ?? []) {
      const other = successorOf(id)
      if (other === undefined || other.row.status === 'done') continue
      const isDamaged = damaged.has(`${other.device}/${other.seq}`)
      if (other.isTainted && !isDamaged) continue
      const state = isDamaged ? 'unreadable' : other.row.status
      report('S9', `${tab} sent ${one.id} though it depends on ${other.id}, which is ${state}.`)
    }
  }

  function merged({ changes, device }: Extract<Fact, { type: 'committed' }>): void {
    const ids = new Set(
      changes.flatMap(({ before, row }) =>
        row?.status === 'superseded' && before?.status === 'queued' ? [row.id, row.supersededBy] : [],
      ),
    )
    if (ids.size === 0) return
    for (const { id, device: home, row, isTainted, isStored } of register.all()) {
      if (home !== device || isTainted || !isStored) continue
      const on = row.dependsOn?.find((other) => ids.has(other) && !register.byId(other)?.isTainted)
      if (on !== undefined) report('S17', `${on} was merged though ${id} depends on it.`)
    }
  }

  return {
    see(fact) {
      if (fact.type === 'committed') {
        merged(fact)
        for (const { seq } of fact.changes) damaged.delete(`${fact.device}/${seq}`)
      }
      if (fact.type === 'fault')
        for (const seq of fact.seqs) {
          if (fact.kind === 'corrupt-row') damaged.add(`${fact.where}/${seq}`)
          else if (!isDecay(fact.kind)) damaged.delete(`${fact.where}/${seq}`)
        }
      if (fact.type !== 'sent') return
      for (const { key } of fact.request.writes) {
        const one = register.byKey(fact.request.user, key)
        if (one !== undefined && !one.isTainted) sent(fact.request.tab, one)
      }
    },
  }
}
