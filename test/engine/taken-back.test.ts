import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NetworkError, type EnqueueInput, type SyncEngine } from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
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

async function settledAll(engine: SyncEngine, inputs: readonly EnqueueInput[]): Promise<void> {
  for (const { settled } of await engine.enqueueAll(inputs)) await settled
}

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

  it.each(['lost on its way', 'applied'])(
    'S31 B14 is what is left of two creates, where a person gives up the first, whose request was %s (seed 26659)',
    async (fate) => {
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
      const next = await engine.enqueue(create({ n: 3 }))
      await engine.operations.discard(operations[0]?.id ?? '')
      expect(await next.settled).toEqual({ status: 'done' })
      await engine.flush()
      expect(world.notes()).toEqual({ a: { id: 'a', n: 3 } })
    },
  )

  it('S31 B14 costs no request where nothing was changed', async () => {
    expect(await left([create({ n: 1 })], update({ n: 1 }))).toEqual({ id: 'a', n: 1 })
    expect(world.attempts.filter(({ request }) => request.path === '/note/a')).toHaveLength(1)
  })

  it('S31 B14 makes nothing of an entity that goes with the transaction', async () => {
    expect(await left([], create({ n: 1 }), update({ n: 3 }))).toBeUndefined()
  })
})
