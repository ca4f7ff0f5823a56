import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  NetworkError,
  type ConflictStrategy,
  type EngineOptions,
  type EnqueueInput,
  type Operation,
  type SyncEngine,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const patch = (payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id: 'a', payload })

function started(conflict: ConflictStrategy, options: Partial<EngineOptions> = {}): Promise<SyncEngine> {
  return world.started({ entities: { note: { conflict } }, ...options })
}

/** The server's title is changed by somebody else after this engine has last seen it, and by this engine as well. */
async function bothChanged(engine: SyncEngine): Promise<Operation> {
  await (
    await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old', body: 'old' } })
  ).settled
  await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
  return engine.enqueue(patch({ title: 'ours' }))
}

describe('reconciling that does not come to an end', () => {
  /** Somebody else changes the same field before each of our requests. */
  function race(): void {
    let n = 0
    world.intercept(async ({ request }, send) => {
      if (request.method === 'PATCH') await elsewhere(world, 'PATCH', '/note/a', { title: `theirs ${n++}` })
      return send()
    })
  }

  it('L7 parks the operation after maxReconciliations, and goes on when it is retried', async () => {
    const engine = await started('merge', { maxReconciliations: 2 })
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old' } })
    ).settled
    race()
    const operation = await engine.enqueue(patch({ title: 'ours' }))
    await eventOf(engine, 'sync:parked')
    const sent = world.attempts.filter(({ request }) => request.method === 'PATCH')
    expect(sent.map(({ context }) => context.idempotencyKey)).toEqual([operation.id, `${operation.id}.1`, `${operation.id}.2`])
    world.intercept(undefined)
    await engine.operations.retry(operation.id)
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toMatchObject({ title: 'ours' })
  })

  it('S12 tries again when the server can not be looked at', async () => {
    const engine = await started('merge')
    world.intercept(async (_, send) => {
      const outcome = await send()
      if (outcome.type === 'conflict') world.server.setFaults({ rate: 1, weights: { unavailable: 1 }, retryAfterMaxSeconds: 0 })
      return outcome
    })
    const operation = await bothChanged(engine)
    await eventOf(engine, 'sync:retry')
    world.intercept(undefined)
    world.server.setFaults(undefined)
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(engine.history().filter(({ type }) => type === 'sync:conflict').length).toBeGreaterThan(0)
    expect(world.notes()['a']).toMatchObject({ title: 'ours' })
  })

  it('L4 ends an operation whose reconciled request can not be made, and sends nothing of it', async () => {
    const good = httpTransport({ baseURL: world.url })
    let isBroken = false
    const engine = await started('localWins', {
      transport: {
        ...good,
        prepare(operation) {
          if (isBroken) throw new TypeError('The route is broken.')
          return good.prepare(operation)
        },
      },
    })
    world.intercept((attempt, send) => {
      isBroken = attempt.request.method === 'PATCH'
      return send()
    })
    const operation = await bothChanged(engine)
    expect(await operation.settled).toMatchObject({ status: 'rejected', error: { code: 'unsendable' } })
    expect(world.notes()['a']).toMatchObject({ title: 'theirs' })
  })

  it('L7 two clients that merge the same field come to rest', async () => {
    const other = await createWorld({ store: 'memory' })
    try {
      const ours = await started('merge')
      const theirs = await other.started({ transport: httpTransport({ baseURL: world.url }) })
      await (
        await ours.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old' } })
      ).settled
      await (
        await theirs.enqueue(patch({ title: 'seen' }))
      ).settled
      const edits = [0, 1, 2, 3, 4].flatMap((n) => [
        ours.enqueue(patch({ title: `ours ${n}` })),
        theirs.enqueue(patch({ title: `theirs ${n}` })),
      ])
      const settled = await Promise.all((await Promise.all(edits)).map((operation) => operation.settled))
      expect(settled.every(({ status }) => status === 'done' || status === 'superseded')).toBe(true)
      expect(world.attempts.length + other.attempts.length).toBeLessThan(60)
      await Promise.all([ours.flush(), theirs.flush()])
      const sent = world.attempts.length + other.attempts.length
      await Promise.all([ours.flush(), theirs.flush()])
      expect(world.attempts.length + other.attempts.length).toBe(sent)
    } finally {
      await other.close()
    }
  })
})

describe('a conflict with our own earlier success', () => {
  /** The first answer is lost, and by the second attempt the server has forgotten the key. */
  function forgetAnswer(): void {
    world.intercept(async (attempt, send, count) => {
      const outcome = await send()
      if (outcome.type !== 'applied') return outcome
      const { idempotencyKey } = attempt.context
      if (world.attempts.slice(0, count - 1).some(({ context }) => context.idempotencyKey === idempotencyKey)) return outcome
      clock.now += 10_000
      return { type: 'unknown', error: new NetworkError('The response was lost.') }
    })
  }

  const clock = { now: 1_700_000_000_000 }
  beforeEach(async () => {
    await world.close()
    world = await createWorld({ store: 'memory', server: { idempotencyTtlMs: 1_000, clock: { now: () => clock.now } } })
  })

  it('S13 ends an update as done', async () => {
    const engine = await started('manual')
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old' } })
    ).settled
    forgetAnswer()
    const operation = await engine.enqueue(patch({ title: 'ours' }))
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.server.ledger().filter(({ method }) => method === 'PATCH')).toHaveLength(1)
    expect((await engine.operations.get(operation.id))?.attempts).toBe(2)
  })

  it('S13 ends a create and a replace as done', async () => {
    const engine = await started('manual', { coalesce: false })
    forgetAnswer()
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'ours' } })
    expect(await operation.settled).toEqual({ status: 'done' })
    const replaced = await engine.enqueue({ type: 'replace', entity: 'note', id: 'a', payload: { body: 'ours' } })
    expect(await replaced.settled).toEqual({ status: 'done' })
    expect(world.server.ledger()).toHaveLength(2)
    expect(world.notes()['a']).toEqual({ id: 'a', body: 'ours' })
  })

  it('S13 ends a replace as done, also one that was made of what the view shows, with its version', async () => {
    const engine = await started('manual')
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old' } })
    ).settled
    const shown = await engine.view('note').get('a')
    forgetAnswer()
    const operation = await engine.enqueue({
      type: 'replace',
      entity: 'note',
      id: 'a',
      payload: { ...shown?.value, title: 'ours' },
    })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(await engine.conflicts.history()).toEqual([])
  })

  it('S13 ends a delete as done when the entity is gone', async () => {
    const engine = await started('manual')
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    ).settled
    forgetAnswer()
    expect(await (await engine.enqueue({ type: 'delete', entity: 'note', id: 'a' })).settled).toEqual({ status: 'done' })
    expect(await (await engine.enqueue({ type: 'delete', entity: 'note', id: 'never' })).settled).toEqual({ status: 'done' })
    expect(world.server.ledger().map(({ method }) => method)).toEqual(['POST', 'DELETE'])
  })
})
