import { isRecord } from '../../core/schema.ts'
import type { Fact, Sent } from '../world/facts.ts'
import type { Place } from '../world/places.ts'
import type { Checker } from './invariant.ts'
import { isPull, partIn } from './pulls.ts'
import { baseOf, BLINDING, rowsIn, type Base } from './replicas.ts'

interface Held extends Base {
  readonly parts: ReadonlySet<string>
}

/** How far a part has been pulled. */
interface Run {
  readonly part: string
  readonly upTo: number
  readonly isPartial: boolean
  readonly hasCursor: boolean
}

interface Replica {
  readonly bases: Map<string, Held>
  /** By user, then by part. */
  readonly runs: Map<string, Map<string, Run>>
  isBlind: boolean
  /** Somebody has asked for everything anew. */
  isAsked: boolean
}

const ENTITY = 'note'

/**
 * Where parts of the notes are followed. S18: up to where a part has been pulled, everything in it is there, and known to be in it. S21: what has left it
 * is not kept for it, at the latest when it has been pulled to the end; what is in it does not go because another part ends; and it is pulled anew only if
 * its own cursor has expired, or somebody asks for that.
 */
export const parts: Checker = ({ partsOf, placesOf }, report) => {
  const devices = new Map<string, Replica>()
  /** From then on a version may stand for two different things. */
  let wasRestored = false
  /** By tab and part: the last answer was that the cursor has expired. */
  const expired = new Set<string>()

  function replicaOf(device: string): Replica {
    const one = devices.get(device) ?? { bases: new Map(), runs: new Map(), isBlind: false, isAsked: false }
    devices.set(device, one)
    return one
  }

  function committed({ tab, device, others }: Extract<Fact, { type: 'committed' }>): void {
    const replica = replicaOf(device)
    if (replica.isBlind) return
    const written = new Set<string>()
    const pulled = new Set<Run>()
    for (const row of rowsIn(others)) {
      const held = heldOf(row)
      if (held !== undefined) written.add(held.key)
      if (held !== undefined) replica.bases.set(held.key, held)
      if (isForAll(row)) replica.isAsked = true
      const known = runIn(replica, row)
      const run = noteRun(replica, row)
      if (run !== undefined) begun(tab, replica, known, run)
      if (run !== undefined) pulled.add(run)
    }
    for (const row of rowsIn(others)) followed(tab, replica, row)
    if (written.size === 0 && pulled.size === 0) return
    for (const [user, runs] of replica.runs)
      for (const run of runs.values()) {
        const isPulled = pulled.has(run)
        for (const place of placesOf(ENTITY, run.part)) {
          const key = keyOf(user, place.path)
          if (isPulled || written.has(key)) judge(tab, run, place, replica.bases.get(key))
        }
      }
  }

  function followed(tab: string, { bases }: Replica, { name, parts: all }: Record<string, unknown>): void {
    if (typeof name !== 'string' || !name.startsWith('pull/') || !name.endsWith(`/${ENTITY}`) || !Array.isArray(all)) return
    for (const { key, isGone, parts: holders } of bases.values()) {
      if (isGone || holders.size === 0 || [...holders].some((part) => all.includes(part))) continue
      if (key.startsWith(`${name.slice('pull/'.length)}/`))
        report('S21', `${tab} still keeps ${key} for ${[...holders].join(' and ')}, which is followed no more.`)
    }
  }

  function begun(tab: string, { isAsked }: Replica, known: Run | undefined, { part, hasCursor }: Run): void {
    if (hasCursor || known?.hasCursor !== true || isAsked || expired.has(`${tab} ${part}`)) return
    report('S21', `${tab} pulls ${part} anew, though it has come to ${known.upTo} and may go on there.`)
  }

  function judge(
    tab: string,
    { part, upTo, isPartial }: Run,
    { path, position, isMember, resource }: Place,
    held: Held | undefined,
  ): void {
    if (position > upTo) return
    const isThere = held !== undefined && !held.isGone
    if (!isMember && !isPartial && isThere && held.parts.has(part))
      report('S21', `${tab} has pulled ${part} up to ${upTo} and still keeps ${path} for it, which left it by ${position}.`)
    if (!isMember) return
    if (!isThere)
      report('S21', `${tab} has pulled ${part} up to ${upTo}, but ${path} is not there, which has been in it since ${position}.`)
    else if (held.version < resource.version || !held.parts.has(part))
      report('S18', `${tab} has pulled ${part} up to ${upTo}, but ${path} is not there as of ${position}, and held by that.`)
  }

  return {
    see(fact) {
      if (fact.type === 'fault' && fact.kind === 'restored-backup') wasRestored = true
      if (fact.type === 'fault' && BLINDING.has(fact.kind)) replicaOf(/^d\d+/.exec(fact.where)?.[0] ?? '').isBlind = true
      if (fact.type === 'sent' && isPull(fact.request.path)) expired.delete(pullOf(fact.request))
      if (fact.type === 'answered' && isPull(fact.request.path) && fact.answer === '410') expired.add(pullOf(fact.request))
      if (fact.type === 'committed' && !wasRestored && fact.others.length > 0 && partsOf(fact.device) !== undefined)
        committed(fact)
    },
  }
}

function heldOf(row: Record<string, unknown>): Held | undefined {
  const base = baseOf(row)
  if (base === undefined) return undefined
  return { ...base, parts: new Set(isRecord(row['scopes']) ? Object.keys(row['scopes']) : []) }
}

function pullOf({ tab, path }: Sent): string {
  return `${tab} ${partIn(path)}`
}

/** A request of somebody who wants everything anew. */
function isForAll({ requests }: Record<string, unknown>): boolean {
  return Array.isArray(requests) && requests.some((one: unknown) => isRecord(one) && one['full'] === true)
}

function runIn({ runs }: Replica, { name, scope }: Record<string, unknown>): Run | undefined {
  return typeof name === 'string' && typeof scope === 'string' ? runs.get(name.split('/')[1] ?? '')?.get(scope) : undefined
}

/** How far a part has come, if a row says so. That of the whole names the parts, and ends the others. */
function noteRun({ runs }: Replica, { name, scope, parts: all, cursor, isPartial }: Record<string, unknown>): Run | undefined {
  const [kind, user = '', entity] = typeof name === 'string' ? name.split('/') : []
  if (kind !== 'pull' || entity !== ENTITY) return undefined
  const known = runs.get(user) ?? new Map<string, Run>()
  runs.set(user, known)
  if (typeof scope !== 'string') {
    for (const part of known.keys()) if (!Array.isArray(all) || !all.includes(part)) known.delete(part)
    return undefined
  }
  const hasCursor = typeof cursor === 'string'
  const upTo = hasCursor ? Number(cursor.split(':')[1]) : 0
  const run = { part: scope, upTo, isPartial: isPartial === true, hasCursor }
  known.set(scope, run)
  return run
}

function keyOf(user: string, path: string): string {
  return `${user}${path.slice(0, path.lastIndexOf('/') + 1)}${decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))}`
}
