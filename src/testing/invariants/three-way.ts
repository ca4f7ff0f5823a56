import type { Json, JsonObject } from '../../core/json.ts'
import { wireKey, type OperationRow } from '../../core/operation.ts'
import { isObject } from '../../core/own.ts'
import type { Fact, RowChange } from '../world/facts.ts'
import { patched, type Effect } from '../world/model-server.ts'
import type { Checker } from './invariant.ts'

/** What an update was made on, and what it made of that. */
interface Sides {
  readonly base: JsonObject
  readonly local: JsonObject
}

/**
 * S12: of the fields that an update and the server changed since, each that only one side changed survives; nothing is called a conflict that is none;
 * and where one value must give way to the other, the row keeps it.
 */
export const threeWay: Checker = ({ register, settings, valueOf }, report) => {
  const versions = new Map<string, JsonObject | undefined>()
  /** What each tab was last shown of an entity. */
  const looks = new Map<string, JsonObject | undefined>()
  /** The version that each operation was made on, however often it was sent again on a newer one. */
  const madeOn = new Map<string, string | undefined>()
  const resent = new Map<string, Sides & { readonly row: OperationRow }>()

  function sidesOf({ id, entity, entityId, baseVersion, payload }: OperationRow): Sides | undefined {
    if (!madeOn.has(id)) madeOn.set(id, baseVersion)
    const base = versions.get(`/${entity}/${entityId}@${madeOn.get(id)}`)
    return base === undefined || !isObject(payload) ? undefined : { base, local: patched(base, payload) }
  }

  function decided(tab: string, { before, row }: RowChange): void {
    if (before?.status !== 'reconciling' || before.type !== 'update' || row === undefined) return
    if (register.byId(row.id)?.isTainted) return
    const sides = sidesOf(before)
    if (sides === undefined) return
    if (row.status === 'sending') resent.set(`${row.user} ${wireKey(row)}`, { ...sides, row })
    const remote = looks.get(`${tab} /${row.entity}/${row.entityId}`)
    if (remote === undefined) return
    if (row.status === 'done' && isMissing(before, remote))
      report('S12', `${row.id} is done, but it made ${textOf(before.payload)}, and the server has ${textOf(remote)}.`)
    const isRefused = row.status === 'rollingBack' || (row.status === 'parked' && row.lastError?.code === 'conflict')
    if (isRefused && disputed(sides, remote).length === 0)
      report('S12', `${row.id} was given up for a conflict, but no field was changed on both sides: ${inWords(sides, remote)}.`)
  }

  function applied({ user, key, method, before: remote, after }: Effect): void {
    const sides = resent.get(`${user} ${key}`)
    if (sides === undefined || method !== 'PATCH' || remote === undefined || after === undefined) return
    const conflicts = disputed(sides, remote)
    for (const field of conflicts) {
      const kept = sides.row.conflict?.remote
      if (isSame(after[field], remote[field]) || (isObject(kept) && isSame(kept[field], remote[field]))) continue
      report('S12', `${sides.row.id} replaced the server's ${field}, and its row does not tell what that was.`)
    }
    if (conflicts.length > 0 && settings.conflict !== 'merge') return
    for (const field of fieldsOf(sides.base, sides.local, remote)) {
      const wanted = isSame(sides.local[field], sides.base[field]) ? remote[field] : sides.local[field]
      if (!isSame(after[field], wanted))
        report('S12', `${sides.row.id} left ${field} as ${textOf(after[field])}: ${inWords(sides, remote)}.`)
    }
  }

  function served({ request, effects }: Extract<Fact, { type: 'served' }>): void {
    if (request.method === 'GET') looks.set(`${request.tab} ${request.path}`, valueOf(request.path))
    for (const effect of effects) {
      applied(effect)
      versions.set(`/${effect.entity}/${effect.id}@${effect.version}`, effect.after)
    }
  }

  return {
    see(fact) {
      if (fact.type === 'committed') for (const change of fact.changes) decided(fact.tab, change)
      if (fact.type === 'served') served(fact)
    },
  }
}

/** Fields that both sides changed, each to something else. */
function disputed({ base, local }: Sides, remote: JsonObject): readonly string[] {
  return fieldsOf(base, local, remote).filter(
    (field) => !isSame(local[field], base[field]) && !isSame(remote[field], base[field]) && !isSame(local[field], remote[field]),
  )
}

function isMissing({ payload }: OperationRow, remote: JsonObject): boolean {
  return isObject(payload) && textOf(patched(remote, payload)) !== textOf(remote)
}

function fieldsOf(...values: readonly JsonObject[]): readonly string[] {
  return [...new Set(values.flatMap((value) => Object.keys(value)))]
}

function isSame(one: Json | undefined, other: Json | undefined): boolean {
  return textOf(one) === textOf(other)
}

function inWords({ base, local }: Sides, remote: JsonObject): string {
  return `of ${textOf(base)} it made ${textOf(local)}, and the server ${textOf(remote)}`
}

/** Fields in the order of their names. */
export function textOf(value: Json | undefined): string {
  if (value === undefined || !isObject(value)) return JSON.stringify(value ?? null)
  return JSON.stringify(Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))))
}
