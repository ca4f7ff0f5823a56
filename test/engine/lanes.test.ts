import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  AuthenticationError,
  ClientError,
  ConflictError,
  NetworkError,
  type EnqueueInput,
  type Outcome,
  type OutgoingOperation,
  type PreparedRequest,
  type SyncEngine,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { createWorld, eventOf, type Interception, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const HOUR_MS = 3_600_000

const create = (id: string, more: Partial<EnqueueInput> = {}): EnqueueInput => ({
  type: 'create',
  entity: 'note',
  id,
  payload: {},
  ...more,
})
const update = (id: string, payload: object, more: Partial<EnqueueInput> = {}): EnqueueInput => ({
  type: 'update',
  entity: 'note',
  id,
  payload,
  ...more,
})

const order = (): string[] => world.attempts.map(({ request }) => `${request.method} ${request.path}`)

/** What happens to the first attempt of one path. */
const first =
  (path: string, outcome: Interception): Interception =>
  (attempt, send, count) => {
    const earlier = world.attempts.slice(0, count - 1).some(({ request }) => request.path === path)
    return attempt.request.path !== path || earlier ? send() : outcome(attempt, send, count)
  }

const unknown: Interception = async () => ({ type: 'unknown', error: new NetworkError('Lost.') })
const refused: Interception = async () => ({
  type: 'rejected',
  definite: false,
  error: new ClientError('Forbidden.', { status: 403 }),
})

async function withNotes(options = {}): Promise<SyncEngine> {
  const engine = await world.started({ coalesce: false, ...options })
  const made = await engine.enqueueAll([create('a'), create('b')])
  await Promise.all(made.map(({ settled }) => settled))
  return engine
}

describe('the operations on one entity', () => {
  it('S9 L4 wait behind one that waits for its next attempt, while other lanes go on', async () => {
    const engine = await withNotes({ retry: { strategy: 'constant', baseMs: HOUR_MS, capMs: HOUR_MS } })
    world.intercept(first('/note/a', unknown))
    const head = await engine.enqueue(update('a', { n: 1 }))
    await eventOf(engine, 'sync:retry')
    const behind = await engine.enqueueAll([update('a', { n: 2 }), update('a', { n: 3 })])
    const other = await engine.enqueue(update('b', { n: 1 }))
    expect(await other.settled).toEqual({ status: 'done' })
    await engine.flush()
    expect(order().filter((line) => line === 'PATCH /note/a')).toHaveLength(1)
    await engine.operations.retry(head.id)
    await Promise.all(behind.map(({ settled }) => settled))
    expect(
      world.server
        .ledger()
        .filter(({ id }) => id === 'a')
        .map(({ sequence }) => sequence),
    ).toEqual([1, 3, 4, 5])
    expect(world.notes()).toMatchObject({ a: { n: 3 } })
  })

  it('S9 L4 wait behind one that is parked, while other lanes go on, over a restart too', async () => {
    const engine = await withNotes()
    world.intercept(
      first('/note/a', async (attempt, send, count) => {
        await unknown(attempt, send, count)
        return { type: 'unknown', error: new NetworkError('Lost.') }
      }),
    )
    const head = await engine.enqueue(update('a', { n: 1 }))
    await eventOf(engine, 'sync:retry')
    world.intercept(refused)
    await eventOf(engine, 'sync:parked')
    world.intercept(undefined)
    const behind = await engine.enqueue(update('a', { n: 2 }))
    await engine.stop()
    const next = await world.started({ coalesce: false })
    const other = await next.enqueue(update('b', { n: 1 }))
    expect(await other.settled).toEqual({ status: 'done' })
    await next.flush()
    expect(await next.operations.handle(behind.id).status()).toBe('queued')
    expect(await next.operations.handle(head.id).status()).toBe('parked')
    await next.operations.retry(head.id)
    expect(await next.operations.handle(behind.id).settled).toEqual({ status: 'done' })
    expect(world.notes()).toMatchObject({ a: { n: 2 }, b: { n: 1 } })
  })

  it('S9 go on when the one before them is discarded', async () => {
    const engine = await withNotes({ retry: { strategy: 'constant', baseMs: HOUR_MS, capMs: HOUR_MS } })
    world.intercept(first('/note/a', unknown))
    const head = await engine.enqueue(update('a', { n: 1 }))
    await eventOf(engine, 'sync:retry')
    const behind = await engine.enqueue(update('a', { m: 2 }))
    await engine.operations.discard(head.id)
    expect(await behind.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', m: 2 })
  })

  it('S9 are never two at a time on the wire', async () => {
    const engine = await world.started({ coalesce: false, concurrency: 16 })
    const inFlight = new Map<string, number>()
    let most = 0
    let atOnce = 0
    world.intercept(async ({ request, context }, send) => {
      const id = request.method === 'POST' ? String(JSON.parse(request.body!).id) : request.path.split('/')[2]!
      inFlight.set(id, (inFlight.get(id) ?? 0) + 1)
      most = Math.max(most, inFlight.get(id)!)
      atOnce = Math.max(atOnce, [...inFlight.values()].filter((count) => count > 0).length)
      const outcome = await send()
      inFlight.set(id, inFlight.get(id)! - 1)
      expect(context.signal.aborted).toBe(false)
      return outcome
    })
    const ids = ['a', 'b', 'c', 'd']
    const made = await engine.enqueueAll([
      ...ids.map((id) => create(id)),
      ...[1, 2, 3, 4, 5].flatMap((n) => ids.map((id) => update(id, { n }))),
    ])
    await Promise.all(made.map(({ settled }) => settled))
    expect(most).toBe(1)
    expect(atOnce).toBeGreaterThan(1)
  })

  it('S9 keep their place in flight while they are sent anew: never more requests than the concurrency', async () => {
    const engine = await world.started({ concurrency: 1 })
    const sent: string[] = []
    world.intercept(async ({ request }, send, count) => {
      sent.push(String(JSON.parse(request.body!).id))
      if (count > 1) return send()
      return { type: 'conflict', reason: 'exists', error: new ConflictError('It exists.', { status: 409 }) }
    })
    engine.pause('test')
    const made = await engine.enqueueAll([create('a'), create('b')])
    engine.resume('test')
    await Promise.all(made.map(({ settled }) => settled))
    expect(sent).toEqual(['a', 'a', 'b'])
  })

  it('L4 a request that can not be made ends its operation alone, and tells why', async () => {
    const good = httpTransport({ baseURL: world.url })
    const transport = {
      ...good,
      prepare(operation: OutgoingOperation) {
        if (operation.entityId === 'c') throw new TypeError('The route is broken.')
        return good.prepare(operation)
      },
    }
    const engine = await withNotes({ transport })
    const poisoned = await engine.enqueue(create('c'))
    const other = await engine.enqueue(update('b', { n: 1 }))
    expect(await other.settled).toEqual({ status: 'done' })
    expect(await poisoned.settled).toMatchObject({ status: 'rejected', error: { code: 'unsendable' } })
    expect(await engine.operations.get(poisoned.id)).toMatchObject({ attempts: 0 })
  })
})

describe('a transport of the application', () => {
  const good = () => httpTransport({ baseURL: world.url })

  it.each<[string, (request: PreparedRequest) => unknown]>([
    ['without a body', ({ body: _body, ...request }) => request],
    ['without headers', ({ headers: _headers, ...request }) => request],
    ['whose body is no text', (request) => ({ ...request, body: { title: 'Hi' } })],
    ['only later', (request) => Promise.resolve(request)],
    ['that is none', () => undefined],
  ])('L4 S28 D5 that makes a request %s ends the operation, and leaves no row that can not be read', async (_, spoiled) => {
    const prepare = (operation: OutgoingOperation) => spoiled(good().prepare(operation)) as PreparedRequest
    world.intercept(async () => ({ type: 'retry', error: new NetworkError('Down.') }))
    const engine = await world.started({ transport: { ...good(), prepare } })
    const operation = await engine.enqueue(create('a'))
    expect(await operation.settled).toMatchObject({ status: 'rejected', error: { code: 'unsendable' } })
    expect(world.attempts).toEqual([])
    expect(engine.history().some(({ type }) => type === 'sync:quarantined')).toBe(false)
  })
})

describe('an operation that depends on another', () => {
  it('B8 is sent only after the other is done', async () => {
    const engine = await world.started({ concurrency: 8 })
    let release = (): void => {}
    const gate = new Promise<void>((resolve) => (release = resolve))
    world.intercept(async (_, send, count) => {
      if (count === 1) await gate
      return send()
    })
    const parent = await engine.enqueue(create('parent'))
    const child = await engine.enqueue(create('child', { dependsOn: [parent.id] }))
    const stranger = await engine.enqueue(create('stranger'))
    await stranger.settled
    expect(await child.status()).toBe('queued')
    release()
    expect(await child.settled).toEqual({ status: 'done' })
    expect(world.server.ledger().map(({ id }) => id)).toEqual(['stranger', 'parent', 'child'])
  })

  it('B8 is sent at once when the other is done already', async () => {
    const engine = await world.started()
    const parent = await engine.enqueue(create('parent'))
    await parent.settled
    const child = await engine.enqueue(create('child', { dependsOn: [parent.id] }))
    expect(await child.settled).toEqual({ status: 'done' })
  })

  it('B8 falls with the other, and so does what depends on it', async () => {
    const engine = await world.started()
    engine.pause('test')
    const rollbacks: string[] = []
    const parent = await engine.enqueue(update('missing', { n: 1 }))
    const child = await engine.enqueue(
      create('child', { dependsOn: [parent.id], optimistic: { rollback: (_, error) => void rollbacks.push(error.code) } }),
    )
    const grandchild = await engine.enqueue(create('grandchild', { dependsOn: [child.id] }))
    engine.resume('test')
    expect(await parent.settled).toMatchObject({ status: 'rejected' })
    expect(await child.settled).toMatchObject({ status: 'rejected', error: { code: 'dependency-failed' } })
    expect(await grandchild.settled).toMatchObject({ status: 'rejected', error: { code: 'dependency-failed' } })
    expect(rollbacks).toEqual(['dependency-failed'])
    expect(order()).toEqual(['PATCH /note/missing'])
  })

  it('B8 falls when the other is discarded', async () => {
    const engine = await world.started()
    engine.pause('test')
    const parent = await engine.enqueue(create('parent'))
    const child = await engine.enqueue(create('child', { dependsOn: [parent.id] }))
    await engine.operations.discard(parent.id)
    engine.resume('test')
    expect(await child.settled).toMatchObject({ status: 'rejected', error: { code: 'dependency-failed' } })
  })

  it('B8 S17 keeps the other from being merged', async () => {
    const engine = await world.started({ concurrency: 8 })
    engine.pause('test')
    const parent = await engine.enqueue(create('parent'))
    const child = await engine.enqueue(create('child', { dependsOn: [parent.id] }))
    const later = await engine.enqueue(update('parent', { n: 1 }))
    engine.resume('test')
    expect(await Promise.all([parent.settled, child.settled, later.settled])).toEqual(
      ['done', 'done', 'done'].map((status) => ({ status })),
    )
    expect(order().filter((line) => line.startsWith('P'))).toHaveLength(3)
  })

  it('B8 S17 keeps the other from being merged after it was put back, though it was in flight when the child came', async () => {
    const engine = await world.started()
    let refuse = (_: Outcome): void => {}
    const left = new Promise<void>((resolve) => {
      world.intercept(
        first('/note', () => {
          resolve()
          return new Promise((answer) => (refuse = answer))
        }),
      )
    })
    const parent = await engine.enqueue(create('parent'))
    await left
    const child = await engine.enqueue(create('child', { dependsOn: [parent.id] }))
    const later = await engine.enqueue(update('parent', { n: 1 }))
    const paused = eventOf(engine, 'engine:paused')
    refuse({ type: 'auth', error: new AuthenticationError('Who?', { status: 401 }) })
    await paused
    engine.resume('auth')
    expect(await Promise.all([parent.settled, child.settled, later.settled])).toEqual(
      ['done', 'done', 'done'].map((status) => ({ status })),
    )
  })

  it('B8 waits for the successor of what was merged, though the merged operation is old enough to be forgotten', async () => {
    const options = {
      retention: { completedMs: 0, completedCount: 0 },
      retry: { strategy: 'constant', baseMs: HOUR_MS, capMs: HOUR_MS },
    } as const
    const engine = await world.started(options)
    engine.pause('test')
    const parent = await engine.enqueue(create('parent'))
    const successor = await engine.enqueue(update('parent', { n: 1 }))
    world.intercept(first('/note', unknown))
    engine.resume('test')
    expect(await parent.settled).toEqual({ status: 'superseded', by: successor.id })
    const child = await engine.enqueue(create('child', { dependsOn: [parent.id] }))
    await eventOf(engine, 'sync:retry')
    await engine.stop()
    const next = await world.started(options)
    await next.flush()
    await next.stop()
    const last = await world.started(options)
    expect(await last.flush()).toMatchObject({ succeeded: 0, deferred: 2 })
    expect(await last.operations.handle(child.id).status()).toBe('queued')
    await last.operations.retry(successor.id)
    expect(await last.operations.handle(child.id).settled).toEqual({ status: 'done' })
    expect(world.server.ledger().map(({ id }) => id)).toEqual(['parent', 'child'])
  })

  it('B8 L4 waits for one that is parked, and holds up nobody else', async () => {
    const engine = await withNotes({ retry: { strategy: 'constant', baseMs: 1, maxAttempts: 1 } })
    world.intercept(first('/note/a', unknown))
    const parent = await engine.enqueue(update('a', { n: 1 }))
    await eventOf(engine, 'sync:parked')
    const child = await engine.enqueue(update('b', { n: 1 }, { dependsOn: [parent.id] }))
    const behind = await engine.enqueue(update('b', { n: 2 }))
    const other = await engine.enqueue(create('c'))
    expect(await other.settled).toEqual({ status: 'done' })
    await engine.flush()
    expect(await child.status()).toBe('queued')
    expect(await behind.status()).toBe('queued')
    await engine.operations.retry(parent.id)
    expect(await behind.settled).toEqual({ status: 'done' })
    expect(world.notes()).toMatchObject({ a: { n: 1 }, b: { n: 2 } })
  })
})
