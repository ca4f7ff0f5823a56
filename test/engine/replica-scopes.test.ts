import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IDS, isIn, makeScopedReplica, PLACES, SCOPES, valueOf, type Scheme } from './replica-scopes-world.ts'
import { passedOver, unavailableOnce } from '../support/faulty-storage.ts'

type World = Awaited<ReturnType<typeof makeScopedReplica>>

const id = fc.constantFrom(...IDS)
const place = fc.constantFrom(...PLACES)
const scope = fc.constantFrom(...SCOPES)
const choices = [['p1'], ['p2'], ['p1', 'p2'], ['p2', 'p1'], []]

const steps = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('send' as const), id, place, isBlind: fc.boolean(), isTheirs: fc.boolean() }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('other' as const), id, place }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('answer' as const), id }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('pull' as const), scope }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('ask' as const),
        scope,
        limit: fc.constantFrom(1, 2, 3),
        lag: fc.constantFrom(0, 1, 2, 4),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('page' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('begin' as const), scope }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('follow' as const), scopes: fc.constantFrom(...choices) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const) }) },
  ),
  { minLength: 5, maxLength: 60 },
)

type Step = typeof steps extends fc.Arbitrary<readonly (infer One)[]> ? One : never

/** One step; a commit that fails leaves either nothing or, where only its answer was lost, all of it. */
async function take(world: World, step: Step): Promise<void> {
  if (step.do === 'send') return world.send(step.id, step.place, step.isBlind, step.isTheirs)
  if (step.do === 'other') return world.other(step.id, step.place)
  if (step.do === 'ask') return world.ask(step.scope, step.limit, step.lag)
  if (step.do === 'restart') return world.restart()
  if (step.do === 'fail') return world.storage.failCommits(unavailableOnce())
  if (step.do === 'lose') return world.storage.loseAnswers(unavailableOnce())
  if (step.do === 'answer') await world.answer(step.id).catch(passedOver)
  else if (step.do === 'follow') await world.follow(step.scopes).catch(passedOver)
  else if (step.do === 'begin') await world.begin(step.scope).catch(passedOver)
  else if (step.do === 'page') await page(world).catch(passedOver)
  else await pull(world, step.scope).catch(passedOver)
  await world.learned()
}

async function page(world: World): Promise<void> {
  const of = world.inFlightOf()
  if ((await world.takePage()) === 'last') await world.end(of!)
}

/** All that there is in one part. */
async function pull(world: World, part: string): Promise<void> {
  if ((await world.pullRow(part)) === undefined) await world.begin(part)
  if ((await world.pullRow(part)) === undefined) return
  for (let taken: string | undefined; taken !== 'last';) {
    await world.ask(part, 2)
    taken = await world.takePage()
  }
  await world.end(part)
}

/** Everything is delivered: then what is followed is there, and nothing else but what was written here and met by no part. */
async function settle(world: World, isFull: boolean): Promise<void> {
  world.storage.failCommits(undefined)
  world.storage.loseAnswers(undefined)
  for (const one of world.unanswered()) await world.answer(one)
  const followed = await world.followed()
  for (const part of followed) {
    if (isFull) await world.begin(part)
    await pull(world, part)
  }
  await world.learned()
  const rows = await world.rows()
  for (const one of IDS) {
    const [stored, head] = [rows.get(one), world.server.head(one)]
    const isThere = followed.some((part) => isIn(head, part))
    const isSeen = stored !== undefined && stored.deletedAt === undefined
    if (isThere) expect([one, stored]).toMatchObject([one, { value: valueOf(one, head!) }])
    else if (isSeen && followed.length > 0 && !isFull)
      expect([one, stored.scopes, world.wasHeld(one)]).toEqual([one, undefined, false])
    else if (followed.length > 0) expect([one, isSeen]).toEqual([one, false])
  }
}

const movesWhileAnswered: Step[] = [
  { do: 'follow', scopes: ['p1', 'p2'] },
  { do: 'other', id: 'a', place: 'p1' },
  { do: 'pull', scope: 'p1' },
  { do: 'send', id: 'a', place: 'p2', isBlind: false, isTheirs: false },
  { do: 'pull', scope: 'p1' },
  { do: 'answer', id: 'a' },
  { do: 'pull', scope: 'p2' },
]

/** Sent before the pull began and answered while it is under way: the copy that its page is of does not know of it yet. */
const answeredBeforeTheCopyKnows: Step[] = [
  { do: 'other', id: 'a', place: 'p2' },
  { do: 'begin', scope: 'p2' },
  { do: 'send', id: 'a', place: 'p1', isBlind: true, isTheirs: false },
  { do: 'answer', id: 'a' },
  { do: 'ask', scope: 'p2', limit: 1, lag: 1 },
  { do: 'page' },
]

/** It left before our second answer, and its copy of the server knows of the first only. */
const leftBeforeTheAnswer: Step[] = [
  { do: 'follow', scopes: ['p1', 'p2'] },
  { do: 'other', id: 'a', place: 'p1' },
  { do: 'pull', scope: 'p1' },
  { do: 'send', id: 'a', place: 'p9', isBlind: true, isTheirs: false },
  { do: 'answer', id: 'a' },
  { do: 'send', id: 'a', place: 'p9', isBlind: true, isTheirs: false },
  { do: 'answer', id: 'a' },
  { do: 'ask', scope: 'p1', limit: 1, lag: 1 },
  { do: 'page' },
]

/** The same, and with the second it has come back. */
const backBeforeTheDeparture: Step[] = leftBeforeTheAnswer.map((step, at) => (at === 5 ? { ...step, place: 'p1' } : step) as Step)

describe('a replica of parts, whatever the order in which answers and pages come', () => {
  it.each<[Scheme]>([['numbers'], ['opaque']])(
    'E5 S18 S19 S21 never goes back, has all up to each cursor, and ends with what its parts hold: versions are %s',
    async (scheme) => {
      await fc.assert(
        fc.asyncProperty(steps, async (all) => {
          const world = await makeScopedReplica(scheme)
          await world.follow(SCOPES)
          for (const step of all) await take(world, step)
          await settle(world, false)
          await settle(world, true)
        }),
        {
          numRuns: 1_000,
          examples: [[movesWhileAnswered], [answeredBeforeTheCopyKnows], [leftBeforeTheAnswer], [backBeforeTheDeparture]],
        },
      )
    },
  )
})
