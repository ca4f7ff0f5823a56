import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  CircuitBreakerOpenError,
  ClientError,
  NetworkError,
  RateLimitError,
  type Fetched,
  type Outcome,
  type Transport,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { bothChange } from '../support/conflicts.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

describe('what becomes of an attempt', () => {
  it('A8 brings a create, an update and a delete to the server in order', async () => {
    const engine = await world.started({ coalesce: false })
    await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'one' } })
    await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { title: 'two' } })
    await engine.enqueue({ type: 'create', entity: 'note', id: 'b', payload: { title: 'b' } })
    const last = await engine.enqueue({ type: 'delete', entity: 'note', id: 'b' })
    expect(await last.settled).toEqual({ status: 'done' })
    await engine.flush()
    expect(world.notes()).toEqual({ a: { id: 'a', title: 'two' } })
    expect(
      world.server
        .ledger()
        .map(({ method, id }) => `${method} ${id}`)
        .toSorted(),
    ).toEqual(['DELETE b', 'PATCH a', 'POST a', 'POST b'])
  })

  it('S4 applies an operation once when its response is lost', async () => {
    const engine = await world.started()
    world.intercept(async (_, send, count) => {
      const outcome = await send()
      return count <= 2 ? { type: 'unknown', error: new NetworkError('The response was lost.') } : outcome
    })
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { n: 1 } })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.attempts.length).toBe(3)
    expect(new Set(world.attempts.map(({ context }) => context.idempotencyKey)).size).toBe(1)
    expect(new Set(world.attempts.map(({ request }) => JSON.stringify(request))).size).toBe(1)
    expect(world.server.ledger()).toHaveLength(1)
  })

  it('S6 parks an operation whose earlier attempt is unknown when a gateway refuses it, and rolls nothing back', async () => {
    const engine = await world.started()
    world.intercept(async (_, send, count) => {
      if (count === 1) {
        await send()
        return { type: 'unknown', error: new NetworkError('The response was lost.') }
      }
      return { type: 'rejected', definite: false, error: new ClientError('Forbidden by a proxy.', { status: 403 }) }
    })
    let rolledBack = 0
    const operation = await engine.enqueue({
      type: 'create',
      entity: 'note',
      id: 'a',
      payload: { n: 1 },
      optimistic: { rollback: () => void (rolledBack += 1) },
    })
    await eventOf(engine, 'sync:parked')
    expect(await operation.status()).toBe('parked')
    expect(rolledBack).toBe(0)
    world.intercept(undefined)
    await engine.operations.retry(operation.id)
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.server.ledger()).toHaveLength(1)
  })

  it('S7 rejects a definite refusal, rolls back once, and does not block the lane behind it', async () => {
    const engine = await world.started({ coalesce: false })
    const rollbacks: unknown[] = []
    const refused = await engine.enqueue({
      type: 'update',
      entity: 'note',
      id: 'missing',
      payload: { n: 1 },
      optimistic: { original: { n: 0 }, rollback: (original, error) => void rollbacks.push([original, error.code]) },
    })
    const next = await engine.enqueue({ type: 'create', entity: 'note', id: 'missing', payload: { n: 2 } })
    expect(await refused.settled).toMatchObject({ status: 'rejected', error: { name: 'ClientError' } })
    expect(await next.settled).toEqual({ status: 'done' })
    expect(rollbacks).toEqual([[{ n: 0 }, 'client']])
    await expect(engine.operations.discard(next.id)).rejects.toMatchObject({ code: 'not-possible' })
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a text', 'done'],
    ['an object without a type', {}],
    ['a type that is none', { type: 'fine' }],
    ['a failure without an error', { type: 'unknown' }],
    ['a retry without an error', { type: 'retry' }],
    ['a conflict without an error', { type: 'conflict', reason: 'stale' }],
    ['a refusal whose error is a text', { type: 'rejected', definite: true, error: 'no' }],
    ['a version that is a number', { type: 'applied', version: 7 }],
    ['a version that no header can carry', { type: 'applied', version: 'a b' }],
    ['a value that JSON has no form for', { type: 'applied', version: '1', value: { id: 'a', n: 1n } }],
    ['a number beyond a double', { type: 'applied', version: '1', value: { id: 'a', n: Infinity } }],
    ['a value that was not awaited', { type: 'applied', version: '1', value: Promise.resolve({ id: 'a' }) }],
    ['a value that holds a function', { type: 'applied', version: '1', value: { id: 'a', n: () => 1 } }],
    [
      'a value nested too deeply',
      { type: 'applied', version: '1', value: JSON.parse('{"n":'.repeat(70) + '1' + '}'.repeat(70)) },
    ],
  ])('B1 S6 asks again with the same key where a transport of the application answers with %s', async (_, nonsense) => {
    const real = httpTransport({ baseURL: world.url })
    let count = 0
    const transport: Transport = {
      ...real,
      async send(request, context) {
        const outcome = await real.send(request, context)
        return ++count === 1 ? (nonsense as Outcome) : outcome
      },
    }
    const engine = await world.started({ transport })
    let rolledBack = 0
    const optimistic = { rollback: () => void (rolledBack += 1) }
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { n: 1 }, optimistic })
    const retried = await eventOf(engine, 'sync:retry')
    expect(retried).toMatchObject({ operation: { lastError: { code: 'transport' } } })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(new Set(world.attempts.map(({ context }) => context.idempotencyKey)).size).toBe(1)
    expect(world.server.ledger()).toHaveLength(1)
    expect(rolledBack).toBe(0)
    expect(await engine.view('note').get('a')).toMatchObject({ status: 'synced', version: '1' })
  })

  it('B1 A8 an error of another kind is taken at its word, as a typed one', async () => {
    const real = httpTransport({ baseURL: world.url })
    const cause = new TypeError('Your plan does not allow this.')
    const transport: Transport = {
      ...real,
      send: async () => ({ type: 'rejected', definite: true, error: cause as never }),
    }
    const engine = await world.started({ transport })
    const failed = eventOf(engine, 'sync:failed')
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    expect(await operation.settled).toMatchObject({
      status: 'rejected',
      error: { name: 'SyncError', code: 'transport', message: 'Your plan does not allow this.' },
    })
    expect(await failed).toMatchObject({ operation: { lastError: { code: 'transport' } } })
  })

  it('B1 L9 a transport with a breaker of its own is asked again after its time, and not at once for ever', async () => {
    const engine = await world.started()
    world.intercept(async () => ({ type: 'retry', error: new CircuitBreakerOpenError(60_000) }))
    const before = Date.now()
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    await expect
      .poll(async () => (await engine.operations.get(operation.id))?.nextAttemptAt)
      .toBeGreaterThanOrEqual(before + 60_000)
    expect(world.attempts).toHaveLength(1)
    expect((await engine.operations.get(operation.id))?.lastError).toMatchObject({ code: 'transport' })
  })

  it.each<[string, unknown]>([
    ['no list', { type: 'applied' }],
    ['a text', 'done'],
    ['fewer than it was asked for', []],
    ['nonsense for each', [{ type: 'fine' }, undefined, 1]],
  ])('B1 S6 asks again with the same keys where a batch is answered with %s', async (_, nonsense) => {
    const real = httpTransport({ baseURL: world.url })
    let count = 0
    const transport: Transport = {
      ...real,
      async sendBatch(items, context) {
        const outcomes = (await real.sendBatch?.(items, context)) ?? []
        return ++count === 1 ? (nonsense as Outcome[]) : outcomes
      },
    }
    const engine = await world.started({ transport, batchSize: 10 })
    const operations = await engine.enqueueAll(['a', 'b', 'c'].map((id) => ({ type: 'create', entity: 'note', id, payload: {} })))
    for (const { settled } of operations) expect(await settled).toEqual({ status: 'done' })
    expect(world.server.ledger()).toHaveLength(3)
  })

  it.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['a type that is none', () => Promise.resolve({ type: 'fine' })],
    ['no value', () => Promise.resolve({ type: 'found', version: '1' })],
    ['a version that is a number', () => Promise.resolve({ type: 'found', version: 2, value: {} })],
    ['a value that JSON has no form for', () => Promise.resolve({ type: 'found', version: '2', value: { id: 'a', n: 1n } })],
    ['a value that was not awaited', () => Promise.resolve({ type: 'found', version: '2', value: Promise.resolve({ id: 'a' }) })],
    ['a number beyond a double', () => Promise.resolve({ type: 'found', version: '2', value: { id: 'a', n: Infinity } })],
    ['a failure without an error', () => Promise.resolve({ type: 'failed' })],
    ['an error', () => Promise.reject(new Error('not now'))],
    [
      'an error at once',
      () => {
        throw new Error('not now')
      },
    ],
  ])('B1 A3 looks at the server again where a transport of the application answers that with %s', async (_, nonsense) => {
    const real = httpTransport({ baseURL: world.url })
    let count = 0
    const transport: Transport = {
      ...real,
      fetch: (entity, id, context) => (++count === 1 ? (nonsense() as Promise<Fetched>) : real.fetch(entity, id, context)),
    }
    const engine = await world.started({ transport })
    const operation = await bothChange(world, engine)
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(count).toBe(2)
    expect(world.notes()).toMatchObject({ a: { title: 'ours', body: 'old' } })
  })

  it('L5 A3 a look at the server that is never answered is given up in time, and taken again', async () => {
    const real = httpTransport({ baseURL: world.url })
    let looks = 0
    let calledOff = 0
    const transport: Transport = {
      ...real,
      fetch(entity, id, context) {
        if (++looks > 1) return real.fetch(entity, id, context)
        context.signal.addEventListener('abort', () => (calledOff += 1))
        return new Promise(() => {})
      },
    }
    const engine = await world.started({ transport, sendTimeoutMs: 300 })
    const operation = await bothChange(world, engine)
    const retried = await eventOf(engine, 'sync:retry')
    expect(retried).toMatchObject({ operation: { lastError: { code: 'timeout' } } })
    expect(retried).toMatchObject({ operation: { lastError: { message: expect.stringContaining('sendTimeoutMs') as string } } })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect([looks, calledOff]).toEqual([2, 1])
    expect(world.notes()).toMatchObject({ a: { title: 'ours', body: 'old' } })
  })

  it('B1 a transport that says why it makes no request has that said to whoever enqueued', async () => {
    const real = httpTransport({ baseURL: world.url })
    const refusal = new ClientError('No such route.', { code: 'no-route' })
    const transport: Transport = {
      ...real,
      prepare(operation) {
        if (operation.type === 'publish') throw refusal
        return real.prepare(operation)
      },
    }
    const engine = await world.started({ transport })
    const errors: unknown[] = []
    const optimistic = { onError: (error: unknown) => void errors.push(error) }
    const operation = await engine.enqueue({ type: 'publish', entity: 'note', id: 'a', payload: {}, optimistic })
    expect(await operation.settled).toMatchObject({ status: 'rejected', error: { name: 'ClientError', code: 'no-route' } })
    expect(errors).toMatchObject([{ code: 'no-route', message: 'No such route.' }])
    expect(world.attempts).toEqual([])
  })

  it('S22 makes no attempt before an honoured Retry-After', async () => {
    const engine = await world.started()
    const attemptedAt: number[] = []
    world.intercept(async (_, send, count) => {
      attemptedAt.push(performance.now())
      return count === 1
        ? { type: 'retry', retryAfterMs: 300, error: new RateLimitError('Slow down.', { status: 429, retryAfterMs: 300 }) }
        : send()
    })
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    await operation.settled
    expect(attemptedAt).toHaveLength(2)
    expect(attemptedAt[1]! - attemptedAt[0]!).toBeGreaterThanOrEqual(299)
  })

  it('S22 A3 makes none either where a look at the server was told to wait', async () => {
    const real = httpTransport({ baseURL: world.url })
    const busy: Fetched = { type: 'failed', retryAfterMs: 60_000, error: new RateLimitError('Slow down.', { status: 429 }) }
    const engine = await world.started({ transport: { ...real, fetch: async () => busy } })
    const before = Date.now()
    const operation = await bothChange(world, engine)
    expect(await eventOf(engine, 'sync:retry')).toMatchObject({ operation: { id: operation.id } })
    expect((await engine.operations.get(operation.id))?.nextAttemptAt).toBeGreaterThanOrEqual(before + 60_000)
  })

  it('S22 L1 waits for a day at most, whatever a transport asks for', async () => {
    const engine = await world.started()
    world.intercept(async () => ({ type: 'retry', retryAfterMs: 1e15, error: new RateLimitError('Later.', { status: 429 }) }))
    const before = Date.now()
    await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    const retry = await eventOf(engine, 'sync:retry')
    const waitMs = retry.type === 'sync:retry' ? retry.nextAttemptAt - before : undefined
    const dayMs = 24 * 60 * 60 * 1_000
    expect(waitMs).toBeGreaterThanOrEqual(dayMs)
    expect(waitMs).toBeLessThan(2 * dayMs)
  })

  it('S13 ends a create as done when the server has it from our own earlier success', async () => {
    const engine = await world.started()
    await fetch(`${world.url}/note`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': '"other"' },
      body: JSON.stringify({ id: 'a', title: 'Hi' }),
    })
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'Hi' } })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.server.ledger()).toHaveLength(1)
  })

  it('A3 merges a stale update by field and sends it under a derived key', async () => {
    const engine = await world.started()
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old', body: 'old' } })
    ).settled
    await fetch(`${world.url}/note/a`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json', 'idempotency-key': '"other"' },
      body: JSON.stringify({ body: 'theirs' }),
    })
    const operation = await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { title: 'ours' } })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({ a: { id: 'a', title: 'ours', body: 'theirs' } })
    const keys = world.attempts.slice(-2).map(({ context }) => context.idempotencyKey)
    expect(keys[1]).toBe(`${keys[0]}.1`)
  })
})
