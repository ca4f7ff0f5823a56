import { isTerminal, laneOf, type OperationRow } from '../../core/operation.ts'
import { isRecord } from '../../core/schema.ts'
import type { Fact } from '../world/facts.ts'
import { temporaryIdsIn } from '../world/naming.ts'
import type { Checker } from './invariant.ts'
import type { Known } from './register.ts'
import { BLINDING, rowsIn } from './replicas.ts'

type Committed = Extract<Fact, { type: 'committed' }>
type Shown = Extract<Fact, { type: 'shown' }>

/** From now on the server's id stands for the temporary one, which is in no two places of a world. */
export function noteGivenIds({ others }: Committed, given: Map<string, string>): void {
  for (const { key, movedTo } of rowsIn(others))
    if (typeof key === 'string' && typeof movedTo === 'string') given.set(key.slice(key.lastIndexOf('/') + 1), movedTo)
}

export function withGivenIds(text: string, given: ReadonlyMap<string, string>): string {
  return temporaryIdsIn(text).reduce((now, id) => now.replace(new RegExp(`\\b${id}\\b`, 'g'), given.get(id) ?? id), text)
}

/** A temporary id of one user on one device, and the one that the server gave. */
interface Name {
  readonly from: string
  readonly to: string
  /** The store had the entity by the server's id before: then both are seen until the answer is stored. */
  readonly wasPulled: boolean
}

/**
 * S9: what names an entity that is yet to be created is sent after that, by the id that the server gave; S14: a view shows one row of it at every
 * moment, by the one id or the other.
 */
export const names: Checker = ({ register, settings, valueOf, versionsOf, undone }, report) => {
  /** By device, user and temporary id: the create. */
  const creates = new Map<string, string>()
  /** By operation: the creates that were under way when it was made, or got its content. */
  const awaited = new Map<string, readonly string[]>()
  const renamed = new Map<string, Name[]>()
  /** By device: lanes of which there was ever a value, or a deletion. */
  const bases = new Map<string, Set<string>>()
  const deleted = new Set<string>()
  const blind = new Set<string>()
  /** By tab: of folders that it ever showed, which it shows now. */
  const views = new Map<string, Map<string, boolean>>()
  let shownLast: Shown | undefined

  function createOf(device: string, user: string, id: string): Known | undefined {
    let one = register.byId(creates.get(`${device} ${user} ${id}`) ?? '')
    while (one?.row.supersededBy !== undefined) one = register.byId(one.row.supersededBy)
    return one
  }

  function noteOperation(device: string, before: OperationRow | undefined, row: OperationRow): void {
    if (row.entity === 'folder' && row.type === 'create' && before === undefined)
      creates.set(`${device} ${row.user} ${row.entityId}`, row.id)
    if (row.type === 'delete') deleted.add(laneOf(row.user, row.entity, row.entityId))
    if (before !== undefined && JSON.stringify(before.payload) === JSON.stringify(row.payload)) return
    const parents = temporaryIdsIn(JSON.stringify(row.payload)).flatMap((id) => createOf(device, row.user, id) ?? [])
    awaited.set(
      row.id,
      parents.filter((one) => !isTerminal(one.row.status) && one.id !== row.id).map(({ id }) => id),
    )
  }

  /** Before it has left for the first time. */
  function leaves({ tab, device }: Committed, row: OperationRow): void {
    if (register.byId(row.id)?.isTainted === true || blind.has(device)) return
    for (const id of temporaryIdsIn(`${row.request?.path ?? ''} ${row.request?.body ?? ''}`)) {
      const create = createOf(device, row.user, id)
      if (create?.isTainted === false && create.row.status === 'done' && create.id !== row.id)
        report('S9', `${tab} sends ${row.id} with the temporary id ${id}, for which the server has given another.`)
    }
    for (const id of awaited.get(row.id) ?? []) {
      const parent = register.byId(id)
      if (isAwaitedBy(id, row.id)) continue
      if (parent?.isTainted === false && parent.row.status !== 'done' && parent.row.supersededBy === undefined)
        report('S9', `${tab} sends ${row.id} before ${id}, which creates what it names and is ${parent.row.status}.`)
    }
  }

  /** It can't wait for what waits for it. */
  function isAwaitedBy(id: string, other: string, met = new Set<string>()): boolean {
    if (met.has(id)) return false
    met.add(id)
    return (awaited.get(id) ?? []).some((next) => next === other || isAwaitedBy(next, other, met))
  }

  /** In a store that has forgotten which id the server gave, nobody can know it. */
  function noteForgotten({ device, others }: Committed): void {
    for (const text of others) {
      const [, user, id] = /^entities\/([^/]*)\/folder\/(temp\d+) removed$/.exec(text) ?? []
      if (user !== undefined && id !== undefined) creates.delete(`${device} ${user} ${id}`)
    }
  }

  function noteRows({ device, others }: Committed): void {
    const known = bases.get(device) ?? new Set()
    bases.set(device, known)
    const rows = rowsIn(others)
    for (const { key, movedTo } of rows) {
      if (typeof key !== 'string' || typeof movedTo !== 'string') continue
      const lane = `${key.slice(0, key.lastIndexOf('/') + 1)}${movedTo}`
      const own = renamed.get(device) ?? []
      renamed.set(device, [...own, { from: key, to: lane, wasPulled: known.has(lane) }])
    }
    for (const { key, value, deletedAt, movedTo } of rows) {
      if (typeof key !== 'string' || movedTo !== undefined) continue
      if (value !== undefined) known.add(key)
      if (deletedAt !== undefined) deleted.add(key)
    }
  }

  function committed(fact: Committed): void {
    for (const { before, row } of fact.changes) if (row !== undefined) noteOperation(fact.device, before, row)
    noteRows(fact)
    noteForgotten(fact)
    for (const { before, row } of fact.changes) if (row?.request !== undefined && before?.request === undefined) leaves(fact, row)
  }

  function shows(fact: Shown): void {
    const { tab, user, entity, id, value } = fact
    const own = views.get(tab) ?? new Map<string, boolean>()
    views.set(tab, own)
    own.set(laneOf(user, entity, id), value !== undefined)
    shownLast = fact
  }

  /** What one emission told of is complete once something else happens. */
  function lookAt({ tab, device, user }: Shown): void {
    const own = views.get(tab) ?? new Map<string, boolean>()
    for (const { from, to, wasPulled } of renamed.get(device) ?? []) {
      if (!from.startsWith(laneOf(user, 'folder', '')) || blind.has(device)) continue
      const [hasOld, hasNew] = [own.get(from) === true, own.get(to) === true]
      if (hasOld && hasNew && !wasPulled) report('S14', `${tab} shows both ${from} and ${to}, which are one.`)
      const isGone = deleted.has(from) || deleted.has(to)
      // Who never showed it has not heard of it yet.
      const isLost = !hasOld && !hasNew && (own.has(from) || own.has(to))
      if (isLost && !isGone) report('S14', `${tab} shows neither ${from} nor ${to}, which it is now.`)
    }
  }

  function referencesIn(value: unknown): readonly unknown[] {
    if (!isRecord(value)) return []
    const { folder, parent, meta } = value
    const also: unknown = isRecord(meta) ? meta['also'] : undefined
    return [folder, parent, ...(Array.isArray(also) ? also : [])].filter((id) => id !== undefined)
  }

  return {
    see(fact) {
      if (!settings.hasFolders) return
      const last = shownLast
      if (last !== undefined && !(fact.type === 'shown' && fact.tab === last.tab)) {
        shownLast = undefined
        lookAt(last)
      }
      if (fact.type === 'fault' && BLINDING.has(fact.kind)) blind.add(/^d\d+/.exec(fact.where)?.[0] ?? '')
      if (fact.type === 'tab' && fact.change === 'starting') views.delete(fact.tab)
      if (fact.type === 'committed') committed(fact)
      if (fact.type === 'shown' && fact.entity === 'folder') shows(fact)
    },
    end() {
      if (!settings.hasFolders || undone.size > 0) return
      const paths = versionsOf()
      for (const path of paths.keys())
        for (const id of referencesIn(valueOf(path)))
          if (!paths.has(`/folder/${String(id)}`) && !temporaryIdsIn(String(id)).includes(String(id)))
            report('S9', `${path} names the folder ${String(id)}, which the server never had.`)
    },
  }
}
