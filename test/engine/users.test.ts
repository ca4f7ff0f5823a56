import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuthenticationError, type EnqueueInput, type Outcome } from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { rowsOf } from '../support/rows.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const create = (id: string): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: {} })
const unauthorised: Outcome = { type: 'auth', error: new AuthenticationError('Who?', { status: 401 }) }

describe('credentials that the server does not accept', () => {
  it('S24 E3 pause sending, spend no attempt and keep the order; resume sends all', async () => {
    const engine = await world.started({ concurrency: 1, coalesce: false })
    world.intercept(async () => unauthorised)
    engine.pause('test')
    const operations = await engine.enqueueAll([create('a'), { ...create('a'), type: 'update' }, create('b'), create('c')])
    engine.resume('test')
    const summary = await engine.flush()
    expect(summary.held).toEqual(['auth'])
    expect(world.attempts).toHaveLength(1)
    const waiting = await engine.operations.list()
    expect(waiting.map(({ status, attempts }) => [status, attempts])).toEqual(operations.map(() => ['queued', 0]))
    expect(waiting[0]!.lastError).toMatchObject({ name: 'AuthenticationError', status: 401 })
    world.intercept(undefined)
    expect((await engine.flush()).succeeded).toBe(0)
    engine.resume('auth')
    expect(await Promise.all(operations.map(({ settled }) => settled))).toEqual(operations.map(() => ({ status: 'done' })))
    expect(world.server.ledger().map(({ method, id }) => `${method} ${id}`)).toEqual(['POST a', 'POST b', 'POST c', 'PATCH a'])
  })

  it('S24 are tried again by themselves after authPauseMs', async () => {
    const clock = createVirtualClock()
    const engine = await world.started({ ports: { clock }, authPauseMs: 60_000 })
    world.intercept(async () => unauthorised)
    const operation = await engine.enqueue(create('a'))
    await engine.flush()
    world.intercept(undefined)
    const sent = world.attempts.length
    await clock.advance(59_000)
    expect(world.attempts).toHaveLength(sent)
    await clock.advance(1_000)
    expect(await operation.settled).toEqual({ status: 'done' })
    expect((await engine.operations.get(operation.id))?.attempts).toBe(1)
  })

  it('S24 S5 keep the bytes of what was attempted before', async () => {
    const engine = await world.started()
    world.intercept(async (_, send, count) => {
      if (count === 1) {
        await send()
        return { type: 'unknown', error: new AuthenticationError('Lost.', { status: 500 }) }
      }
      return count === 2 ? unauthorised : send()
    })
    const operation = await engine.enqueue(create('a'))
    await eventOf(engine, 'sync:retry')
    await new Promise<void>((resolve) => {
      const subscription = engine.state$.subscribe(({ pauses }) => {
        if (pauses.includes('auth')) resolve()
      })
      void subscription
    })
    await engine.flush()
    expect(await engine.operations.get(operation.id)).toMatchObject({ status: 'waiting', attempts: 1 })
    engine.resume('auth')
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(new Set(world.attempts.map(({ request, context }) => JSON.stringify([request, context.idempotencyKey]))).size).toBe(1)
    expect(world.server.ledger()).toHaveLength(1)
  })

  it('S24 tell of the pause and its end by events', async () => {
    const engine = await world.started({ authPauseMs: 50 })
    world.intercept(async (_, send, count) => (count === 1 ? unauthorised : send()))
    const heard: unknown[] = []
    engine.on('engine:*', (event) => {
      if ('reason' in event) heard.push([event.type, event.reason])
    })
    const operation = await engine.enqueue(create('a'))
    await operation.settled
    expect(heard).toEqual([
      ['engine:paused', 'auth'],
      ['engine:resumed', 'auth'],
    ])
  })
})

describe('a token of another user', () => {
  it('S25 S24 E3 is not sent with: sending pauses, drops nothing, spends no attempt, and goes on with the right one', async () => {
    const tokens: Record<string, string> = { 'token-alice': 'alice', 'token-bob': 'bob' }
    await world.close()
    world = await createWorld({ store: 'sqlite', server: { auth: { users: (token) => tokens[token] } } })
    let loggedIn = 'bob'
    const auth = { token: async () => `token-${loggedIn}`, user: () => loggedIn }
    const alice = await world.started({ user: 'alice', transport: httpTransport({ baseURL: world.url, auth }) })
    const operation = await alice.enqueue(create('a'))
    expect((await alice.flush()).held).toEqual(['auth'])
    const waiting = await alice.operations.get(operation.id)
    expect(waiting).toMatchObject({
      status: 'queued',
      attempts: 0,
      lastError: { name: 'AuthenticationError', code: 'wrong-user' },
    })
    expect((await alice.explain(operation.id)).summary).toContain('another user')
    expect(await alice.synchronize()).toMatchObject({ pulled: [{ isComplete: false }] })
    expect(world.server.ledger()).toEqual([])
    loggedIn = 'alice'
    alice.resume('auth')
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.server.ledger().map(({ user }) => user)).toEqual(['alice'])
    expect(JSON.stringify(await rowsOf(world.storage()))).not.toContain('token-')
  })

  it('E3 that can’t be told of is taken for the user’s own; a token that is renewed is no other user', async () => {
    let token = 'old'
    await world.close()
    world = await createWorld({ server: { auth: { users: (given) => (given === 'new' ? 'alice' : undefined) } } })
    const auth = { token: async () => token, refresh: async () => void (token = 'new'), user: () => undefined }
    const alice = await world.started({ user: 'alice', transport: httpTransport({ baseURL: world.url, auth }) })
    expect(await (await alice.enqueue(create('a'))).settled).toEqual({ status: 'done' })
    expect(alice.history().map(({ type }) => type)).not.toContain('engine:paused')
  })

  it('E3 a question that fails sends nothing', async () => {
    const user = (): string => {
      throw new Error('no session')
    }
    const auth = { token: async () => 'secret-token', user }
    const alice = await world.started({ transport: httpTransport({ baseURL: world.url, auth }) })
    const operation = await alice.enqueue(create('a'))
    expect((await alice.flush()).held).toEqual(['auth'])
    expect(await alice.operations.get(operation.id)).toMatchObject({ attempts: 0, lastError: { code: 'authentication' } })
    expect(world.server.ledger()).toEqual([])
  })
})

describe('two users on one store', () => {
  it('S25 each engine sends, lists, counts and touches its own user’s operations only', async () => {
    const tokens: Record<string, string> = { 'token-alice': 'alice', 'token-bob': 'bob' }
    await world.close()
    world = await createWorld({ store: 'memory', server: { auth: { users: (token) => tokens[token] } } })
    const as = (user: string) =>
      world.started({ user, transport: httpTransport({ baseURL: world.url, auth: { token: async () => `token-${user}` } }) })

    const alice = await as('alice')
    alice.pause('test')
    const hers = await alice.enqueue(create('alice-1'))
    const refused = await alice.enqueue({ ...create('alice-2'), type: 'update' })
    await alice.stop()

    const bob = await as('bob')
    const his = await bob.enqueue(create('bob-1'))
    await his.settled
    await bob.flush()
    expect(world.server.ledger().map(({ user, id }) => [user, id])).toEqual([['bob', 'bob-1']])
    expect(await bob.operations.list()).toEqual([])
    expect(await bob.operations.count('live')).toBe(0)
    expect(await bob.operations.get(hers.id)).toBeUndefined()
    for (const act of [
      () => bob.operations.retry(hers.id),
      () => bob.operations.edit(hers.id, {}),
      () => bob.operations.discard(hers.id),
    ])
      await expect(act()).rejects.toMatchObject({ code: 'not-found' })
    await expect(bob.enqueue({ ...create('bob-2'), dependsOn: [hers.id] })).rejects.toMatchObject({ code: 'unknown-dependency' })
    await bob.stop()

    const again = await as('alice')
    await again.operations.handle(hers.id).settled
    await again.operations.handle(refused.id).settled
    expect(world.server.ledger().map(({ user, id }) => [user, id])).toEqual([
      ['bob', 'bob-1'],
      ['alice', 'alice-1'],
    ])
    await again.stop()

    const other = await as('bob')
    expect(await other.operations.list({ status: 'rejected' })).toEqual([])
    expect(await other.operations.count('rejected')).toBe(0)
    await expect(other.operations.retry(refused.id)).rejects.toMatchObject({ code: 'not-found' })
    await expect(other.operations.handle(refused.id).status()).rejects.toMatchObject({ code: 'not-found' })
    expect(await other.operations.handle(refused.id).settled).toEqual({ status: 'forgotten' })
    expect((await rowsOf(world.storage())).map(({ user }) => user)).toEqual(['alice', 'alice', 'bob'])
  })

  it('S25 keeps apart two users’ operations on entities of the same name', async () => {
    const alice = await world.started({ user: 'alice' })
    alice.pause('test')
    await alice.enqueue(create('a'))
    await alice.stop()
    const bob = await world.started({ user: 'bob' })
    const his = await bob.enqueue({ ...create('a'), payload: { by: 'bob' } })
    expect(await his.settled).toEqual({ status: 'done' })
    const rows = (await rowsOf(world.storage())).map(({ user, status }) => `${user}: ${status}`)
    expect(rows).toEqual(['alice: queued', 'bob: done'])
    expect(world.notes()).toEqual({ a: { id: 'a', by: 'bob' } })
  })
})
