import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EngineOptions, EnqueueInput, JsonObject, SyncEngine } from '../../src/index.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (entity: string, id: string, payload: object): EnqueueInput => ({ type: 'create', entity, id, payload })
const amountOf = ({ amount }: JsonObject): number => Number(amount)

async function engineWith(options: Partial<EngineOptions>): Promise<SyncEngine> {
  const engine = await world.started(options)
  await eventOf(engine, 'lock:acquired')
  return engine
}

const ACCOUNTS: Partial<EngineOptions> = {
  entities: {
    account: {
      invariants: {
        covered: (value) => (amountOf(value) < 0 ? `is ${amountOf(value)}, and may not be below 0` : undefined),
        balanced: {
          start: () => 0,
          add: (sum: number, { value }) => sum + amountOf(value),
          end: (sum: number) => (sum === 100 ? undefined : `the sum is ${sum}, not 100`),
        },
      },
    },
    posting: {},
  },
  invariants: {
    posted: {
      entities: ['account', 'posting'],
      start: () => 0,
      add: (sum: number, { entity, value }) => sum + (entity === 'account' ? amountOf(value) : -amountOf(value)),
      end: (sum: number) => (sum === 0 ? undefined : `accounts have ${sum} more than was posted`),
    },
  },
}

describe('B13 invariants of the application', () => {
  it.each<[string, () => unknown, string]>([
    [
      'that is asynchronous',
      async () => undefined,
      'account.odd: the invariant failed itself (it is asynchronous, and must return at once)',
    ],
    ['whose promise rejects', () => Promise.reject(new Error('late')), 'asynchronous'],
    ['that answers yes or no', () => true, 'must return what is wrong as a text, or undefined, not boolean'],
  ])('B13 one %s says nothing of the data: it is undecided', async (_, odd, said) => {
    const engine = await engineWith({ entities: { account: { invariants: { odd: odd as never } } } })
    await (
      await engine.enqueue(create('account', 'a', { amount: 1 }))
    ).settled
    const { isSound, problems, undecided } = await engine.check()
    expect({ isSound, problems }).toEqual({ isSound: true, problems: [] })
    expect(undecided).toEqual([expect.stringContaining(said)])
  })

  it('B13 are told of what is seen, what waits included', async () => {
    const engine = await engineWith(ACCOUNTS)
    await engine.enqueueAll([create('account', 'a', { amount: 30 }), create('account', 'b', { amount: 70 })])
    await engine.enqueue(create('posting', 'p', { amount: 100 }))
    await engine.flush()
    expect(await engine.check()).toMatchObject({ isSound: true, undecided: [], checked: { invariants: 3 } })
    engine.pause('test')
    await engine.enqueue({ type: 'update', entity: 'account', id: 'a', payload: { amount: -5 } })
    await engine.enqueue(create('account', 'c', { amount: 1 }))
    const { problems, isSound } = await engine.check({ repair: true })
    expect(isSound).toBe(false)
    expect(problems.map(({ message }) => message).toSorted()).toEqual([
      'account.balanced: the sum is 66, not 100',
      'covered of account/a: is -5, and may not be below 0',
      'posted: accounts have -34 more than was posted',
    ])
    expect(problems.every(({ code, repaired }) => code === 'invariant' && repaired === 'none')).toBe(true)
    expect(await engine.check({ entities: ['posting'] })).toMatchObject({ isSound: true, checked: { invariants: 0 } })
  })

  it('B13 that fail themselves decide nothing', async () => {
    const engine = await engineWith({
      entities: {
        note: {
          invariants: {
            odd: () => {
              throw new Error('no idea')
            },
          },
        },
      },
    })
    await engine.enqueue(create('note', 'a', {}))
    expect(await engine.check()).toMatchObject({ isSound: true, undecided: ['note.odd: the invariant failed itself (no idea)'] })
  })

  it('S32 B13 hold at each look while money moves', async () => {
    const engine = await engineWith({ ...ACCOUNTS, invariants: {} })
    await engine.enqueueAll([create('account', 'a', { amount: 50 }), create('account', 'b', { amount: 50 })])
    await engine.flush()
    const moves = Array.from({ length: 20 }, (_, n) =>
      engine.transaction((tx) => {
        tx.enqueue({ type: 'update', entity: 'account', id: 'a', payload: { amount: 50 - n } })
        tx.enqueue({ type: 'update', entity: 'account', id: 'b', payload: { amount: 50 + n } })
      }),
    )
    for (let n = 0; n < 10; n++) expect((await engine.check()).problems).toEqual([])
    await Promise.all(moves)
    await engine.flush()
    expect(await engine.check()).toMatchObject({ isSound: true, undecided: [] })
  })

  it.each<[string, object]>([
    ['entities.note.invariants.sum.end', { entities: { note: { invariants: { sum: { start: () => 0, add: () => 0 } } } } }],
    [
      'invariants.sum.entities',
      { invariants: { sum: { entities: ['nobody'], start: () => 0, add: () => 0, end: () => undefined } } },
    ],
    ['invariants.sum', { invariants: { sum: 1 } }],
  ])('B13 are refused at %s', (path, options) => {
    expect(() => world.engine(options)).toThrow(expect.objectContaining({ name: 'ValidationError', path }))
  })
})

describe('B13 references of the application', () => {
  const options: Partial<EngineOptions> = { entities: { note: {}, comment: { references: { noteId: 'note' } } } }

  it('B13 are to what exists: here, or as the server says', async () => {
    const engine = await engineWith(options)
    await engine.enqueue(create('note', 'n1', {}))
    await engine.enqueue(create('comment', 'c1', { noteId: 'n1' }))
    await engine.enqueue(create('comment', 'c2', { noteId: 'gone' }))
    await engine.flush()
    expect(await engine.check()).toMatchObject({
      isSound: true,
      checked: { references: 2 },
      undecided: ['comment/c2 names note/gone, which is not here: check with server: true'],
    })
    const found = await engine.check({ server: true })
    expect(found.problems).toMatchObject([{ code: 'reference', entity: 'comment', entityId: 'c2' }])
    await fetch(`${world.url}/note`, {
      method: 'POST',
      headers: { 'idempotency-key': '"other"', 'content-type': 'application/json' },
      body: '{"id":"gone"}',
    })
    expect((await engine.check({ server: true })).problems).toEqual([])
  })
})
