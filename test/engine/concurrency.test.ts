import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ClientError, NetworkError, type EnqueueInput, type Outcome, type Transport } from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { createWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const create = (id: string): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: {} })
const many = Array.from({ length: 60 }, (_, n) => create(`n${n}`))

/** A transport that counts what is asked of it at once. */
function counted(transport: Transport): { readonly transport: Transport; readonly most: () => number } {
  let [inFlight, most] = [0, 0]
  async function counting<T>(ask: () => Promise<T>): Promise<T> {
    most = Math.max(most, ++inFlight)
    try {
      return await ask()
    } finally {
      inFlight -= 1
    }
  }
  const { send, sendBatch } = transport
  return {
    transport: {
      ...transport,
      send: (request, context) => counting(() => send(request, context)),
      ...(sendBatch && { sendBatch: (items, context) => counting(() => sendBatch(items, context)) }),
    },
    most: () => most,
  }
}

/** Batches fare as this says. */
function batching(sendBatch: NonNullable<Transport['sendBatch']>): Transport {
  return { ...httpTransport({ baseURL: world.url }), sendBatch }
}

const refused: Outcome = { type: 'retry', error: new ClientError('No batches.', { status: 404, code: 'batch-unsupported' }) }
const lost: Outcome = { type: 'unknown', error: new NetworkError('Lost.') }

describe('requests in flight', () => {
  it.each<[string, () => Transport]>([
    ['whose transport has no batches', () => httpTransport({ baseURL: world.url, batch: false })],
    ['whose endpoint for batches turns out not to be there', () => batching(async (items) => items.map(() => refused))],
    ['that lost the batches that it was sent, so that each goes alone', () => batching(async (items) => items.map(() => lost))],
  ])('A5 are never more than the concurrency, with an API %s', async (_, made) => {
    const { transport, most } = counted(made())
    const engine = await world.started({ transport, concurrency: 2, batchSize: 20 })
    const operations = await engine.enqueueAll(many)
    for (const { settled } of operations) expect(await settled).toEqual({ status: 'done' })
    expect(most()).toBe(2)
    expect(world.server.ledger()).toHaveLength(many.length)
  })

  it('A5 B7 are never more than the concurrency where the server asks for smaller batches', async () => {
    world.server.setWishes({ maxBatch: 3 })
    const { transport, most } = counted(httpTransport({ baseURL: world.url }))
    const engine = await world.started({ transport, concurrency: 2, batchSize: 20 })
    await (
      await engine.enqueue(create('first'))
    ).settled
    const operations = await engine.enqueueAll(many)
    for (const { settled } of operations) expect(await settled).toEqual({ status: 'done' })
    expect(most()).toBe(2)
  })

  it('A5 are never more than the concurrency where operations come one after the other: what waits shares a batch', async () => {
    let release = (): void => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    world.intercept(async (_, send) => {
      await released
      return send()
    })
    const { transport, most } = counted(httpTransport({ baseURL: world.url }))
    const engine = await world.started({ transport, concurrency: 2, batchSize: 20 })
    const operations = []
    for (const one of many) operations.push(await engine.enqueue(one))
    release()
    for (const { settled } of operations) expect(await settled).toEqual({ status: 'done' })
    expect(most()).toBe(2)
    expect(engine.metrics().requests).toBeLessThan(10)
  })

  it('A8 are no more once who hears that one leaves has paused', async () => {
    const engine = await world.started({ concurrency: 6 })
    engine.pause('test')
    const operations = await engine.enqueueAll(many)
    engine.on('sync:started', () => engine.pause('enough'))
    engine.resume('test')
    expect(await operations[0]!.settled).toEqual({ status: 'done' })
    expect(await engine.flush()).toMatchObject({ deferred: many.length - 1, held: ['enough'] })
    expect(world.attempts).toHaveLength(1)
  })
})
