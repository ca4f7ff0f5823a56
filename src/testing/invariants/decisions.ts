import type { JsonObject } from '../../core/json.ts'
import type { ConflictRecord, OperationRow } from '../../core/operation.ts'
import { isObject } from '../../core/own.ts'
import type { Fact, RowChange } from '../world/facts.ts'
import type { Effect } from '../world/model-server.ts'
import { patched } from '../world/patched.ts'
import type { Checker } from './invariant.ts'
import { isSame, textOf, unstamped } from './strategies.ts'

/** What somebody decided, as it was written. */
interface Decided {
  readonly row: OperationRow
  /** What the entity is to be; undefined: the operation is to be sent as it is. */
  readonly value: JsonObject | undefined
  /** The server's version was looked at again since. */
  wasExamined: boolean
}

/**
 * S12: what a person decides about a conflict is decided once, and holds for the version that he saw: a value is what the entity becomes, what is given up
 * is never sent. L7: nobody is asked again about the same.
 */
export const decisions: Checker = ({ register }, report) => {
  /** What is being decided, by tab and conflict. */
  const asked = new Map<string, JsonObject | undefined>()
  /** By conflict: who has decided. */
  const deciders = new Map<string, string>()
  /** By operation. */
  const decided = new Map<string, Decided>()
  /** What the server has, by path; empty after a backup was put back, until it changes. */
  const versions = new Map<string, { version: number; value: JsonObject | undefined }>()

  function told({ tab, operation, conflict, decision, result }: Extract<Fact, { type: 'decision' }>): void {
    if (result === 'asked') asked.set(`${tab} ${conflict}`, typeof decision === 'string' ? undefined : decision.value)
    if (result !== 'done' || register.byId(operation)?.isTainted) return
    const other = deciders.get(conflict)
    if (other !== undefined) report('S12', `${conflict} of ${operation} was decided by ${tab}, though ${other} had decided it.`)
    deciders.set(conflict, tab)
  }

  function changed(tab: string, { before, row }: RowChange): void {
    if (row === undefined || before === undefined || register.byId(row.id)?.isTainted) return
    const [was, is] = [before.conflict, row.conflict]
    if (was?.resolution === 'pending' && is?.strategy === 'person' && is.id !== undefined && is.resolution !== 'pending') {
      if (is.resolution === 'remote' && row.status !== 'cancelled')
        report('S12', `${row.id} is ${row.status}, though it was decided that the server's stays.`)
      decided.set(row.id, { row, value: asked.get(`${tab} ${is.id}`), wasExamined: false })
      return
    }
    const one = decided.get(row.id)
    if (one !== undefined && before.status !== 'reconciling' && !isSame(before.payload, row.payload)) edited(one, before, row)
    if (one === undefined || before.status !== 'reconciling') return
    keepsRecord(one, row)
    one.wasExamined = true
    const isSameConflict = is?.id === one.row.conflict?.id && is?.remoteVersion === one.row.conflict?.remoteVersion
    if (row.status === 'parked' && is?.resolution === 'pending' && isSameConflict)
      report(
        'L7',
        `${row.id} waits for a decision about ${is?.id ?? ''} again, which was decided as ${one.row.conflict?.resolution}.`,
      )
  }

  /** What he thinks of then is made on what he was shown, too. */
  function edited(one: Decided, before: OperationRow, row: OperationRow): void {
    if (before.status === 'waiting') decided.set(row.id, { ...one, row, value: undefined })
    else decided.delete(row.id)
  }

  /** What was decided stays on record as it was, also where the operation meets it again. */
  function keepsRecord({ row: { conflict: was } }: Decided, { id, conflict: is }: OperationRow): void {
    if (is?.id !== was?.id || is === undefined || was === undefined || is.resolution === 'pending') return
    const [before, after] = [textOfRecord(was), textOfRecord(is)]
    if (before !== after) report('S12', `${id} was decided as ${before}, and is on record as ${after}.`)
  }

  function applied(effect: Effect): void {
    const { user, key, entity, id, version, before, after } = effect
    const known = versions.get(`/${entity}/${id}`)
    versions.set(`/${entity}/${id}`, { version, value: after })
    const operation = register.byKey(user, key)
    const one = operation === undefined ? undefined : decided.get(operation.id)
    if (operation === undefined || one === undefined || operation.isTainted || operation.forgiven > 0) return
    decided.delete(operation.id)
    if (operation.row.conflict?.id !== one.row.conflict?.id || known === undefined) return
    const { remoteVersion, remote } = one.row.conflict ?? {}
    const isAsSeen = before !== undefined && remoteVersion === String(known.version)
    if (!isAsSeen && !one.wasExamined && before !== undefined && remoteVersion !== undefined)
      return report('S12', `${operation.id} was decided on version ${remoteVersion}, and sent on version ${known.version}.`)
    if (!isAsSeen || after === undefined || remote === undefined) return
    if (one.value !== undefined && one.row.conflict?.resolution === 'value' && !isSame(unstamped(after), one.value))
      report('S12', `${operation.id} was decided to make ${textOf(one.value)}, but made ${textOf(after)}.`)
    const { type, payload } = one.row
    if (one.row.conflict?.resolution !== 'local' || !isObject(payload) || type === 'delete') return
    const wanted = unstamped(type === 'update' ? patched(after, payload) : payload)
    if (!isSame(unstamped(after), wanted))
      report('S12', `${operation.id} was decided to be sent as it is (${textOf(payload)}), but made ${textOf(after)}.`)
  }

  return {
    see(fact) {
      if (fact.type === 'decision') told(fact)
      else if (fact.type === 'served') fact.effects.forEach(applied)
      else if (fact.type === 'committed') for (const change of fact.changes) changed(fact.tab, change)
      else if (fact.type === 'fault' && fact.kind === 'restored-backup') versions.clear()
    },
  }
}

function textOfRecord({ resolution, strategy, remote }: ConflictRecord): string {
  return `${resolution} by ${strategy} against ${textOf(remote)}`
}
