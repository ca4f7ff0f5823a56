import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PRIORITIES } from '../../src/core/operation.ts'
import { NetworkError, type EngineOptions, type EnqueueInput, type Priority } from '../../src/index.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { createWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const create = (id: string, priority?: Priority): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: {}, priority })

const sentIds = (): string[] => world.attempts.map(({ request }) => String(JSON.parse(request.body!).id))

describe('priorities', () => {
  it('C3 are sent in their order, and equal ones in the order of enqueueing', async () => {
    const engine = await world.started({ concurrency: 1 })
    engine.pause('test')
    const operations = await engine.enqueueAll([
      create('low', 'low'),
      create('medium 1', 'medium'),
      create('high', 'high'),
      create('medium 2'),
      create('critical', 'critical'),
      create('medium 3', 'medium'),
    ])
    engine.resume('test')
    await Promise.all(operations.map(({ settled }) => settled))
    expect(sentIds()).toEqual(['critical', 'high', 'medium 1', 'medium 2', 'medium 3', 'low'])
  })

  it('C3 never overtake on one entity', async () => {
    const engine = await world.started({ concurrency: 1, coalesce: false })
    engine.pause('test')
    const operations = await engine.enqueueAll([
      create('a', 'low'),
      { type: 'update', entity: 'note', id: 'a', payload: {}, priority: 'critical' },
      create('b', 'medium'),
    ])
    engine.resume('test')
    expect(await Promise.all(operations.map(({ settled }) => settled))).toEqual([0, 1, 2].map(() => ({ status: 'done' })))
    expect(
      world.server
        .ledger()
        .filter(({ id }) => id === 'a')
        .map(({ method }) => method),
    ).toEqual(['POST', 'PATCH'])
  })

  it('C3 let what waited long enough go before what is more urgent: nothing starves', async () => {
    const clock = createVirtualClock()
    const ageingMs: EngineOptions['ageingMs'] = { critical: 0, high: 10_000, medium: 60_000, low: 300_000 }
    const engine = await world.started({ concurrency: 1, ports: { clock }, ageingMs })
    engine.pause('test')
    await engine.enqueue(create('low, old', 'low'))
    await clock.advance(299_000)
    await engine.enqueue(create('critical, young', 'critical'))
    await clock.advance(1_000)
    await engine.enqueue(create('high, too young', 'high'))
    const last = await engine.enqueue(create('critical, too young', 'critical'))
    expect(await engine.operations.count('queued')).toBe(4)
    engine.resume('test')
    await last.settled
    await engine.flush()
    expect(sentIds()).toEqual(['critical, young', 'low, old', 'critical, too young', 'high, too young'])
  })

  it('C3 a stream of urgent operations does not keep the others from being sent', async () => {
    const engine = await world.started({ concurrency: 1, ageingMs: { critical: 0, high: 1, medium: 2, low: 3 } })
    let urgent = 0
    world.intercept(async (_, send) => {
      if (++urgent <= 60) await engine.enqueue(create(`urgent ${urgent}`, 'critical'))
      return send()
    })
    const low = await engine.enqueue(create('low', 'low'))
    await engine.enqueue(create('first', 'critical'))
    await low.settled
    expect(urgent).toBeLessThan(60)
    await engine.flush()
  })

  it('C3 are kept by what waited for another: it does not jump the queue when that is done', async () => {
    const engine = await world.started({ concurrency: 1, coalesce: false })
    engine.pause('test')
    const parent = await engine.enqueue(create('parent', 'critical'))
    const rest = await engine.enqueueAll([
      { ...create('child', 'low'), dependsOn: [parent.id] },
      { type: 'update', entity: 'note', id: 'parent', payload: {}, priority: 'critical' },
    ])
    engine.resume('test')
    await Promise.all([parent, ...rest].map(({ settled }) => settled))
    expect(world.server.ledger().map(({ id, method }) => `${method} ${id}`)).toEqual([
      'POST parent',
      'PATCH parent',
      'POST child',
    ])
  })

  it('C3 are kept by what is put back before it was sent', async () => {
    const engine = await world.started({ concurrency: 1 })
    engine.pause('test')
    const operations = await engine.enqueueAll([...PRIORITIES].toReversed().map((priority) => create(priority, priority)))
    let answer = (): void => {}
    const asked = new Promise<void>((resolve) => {
      world.intercept(async () => {
        resolve()
        await new Promise<void>((go) => (answer = go))
        return { type: 'unknown', error: new NetworkError('Lost.') }
      })
    })
    engine.resume('test')
    await asked
    engine.pause('test')
    answer()
    await engine.flush()
    expect((await engine.operations.list()).map(({ status }) => status)).toEqual(['queued', 'queued', 'queued', 'waiting'])
    world.intercept(undefined)
    engine.resume('test')
    await Promise.all(operations.map(({ settled }) => settled))
    expect(sentIds().filter((id) => id !== 'critical')).toEqual(['high', 'medium', 'low'])
  })
})
