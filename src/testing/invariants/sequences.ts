import type { JsonObject } from '../../core/json.ts'
import type { OperationRow } from '../../core/operation.ts'
import { isLosing } from '../faults/kinds.ts'
import type { Fact } from '../world/facts.ts'
import type { Effect } from '../world/model-server.ts'
import type { Checker } from './invariant.ts'
import { applied } from './merging.ts'
import { textOf } from './strategies.ts'

type Content = Pick<OperationRow, 'type' | 'payload'>

/** S16: what the server has after a merged operation is what it would have if each of those that it took over had come alone, in order. */
export const sequences: Checker = ({ register }, report) => {
  /** Each as it was asked for, or last edited. */
  const asked = new Map<string, Content>()
  /** By the survivor: what it has taken over. */
  const taken = new Map<string, readonly Content[]>()

  function committed({ changes }: Extract<Fact, { type: 'committed' }>): void {
    for (const { before, row } of changes) {
      if (row?.status === 'superseded' && row.supersededBy !== undefined && before?.status === 'queued') {
        const older = [...(taken.get(row.id) ?? []), asked.get(row.id) ?? row]
        taken.set(row.supersededBy, [...(taken.get(row.supersededBy) ?? []), ...older])
      }
    }
    for (const { before, row } of changes) {
      if (row === undefined) continue
      const isMerge = row.status === 'sending' && before?.status === 'queued'
      const isEdit = before !== undefined && !isMerge && textOf(row.payload) !== textOf(before.payload)
      if (isEdit) taken.delete(row.id)
      if (isEdit || before === undefined) asked.set(row.id, row)
    }
  }

  function took({ user, key, before, after }: Effect): void {
    const one = register.byKey(user, key)
    const own = one === undefined ? undefined : asked.get(one.id)
    if (one === undefined || own === undefined || one.isTainted || one.row.idempotencyKey !== key) return
    const older = taken.get(one.id)
    if (older === undefined) return
    const wanted = [...older, own].reduce<JsonObject | undefined>(applied, before)
    if (textOf(wanted) !== textOf(after))
      report(
        'S16',
        `${one.id} with the ${older.length} before it left ${textOf(after)}; one after the other they make ${textOf(wanted)}.`,
      )
  }

  function forget(device: string): void {
    for (const id of asked.keys()) if (register.byId(id)?.device === device) asked.delete(id)
  }

  return {
    see(fact) {
      if (fact.type === 'committed') committed(fact)
      else if (fact.type === 'fault' && isLosing(fact.kind)) forget(fact.where)
      else if (fact.type === 'served') for (const effect of fact.effects) took(effect)
    },
  }
}
