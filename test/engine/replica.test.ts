import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sameJson } from '../../src/core/same-json.ts'
import { laneOf, type OperationRow } from '../../src/core/operation.ts'
import { pullRowName, type PullRow } from '../../src/core/pull-row.ts'
import { STORE_SCHEMA, type EntityRow } from '../../src/core/schema.ts'
import { createReplica } from '../../src/engine/replica.ts'
import type { Writer } from '../../src/engine/replica-writes.ts'
import { createStore, putOperation } from '../../src/engine/store.ts'
import { finish } from '../../src/core/rows.ts'
import { memoryStorage } from '../../src/adapters/memory.ts'
import { row } from '../core/coalesce-world.ts'
import { faultyStorage, passedOver, unavailableOnce } from '../support/faulty-storage.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { changeOf, modelServer, type Scheme, type Version } from './replica-world.ts'

const USER = 'u'
const IDS = ['a', 'b', 'c'] as const

/** What an answer to an operation tells; or a look at the server after a refusal, of what others made. */
interface Answer {
  readonly operation: OperationRow
  readonly made: Version
  readonly told: string | undefined
  readonly theirs?: 'kept' | 'undecided'
}

interface InFlight {
  readonly page: ReturnType<ReturnType<typeof modelServer>['page']>
  readonly row: PullRow
}

/** A replica beside a server, and what is known of each entity by the index of its version. */
async function makeReplica(scheme: Scheme) {
  const server = modelServer(scheme)
  const memory = memoryStorage()
  const storage = faultyStorage(memory)
  await storage.open(STORE_SCHEMA)
  const store = createStore(storage)
  const clock = createVirtualClock()
  const make = () => createReplica(store, USER, clock, () => ({}))
  let writer: Writer = { epoch: 1, signal: new AbortController().signal }
  let replica = make()
  let begunAt = 0
  let sends = 0
  let inFlight: InFlight | undefined
  /** Operations that have left, and have not arrived. */
  const underWay = new Map<string, { operation: OperationRow; told: boolean }>()
  const unanswered = new Map<string, Answer>()
  const known = new Map<string, number>()
  /** What the store held before the present step. */
  let before = new Map<string, EntityRow>()

  await memory.commit([{ type: 'put', collection: 'meta', value: { name: 'lease', owner: 'me', epoch: 1, beat: 0, rev: 1 } }])

  async function rows(): Promise<Map<string, EntityRow>> {
    const found = await store.entities(IDS.map((id) => laneOf(USER, 'note', id)))
    return new Map(IDS.flatMap((id, at) => (found[at] === undefined ? [] : [[id, found[at]] as const])))
  }

  const versionOf = (id: string, version: string | undefined) => server.history(id).find((one) => one.version === version)
  const pullRow = () => store.pullRow(USER, 'note')

  /** After each step: what was written is newer than what was there, and is what the server had at that version. */
  async function learned(brought: ReadonlyMap<string, Version>): Promise<void> {
    const now = await rows()
    for (const [id, stored] of now) {
      if (isSame(stored, before.get(id))) continue
      const version = brought.get(id)
      expect(version, `${id} was written by a step that brought nothing of it`).toBeDefined()
      expect(version!.index, `S19 ${id} went back`).toBeGreaterThanOrEqual(known.get(id) ?? -1)
      expect({ value: stored.value, isDeleted: stored.deletedAt !== undefined }).toEqual({
        value: version!.value,
        isDeleted: version!.value === undefined,
      })
      known.set(id, version!.index)
    }
    before = now
    await reachesCursor()
  }

  /** S18 Nothing at or before the cursor is missing; what was gone before a pull from the beginning began goes at its end. */
  async function reachesCursor(): Promise<void> {
    const at = await pullRow()
    for (const { id, position, index, value } of server.ids().flatMap((one) => server.head(one) ?? [])) {
      if (at?.cursor === undefined || position > Number(at.cursor) || index <= (known.get(id) ?? -1)) continue
      const stored = before.get(id)
      const isGone = stored === undefined || stored.deletedAt !== undefined
      expect(value === undefined && (isGone || (at.isPartial && position <= begunAt)), `S18 ${id} is missing`).toBe(true)
    }
  }

  /** What is gone can be deleted no more, and a look tells no version of it. */
  function looked(operation: OperationRow, made: Version | undefined, isKept: boolean): void {
    if (made === undefined || (operation.type === 'delete' && made.value === undefined)) return
    const told = made.value === undefined ? undefined : made.version
    if (told === undefined) server.share(made.position)
    unanswered.set(made.id, { operation, made, told, theirs: isKept ? 'kept' : 'undecided' })
  }

  return {
    server,
    storage,
    rows,
    pullRow,
    hasPage: () => inFlight !== undefined,
    underWay: () => [...underWay.keys()],
    unanswered: () => [...unanswered.keys()],
    /** An operation of ours, made on what is stored. */
    async send(id: string, type: 'create' | 'update' | 'delete', told: boolean): Promise<void> {
      const [head, stored] = [server.head(id), before.get(id)]
      const exists = head?.value !== undefined
      if (underWay.has(id) || unanswered.has(id) || exists === (type === 'create')) return
      if (type === 'create' && scheme === 'opaque' && head !== undefined) return
      if (type !== 'create' && stored?.version !== head?.version) return
      const base = type === 'create' ? {} : { baseVersion: head!.version }
      const sent = {
        user: USER,
        entity: 'note',
        entityId: id,
        lane: laneOf(USER, 'note', id),
        status: 'sending',
        attempts: 1,
      } as const
      const operation: OperationRow = { ...row(++sends, type, {}), ...sent, ...base }
      await replica.commit(writer.epoch, [putOperation(operation)], [], {})
      underWay.set(id, { operation, told })
    },
    /** The server applies it, unless it was made on something else than what is there; its answer is under way. */
    arrive(id: string): void {
      const one = underWay.get(id)
      underWay.delete(id)
      if (one === undefined) return
      const { operation, told } = one
      const { type, baseVersion } = operation
      const head = server.head(id)
      if (type === 'create' ? head?.value !== undefined : head?.version !== baseVersion) return looked(operation, head, told)
      const made = server.write(id, type === 'delete' ? undefined : { id, n: server.end() })
      const isUntold = type === 'delete' && !told
      if (isUntold) server.share(made.position)
      unanswered.set(id, { operation, made, told: isUntold ? undefined : made.version })
    },
    other(id: string, isDelete: boolean): void {
      const exists = server.head(id)?.value !== undefined
      if (isDelete && (!exists || unanswered.get(id)?.operation.type === 'create')) return
      server.write(id, isDelete ? undefined : { id, n: server.end() })
    },
    async answer(id: string): Promise<void> {
      const one = unanswered.get(id)
      if (one === undefined) return
      const { operation, made, told, theirs } = one
      const ended = finish(operation, theirs === undefined ? 'done' : 'rejected', clock.now())
      const how =
        theirs === undefined
          ? { appliedTo: operation.baseVersion, wasLookedAt: false }
          : { appliedTo: undefined, wasLookedAt: true, theirs }
      await replica.commit(writer.epoch, [putOperation(ended)], [{ operation, version: told, value: made.value, ...how }], {})
      unanswered.delete(id)
    },
    /** What the answer that is under way would bring. */
    answerBrings: (id: string): ReadonlyMap<string, Version> =>
      new Map(unanswered.has(id) ? [[id, unanswered.get(id)!.made]] : []),
    async ask(limit: number, lag = 0): Promise<void> {
      const at = await pullRow()
      if (at === undefined) return
      replica.asking()
      inFlight = { page: server.page(Number(at.cursor ?? 0), begunAt, limit, scheme === 'numbers' ? lag : 0), row: at }
    },
    pageBrings: (): ReadonlyMap<string, Version> =>
      new Map(inFlight?.page.versions.map((version) => [version.id, version]) ?? []),
    async takePage(): Promise<'outdated' | 'more' | 'last' | undefined> {
      if (inFlight === undefined) return undefined
      const { page, row: at } = inFlight
      inFlight = undefined
      const next: PullRow = { ...at, cursor: String(page.cursor) }
      const applied = await replica.applyPage(writer, {
        entity: 'note',
        changes: page.versions.map(changeOf),
        alsoMet: [],
        row: next,
      })
      if (applied === 'outdated') return 'outdated'
      return page.hasMore ? 'more' : 'last'
    },
    /** What has gone on the server before this pull began; or what no page has met since an answer brought it: its copy may not know of it yet, but the next does. */
    sweepBrings(): ReadonlyMap<string, Version> {
      const gone = server
        .ids()
        .flatMap((id) => server.history(id).findLast(({ position, value }) => value === undefined && position <= begunAt) ?? [])
      const unmet = [...before].flatMap(([id, { version, generation, answeredIn }]) => {
        const made = answeredIn === undefined || answeredIn === generation ? undefined : versionOf(id, version)
        if (made === undefined) return []
        const { value: _value, ...gone } = made
        return [gone]
      })
      return new Map([...unmet, ...gone].map((version) => [version.id, version]))
    },
    async sweep(): Promise<'swept' | 'outdated' | undefined> {
      const at = await pullRow()
      return at?.isPartial === true ? replica.sweep(writer, 'note', { ...at, isPartial: false }) : undefined
    },
    async begin(): Promise<void> {
      const at = await pullRow()
      inFlight = undefined
      const next: PullRow = { name: pullRowName(USER, 'note'), generation: (at?.generation ?? 0) + 1, isPartial: true, met: 0 }
      const end = server.end()
      try {
        await replica.begin(writer, 'note', next)
      } finally {
        if ((await pullRow())?.generation === next.generation) begunAt = end
      }
    },
    /** Another owner, on the same store. */
    async restart(): Promise<void> {
      writer = { ...writer, epoch: writer.epoch + 1 }
      await memory.commit([
        {
          type: 'put',
          collection: 'meta',
          value: { name: 'lease', owner: 'me', epoch: writer.epoch, beat: 0, rev: writer.epoch },
        },
      ])
      replica = make()
      inFlight = undefined
    },
    learned,
  }
}

/** What waits behind an answer may be noted in the row of the newer one. */
function isSame(one: EntityRow, other: EntityRow | undefined): boolean {
  return one.version === other?.version && sameJson(one.value ?? null, other?.value ?? null) && one.deletedAt === other?.deletedAt
}

type World = Awaited<ReturnType<typeof makeReplica>>

const id = fc.constantFrom(...IDS)

const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('send' as const),
      id,
      type: fc.constantFrom('create' as const, 'update' as const, 'delete' as const),
      told: fc.boolean(),
      slow: fc.boolean(),
      overtakenBy: fc.constantFrom('nobody' as const, 'nobody' as const, 'a change' as const, 'a deletion' as const),
    }),
    fc.record({ do: fc.constant('arrive' as const), id }),
    fc.record({ do: fc.constant('other' as const), id, isDelete: fc.boolean() }),
    fc.record({ do: fc.constant('answer' as const), id }),
    fc.record({ do: fc.constant('ask' as const), limit: fc.constantFrom(1, 2, 3), lag: fc.constantFrom(0, 0, 1, 2) }),
    fc.record({ do: fc.constant('page' as const) }),
    fc.record({ do: fc.constant('page' as const) }),
    fc.record({ do: fc.constant('begin' as const) }),
    fc.record({ do: fc.constant('restart' as const) }),
    fc.record({ do: fc.constantFrom('fail' as const, 'lose' as const) }),
  ),
  { minLength: 5, maxLength: 40 },
)

type Step = typeof steps extends fc.Arbitrary<readonly (infer One)[]> ? One : never

/** One step; a commit that fails leaves either nothing or, where only its answer was lost, all of it. */
async function take(world: World, step: Step): Promise<void> {
  switch (step.do) {
    case 'send':
      await world.send(step.id, step.type, step.told).catch(passedOver)
      if (step.overtakenBy !== 'nobody') world.other(step.id, step.overtakenBy === 'a deletion')
      if (!step.slow) world.arrive(step.id)
      return
    case 'arrive':
      return world.arrive(step.id)
    case 'other':
      return world.other(step.id, step.isDelete)
    case 'answer': {
      const brings = world.answerBrings(step.id)
      await world.answer(step.id).catch(passedOver)
      return world.learned(brings)
    }
    case 'ask':
      return world.ask(step.limit, step.lag)
    case 'page': {
      const brings = world.pageBrings()
      const taken = await world.takePage().catch(passedOver)
      await world.learned(brings)
      if (taken === 'last') await sweep(world)
      return
    }
    case 'begin':
      await world.begin().catch(passedOver)
      return world.learned(new Map())
    case 'restart':
      return world.restart()
    case 'fail':
      return world.storage.failCommits(unavailableOnce())
    case 'lose':
      return world.storage.loseAnswers(unavailableOnce())
  }
}

async function sweep(world: World): Promise<string | undefined> {
  const brings = world.sweepBrings()
  const swept = await world.sweep().catch(passedOver)
  await world.learned(brings)
  return swept
}

/** Everything is delivered: then the store has what the server has. */
async function settle(world: World): Promise<void> {
  world.storage.failCommits(undefined)
  world.storage.loseAnswers(undefined)
  for (const one of world.underWay()) world.arrive(one)
  for (const one of world.unanswered()) await take(world, { do: 'answer', id: one as never })
  if ((await world.pullRow()) === undefined) await take(world, { do: 'begin' })
  do {
    for (let taken: string | undefined; taken !== 'last';) {
      await world.ask(2)
      const brings = world.pageBrings()
      taken = await world.takePage()
      await world.learned(brings)
    }
  } while ((await sweep(world)) === 'outdated')
  const rows = await world.rows()
  for (const one of IDS) {
    const stored = rows.get(one)
    expect([one, stored?.deletedAt === undefined ? stored?.value : undefined]).toEqual([one, world.server.head(one)?.value])
  }
}

/** The page that was asked for before the second answer still has what the first one told. */
const answeredWhileAsked: Step[] = [
  { do: 'begin' },
  { do: 'send', id: 'a', type: 'create', told: true, slow: false, overtakenBy: 'nobody' },
  { do: 'answer', id: 'a' },
  { do: 'ask', limit: 3, lag: 0 },
  { do: 'send', id: 'a', type: 'update', told: true, slow: false, overtakenBy: 'nobody' },
  { do: 'answer', id: 'a' },
  { do: 'page' },
]

/** The pull has begun and the page is stored, and of neither was it told. */
const answersLost: Step[] = [
  { do: 'lose' },
  { do: 'begin' },
  { do: 'other', id: 'b', isDelete: false },
  { do: 'ask', limit: 1, lag: 0 },
  { do: 'send', id: 'a', type: 'create', told: true, slow: false, overtakenBy: 'nobody' },
  { do: 'answer', id: 'a' },
  { do: 'page' },
]

/** Sent before the pull began, deleted by others before, and answered while it is under way. */
const goneBeforeTheAnswer: Step[] = [
  { do: 'begin' },
  { do: 'send', id: 'a', type: 'create', told: true, slow: false, overtakenBy: 'nobody' },
  { do: 'answer', id: 'a' },
  { do: 'send', id: 'a', type: 'update', told: true, slow: false, overtakenBy: 'nobody' },
  { do: 'other', id: 'a', isDelete: true },
  { do: 'begin' },
  { do: 'answer', id: 'a' },
  { do: 'ask', limit: 3, lag: 0 },
  { do: 'page' },
]

/** Sent before the pull began, applied and answered after its last page was made. */
const madeAfterTheLastPage: Step[] = [
  { do: 'begin' },
  { do: 'send', id: 'a', type: 'create', told: true, slow: true, overtakenBy: 'nobody' },
  { do: 'begin' },
  { do: 'ask', limit: 3, lag: 0 },
  { do: 'arrive', id: 'a' },
  { do: 'answer', id: 'a' },
  { do: 'page' },
]

/** Sent before the pull began, applied after its page was made, and answered before the page comes. */
const madeAfterThePage: Step[] = [
  { do: 'begin' },
  { do: 'send', id: 'a', type: 'create', told: true, slow: false, overtakenBy: 'nobody' },
  { do: 'answer', id: 'a' },
  { do: 'send', id: 'a', type: 'update', told: true, slow: true, overtakenBy: 'nobody' },
  ...madeAfterTheLastPage.slice(2),
]

/** Sent before the pull began and answered while it is under way: the copy that its page is of does not know of it yet. */
const answeredBeforeTheCopyKnows: Step[] = [
  { do: 'begin' },
  { do: 'send', id: 'a', type: 'create', told: true, slow: false, overtakenBy: 'nobody' },
  { do: 'answer', id: 'a' },
  { do: 'send', id: 'a', type: 'update', told: true, slow: true, overtakenBy: 'nobody' },
  { do: 'begin' },
  { do: 'arrive', id: 'a' },
  { do: 'answer', id: 'a' },
  { do: 'ask', limit: 3, lag: 1 },
  { do: 'page' },
]

/** The same of a create: at the end of the pull it is gone, until the next page tells of it. */
const createdBeforeTheCopyKnows: Step[] = [
  { do: 'begin' },
  { do: 'send', id: 'a', type: 'create', told: true, slow: true, overtakenBy: 'nobody' },
  ...answeredBeforeTheCopyKnows.slice(4),
]

/** What others made was looked at before a pull brought what they made next, or that it is gone. */
const lookedAtBeforeTheyGoOn = (isDelete: boolean): Step[] => [
  { do: 'begin' },
  { do: 'send', id: 'a', type: 'create', told: true, slow: false, overtakenBy: 'nobody' },
  { do: 'answer', id: 'a' },
  { do: 'send', id: 'a', type: 'update', told: true, slow: false, overtakenBy: 'a change' },
  { do: 'other', id: 'a', isDelete },
  { do: 'ask', limit: 3, lag: 0 },
  { do: 'page' },
  { do: 'answer', id: 'a' },
]

/** Sent before the pull began, and what others had made of it by then was looked at: they delete it before the pull begins, so that no page tells of it. */
const lookedAtBeforeItWent: Step[] = [
  ...goneBeforeTheAnswer.slice(0, 3),
  { do: 'send', id: 'a', type: 'update', told: true, slow: false, overtakenBy: 'a change' },
  ...goneBeforeTheAnswer.slice(4),
]

describe('the replica, whatever the order in which answers and pages come', () => {
  it.each<[Scheme]>([['numbers'], ['opaque']])(
    'S18 S19 S21 never goes back, raises no tombstone, has all up to its cursor, and ends as the server is: versions are %s',
    async (scheme) => {
      await fc.assert(
        fc.asyncProperty(steps, async (all) => {
          const world = await makeReplica(scheme)
          for (const step of all) await take(world, step)
          await settle(world)
        }),
        {
          numRuns: 3_000,
          examples: [
            [answeredWhileAsked],
            [answersLost],
            [goneBeforeTheAnswer],
            [madeAfterTheLastPage],
            [madeAfterThePage],
            [answeredBeforeTheCopyKnows],
            [createdBeforeTheCopyKnows],
            [lookedAtBeforeTheyGoOn(false)],
            [lookedAtBeforeTheyGoOn(true)],
            [lookedAtBeforeItWent],
          ],
        },
      )
    },
  )
})
