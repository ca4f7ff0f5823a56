import { expect } from 'vitest'
import type { Json } from '../../src/core/json.ts'
import { laneOf, type OperationRow } from '../../src/core/operation.ts'
import type { Change } from '../../src/core/ports.ts'
import { pullRowName, type PullRow } from '../../src/core/pull-row.ts'
import { STORE_SCHEMA, type EntityRow } from '../../src/core/schema.ts'
import { createReplica } from '../../src/engine/replica.ts'
import type { Writer } from '../../src/engine/replica-writes.ts'
import { createStore } from '../../src/engine/store.ts'
import { memoryStorage } from '../../src/adapters/memory.ts'
import { row } from '../core/coalesce-world.ts'
import { faultyStorage } from '../support/faulty-storage.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const USER = 'u'
export const IDS = ['a', 'b'] as const
export const SCOPES = ['p1', 'p2'] as const
/** Where an entity may be: in one part or both, where nobody follows it, or nowhere. */
export const PLACES = ['p1', 'p2', 'both', 'p9', undefined] as const

export type Place = (typeof PLACES)[number]
export type Scheme = 'numbers' | 'opaque'

interface Version {
  readonly index: number
  readonly version: string
  readonly place: Place
  readonly position: number
}

/** A server that tells of a scope what came, changed and left. */
function scopedServer(scheme: Scheme) {
  const histories = new Map<string, Version[]>()
  let end = 0
  /** Up to here no copy lags behind. */
  let shared = 0

  const history = (id: string): readonly Version[] => histories.get(id) ?? []
  const head = (id: string): Version | undefined => history(id).at(-1)

  function changeIn(id: string, scope: string, leftAfter: number, asOf: number): Listed | undefined {
    const known = history(id).filter(({ position }) => position <= asOf)
    const newest = known.at(-1)
    if (newest === undefined) return undefined
    const { version } = newest
    if (isIn(newest, scope)) return { position: newest.position, change: { id, version, value: valueOf(id, newest) as never } }
    const left = known.findLast((one, at) => !isIn(one, scope) && isIn(known[at - 1], scope))
    return left === undefined || left.position <= leftAfter
      ? undefined
      : { position: left.position, change: { id, version, deleted: true } }
  }

  return {
    head,
    history,
    end: () => end,
    write(id: string, place: Place): Version {
      const index = history(id).length
      const version = scheme === 'numbers' ? String(end + 1) : `${id}-${((index + 1) * 7_919) % 1_000}x`
      const made = { index, version, place, position: ++end }
      histories.set(id, [...history(id), made])
      return made
    },
    /** A delete, whose answer names no version: of a page of a copy that does not know of it nobody could tell that it is older. */
    share(position: number): void {
      shared = Math.max(shared, position)
    },
    /** From a copy that lags behind by so many changes, but not so far that it lacks what the client has pulled. */
    page(scope: string, after: number, begunAt: number, limit: number, lag: number) {
      const asOf = Math.max(after, begunAt, shared, end - lag)
      const all = IDS.flatMap((id) => changeIn(id, scope, Math.max(after, begunAt), asOf) ?? [])
        .filter(({ position }) => position > after)
        .toSorted((a, b) => a.position - b.position)
      const changes = all.slice(0, limit)
      const hasMore = all.length > limit
      return {
        changes: changes.map(({ change }) => change),
        hasMore,
        cursor: hasMore ? (changes.at(-1)?.position ?? after) : asOf,
      }
    },
  }
}

interface Listed {
  readonly position: number
  readonly change: Change
}

export function isIn(version: Version | undefined, scope: string): boolean {
  return version?.place === scope || version?.place === 'both'
}

export function valueOf(id: string, { place, index }: Version): Json {
  return { id, place: place ?? null, index }
}

/** A replica that follows parts of a server's entity. */
export async function makeScopedReplica(scheme: Scheme) {
  const server = scopedServer(scheme)
  const memory = memoryStorage()
  const storage = faultyStorage(memory)
  await storage.open(STORE_SCHEMA)
  const store = createStore(storage)
  const clock = createVirtualClock()
  const make = () => createReplica(store, USER, clock, () => ({}))
  let writer: Writer = { epoch: 1, signal: new AbortController().signal }
  let replica = make()
  let inFlight: { page: ReturnType<typeof server.page>; row: PullRow } | undefined
  /** By scope: where the server stood when its pull from the beginning began. */
  const begunAt = new Map<string, number>()
  const unanswered = new Map<string, { operation: OperationRow; made: Version; theirs?: 'kept' }>()
  const known = new Map<string, number>()
  /** What a part has held since it was last created here. */
  const wasHeld = new Set<string>()
  let before = new Map<string, EntityRow>()

  const lease = (epoch: number) =>
    memory.commit([{ type: 'put', collection: 'meta', value: { name: 'lease', owner: 'me', epoch, beat: 0, rev: epoch } }])
  await lease(1)

  async function rows(): Promise<Map<string, EntityRow>> {
    const found = await store.entities(IDS.map((id) => laneOf(USER, 'note', id)))
    return new Map(IDS.flatMap((id, at) => (found[at] === undefined ? [] : [[id, found[at]] as const])))
  }

  const pullRow = (scope: string) => store.pullRow(USER, 'note', scope)
  const followed = async () => (await store.pullRow(USER, 'note'))?.parts ?? []

  async function nothingIsMissing(): Promise<void> {
    for (const scope of await followed()) {
      const cursor = (await pullRow(scope))?.cursor
      for (const id of IDS) {
        const head = server.head(id)
        if (cursor === undefined || head === undefined || !isIn(head, scope) || head.position > Number(cursor)) continue
        expect(before.get(id), `S18 ${id} is missing, ${scope} is pulled up to ${cursor}`).toMatchObject({
          value: valueOf(id, head),
        })
      }
    }
  }

  return {
    server,
    storage,
    rows,
    followed,
    pullRow,
    wasHeld: (id: string): boolean => wasHeld.has(id),
    unanswered: () => [...unanswered.keys()],
    /** After each step: what was written is no older than what was there, and is what the server had. */
    async learned(): Promise<void> {
      const now = await rows()
      for (const [id, stored] of now) {
        if (stored.scopes !== undefined) wasHeld.add(id)
        if (stored.rev === before.get(id)?.rev) continue
        const version = server.history(id).find((one) => one.version === stored.version)
        if (stored.deletedAt === undefined) expect(stored.value).toEqual(version && valueOf(id, version))
        if (version === undefined) continue
        expect(version.index, `S19 ${id} went back`).toBeGreaterThanOrEqual(known.get(id) ?? -1)
        known.set(id, version.index)
      }
      before = now
      await nothingIsMissing()
    },
    other: (id: string, place: Place): void => {
      if (server.head(id)?.place === undefined && place === undefined) return
      // Of versions that can't be compared it can't be told whether a tombstone is older than what was created.
      if (scheme === 'opaque' && unanswered.get(id)?.operation.type === 'create') return
      server.write(id, place)
    },
    /**
     * An operation of ours that the server applies, or refuses because others have made this before; its answer, or what a look tells of that, is under
     * way. Unless it is blind, it was made on what is stored.
     */
    send(id: string, place: Place, isBlind: boolean, isTheirs: boolean): void {
      const [head, stored] = [server.head(id), before.get(id)]
      const exists = head?.place !== undefined
      if (unanswered.has(id) || (!exists && place === undefined)) return
      if (!exists && scheme === 'opaque' && head !== undefined) return
      const isBased = stored?.version === head?.version && stored?.deletedAt === undefined
      if (exists && !isBased && !(isBlind && scheme === 'numbers' && place !== undefined)) return
      const type = place === undefined && !isTheirs ? 'delete' : exists ? 'update' : 'create'
      const base = exists && isBased ? { baseVersion: head.version } : {}
      const made = server.write(id, place)
      if (place === undefined) server.share(made.position)
      const operation: OperationRow = { ...row(1, type, {}), user: USER, entityId: id, ...base }
      unanswered.set(id, isTheirs ? { operation, made, theirs: 'kept' } : { operation, made })
    },
    async answer(id: string): Promise<void> {
      const one = unanswered.get(id)
      if (one === undefined) return
      const { operation, made, theirs } = one
      const [version, value] = made.place === undefined ? [undefined, undefined] : [made.version, valueOf(id, made)]
      const how =
        theirs === undefined
          ? { appliedTo: operation.baseVersion, wasLookedAt: false }
          : { appliedTo: undefined, wasLookedAt: true, theirs }
      await replica.commit(writer.epoch, [], [{ operation, version, value, ...how }], {})
      unanswered.delete(id)
      if (operation.type === 'create') wasHeld.delete(id)
      if (version === undefined) known.set(id, Math.max(made.index, known.get(id) ?? -1))
    },
    async follow(scopes: readonly string[]): Promise<void> {
      inFlight = undefined
      await replica.follow(writer, 'note', scopes, false)
    },
    async begin(scope: string): Promise<void> {
      if (!(await followed()).includes(scope)) return
      inFlight = undefined
      const [known, end] = [await pullRow(scope), server.end()]
      const next: PullRow = { name: pullRowName(USER, 'note', scope), scope, generation: 0, isPartial: true, met: 0 }
      try {
        await replica.begin(writer, 'note', next)
      } finally {
        if ((await pullRow(scope))?.generation !== known?.generation) begunAt.set(scope, end)
      }
    },
    async ask(scope: string, limit: number, lag = 0): Promise<void> {
      const at = await pullRow(scope)
      if (at === undefined) return
      replica.asking()
      inFlight = {
        page: server.page(scope, Number(at.cursor ?? 0), begunAt.get(scope) ?? 0, limit, scheme === 'numbers' ? lag : 0),
        row: at,
      }
    },
    async takePage(): Promise<'outdated' | 'more' | 'last' | undefined> {
      if (inFlight === undefined) return undefined
      const { page, row: at } = inFlight
      inFlight = undefined
      const next: PullRow = { ...at, cursor: String(page.cursor) }
      const applied = await replica.applyPage(writer, { entity: 'note', changes: page.changes, alsoMet: [], row: next })
      if (applied === 'outdated') return 'outdated'
      return page.hasMore ? 'more' : 'last'
    },
    async end(scope: string): Promise<void> {
      const at = await pullRow(scope)
      if (at?.isPartial !== true) return
      if (at.wasEmpty === true) await replica.note(writer, 'note', { ...at, isPartial: false })
      else await replica.sweep(writer, 'note', { ...at, isPartial: false })
    },
    inFlightOf: () => inFlight?.row.scope,
    /** Another owner, on the same store. */
    async restart(): Promise<void> {
      writer = { ...writer, epoch: writer.epoch + 1 }
      await lease(writer.epoch)
      replica = make()
      inFlight = undefined
    },
  }
}
