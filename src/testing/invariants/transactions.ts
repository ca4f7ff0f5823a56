import { isTerminal, type OperationRow } from '../../core/operation.ts'
import { sameJson } from '../../core/same-json.ts'
import type { Fact } from '../world/facts.ts'
import type { Effect } from '../world/model-server.ts'
import { isJson } from './amounts.ts'
import type { Checker } from './invariant.ts'
import { undoneBy, type Known } from './register.ts'
import { textOf, unstamped } from './strategies.ts'

/** S31: of a transaction all is stored and applied, or nothing; or what was applied is taken back. */
export const transactions: Checker = ({ register }, report) => {
  /** In their order, by transaction. */
  const members = new Map<string, Known[]>()
  /** Creates that made what was not there. */
  const made = new Set<Known>()
  /** What has taken effect on the server. One that forgot some of its answers takes effect for those alone once more. */
  const applied = new Set<Known>()
  /** By entity, what was the last to change it. */
  const last = new Map<string, Known | undefined>()
  /** What another came after, or a backup has lost: there may be nothing of it to take back. */
  const overlaid = new Set<Known>()

  function isTainted(all: readonly Known[]): boolean {
    return all.some((one) => one.isTainted)
  }

  function stored({ changes, device }: Extract<Fact, { type: 'committed' }>): void {
    for (const { before, row } of changes) {
      const one = row === undefined || before !== undefined ? undefined : register.byId(row.id)
      const id = row?.transaction?.id
      if (one === undefined || id === undefined || members.get(id)?.includes(one)) continue
      members.set(id, [...(members.get(id) ?? []), one])
    }
    for (const id of new Set(changes.flatMap(({ row }) => row?.transaction?.id ?? []))) committed(device, id)
  }

  function committed(device: string, id: string): void {
    const all = members.get(id) ?? []
    const size = all[0]?.row.transaction?.size ?? 0
    if (isTainted(all)) return
    if (all.length !== size) report('S31', `${device} stored ${all.length} of the ${size} operations of transaction ${id}.`)
    if (all.some(isTogether) && new Set(all.map(({ row }) => row.status)).size > 1)
      report('S31', `${device} sends transaction ${id} as one, but its operations are ${statuses(all)}.`)
  }

  /** One request that is applied as a whole holds them all. */
  function served({ effects }: Extract<Fact, { type: 'served' }>): void {
    const hit = effects.flatMap(({ user, key }) => register.byKey(user, key) ?? [])
    for (const effect of effects) tookBack(effect)
    for (const effect of effects) overlay(effect)
    for (const one of hit) applied.add(one)
    for (const one of hit) {
      const all = members.get(one.row.transaction?.id ?? '') ?? []
      if (all.length === 0 || isTainted(all)) continue
      const missing = all.filter((other) => !hit.includes(other))
      if (isTogether(one)) {
        const left = missing.find((other) => other.row.transaction?.isMet === undefined && !applied.has(other))
        if (left !== undefined) report('S31', `The server took effect for ${one.id} without ${left.id} of the same transaction.`)
      } else ranAhead(one, all)
    }
  }

  /** What a create has met was made by others, before it. */
  function tookBack(effect: Effect): void {
    const { user, key, before, after } = effect
    const one = register.byKey(user, key)
    if (one !== undefined && before === undefined) made.add(one)
    const id = (one && undoneBy(one.row)) ?? ''
    const undone = register.byId(id)
    if (one === undefined || undone === undefined || undone.isTainted || undone.forgiven > 0) return
    if (after !== undefined) return tookMore(one, undone, effect)
    if (undone.row.type === 'create' && !made.has(undone))
      report('S31', `${id} was taken back by deleting ${textOf(before)}, which it had not made.`)
  }

  /**
   * What the device had enqueued behind it is to stay. An update behind a delete has nothing to be made on. What took another back brought the value of before
   * that, which may be of this one.
   */
  function tookMore(undo: Known, undone: Known, { before, after }: Effect): void {
    if (undone.row.type === 'delete') return
    for (const { id, lane, device, seq, row } of applied) {
      if (lane !== undo.lane || device !== undo.device || seq <= undone.seq || seq >= undo.seq || row.type !== 'update') continue
      if (undoneBy(row) !== undefined) continue
      const set = isJson(row.payload) ? unstamped(row.payload) : {}
      const taken = Object.keys(set).filter((key) => sameJson(before?.[key], set[key]) && !sameJson(after?.[key], set[key]))
      if (taken.length > 0)
        report('S31', `${undone.id} was taken back with ${taken.join(', ')} of ${id}, which was enqueued after it.`)
    }
  }

  function overlay({ user, key, entity, id }: Effect): void {
    const [path, one] = [`${entity}/${id}`, register.byKey(user, key)]
    const before = last.get(path)
    if (before !== undefined && before !== one) overlaid.add(before)
    last.set(path, one)
  }

  function restored(): void {
    for (const one of applied) overlaid.add(one)
    applied.clear()
  }

  function ranAhead(one: Known, all: readonly Known[]): void {
    const before = all.slice(0, all.indexOf(one)).find(({ row }) => row.status !== 'done')
    if (before !== undefined && one.forgiven === 0)
      report('S31', `The server took effect for ${one.id} though ${before.id}, which goes before it, is ${before.row.status}.`)
  }

  function ended(id: string, all: readonly Known[]): void {
    if (isTainted(all) || all.some(({ row }) => !isTerminal(row.status))) return
    const done = all.filter(({ row }) => row.status === 'done')
    if (done.length === all.length) return
    for (const one of done) {
      if (!changedSomething(one) || register.byKey(one.user, `${one.id}.undo`) !== undefined) continue
      if (isFollowed(one) || overlaid.has(one)) continue
      report('S31', `Transaction ${id} failed (${statuses(all)}), but ${one.id} was not taken back.`)
    }
  }

  /** What this device enqueued for the entity after it may have been meant to stay. */
  function isFollowed({ device, lane, seq }: Known): boolean {
    return [...register.all()].some((other) => other.device === device && other.lane === lane && other.seq > seq)
  }

  return {
    see(fact) {
      if (fact.type === 'committed') stored(fact)
      else if (fact.type === 'served') served(fact)
      else if (fact.type === 'fault' && fact.kind === 'restored-backup') restored()
    },
    end() {
      for (const [id, all] of members) ended(id, all)
    },
  }
}

function changedSomething({ row: { undo } }: Known): boolean {
  return undo !== undefined && !sameJson(undo.payload, {})
}

function isTogether({ row }: { readonly row: OperationRow }): boolean {
  return row.transaction?.sent === 'together'
}

function statuses(all: readonly Known[]): string {
  return all.map(({ id, row }) => `${id} ${row.status}`).join(', ')
}
