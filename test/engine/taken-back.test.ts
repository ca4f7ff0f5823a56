import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ClientError,
  NetworkError,
  type EngineOptions,
  type EnqueueInput,
  type SyncEngine,
  type Transport,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { elsewhere } from '../support/other-client.ts'
import { settledAll } from '../support/settled-all.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (payload: object): EnqueueInput => ({ type: 'create', entity: 'note', id: 'a', payload })
const update = (payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id: 'a', payload })
const replace = (payload: object): EnqueueInput => ({ type: 'replace', entity: 'note', id: 'a', payload })
const remove: EnqueueInput = { type: 'delete', entity: 'note', id: 'a' }
/** The server has no such note, and refuses for good. */
const ghost: EnqueueInput = { type: 'update', entity: 'note', id: 'ghost', payload: { n: 1 } }

/** What the server has in the end, where the note is changed by a transaction that is refused, and, before that is known, by what waits behind it. */
async function left(before: readonly EnqueueInput[], member: EnqueueInput, ...later: readonly EnqueueInput[]): Promise<unknown> {
  const engine = await world.started({ transport: httpTransport({ baseURL: world.url, batch: false }), coalesce: false })
  await settledAll(engine, before)
  let refuse = (): void => {}
  const refused = new Promise<void>((resolve) => (refuse = resolve))
  const reached = new Promise<void>((resolve) =>
    world.intercept(async ({ request }, send) => {
      if (request.path !== '/note/ghost') return send()
      resolve()
      await refused
      return send()
    }),
  )
  const { settled } = await engine.transaction((tx) => {
    tx.enqueue(member)
    tx.enqueue(ghost)
  })
  await reached
  engine.pause('test')
  const waiting = await engine.enqueueAll(later)
  refuse()
  expect(await settled).toMatchObject({ status: 'rejected', error: { status: 404 } })
  engine.resume('test')
  for (const operation of waiting) expect(await operation.settled).toEqual({ status: 'done' })
  await engine.flush()
  expect((await engine.view('note').get('a'))?.value).toEqual(world.notes()['a'] && expect.objectContaining(world.notes()['a']))
  return world.notes()['a']
}

/** A transaction that creates the note, which no answer has told; and what sends it. */
async function doubtful(fate: 'lost on its way' | 'applied'): Promise<{ readonly engine: SyncEngine; readonly id: string }> {
  const retry = { strategy: 'constant', baseMs: 60_000 } as const
  const engine = await world.started({ transport: httpTransport({ baseURL: world.url, batch: false }), retry })
  world.intercept(async (_, send) => {
    if (fate === 'applied') await send()
    return { type: 'unknown', error: new NetworkError('The answer is lost.') }
  })
  const { operations } = await engine.transaction((tx) => {
    tx.enqueue(create({ n: 1 }))
    tx.enqueue(ghost)
  })
  await eventOf(engine, 'sync:retry')
  world.intercept(undefined)
  return { engine, id: operations[0]?.id ?? '' }
}

describe('what waits for an entity behind an operation of a transaction that is refused', () => {
  it('S31 B14 keeps the fields that it sets; the others are set back', async () => {
    const was = { n: 1, x: 1, deep: { a: 1, b: 1 } }
    const changed = { n: 2, x: 2, y: 2, deep: { a: 2, b: 2, c: 2 } }
    const end = await left([create(was)], update(changed), update({ n: 3, deep: { a: 3 } }))
    expect(end).toEqual({ id: 'a', n: 3, x: 1, deep: { a: 3, b: 1 } })
  })

  it('S31 B14 keeps them also where all of the entity was replaced', async () => {
    const end = await left([create({ n: 1, x: 1 })], replace({ n: 2, y: 2 }), update({ n: 3 }))
    expect(end).toEqual({ id: 'a', n: 3, x: 1 })
  })

  it('S31 B14 is what is left where it sets all of it', async () => {
    expect(await left([create({ n: 1 })], update({ n: 2 }), update({ n: 3 }))).toEqual({ id: 'a', n: 3 })
    expect(world.attempts.filter(({ request }) => request.path === '/note/a')).toHaveLength(2)
  })

  it('S31 B14 is what is left where it replaces or deletes the entity', async () => {
    expect(await left([create({ n: 1, x: 1 })], update({ n: 2 }), replace({ n: 3 }))).toEqual({ id: 'a', n: 3 })
    expect(await left([], update({ x: 2 }), remove)).toBeUndefined()
  })

  it('S31 B14 is what is left where it makes anew what was deleted', async () => {
    expect(await left([create({ n: 1, x: 1 })], remove, create({ n: 3 }))).toEqual({ id: 'a', n: 3 })
  })

  it.each(['lost on its way', 'applied'] as const)(
    'S31 B14 is what is left of two creates, where a person gives up the first, whose request was %s (seed 26659)',
    async (fate) => {
      const { engine, id } = await doubtful(fate)
      const next = await engine.enqueue(create({ n: 3 }))
      await engine.operations.discard(id)
      expect(await next.settled).toEqual({ status: 'done' })
      await engine.flush()
      expect(world.notes()).toEqual({ a: { id: 'a', n: 3 } })
    },
  )

  describe.each(['pulled', 'never seen'] as const)('an entity that this device has %s', (how) => {
    it.each([
      ['deleted where it was applied', 'applied', undefined],
      ['left where others have made the entity', 'lost on its way', { id: 'a', n: 9 }],
    ] as const)(
      'S31 B14 by a create whose answer never came, and that a person gives up, is %s (seeds 32926 and 37043)',
      async (_, fate, end) => {
        const { engine, id } = await doubtful(fate)
        if (fate !== 'applied') await elsewhere(world, 'POST', '/note', { id: 'a', n: 9 })
        if (how === 'pulled') await engine.synchronize()
        await engine.operations.discard(id)
        await engine.flush()
        expect(world.notes()['a']).toEqual(end)
        const rejected = await engine.operations.list({ status: 'rejected' })
        expect(rejected.map(({ lastError }) => lastError?.code)).toEqual(
          fate !== 'applied' && how === 'never seen' ? ['conflict'] : [],
        )
      },
    )
  })

  it('S31 B14 costs no request where nothing was changed', async () => {
    expect(await left([create({ n: 1 })], update({ n: 1 }))).toEqual({ id: 'a', n: 1 })
    expect(world.attempts.filter(({ request }) => request.path === '/note/a')).toHaveLength(1)
  })

  it('S31 B14 S15 is nothing where the server has refused it already', async () => {
    const retry = { strategy: 'constant', baseMs: 60_000 } as const
    const engine = await world.started({ transport: httpTransport({ baseURL: world.url, batch: false }), retry })
    await settledAll(engine, [create({ n: 1 })])
    world.intercept(async ({ request }, send) => {
      if (request.path === '/note/ghost') return { type: 'retry', error: new NetworkError('Not now.') }
      return request.body === '{"n":3}'
        ? { type: 'rejected', definite: true, error: new ClientError('No.', { status: 422 }) }
        : send()
    })
    const putOff = eventOf(engine, 'sync:retry')
    const { operations, settled } = await engine.transaction((tx) => {
      tx.enqueue(update({ n: 2 }))
      tx.enqueue(ghost)
    })
    await putOff
    const rolledBack = new Promise<void>((resolve) => engine.on('transaction:failed', () => resolve()))
    const rollback = (): Promise<void> => rolledBack
    const later = await engine.enqueue({ ...update({ n: 3 }), optimistic: { rollback } })
    await expect.poll(() => later.status()).toBe('rollingBack')
    world.intercept(undefined)
    await engine.operations.retry(operations[1]?.id ?? '')
    expect(await settled).toMatchObject({ status: 'rejected' })
    await engine.flush()
    expect(world.notes()).toEqual({ a: { id: 'a', n: 1 } })
  })

  it('S31 B14 makes nothing of an entity that goes with the transaction', async () => {
    expect(await left([], create({ n: 1 }), update({ n: 3 }))).toBeUndefined()
  })
})

/**
 * What the server has in the end, where the note is changed by a transaction of which the rest waits for another try, and is refused then: `meanwhile` happens
 * in between.
 */
async function leftAfter(
  before: readonly EnqueueInput[],
  member: EnqueueInput,
  meanwhile: (engine: SyncEngine) => Promise<void>,
  options: Partial<EngineOptions> = {},
): Promise<unknown> {
  const engine = await world.started({
    transport: httpTransport({ baseURL: world.url, batch: false }),
    retry: { strategy: 'constant', baseMs: 60_000 },
    ...options,
  })
  await settledAll(engine, before)
  await engine.synchronize()
  world.intercept(async ({ request }, send) =>
    request.path === '/note/ghost' ? { type: 'retry', error: new NetworkError('Not now.') } : send(),
  )
  const putOff = eventOf(engine, 'sync:retry')
  const { operations, settled } = await engine.transaction((tx) => {
    tx.enqueue(member)
    tx.enqueue(ghost)
  })
  await putOff
  await meanwhile(engine)
  world.intercept(undefined)
  await engine.operations.retry(operations[1]?.id ?? '')
  expect(await settled).toMatchObject({ status: 'rejected', error: { status: 404 } })
  await engine.synchronize()
  expect((await engine.operations.list({ status: 'rejected' })).map(({ entityId }) => entityId)).toEqual(['ghost'])
  expect((await engine.view('note').get('a'))?.value).toEqual(world.notes()['a'] && expect.objectContaining(world.notes()['a']))
  return world.notes()['a']
}

/** By this device, which has the answer of the server. */
const here =
  (...later: readonly EnqueueInput[]) =>
  (engine: SyncEngine): Promise<void> =>
    settledAll(engine, later)

/** By others, of whom a pull has told. */
const there =
  (method: string, body?: object) =>
  async (engine: SyncEngine): Promise<void> => {
    await elsewhere(world, method, '/note/a', body)
    await engine.synchronize()
  }

describe('what was made of an entity after an operation of a transaction was done that is refused', () => {
  const was = { n: 1, x: 1, deep: { a: 1, b: 1 } }
  const changed = { n: 2, x: 2, y: 2, deep: { a: 2, b: 2, c: 2 } }
  const newer = { n: 3, deep: { a: 3 } }
  const left = { id: 'a', n: 3, x: 1, deep: { a: 3, b: 1 } }

  it('S31 B14 stays where this device has changed it; the rest is set back', async () => {
    expect(await leftAfter([create(was)], update(changed), here(update(newer)))).toEqual(left)
  })

  it('S31 B14 stays where others have changed it; the rest is set back', async () => {
    expect(await leftAfter([create(was)], update(changed), there('PATCH', newer))).toEqual(left)
  })

  it.each(['by this device', 'by others'])('S31 B14 stays where all of the entity had been replaced, %s', async (who) => {
    const meanwhile = who === 'by others' ? there('PATCH', newer) : here(update(newer))
    expect(await leftAfter([create(was)], replace(changed), meanwhile)).toEqual(left)
  })

  it('S31 B14 stays where it is all that is there', async () => {
    expect(await leftAfter([create(was)], update(changed), here(replace({ n: 3 })))).toEqual({ id: 'a', n: 3 })
  })

  it('S31 B14 is nothing where only the server made something else of the operation', async () => {
    const real = httpTransport({ baseURL: world.url, batch: false })
    const transport: Transport = {
      ...real,
      async send(request, context) {
        const outcome = await real.send(request, context)
        if (outcome.type !== 'applied' || request.body !== '{"n":2}') return outcome
        await elsewhere(world, 'PATCH', '/note/a', { n: 'two' })
        const [row] = world.server.state('note') as { version: string }[]
        return { type: 'applied', version: row?.version, value: { ...row } }
      },
    }
    const end = await leftAfter([create({ n: 1 })], update({ n: 2 }), async () => {}, { transport })
    expect(end).toEqual({ id: 'a', n: 1 })
  })

  it.each([
    { member: update({ n: 2 }), who: 'this device', meanwhile: here(remove) },
    { member: update({ n: 2 }), who: 'others', meanwhile: there('DELETE') },
    { member: replace({ n: 2 }), who: 'this device', meanwhile: here(remove) },
    { member: replace({ n: 2 }), who: 'others', meanwhile: there('DELETE') },
  ])('S31 B14 is that it is gone, where $who deleted it after the $member.type', async ({ member, meanwhile }) => {
    expect(await leftAfter([create(was)], member, meanwhile)).toBeUndefined()
  })

  it('S31 E5 is nothing where the operation has only left the part that is followed', async () => {
    const entities = { note: { scopes: ['project:p1'] } }
    const pulled = async (engine: SyncEngine): Promise<void> => {
      await engine.synchronize()
      expect(await engine.view('note').get('a')).toBeUndefined()
    }
    const end = await leftAfter([create({ n: 1, project: 'p1' })], update({ project: 'p2' }), pulled, { entities })
    expect(end).toEqual({ id: 'a', n: 1, project: 'p1' })
  })

  it('S31 B14 stays where it makes anew what was deleted', async () => {
    expect(await leftAfter([create(was)], remove, here(create({ n: 3 })))).toEqual({ id: 'a', n: 3 })
  })

  it('S31 B14 goes with an entity that the transaction had created', async () => {
    expect(await leftAfter([], create({ n: 1 }), here(update({ n: 3 })))).toBeUndefined()
  })
})
