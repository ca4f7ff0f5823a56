import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SyncEngine } from '../../src/index.ts'
import { createWorld, type World } from '../support/world.ts'

let world: World
let engine: SyncEngine
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
  engine = await world.started({ limits: { payloadBytes: 200, payloadDepth: 4 } })
  engine.pause('test')
})
afterEach(() => world.close())

const input = (more: object = {}): object => ({ type: 'create', entity: 'note', id: 'a', payload: {}, ...more })
const payload = (value: unknown): object => input({ payload: { value } })

const cyclic: { self?: unknown } = {}
cyclic.self = cyclic
const holes = [1]
holes[2] = 3
class Note {
  readonly title = 'x'
}

const BAD: readonly (readonly [string, unknown, string, string?])[] = [
  ['nothing', undefined, 'operation'],
  ['null', null, 'operation'],
  ['a string', 'create', 'operation'],
  ['no type', input({ type: undefined }), 'type'],
  ['an empty type', input({ type: '' }), 'type'],
  ['a type with a slash', input({ type: 'a/b' }), 'type'],
  ['an unknown entity', input({ entity: 'nothing' }), 'entity', 'unknown-entity'],
  ['an entity of a prototype', input({ entity: 'toString' }), 'entity', 'unknown-entity'],
  ['no id', input({ id: undefined }), 'id'],
  ['an empty id', input({ id: '' }), 'id'],
  ['a number as id', input({ id: 5 }), 'id'],
  ['an id that is too long', input({ id: 'x'.repeat(1_025) }), 'id'],
  ['half a character in the id', input({ id: 'x\ud800' }), 'id'],
  ['dots as id', input({ id: '..' }), 'id'],
  ['NUL in the id', input({ id: 'a\0' }), 'id'],
  ['a delete with a payload', input({ type: 'delete' }), 'payload'],
  ['no payload', input({ payload: undefined }), 'payload'],
  ['a list as payload of a create', input({ payload: [] }), 'payload'],
  ['a priority that does not exist', input({ priority: 'urgent' }), 'priority'],
  ['dependsOn that is no list', input({ dependsOn: 'x' }), 'dependsOn'],
  ['dependsOn of numbers', input({ dependsOn: [1] }), 'dependsOn'],
  ['an operation that does not exist', input({ dependsOn: ['nobody'] }), 'dependsOn', 'unknown-dependency'],
  ['an empty idempotency key', input({ idempotencyKey: '' }), 'idempotencyKey'],
  ['a quote in the idempotency key', input({ idempotencyKey: 'a"b' }), 'idempotencyKey'],
  ['an idempotency key that is too long', input({ idempotencyKey: 'k'.repeat(256) }), 'idempotencyKey'],
  ['a number as dedupe key', input({ dedupeKey: 1 }), 'dedupeKey'],
  ['a space in the base version', input({ baseVersion: 'a b' }), 'baseVersion'],
  ['a base that is not JSON', input({ base: { at: undefined } }), 'base.at'],
  ['undefined', payload(undefined), 'payload.value'],
  ['NaN', payload(NaN), 'payload.value'],
  ['infinity', payload(Infinity), 'payload.value'],
  ['a bigint', payload(1n), 'payload.value'],
  ['a function', payload(() => 1), 'payload.value'],
  ['a symbol', payload(Symbol('x')), 'payload.value'],
  ['a date', payload(new Date(0)), 'payload.value'],
  ['a map', payload(new Map()), 'payload.value'],
  ['bytes', payload(new Uint8Array(1)), 'payload.value'],
  ['an instance of a class', payload(new Note()), 'payload.value'],
  ['a hole', payload(holes), 'payload.value[1]'],
  ['half a character', payload('\udc00'), 'payload.value'],
  ['a key of a prototype', input({ payload: JSON.parse('{"__proto__":1}') }), 'payload.__proto__'],
  ['too many levels', payload({ a: { b: { c: {} } } }), 'payload.value.a.b.c'],
  ['too many bytes', payload('x'.repeat(200)), 'payload', 'too-large'],
  [
    'a getter that throws',
    {
      ...payload(1),
      payload: {
        get value() {
          throw new Error('No.')
        },
      },
    },
    'payload',
  ],
]

describe('an operation that is not what it must be', () => {
  it.each(BAD)('B1 S3 %s is refused at once, with the place, and leaves nothing', async (_, bad, path, code = 'validation') => {
    // @ts-expect-error What JavaScript may pass.
    await expect(engine.enqueue(bad)).rejects.toMatchObject({ name: 'ValidationError', path, code })
    expect(await engine.operations.list()).toEqual([])
  })

  it('B1 a cycle is refused by its depth', async () => {
    await expect(engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: cyclic })).rejects.toMatchObject({
      name: 'ValidationError',
    })
  })

  it('B1 is named by its place in a call of several', async () => {
    const inputs = [input(), input({ entity: 'nothing' })]
    // @ts-expect-error What JavaScript may pass.
    await expect(engine.enqueueAll(inputs)).rejects.toMatchObject({ path: '[1].entity' })
    // @ts-expect-error What JavaScript may pass.
    await expect(engine.enqueueAll('all')).rejects.toMatchObject({ name: 'ValidationError' })
    expect(await engine.enqueueAll([])).toEqual([])
  })

  it('B1 what is just within the limits is taken, and read back as it was', async () => {
    const odd = { n: 0, empty: '', nested: { list: [null, true, 1e21, '\u2028 "\\ 𝄞'] } }
    const operations = await engine.enqueueAll([
      { type: 'create', entity: 'note', id: 'x'.repeat(1_024), payload: odd },
      { type: 'create', entity: 'note', id: '%2F /?#ü', payload: { a: { b: { c: 1 } } }, priority: 'low' },
      { type: 'create', entity: 'note', id: 'c', payload: { value: 'x'.repeat(200 - '{"value":""}'.length) } },
      { type: 'touch', entity: 'note', id: 'd', payload: [1, 2] },
    ])
    const read = await engine.operations.list()
    expect(read.map(({ id }) => id)).toEqual(operations.map(({ id }) => id))
    expect(read[0]!.payload).toEqual(odd)
    expect(read[1]).toMatchObject({ entityId: '%2F /?#ü', priority: 'low' })
  })
})

describe('an engine that does not run', () => {
  it('B1 refuses operations before start and after stop', async () => {
    const other = world.engine()
    const good = { type: 'create', entity: 'note', id: 'a', payload: {} } as const
    for (const act of [() => other.enqueue(good), () => other.enqueueAll([good]), () => other.flush()])
      await expect(act()).rejects.toMatchObject({ name: 'SyncError', code: 'not-started' })
    await other.start()
    await other.stop()
    for (const act of [() => other.enqueue(good), () => other.enqueueAll([good]), () => other.flush()])
      await expect(act()).rejects.toMatchObject({ name: 'SyncError', code: 'not-started' })
  })

  it.each(['', undefined, 5])('B1 refuses %j as a reason to pause', (reason) => {
    // @ts-expect-error What JavaScript may pass.
    expect(() => engine.pause(reason)).toThrow('reason')
    // @ts-expect-error What JavaScript may pass.
    expect(() => engine.resume(reason)).toThrow('reason')
  })
})
