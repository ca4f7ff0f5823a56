import type { DataPoint } from '@opentelemetry/sdk-metrics'
import { SpanStatusCode } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { observeEngine, type ObserveOptions } from '../../src/adapters/opentelemetry/index.ts'
import { NetworkError, type SyncEngine } from '../../src/index.ts'
import { created, patch } from '../support/conflicts.ts'
import { elsewhere } from '../support/other-client.ts'
import { inMemoryTelemetry, type Telemetry } from '../support/telemetry.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
let telemetry: Telemetry
beforeEach(async () => {
  world = await createWorld()
  telemetry = inMemoryTelemetry()
})
afterEach(async () => {
  await world.close()
  await telemetry.end()
})

const create = (id: string) => ({ type: 'create', entity: 'note', id, payload: { title: 'the payload' } })

function observe(engine: SyncEngine, options: ObserveOptions = {}): () => void {
  return observeEngine(engine, { meterProvider: telemetry.meterProvider, tracerProvider: telemetry.tracerProvider, ...options })
}

/** Each series of a metric: its attributes and its value. */
async function seriesOf(name: string): Promise<readonly DataPoint<unknown>[]> {
  const metric = (await telemetry.metrics()).get(name)
  return metric?.dataPoints ?? []
}

describe('synchart/telemetry/opentelemetry', () => {
  it('A12 A6 exports counters, depth, latency, health and the breaker under the names of the guide', async () => {
    const engine = await world.started()
    observe(engine, { attributes: { 'app.device': 'phone' } })
    const [first, second] = await engine.enqueueAll([create('a'), { type: 'update', entity: 'note', id: 'none', payload: {} }])
    await Promise.all([first!.settled, second!.settled])
    await engine.synchronize()
    engine.pause('test')
    await engine.enqueue(create('b'))
    const about = { 'app.device': 'phone', 'synchart.entity': 'note' }
    expect(await seriesOf('synchart.operations.enqueued')).toMatchObject([{ attributes: about, value: 3 }])
    expect(await seriesOf('synchart.operations.done')).toMatchObject([{ attributes: about, value: 1 }])
    expect(await seriesOf('synchart.operations.rejected')).toMatchObject([
      { attributes: { ...about, 'error.type': 'client' }, value: 1 },
    ])
    expect(await seriesOf('synchart.pulls.changes')).toMatchObject([{ attributes: about, value: 1 }])
    expect(await seriesOf('synchart.queue.depth')).toMatchObject([{ attributes: { 'app.device': 'phone' }, value: 1 }])
    expect(await seriesOf('synchart.requests')).toMatchObject([{ value: world.attempts.length }])
    expect(await seriesOf('synchart.health')).toMatchObject([{ value: 100 }])
    expect(await seriesOf('synchart.breaker.state')).toMatchObject([{ value: 0 }])
    expect(await seriesOf('synchart.lock.owner')).toMatchObject([{ value: 1 }])
    expect(await seriesOf('synchart.alerts')).toMatchObject([{ attributes: { 'synchart.alert': 'dead-letter' }, value: 1 }])
    const [duration] = await seriesOf('synchart.operation.duration')
    expect(duration).toMatchObject({ attributes: about, value: { count: 1, max: expect.any(Number) } })
    const metrics = await telemetry.metrics()
    expect(metrics.get('synchart.operation.duration')?.descriptor.unit).toBe('s')
    for (const { descriptor } of metrics.values()) {
      expect(descriptor.description).not.toBe('')
      expect(descriptor.unit).not.toBe('')
    }
    engine.resume('test')
  })

  it('A12 makes one span for each operation, from its enqueue to its end, with its attempts', async () => {
    const engine = await world.started()
    observe(engine)
    world.intercept(async (_, send, count) => (count < 3 ? { type: 'unknown', error: new NetworkError('Down.') } : send()))
    const done = await engine.enqueue(create('a'))
    await done.settled
    const failed = await engine.enqueue({ type: 'update', entity: 'note', id: 'none', payload: {} })
    await failed.settled
    engine.pause('test')
    const cancelled = await engine.enqueue(create('b'))
    await engine.operations.discard(cancelled.id)
    const [first, second, third, ...more] = telemetry.spans()
    expect(more).toEqual([])
    expect(first).toMatchObject({
      name: 'create note',
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'synchart.entity': 'note',
        'synchart.operation.type': 'create',
        'synchart.operation.status': 'done',
        'synchart.operation.attempts': 3,
      },
    })
    expect(first?.parentSpanContext).toBeUndefined()
    expect(first?.events.map(({ name }) => name)).toEqual([
      'sync:started',
      'sync:retry',
      'sync:started',
      'sync:retry',
      'sync:started',
    ])
    expect(first?.events[1]?.attributes).toMatchObject({ 'error.type': 'network' })
    const { enqueuedAt } = (await engine.operations.get(done.id))!
    expect(first!.startTime[0] * 1_000 + first!.startTime[1] / 1e6).toBeCloseTo(enqueuedAt, 0)
    expect(second).toMatchObject({
      name: 'update note',
      status: { code: SpanStatusCode.ERROR, message: 'client' },
      attributes: { 'error.type': 'client', 'synchart.operation.status': 'rejected' },
    })
    expect(third).toMatchObject({ attributes: { 'synchart.operation.status': 'cancelled' } })
  })

  it('A12 E1 ends the span of what is put off when another tab discards that', async () => {
    const owner = await world.started({ retry: { strategy: 'constant', baseMs: 3_600_000, capMs: 3_600_000 } })
    observe(owner)
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Down.') }))
    const { id } = await owner.enqueue(create('a'))
    await eventOf(owner, 'sync:retry')
    const other = await world.started()
    await other.operations.discard(id)
    await expect
      .poll(() => telemetry.spans().map(({ attributes }) => attributes['synchart.operation.status']))
      .toEqual(['cancelled'])
  })

  it('A12 L9 waits once for the end of an operation, however often that is put off in an outage', async () => {
    const engine = await world.started()
    const asked: string[] = []
    const handle: SyncEngine['operations']['handle'] = (id) => {
      asked.push(id)
      return engine.operations.handle(id)
    }
    observe({ ...engine, operations: { ...engine.operations, handle } })
    world.intercept(async (_, send, count) => (count < 5 ? { type: 'unknown', error: new NetworkError('Down.') } : send()))
    const { id, settled } = await engine.enqueue(create('a'))
    await settled
    expect(telemetry.spans()[0]?.events.filter(({ name }) => name === 'sync:retry')).toHaveLength(4)
    expect(asked).toEqual([id])
  })

  it('A12 C5 leaves no span without an end behind when a person settles a conflict, here or in another tab', async () => {
    const entities = { note: { conflict: 'manual' as const } }
    const owner = await world.started({ entities })
    const ends = [observe(owner)]
    const other = await world.started({ entities })
    ends.push(observe(other))
    const decisions = [
      [owner, 'remote'],
      [other, 'remote'],
      [other, 'local'],
    ] as const
    await created(owner, { title: 'old' })
    for (const [at, [engine, choice]] of decisions.entries()) {
      await elsewhere(world, 'PATCH', '/note/a', { title: `theirs ${at}` })
      const { settled } = await owner.enqueue(patch({ title: `ours ${at}` }))
      await expect.poll(() => engine.conflicts.list()).toHaveLength(1)
      const [conflict] = await engine.conflicts.list()
      await engine.conflicts.resolve(conflict!.id, choice)
      await settled
    }
    for (const end of ends) end()
    const statuses = telemetry.spans().map(({ attributes }) => attributes['synchart.operation.status'])
    expect(statuses).not.toContain(undefined)
  })

  it('A12 tells no payload, and no id unless it is asked to', async () => {
    const engine = await world.started()
    const end = observe(engine)
    const { id, settled } = await engine.enqueue(create('secret-id'))
    await settled
    const text = JSON.stringify([
      ...(await telemetry.metrics()).values(),
      ...telemetry.spans().map(({ name, attributes, events }) => ({ name, attributes, events })),
    ])
    expect(text).toContain('synchart.entity')
    for (const secret of ['the payload', 'secret-id', id]) expect(text).not.toContain(secret)
    end()
    observe(engine, { ids: true })
    const other = await engine.enqueue(create('named'))
    await other.settled
    expect(telemetry.spans().at(-1)?.attributes).toMatchObject({
      'synchart.operation.id': other.id,
      'synchart.entity.id': 'named',
    })
  })

  it('A12 ends its spans and all else when it is told to', async () => {
    const engine = await world.started({ retry: { strategy: 'constant', baseMs: 3_600_000, capMs: 3_600_000 } })
    const end = observe(engine)
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Down.') }))
    await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:retry')
    expect(telemetry.spans()).toEqual([])
    end()
    expect(telemetry.spans()).toMatchObject([{ name: 'create note', ended: true }])
    await engine.enqueue(create('b'))
    expect(await seriesOf('synchart.operations.enqueued')).toMatchObject([{ value: 1 }])
    expect(await seriesOf('synchart.health')).toEqual([])
  })

  it('A12 says what is wrong with an engine and options that are none, and takes no text for a leave to tell ids', async () => {
    const engine = world.engine()
    const observeAny: (...given: never[]) => unknown = observeEngine
    for (const [path, ...given] of [
      ['engine'],
      ['engine', {}],
      ['options', engine, null],
      ['attributes', engine, { attributes: 'phone' }],
      ['ids', engine, { ids: 'no' }],
      ['meterProvider', engine, { meterProvider: {} }],
      ['tracerProvider', engine, { meterProvider: telemetry.meterProvider, tracerProvider: {} }],
    ])
      expect(() => observeAny(...(given as never[]))).toThrow(expect.objectContaining({ name: 'ValidationError', path }))
    expect(await telemetry.metrics()).toEqual(new Map())
  })
})
