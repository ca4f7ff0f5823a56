import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NetworkError } from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { createWorld, eventOf, type Attempt, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const lost = { type: 'unknown', error: new NetworkError('The response was lost.') } as const

const wire = ({ request, context }: Attempt): string => JSON.stringify([request, context.idempotencyKey, context.sequence])

/** Loses every answer after the server has acted, until told otherwise. */
function loseAnswers(): void {
  world.intercept(async (_, send) => {
    await send()
    return lost
  })
}

async function created(): Promise<string> {
  const engine = await world.started()
  await (
    await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old' } })
  ).settled
  loseAnswers()
  const { id } = await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { title: 'new' } })
  await eventOf(engine, 'sync:retry', (event) => event.type === 'sync:retry' && event.operation.attempts === 3)
  await engine.stop()
  return id
}

describe('one key, one request', () => {
  it('S5 sends the same method, URL, body and key at every attempt, over a restart and a change of routes', async () => {
    const id = await created()
    world.intercept(undefined)
    const elsewhere = httpTransport({
      baseURL: world.url,
      routes: { note: { update: () => ({ method: 'PUT', path: '/elsewhere', body: { other: true } }) } },
    })
    const next = await world.started({ transport: elsewhere })
    expect(await next.operations.handle(id).settled).toEqual({ status: 'done' })

    const updates = world.attempts.slice(1)
    expect(updates.length).toBeGreaterThanOrEqual(4)
    expect(new Set(updates.map(wire)).size).toBe(1)
    expect(updates[0]!.request).toMatchObject({ method: 'PATCH', path: '/note/a', body: '{"title":"new"}' })
    expect(world.server.ledger()).toHaveLength(2)
    expect(new Set(world.attempts.map(({ context }) => context.clientId)).size).toBe(1)
  })

  it('S5 is kept by another owner that takes the operation over', async () => {
    const first = await world.started({ stopTimeoutMs: 0 })
    const second = await world.started()
    world.intercept(async (_, send) => {
      await send()
      return new Promise(() => {})
    })
    const operation = await second.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { n: 1 } })
    await eventOf(first, 'sync:started')
    expect(first.metrics().lock.owner).toBe(true)
    world.intercept(undefined)
    await first.stop()
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(second.metrics().lock.owner).toBe(true)
    expect(world.attempts).toHaveLength(2)
    expect(new Set(world.attempts.map(wire)).size).toBe(1)
    expect(world.server.ledger()).toHaveLength(1)
  })

  it('S5 makes the request on the version that the server confirmed, and keeps that version at later attempts', async () => {
    await created()
    const versions = world.attempts.slice(1).map(({ request }) => request.headers['If-Match'])
    expect(versions).toEqual(['"1"', '"1"', '"1"'])
  })

  it('S5 takes the application’s idempotency key to the wire', async () => {
    const engine = await world.started()
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {}, idempotencyKey: 'order-7' })
    await operation.settled
    expect(world.server.ledger()).toMatchObject([{ key: 'order-7' }])
  })
})
