import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { filter, firstValueFrom } from 'rxjs'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { textMerge } from '../../src/adapters/merge-text.ts'
import { decodeHlc, encodeHlc } from '../../src/core/hlc.ts'
import { ValidationError, type EntityOptions } from '../../src/index.ts'
import { bothChange, created, deletion, patch, startedWith } from '../support/conflicts.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const LATE = 4_000_000_000_000
const at = (ms: number) => encodeHlc({ ms, count: 0, node: 'other' })

describe('lastWriteWins', () => {
  const options: EntityOptions = { conflict: 'lastWriteWins' }

  it.each([
    ['an ISO date', new Date(0).toISOString()],
    ['milliseconds', 5],
    ['an HLC', at(5)],
    ['no stamp', null],
    ['a stamp that can not be read', 'yesterday'],
    ['a stamp of a clock that is years ahead', at(LATE)],
    ['a date that is years ahead', new Date(LATE).toISOString()],
  ])('B4 takes the local value where the remote was written before it, or nobody knows when: %s', async (_, updatedAt) => {
    const engine = await startedWith(world, options)
    const operation = await bothChange(world, engine, { theirs: { title: 'theirs', body: 'theirs', updatedAt } })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toMatchObject({ title: 'ours', body: 'theirs' })
  })

  it('B4 takes the remote value where that was written later, keeps what only we changed, and both values', async () => {
    const engine = await startedWith(world, options)
    const later = new Date(Date.now() + 60_000).toISOString()
    const operation = await bothChange(world, engine, {
      theirs: { title: 'theirs', updatedAt: later },
      ours: patch({ title: 'ours', body: 'ours' }),
    })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs', body: 'ours', updatedAt: later })
    const fields = [{ path: 'title', base: 'old', local: 'ours', remote: 'theirs' }]
    expect(await engine.conflicts.history()).toMatchObject([{ fields, strategy: 'lastWriteWins', resolution: 'merged' }])
  })

  it('B4 drops an update of which nothing is later, and a deletion that is earlier than a change', async () => {
    const engine = await startedWith(world, options)
    const theirs = { title: 'theirs', updatedAt: at(Date.now() + 60_000) }
    const update = await bothChange(world, engine, { theirs })
    expect(await update.settled).toMatchObject({ status: 'rejected' })
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs again', updatedAt: at(Date.now() + 120_000) })
    const remove = await engine.enqueue({ ...deletion, baseVersion: '1' })
    expect(await remove.settled).toMatchObject({ status: 'rejected' })
    expect(world.notes()['a']).toMatchObject({ title: 'theirs again' })
  })

  it('B4 creates again what was deleted, for the update comes last, and deletes what was changed before', async () => {
    const engine = await startedWith(world, options)
    await created(engine, { title: 'old' })
    await elsewhere(world, 'DELETE', '/note/a')
    expect(await (await engine.enqueue(patch({ title: 'ours' }))).settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours' })
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs', updatedAt: 1 })
    expect(await (await engine.enqueue(deletion)).settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({})
  })

  it('C1 writes its own stamp where that is asked for, later with each operation, and no conflict by itself', async () => {
    const engine = await startedWith(world, { conflict: 'lastWriteWins', stamp: { field: 'hlc', write: true } })
    await created(engine, { title: 'old', body: 'old' })
    const first = (world.notes()['a'] as { hlc: string }).hlc
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs', hlc: at(Date.now() + 30_000) })
    const operation = await engine.enqueue(patch({ body: 'ours' }))
    await operation.settled
    expect((await engine.operations.get(operation.id))?.conflict).toBeUndefined()
    expect(world.notes()['a']).toMatchObject({ title: 'theirs', body: 'ours' })
    await (
      await engine.enqueue(patch({ body: 'ours again' }))
    ).settled
    const last = (world.notes()['a'] as { hlc: string }).hlc
    expect(decodeHlc(first)).toBeDefined()
    expect(last > first).toBe(true)
  })

  it('C1 writes its own stamp with edited content and with what a person decides, too: it is made then', async () => {
    const engine = await startedWith(world, {
      conflict: 'lastWriteWins',
      stamp: { field: 'hlc', write: true },
      fields: { title: 'manual' },
    })
    await created(engine, { title: 'old' })
    const stamp = (): string => (world.notes()['a'] as { hlc?: string }).hlc ?? ''
    engine.pause('test')
    const edited = await engine.enqueue(patch({ body: 'ours' }))
    const before = encodeHlc({ ms: Date.now(), count: 0, node: '' })
    await engine.operations.edit(edited.id, { body: 'ours, edited' })
    engine.resume('test')
    await edited.settled
    expect(stamp() > before).toBe(true)

    const operation = await bothChange(world, engine, { theirs: { title: 'theirs', hlc: at(Date.now()) } })
    const [conflict] = await firstValueFrom(engine.conflicts.watch().pipe(filter((pending) => pending.length > 0)))
    const decided = encodeHlc({ ms: Date.now(), count: 0, node: '' })
    await engine.conflicts.resolve(conflict!.id, { value: { title: 'both' } })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toMatchObject({ title: 'both' })
    expect(stamp() > decided).toBe(true)
  })

  it('B4 gives way wholly where a rule leaves nothing but its stamp, though that is the later', async () => {
    const stamp = { field: 'hlc', write: true } as const
    const engine = await world.started({
      entities: { note: { conflict: 'lastWriteWins', stamp, fields: { title: 'remoteWins' } } },
    })
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'old' } })
    ).settled
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
    const operation = await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { title: 'ours' } })
    expect(await operation.settled).toMatchObject({ status: 'rejected', error: { name: 'ConflictError' } })
    expect(world.notes()['a']).toMatchObject({ title: 'theirs' })
    expect(world.attempts).toHaveLength(2)
  })

  it('C1 takes what a stamp or a clock tells for no conflict, whatever the field is called', async () => {
    const note: EntityOptions = { ...options, stamp: 'changed at', vectorClock: 'vector clock' }
    const engine = await startedWith(world, note)
    const by = (ms: number, clock: object, rest: object) => ({ 'changed at': at(ms), 'vector clock': clock, ...rest })
    const operation = await bothChange(world, engine, {
      base: by(1, { us: 1, them: 1 }, { title: 'old', body: 'old' }),
      theirs: by(3, { us: 2, them: 3 }, { body: 'theirs' }),
      ours: patch(by(2, { us: 3, them: 2 }, { title: 'ours' })),
    })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(await engine.conflicts.history()).toEqual([])
    expect(world.notes()['a']).toEqual({ id: 'a', ...by(3, { us: 3, them: 3 }, { title: 'ours', body: 'theirs' }) })
  })

  it('C1 keeps no stamp in the rows of entities that have another strategy', async () => {
    const engine = await world.started({ entities: { note: {}, task: { conflict: 'lastWriteWins' } } })
    engine.pause('test')
    for (const entity of ['note', 'task']) await engine.enqueue({ type: 'create', entity, id: 'a', payload: { title: 'x' } })
    const store = world.storage()
    const { STORE_SCHEMA } = await import('../../src/core/schema.ts')
    await store.open(STORE_SCHEMA)
    const rows = await store.scan('operations', { limit: 10 })
    expect(rows.map(({ value }) => 'hlc' in (value as object))).toEqual([false, true])
    await store.close()
  })
})

describe('rules for fields', () => {
  it('B4 settle each field by its own rule, and the rest by the strategy of the entity', async () => {
    const engine = await startedWith(world, {
      conflict: 'remoteWins',
      fields: { title: 'localWins', tags: 'set', body: textMerge, count: ({ local }) => Number(local) * 10 },
    })
    const operation = await bothChange(world, engine, {
      base: { title: 'old', tags: ['a'], body: 'one\n\ntwo\n', count: 1, other: 0 },
      theirs: { title: 'theirs', tags: ['a', 'b'], body: 'ONE\n\ntwo\n', count: 2, other: 1 },
      ours: patch({ title: 'ours', tags: ['c'], body: 'one\n\nTWO\n', count: 3, other: 2 }),
    })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours', tags: ['b', 'c'], body: 'ONE\n\nTWO\n', count: 30, other: 1 })
    const [conflict] = await engine.conflicts.history()
    expect(conflict!.fields.map(({ path, rule }) => [path, rule])).toEqual([
      ['title', 'localWins'],
      ['tags', 'set'],
      ['body', 'function'],
      ['count', 'function'],
      ['other', undefined],
    ])
  })

  it('B4 hold for fields whose name is no plain word, too', async () => {
    const fields: EntityOptions['fields'] = {
      'full name': 'remoteWins',
      'address.house no': 'remoteWins',
      '["a.b"]': 'remoteWins',
    }
    const engine = await startedWith(world, { conflict: 'localWins', fields })
    const sides = (who: string) => ({ 'full name': who, address: { 'house no': who }, 'a.b': who, title: who })
    const operation = await bothChange(world, engine, {
      base: sides('base'),
      theirs: sides('theirs'),
      ours: patch(sides('ours')),
    })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', ...sides('theirs'), title: 'ours' })
  })

  it('B5 leave the conflict to a person if one field is his', async () => {
    const engine = await startedWith(world, { conflict: 'localWins', fields: { title: 'manual' } })
    const operation = await bothChange(world, engine)
    await eventOf(engine, 'sync:parked')
    const [conflict] = await engine.conflicts.list()
    expect(conflict).toMatchObject({ severity: 'high', strategy: 'fields', fields: [{ path: 'title', rule: 'manual' }] })
    await engine.conflicts.resolve(conflict!.id, 'local')
    expect(await operation.settled).toEqual({ status: 'done' })
  })

  it.each([
    [
      'throws',
      () => {
        throw new TypeError('Bug in the application.')
      },
    ],
    ['gives what is not JSON', () => new Date(0) as never],
  ])('S12 park the operation if a rule %s, and nothing is lost', async (_, rule) => {
    const engine = await startedWith(world, { fields: { title: rule } })
    const operation = await bothChange(world, engine)
    await eventOf(engine, 'sync:parked')
    expect(await engine.operations.get(operation.id)).toMatchObject({
      lastError: { name: 'ConflictError' },
      conflict: { fields: [{ path: 'title', local: 'ours', remote: 'theirs' }], strategy: 'fields' },
    })
    expect(world.notes()['a']).toMatchObject({ title: 'theirs' })
  })

  it.each(['local', { value: { title: 'both' } }] as const)(
    'B5 what a person chose holds, though a rule goes on to fail (%j)',
    async (chosen) => {
      const engine = await startedWith(world, {
        fields: {
          title: () => {
            throw new TypeError('Bug in the application.')
          },
        },
      })
      const operation = await bothChange(world, engine)
      const [conflict] = await firstValueFrom(engine.conflicts.watch().pipe(filter((pending) => pending.length > 0)))
      await engine.conflicts.resolve(conflict!.id, chosen)
      expect(await operation.settled).toEqual({ status: 'done' })
      expect(world.notes()['a']).toMatchObject({ title: chosen === 'local' ? 'ours' : 'both' })
    },
  )

  it.each<[EntityOptions, string]>([
    [{ conflict: 'newest' as 'merge' }, 'entities.note.conflict'],
    [{ fields: [] as never }, 'entities.note.fields'],
    [{ fields: { title: 'merge' as 'set' } }, 'entities.note.fields.title'],
    [{ fields: { tags: { set: '' } } }, 'entities.note.fields.tags'],
    [{ fields: { address: 'set', 'address.street': 'manual' } }, 'entities.note.fields.address.street'],
    [{ vectorClock: '' }, 'entities.note.vectorClock'],
    [{ stamp: 'at' }, 'entities.note.stamp'],
    [{ conflict: 'lastWriteWins', stamp: { field: 'at' } as never }, 'entities.note.stamp'],
  ])('D5 options that can not be are refused at once: %j', (note, path) => {
    expect(() => world.engine({ entities: { note } })).toThrow(expect.objectContaining({ path }))
    expect(() => world.engine({ entities: { note } })).toThrow(ValidationError)
  })
})

describe('vector clocks', () => {
  it('C1 a create that has seen all that is there takes its place', async () => {
    const engine = await startedWith(world, { conflict: 'manual', vectorClock: 'clock' })
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'theirs', body: 'theirs', clock: { them: 1 } })
    const payload = { title: 'ours', clock: { them: 1, us: 1 } }
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', ...payload })
  })
})

describe('a conflict function that does not end', () => {
  it('L5 is waited for as long as any step, then a person decides', async () => {
    const engine = await startedWith(world, { conflict: () => new Promise(() => {}) }, { sendTimeoutMs: 300 })
    const operation = await bothChange(world, engine)
    await eventOf(engine, 'sync:parked')
    expect(await engine.operations.get(operation.id)).toMatchObject({ status: 'parked', lastError: { name: 'ConflictError' } })
    const [conflict] = await engine.conflicts.list()
    expect(conflict).toMatchObject({ strategy: 'function', resolution: 'pending' })
    await engine.conflicts.resolve(conflict!.id, 'local')
    expect(await operation.settled).toEqual({ status: 'done' })
  })

  it('L10 does not keep the engine from stopping, and is asked again afterwards', async () => {
    let asked = 0
    const options: EntityOptions = { conflict: () => (asked++ === 0 ? new Promise(() => {}) : 'local') }
    const engine = await startedWith(world, options, { stopTimeoutMs: 50 })
    const operation = await bothChange(world, engine)
    await expect.poll(() => asked).toBe(1)
    await engine.stop()
    const next = await startedWith(world, options)
    expect(await next.operations.handle(operation.id).settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toMatchObject({ title: 'ours' })
  })
})

describe('two clients that change the same', () => {
  const stamped = { field: 'hlc', write: true } as const
  const all: [string, EntityOptions][] = [
    ['localWins', { conflict: 'localWins' }],
    ['remoteWins', { conflict: 'remoteWins' }],
    ['merge', { conflict: 'merge' }],
    ['lastWriteWins', { conflict: 'lastWriteWins' }],
    ['lastWriteWins with stamps of its own', { conflict: 'lastWriteWins', stamp: stamped }],
    ['a function', { conflict: ({ local }) => ({ value: { ...(local as object), by: 'function' } }) }],
    [
      'rules for fields',
      {
        conflict: 'merge',
        fields: { title: ({ local, remote }) => JSON.stringify([local, remote]).slice(0, 50), tags: 'set' },
      },
    ],
  ]

  it.each(all)('L7 come to rest by %s', async (_, note) => {
    const other = await createWorld({ store: 'memory' })
    try {
      const ours = await startedWith(world, note)
      const theirs = await startedWith(other, note, { transport: httpTransport({ baseURL: world.url }) })
      await created(ours, { title: 'old', tags: [] })
      await (
        await theirs.enqueue(patch({ body: 'seen' }))
      ).settled
      const edits = [0, 1, 2, 3].flatMap((n) => [
        ours.enqueue(patch({ title: `ours ${n}`, tags: ['ours', n] })),
        theirs.enqueue(patch({ title: `theirs ${n}`, tags: ['theirs', n] })),
      ])
      const settled = await Promise.all((await Promise.all(edits)).map((operation) => operation.settled))
      expect(
        settled.map(({ status }) => status).filter((status) => !['done', 'superseded', 'rejected'].includes(status)),
      ).toEqual([])
      const sent = world.attempts.length + other.attempts.length
      expect(sent).toBeLessThan(60)
      await Promise.all([ours.flush(), theirs.flush()])
      expect(world.attempts.length + other.attempts.length).toBe(sent)
    } finally {
      await other.close()
    }
  })

  it('L7 come to rest by hand, and what each has decided is kept', async () => {
    const other = await createWorld({ store: 'memory' })
    try {
      const ours = await startedWith(world, { conflict: 'manual' })
      const theirs = await startedWith(other, { conflict: 'manual' }, { transport: httpTransport({ baseURL: world.url }) })
      await created(ours, { title: 'old' })
      const first = await theirs.enqueue(patch({ title: 'theirs' }))
      await first.settled
      const second = await ours.enqueue(patch({ title: 'ours' }))
      await eventOf(ours, 'sync:parked')
      const [conflict] = await ours.conflicts.list()
      await ours.conflicts.resolve(conflict!.id, { value: { title: 'both' } })
      expect(await second.settled).toEqual({ status: 'done' })
      expect(world.notes()['a']).toEqual({ id: 'a', title: 'both' })
    } finally {
      await other.close()
    }
  })
})
