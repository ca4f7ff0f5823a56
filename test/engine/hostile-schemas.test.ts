import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ValidationError, type EnqueueInput, type StandardSchema, type SyncEngine } from '../../src/index.ts'
import { elsewhere } from '../support/other-client.ts'
import { answerOn, schemaOf } from '../support/schemas.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const one: EnqueueInput = { type: 'create', entity: 'note', id: 'a', payload: { title: 'one' } }

function withSchema(schema: StandardSchema): Promise<SyncEngine> {
  return world.started({ entities: { note: { schema } } })
}

async function refusal(engine: SyncEngine, input = one): Promise<ValidationError> {
  const error: unknown = await engine.enqueue(input).catch((cause: unknown) => cause)
  if (!(error instanceof ValidationError)) throw new Error('It was not refused.', { cause: error })
  expect(await engine.operations.list()).toEqual([])
  return error
}

describe('schemas that misbehave', () => {
  const failing: [string, (value: unknown) => unknown][] = [
    [
      'throws',
      () => {
        throw new RangeError('broken')
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('broken'))],
    ['answers nothing', () => undefined],
    ['answers a text', () => 'fine'],
    ['answers neither a value nor issues', () => ({})],
    ['answers issues that are no list', () => ({ issues: 'many' })],
    ['answers issues that are an object like a list', () => ({ issues: { length: 1, 0: { message: 'no' } } })],
    ['answers an issue that is none', () => ({ issues: [null] })],
    [
      'answers with a getter that throws',
      () => ({
        get issues() {
          throw new RangeError('broken')
        },
      }),
    ],
    ['answers a promise of nonsense', () => Promise.resolve(17)],
  ]

  it.each(failing)(
    'B16 one that %s lets nothing pass: neither into the queue, with the cause, nor from the server',
    async (name, check) => {
      await elsewhere(world, 'POST', '/note', { id: 'b', title: 'b' })
      const engine = await withSchema(schemaOf(check))
      const error = await refusal(engine)
      expect(error).toMatchObject({ code: 'invalid', path: 'payload' })
      expect(error.cause).toBeInstanceOf(
        name === 'throws' || name === 'rejects' || name.includes('getter') ? RangeError : TypeError,
      )
      const { pulled } = await engine.synchronize()
      expect(pulled).toMatchObject([{ isComplete: true }])
      const told = engine.history().filter((event) => event.type === 'pull:quarantined')
      expect(told).toMatchObject([{ id: 'b', error: { code: 'invalid', path: 'value' } }])
      expect(await engine.view('note').list()).toEqual([])
    },
  )

  it('B16 tells of many issues in bounded words', async () => {
    const message = 'bad '.repeat(1_000)
    const path = Array.from({ length: 500 }, () => 'deep')
    const issues = Array.from({ length: 100_000 }, () => ({ message, path }))
    const error = await refusal(await withSchema(schemaOf(() => ({ issues }))))
    expect(error.issues).toHaveLength(20)
    expect(error.message.length).toBeLessThan(1_500)
    expect(error.message).toContain('and 99997 more')
    expect(JSON.stringify(error.issues).length).toBeLessThan(10_000)
  })

  it('S29 paths through a prototype are words, and nothing else', async () => {
    const issues = [
      { message: 'one', path: ['__proto__', 'polluted'] },
      { message: 'two', path: [{ key: 'constructor' }, Symbol('s'), 3, 'a.b'] },
      { message: 'three', path: 'no list' },
      { message: 4, path: [{}] },
    ]
    const error = await refusal(await withSchema(schemaOf(() => ({ issues }))))
    expect(error.issues).toEqual([
      { path: 'payload.__proto__.polluted', message: 'one' },
      { path: 'payload.constructor["Symbol(s)"][3]["a.b"]', message: 'two' },
      { path: 'payload', message: 'three' },
      { path: 'payload["[object Object]"]', message: 'is refused by the schema' },
    ])
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('polluted')
  })

  it('B16 refuses without a reason what is refused without one', async () => {
    const error = await refusal(await withSchema(schemaOf(() => ({ issues: [] }))))
    expect(error).toMatchObject({ path: 'payload', issues: [{ path: 'payload' }] })
  })

  it('B16 what a schema makes of a value is neither stored nor sent, even if it changes what it was given', async () => {
    const changing = schemaOf((value) => {
      if (typeof value === 'object' && value !== null) Object.assign(value, { title: 'changed', more: 1 })
      return { value: { other: true } }
    })
    const engine = await world.started({
      entities: {
        note: { schema: changing },
        trimmed: { schema: z.object({ title: z.string().trim(), size: z.number().default(1) }) },
      },
    })
    const handles = await engine.enqueueAll([one, { ...one, entity: 'trimmed', payload: { title: ' one ' } }])
    await Promise.all(handles.map(({ settled }) => settled))
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'one' })
    expect(world.server.state('trimmed')).toMatchObject([{ id: 'a', title: ' one ' }])
    expect((await engine.view('note').get('a'))!.value).not.toHaveProperty('more')
  })
})

/** Time passes until it is over. */
async function passing<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  const state = { isOver: false }
  const over = (): void => void (state.isOver = true)
  work.then(over, over)
  while (!state.isOver) {
    await clock.advance(100)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return work
}

describe('schemas that take their time', () => {
  const slow = (ms: number): StandardSchema =>
    schemaOf((value) => new Promise((resolve) => setTimeout(() => resolve(answerOn(value)), ms)))

  it('B16 are waited for, before an enqueue and after a pull, in the order of the calls', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'b', title: 5 })
    const engine = await withSchema(slow(20))
    engine.pause('test')
    const calls = [
      one,
      { type: 'update', entity: 'note', id: 'a', payload: { title: 7 } },
      { type: 'update', entity: 'note', id: 'a', payload: { n: 1 } },
      { type: 'create', entity: 'note', id: 'c', payload: {} },
    ]
    const settled = await Promise.allSettled(calls.map((call) => engine.enqueue(call)))
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
    expect((await engine.operations.list()).map(({ payload }) => payload)).toEqual([{ title: 'one' }, { n: 1 }])
    engine.resume('test')
    await engine.synchronize()
    expect(await eventOf(engine, 'pull:quarantined')).toMatchObject({ id: 'b', error: { path: 'value.title' } })
    expect((await engine.view('note').list()).map(({ id, value }) => [id, value['n']])).toEqual([['a', 1]])
  })

  it('B16 hundreds of calls about different entities are looked at side by side', async () => {
    let most = 0
    let now = 0
    const counting = schemaOf(async (value) => {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setTimeout(resolve, 5))
      now -= 1
      return answerOn(value)
    })
    const engine = await withSchema(counting)
    await Promise.all(Array.from({ length: 300 }, (_, n) => engine.enqueue({ ...one, id: `n${n}` })))
    expect(most).toBe(300)
  })

  it('S18 a page that is looked at for long does not bring back what an answer of the server replaced meanwhile', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'old' })
    let release = (): void => {}
    const looked = new Promise<void>((resolve) => (release = resolve))
    let reached = (): void => {}
    const isReached = new Promise<void>((resolve) => (reached = resolve))
    const engine = await withSchema(
      schemaOf(async (value) => {
        if (JSON.stringify(value).includes('old')) {
          reached()
          await looked
        }
        return answerOn(value)
      }),
    )
    const pulled = engine.synchronize()
    await isReached
    await (
      await engine.enqueue({ type: 'replace', entity: 'note', id: 'a', payload: { title: 'new' } })
    ).settled
    release()
    await pulled
    expect(await engine.view('note').get('a')).toMatchObject({ value: { title: 'new' }, version: '2' })
  })

  it('L10 B16 one that never answers keeps no engine from stopping, which then takes nothing of the page', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'b', title: 'b' })
    let isAsked = false
    const engine = await withSchema(schemaOf(() => ((isAsked = true), new Promise(() => {}))))
    const synchronized = engine.synchronize()
    await expect.poll(() => isAsked).toBe(true)
    await engine.stop()
    expect(await synchronized).toMatchObject({ pulled: [{ entity: 'note', isComplete: false }] })
    const next = await world.started()
    expect(await next.view('note').list()).toEqual([])
  })

  it('B16 one that never answers is given up: the enqueue is refused, a change is left out, an operation is done', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'b', title: 'b' })
    let isSilent = false
    const schema = schemaOf((value) => (isSilent ? new Promise(() => {}) : answerOn(value)))
    const clock = createVirtualClock()
    const engine = await world.started({
      entities: { note: { schema } },
      ports: { clock },
      lock: { heartbeatMs: 10_000_000, staleMs: 20_000_000 },
    })
    const answered = eventOf(engine, 'sync:started')
    engine.on('sync:started', () => (isSilent = true))
    const operation = await engine.enqueue(one)
    await answered
    const settled = await passing(clock, operation.settled)
    expect(settled).toEqual({ status: 'done' })
    expect(await eventOf(engine, 'sync:invalid')).toMatchObject({ error: { path: 'value', cause: { code: 'timeout' } } })
    const refused = await passing(clock, refusal(engine, { ...one, id: 'c' }))
    expect(refused).toMatchObject({ path: 'payload', cause: { code: 'timeout' } })
    const { pulled } = await passing(clock, engine.synchronize())
    expect(pulled).toMatchObject([{ isComplete: true }])
    expect(
      engine
        .history()
        .filter((event) => event.type === 'pull:quarantined')
        .map((event) => event.id),
    ).toContain('b')
  })
})

describe('the options', () => {
  const bad: [string, unknown][] = [
    ['null', null],
    ['an object', {}],
    ['another version', { '~standard': { version: 2, validate: () => ({ value: 1 }) } }],
    ['no function', { '~standard': { version: 1, validate: 'no' } }],
    ['a function of its own', (value: unknown) => value],
  ]

  it.each(bad)('B16 refuse a schema that is %s', (_, schema) => {
    const entities = { note: { schema, payloads: { publish: schema } } } as never
    expect(() => world.engine({ entities })).toThrow(
      expect.objectContaining({ code: 'validation', path: 'entities.note.schema' }),
    )
    const payloads = { note: { payloads: { publish: schema } } } as never
    expect(() => world.engine({ entities: payloads })).toThrow(
      expect.objectContaining({ path: 'entities.note.payloads.publish' }),
    )
  })

  it('B16 refuse payloads that are no object, and one for a delete', () => {
    expect(() => world.engine({ entities: { note: { payloads: [] as never } } })).toThrow('entities.note.payloads')
    const payloads = { delete: schemaOf(answerOn) }
    expect(() => world.engine({ entities: { note: { payloads } } })).toThrow('entities.note.payloads.delete')
  })
})
