import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConflictError, RateLimitError, type Outcome } from '../../src/index.ts'
import { systemPorts } from '../../src/adapters/system.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

const { clock: systemClock } = systemPorts

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const create = (id: string) => ({ type: 'create', entity: 'note', id, payload: { n: 1 } })
const refusals: readonly (readonly [string, Outcome])[] = [
  ['put off', { type: 'retry', error: new RateLimitError('Too many.', { status: 429 }) }],
  ['in conflict', { type: 'conflict', reason: 'stale', error: new ConflictError('Stale.') }],
]

describe('an operation that was parked after an attempt that was certainly not applied', () => {
  it.each(refusals)('S6 is not in doubt and can be edited (%s)', async (_, outcome) => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: 1, maxAttempts: 1 }, maxReconciliations: 0 })
    world.intercept(async () => outcome)
    const operation = await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:parked')
    world.intercept(undefined)
    await engine.operations.edit(operation.id, { n: 2 })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()).toMatchObject({ a: { n: 2 } })
  })

  it.each(refusals)('S15 is rolled back when it is discarded (%s)', async (_, outcome) => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: 1, maxAttempts: 1 }, maxReconciliations: 0 })
    world.intercept(async () => outcome)
    let rolledBack = 0
    const operation = await engine.enqueue({ ...create('a'), optimistic: { rollback: () => void (rolledBack += 1) } })
    await eventOf(engine, 'sync:parked')
    await engine.operations.discard(operation.id)
    await operation.settled
    expect(rolledBack).toBe(1)
  })
})

describe('an operation whose actor failed', () => {
  it('S5 goes on with the request that left last, not with the one before', async () => {
    const sendTimeoutMs = 23_456
    let waits = 0
    /** Can't wait for the reconciled request, which is the fourth thing to be waited for. */
    const failing = (task: () => void, delayMs: number): (() => void) => {
      if (delayMs === sendTimeoutMs && ++waits === 4) throw new TypeError('Bug in the clock.')
      return systemClock.schedule(task, delayMs)
    }
    const engine = await world.started({ sendTimeoutMs, ports: { clock: { ...systemClock, schedule: failing } } })
    await (
      await engine.enqueue({ ...create('a'), payload: { title: 'old', body: 'old' } })
    ).settled
    await elsewhere(world, 'PATCH', '/note/a', { body: 'theirs' })
    const operation = await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { title: 'ours' } })
    await eventOf(engine, 'sync:parked')
    await engine.operations.retry(operation.id)
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.attempts.slice(2).map(({ context }) => context.idempotencyKey)).toEqual(
      world.attempts.slice(2).map(() => `${operation.id}.1`),
    )
  })
})
