import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ClientError, ConflictError, NetworkError, RateLimitError, SyncOperationError, type Outcome } from '../../src/index.ts'
import { isTerminal, PRIORITIES, type Priority } from '../../src/core/operation.ts'
import { createLaneWorld, type LaneWorld } from './lane-order-world.ts'

const OUTCOMES = {
  applied: { type: 'applied' },
  busy: { type: 'retry', error: new RateLimitError('Slow down.', { status: 429 }), retryAfterMs: 3_000 },
  lost: { type: 'unknown', error: new NetworkError('Lost.') },
  refused: { type: 'rejected', definite: true, error: new ClientError('Invalid.', { status: 422 }) },
  stale: { type: 'conflict', reason: 'exists', error: new ConflictError('It exists.', { status: 409 }) },
} satisfies Record<string, Outcome>

type Step =
  | { readonly type: 'enqueue'; readonly entity: number; readonly priority: Priority; readonly on: number | undefined }
  | { readonly type: 'answer'; readonly pick: number; readonly outcome: keyof typeof OUTCOMES }
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'retry' | 'discard'; readonly pick: number }

const steps = fc.array(
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        type: fc.constant('enqueue' as const),
        entity: fc.nat(4),
        priority: fc.constantFrom(...PRIORITIES),
        on: fc.option(fc.nat(50), { nil: undefined, freq: 3 }),
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        type: fc.constant('answer' as const),
        pick: fc.nat(3),
        outcome: fc.constantFrom<keyof typeof OUTCOMES>('applied', 'applied', 'applied', 'busy', 'lost', 'refused', 'stale'),
      }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.constantFrom(10, 900, 5_000, 30_000) }) },
    { weight: 3, arbitrary: fc.constantFrom<Step>({ type: 'pause' }, { type: 'resume' }, { type: 'resume' }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('retry' as const, 'discard' as const), pick: fc.nat(50) }) },
  ),
  { minLength: 1, maxLength: 60 },
)

/** On a busy machine fewer stories, and a failure told of before it is as short as can be. */
const limits = { interruptAfterTimeLimit: 20_000 }

/** Long enough for what was put off to be written. */
const SOON_MS = 60

async function take(world: LaneWorld, step: Step): Promise<void> {
  const { engine, clock, flights } = world
  const rows = world.rows()
  if (step.type === 'enqueue') {
    const on = step.on === undefined || rows.length === 0 ? [] : [rows[step.on % rows.length]!.id]
    await engine.enqueue({
      type: 'create',
      entity: 'note',
      id: `n${step.entity}`,
      payload: {},
      priority: step.priority,
      dependsOn: on,
    })
  } else if (step.type === 'answer') flights[step.pick % Math.max(1, flights.length)]?.end(OUTCOMES[step.outcome])
  else if (step.type === 'wait') await clock.advance(step.ms)
  else if (step.type === 'pause' || step.type === 'resume') engine[step.type]('test')
  else {
    const row = rows[step.pick % Math.max(1, rows.length)]
    if (row !== undefined) await engine.operations[step.type](row.id).catch(impossible)
  }
  await clock.advance(SOON_MS)
}

/** What has ended or is on its way can't be decided about. */
function impossible(error: unknown): void {
  if (!(error instanceof SyncOperationError) || error.code !== 'not-possible') throw error
}

/** From here on every request is applied. */
async function finish(world: LaneWorld): Promise<void> {
  const { engine, clock, flights } = world
  engine.resume('test')
  for (let turn = 0; turn < 500 && world.rows().some(({ status }) => !isTerminal(status)); turn++) {
    for (const { id, status } of world.rows()) if (status === 'parked') await engine.operations.retry(id)
    for (const flight of [...flights]) flight.end(OUTCOMES.applied)
    await clock.advance(1_000)
  }
}

/** Told to try again though it waits only for another, it is due at once when that ends. */
const retriedWhileItDepends: Step[] = [
  { type: 'enqueue', entity: 1, priority: 'critical', on: undefined },
  { type: 'enqueue', entity: 0, priority: 'critical', on: 0 },
  { type: 'retry', pick: 3 },
  { type: 'enqueue', entity: 1, priority: 'critical', on: undefined },
]

/** What is queued in the place of what was discarded has a turn of its own. */
const discardedBehindAnother: Step[] = [
  { type: 'enqueue', entity: 4, priority: 'critical', on: undefined },
  { type: 'enqueue', entity: 4, priority: 'critical', on: undefined },
  { type: 'discard', pick: 21 },
  { type: 'enqueue', entity: 0, priority: 'critical', on: 0 },
  { type: 'enqueue', entity: 4, priority: 'critical', on: undefined },
]

describe('the order in which operations are claimed and sent', () => {
  it('S7 S9 S22 C3 B8 L5 never overtakes in a lane nor a dependency, goes by priority and age, ends once and leaves nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), steps, async (concurrency, story) => {
        const world = await createLaneWorld(concurrency)
        let paused = false
        try {
          for (const step of story) {
            await take(world, step)
            if (step.type === 'pause' || step.type === 'resume') paused = step.type === 'pause'
            expect(world.offences).toEqual([])
            if (!paused) expect(world.idle()).toEqual([])
          }
          await finish(world)
          expect(world.offences).toEqual([])
          expect(world.rows().filter(({ status }) => !isTerminal(status))).toEqual([])
        } finally {
          await world.close()
        }
      }),
      {
        ...limits,
        numRuns: 120,
        examples: [
          [1, retriedWhileItDepends],
          [1, discardedBehindAnother],
        ],
      },
    )
  })

  it('C3 goes by priority and age over more lanes than are claimed at once', async () => {
    const inputs = fc.array(fc.tuple(fc.nat(199), fc.constantFrom(...PRIORITIES)), { minLength: 110, maxLength: 130 })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), inputs, async (concurrency, given) => {
        const world = await createLaneWorld(concurrency)
        try {
          world.engine.pause('test')
          await world.engine.enqueueAll(
            given.map(([entity, priority]) => ({ type: 'create', entity: 'note', id: `n${entity}`, payload: {}, priority })),
          )
          await finish(world)
          expect(world.offences).toEqual([])
          expect(world.rows().filter(({ status }) => status !== 'done')).toEqual([])
        } finally {
          await world.close()
        }
      }),
      { ...limits, numRuns: 4 },
    )
  })
})
