import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'
import { baseOf, BLINDING, rowsIn, type Base } from './replicas.ts'

interface Stored extends Base {
  readonly at: number
}

/** How far a pull has come, as its row says. */
interface Run {
  readonly generation: number
  readonly isPartial: boolean
  readonly completeAt: number | undefined
  readonly reached: number
  readonly begunAt: number
}

interface Pulls {
  readonly bases: Map<string, Stored>
  readonly runs: Map<string, Run>
  isBlind: boolean
}

/**
 * S18: what a page brings is stored with how far it reaches. S21: a pull is complete only with the server's last page; then nothing remains that the server
 * has not had since the pull began, and nothing is gone that it has.
 */
export const pulls: Checker = ({ settings, now, partsOf, placesOf, valueOf, versionsOf }, report) => {
  const devices = new Map<string, Pulls>()
  /** When a path last lost its value. */
  const goneAt = new Map<string, number>()
  let restoredAt = -Infinity
  /** What the newest version was when the request was served. */
  const servedAs = new Map<number, number>()
  /** By tab and kind of entity, for the last answer that came. */
  const answeredAs = new Map<string, number>()

  function pullsOf(device: string): Pulls {
    const one = devices.get(device) ?? { bases: new Map(), runs: new Map(), isBlind: false }
    devices.set(device, one)
    return one
  }

  /** Of what was asked for; what left a part before the first pull of it began is not told. */
  function newestOf(path: string, asOf: number): number {
    const leftAfter = Number(new URL(path, 'http://server.test').searchParams.get('cursor')?.split(':')[2] ?? Infinity)
    const told = placesOf(kindIn(path), partIn(path)).filter(
      ({ position, isMember }) => position <= asOf && (partIn(path) === undefined || isMember || position > leftAfter),
    )
    return told.reduce((newest, { position }) => Math.max(newest, position), 0)
  }

  function served({ request, status, effects, asOf = Infinity }: Extract<Fact, { type: 'served' }>): void {
    for (const { entity, id, after } of effects) if (after === undefined) goneAt.set(pathOf(entity, id), now())
    if (isPull(request.path) && (status === 200 || status === 304)) servedAs.set(request.number, newestOf(request.path, asOf))
  }

  function answered({ request }: Extract<Fact, { type: 'answered' }>): void {
    const known = servedAs.get(request.number)
    servedAs.delete(request.number)
    if (known !== undefined) answeredAs.set(`${request.tab} ${pulledIn(kindIn(request.path), partIn(request.path))}`, known)
  }

  function committed({ tab, device, changes, others }: Extract<Fact, { type: 'committed' }>): void {
    const rows = rowsIn(others)
    if (rows.length === 0) return
    const { bases, runs, isBlind } = pullsOf(device)
    const before = new Map<string, Stored | undefined>()
    for (const row of rows) {
      const base = baseOf(row)
      if (base === undefined) continue
      before.set(base.key, bases.get(base.key))
      bases.set(base.key, { ...base, at: now() })
    }
    const isPage = before.size > 0 && changes.length === 0
    let hasCursor = false
    for (const row of rows) {
      if (typeof row['name'] !== 'string' || !row['name'].startsWith('pull/')) continue
      hasCursor = true
      const [name, known] = [row['name'], runs.get(row['name'])]
      const run = runOf(row, known, now())
      runs.set(name, run)
      if (!isBlind && !run.isPartial && run.completeAt !== known?.completeAt)
        completed(tab, name, run, known, bases, row['scope'])
    }
    // Where nothing is followed any more, it reaches as far as it did.
    const isSwept =
      partsOf(device) !== undefined && [...before].every(([key, was]) => was !== undefined && isSweptAs(was, bases.get(key)))
    const isRenewed = settings.shapes !== 'none' && [...before].every(([key, was]) => isSameState(was, bases.get(key)))
    if (!isBlind && isPage && !hasCursor && !isSwept && !isRenewed)
      report('S18', `${tab} stored ${[...before.keys()].join(', ')}, but not how far that reaches.`)
    if (!isBlind && isPage) swept(tab, before, pullsOf(device), partsOf(device) !== undefined)
  }

  function completed(tab: string, name: string, run: Run, known: Run | undefined, bases: Pulls['bases'], part: unknown): void {
    const [, user = '', entity = ''] = name.split('/')
    const there = answeredAs.get(`${tab} ${pulledIn(entity, part)}`)
    if (there !== undefined && run.reached < there)
      report('S21', `${tab} has ${entity} as pulled completely up to ${run.reached}, but the server had told of ${there}.`)
    // What is left of a part may be in another.
    if (part !== undefined || known?.isPartial !== true || restoredAt >= known.begunAt) return
    for (const { key, at, isGone } of bases.values()) {
      if (isGone || at >= known.begunAt || !key.startsWith(`${user}/${entity}/`)) continue
      const path = pathOf(entity, key.slice(user.length + entity.length + 2))
      if (valueOf(path) === undefined && (goneAt.get(path) ?? -Infinity) < known.begunAt)
        report('S21', `${tab} has pulled all of ${entity} anew and still keeps ${key}, which the server had not.`)
    }
  }

  /** What a page tells of is gone with a version of its own. */
  function swept(tab: string, before: ReadonlyMap<string, Stored | undefined>, { bases, runs }: Pulls, hasParts: boolean): void {
    const swept = [...before].filter(([key, was]) => was?.isGone === false && isSweptAs(was, bases.get(key)))
    if (swept.length === 0) return
    const versions = versionsOf()
    for (const [key, was] of swept) {
      const [user = '', entity = '', id = ''] = key.split('/')
      const path = pathOf(entity, id)
      if (hasParts && entity === 'note') continue
      // What its pages told may be of before that.
      if (restoredAt >= (runs.get(`pull/${user}/${entity}`)?.begunAt ?? now())) continue
      if (versions.get(path) === was?.version && valueOf(path) !== undefined)
        report('S21', `${tab} removed ${key} at the end of a pull, though the server has it.`)
    }
  }

  return {
    see(fact) {
      if (fact.type === 'served') served(fact)
      else if (fact.type === 'answered' && fact.request.method === 'GET') answered(fact)
      else if (fact.type === 'committed' && fact.others.length > 0) committed(fact)
      else if (fact.type !== 'fault') return
      else if (BLINDING.has(fact.kind)) pullsOf(/^d\d+/.exec(fact.where)?.[0] ?? '').isBlind = true
      else if (fact.kind === 'restored-backup') restoredAt = now()
    },
  }
}

function isSweptAs(was: Stored, base: Stored | undefined): boolean {
  return base?.isGone === true && base.version === was.version
}

function runOf({ generation, isPartial, completeAt, cursor }: Record<string, unknown>, known: Run | undefined, at: number): Run {
  const number = typeof generation === 'number' ? generation : 0
  return {
    generation: number,
    isPartial: isPartial === true,
    completeAt: typeof completeAt === 'number' ? completeAt : undefined,
    reached: typeof cursor === 'string' ? Number(cursor.split(':')[1]) : 0,
    begunAt: known?.generation === number ? known.begunAt : at,
  }
}

export function isPull(path: string): boolean {
  return /^\/[^/]+\?/.test(path)
}

/** The part that is asked for; undefined: all. */
export function partIn(path: string): string | undefined {
  return new URL(path, 'http://server.test').searchParams.get('scope') ?? undefined
}

function pulledIn(entity: string, part: unknown): string {
  return typeof part === 'string' ? `${entity} ${part}` : entity
}

export function kindIn(path: string): string {
  return /^\/(\w+)/.exec(path)?.[1] ?? ''
}

function pathOf(entity: string, id: string): string {
  return `/${entity}/${encodeURIComponent(id)}`
}

/** Only what it is stored as is another: a newer build of the application has migrated it. */
function isSameState(was: Base | undefined, is: Base | undefined): boolean {
  return (
    was !== undefined &&
    is !== undefined &&
    was.version === is.version &&
    was.isGone === is.isGone &&
    was.generation === is.generation
  )
}
