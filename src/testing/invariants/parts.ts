import { isRecord } from '../../core/schema.ts'
import type { Fact } from '../world/facts.ts'
import type { Place } from '../world/places.ts'
import type { Checker } from './invariant.ts'
import { baseOf, BLINDING, rowsIn, type Base } from './replicas.ts'

interface Held extends Base {
  readonly parts: ReadonlySet<string>
}

/** How far a part has been pulled. */
interface Run {
  readonly part: string
  readonly upTo: number
  readonly isPartial: boolean
}

interface Replica {
  readonly bases: Map<string, Held>
  /** By user, then by part. */
  readonly runs: Map<string, Map<string, Run>>
  isBlind: boolean
}

const ENTITY = 'note'

/**
 * Where parts of the notes are followed. S18: up to where a part has been pulled, everything in it is there, and known to be in it. S21: what has left it
 * is not kept for it, at the latest when it has been pulled to the end; and what is in it does not go because another part ends.
 */
export const parts: Checker = ({ partsOf, placesOf }, report) => {
  const devices = new Map<string, Replica>()
  /** From then on a version may stand for two different things. */
  let wasRestored = false

  function replicaOf(device: string): Replica {
    const one = devices.get(device) ?? { bases: new Map(), runs: new Map(), isBlind: false }
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
      const run = noteRun(replica, row)
      if (run !== undefined) pulled.add(run)
    }
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
  const run = { part: scope, upTo: typeof cursor === 'string' ? Number(cursor.split(':')[1]) : 0, isPartial: isPartial === true }
  known.set(scope, run)
  return run
}

function keyOf(user: string, path: string): string {
  return `${user}${path.slice(0, path.lastIndexOf('/') + 1)}${decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))}`
}
