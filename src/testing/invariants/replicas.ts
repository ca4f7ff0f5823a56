import { isRecord } from '../../core/schema.ts'
import { DECAY_FAULTS } from '../faults/kinds.ts'
import type { Fact } from '../world/facts.ts'
import { isRefused } from '../world/schemas.ts'
import type { Checker } from './invariant.ts'

/** A row of an entity, as far as it is judged here. */
export interface Base {
  readonly key: string
  /** Infinity where it is not known: after a delete whose answer told none, nothing that was asked for before it is taken. */
  readonly version: number
  readonly isGone: boolean
  readonly generation: number
}

interface Replica {
  readonly bases: Map<string, Base>
  /** What is on the disk is not what was committed: nothing more is said of it. */
  isBlind: boolean
}

/** What is on the disk is not what was committed any more. */
export const BLINDING: ReadonlySet<string> = new Set(['power-loss', 'evicted', 'torn-write', 'logged-out', ...DECAY_FAULTS])

/**
 * S18: how far a pull has come and what it has brought are one commit, and nothing before that point is missing. S19: an older version never takes
 * the place of a newer one, nor does an older change bring back what is gone.
 */
export const replicas: Checker = ({ settings, versionsOf, valueOf, partsOf }, report) => {
  const devices = new Map<string, Replica>()
  /** From then on a version may stand for two different things. */
  let wasRestored = false

  function replicaOf(device: string): Replica {
    const one = devices.get(device) ?? { bases: new Map(), isBlind: false }
    devices.set(device, one)
    return one
  }

  /** With parts, a version may stand for the entity and for that it has left one of them. */
  function written({ bases }: Replica, tab: string, base: Base, hasParts: boolean): void {
    const before = bases.get(base.key)
    bases.set(base.key, base)
    if (before === undefined || before.generation < base.generation || before.version === Infinity) return
    if (base.version < before.version)
      report('S19', `${tab} wrote version ${base.version} of ${base.key} over version ${before.version}.`)
    if (!hasParts && before.isGone && !base.isGone && base.version <= before.version)
      report(
        'S19',
        `${tab} brought ${base.key} back with version ${base.version}, though it went with version ${before.version}.`,
      )
  }

  function reached({ bases }: Replica, tab: string, device: string, name: string, cursor: string): void {
    const [, user = '', entity = ''] = name.split('/')
    const upTo = Number(cursor.split(':')[1])
    for (const [path, version] of versionsOf()) {
      const [, kind = '', id = ''] = path.split('/')
      if (kind !== entity || version > upTo || isRefused(settings, device, kind, valueOf(path))) continue
      const base = bases.get(`${user}/${entity}/${decodeURIComponent(id)}`)
      if (base === undefined || base.version < version)
        report('S18', `${tab} has pulled up to ${upTo}, but not version ${version} of ${path}.`)
    }
  }

  function committed({ tab, device, others }: Extract<Fact, { type: 'committed' }>): void {
    const replica = replicaOf(device)
    if (replica.isBlind || wasRestored) return
    const rows = rowsIn(others)
    for (const row of rows) {
      const base = baseOf(row)
      if (base !== undefined) written(replica, tab, base, partsOf(device) !== undefined)
    }
    for (const { name, scope, cursor } of rows)
      if (scope === undefined && typeof name === 'string' && name.startsWith('pull/') && typeof cursor === 'string')
        reached(replica, tab, device, name, cursor)
  }

  return {
    see(fact) {
      if (fact.type === 'fault' && fact.kind === 'restored-backup') wasRestored = true
      if (fact.type === 'fault' && BLINDING.has(fact.kind)) replicaOf(/^d\d+/.exec(fact.where)?.[0] ?? '').isBlind = true
      if (fact.type === 'committed' && fact.others.length > 0) committed(fact)
    },
  }
}

/** What was written beside operations is told as the name of its collection and its text. */
export function rowsIn(others: readonly string[]): readonly Record<string, unknown>[] {
  const known = parsed.get(others) ?? others.map(rowIn).filter((row) => row !== undefined)
  parsed.set(others, known)
  return known
}

/** Several checkers read the same commit. */
const parsed = new WeakMap<readonly string[], readonly Record<string, unknown>[]>()

function rowIn(text: string): Record<string, unknown> | undefined {
  const found = /^(?:entities|meta) (\{.*)$/s.exec(text)?.[1]
  if (found === undefined) return undefined
  const row: unknown = JSON.parse(found)
  return isRecord(row) ? row : undefined
}

export function baseOf(row: Record<string, unknown>): Base | undefined {
  const { key, version, deletedAt, generation, answeredIn = generation } = row
  if (typeof key !== 'string') return undefined
  return {
    key,
    version: version === undefined ? Infinity : Number(version),
    isGone: deletedAt !== undefined,
    generation: typeof answeredIn === 'number' ? answeredIn : 0,
  }
}
