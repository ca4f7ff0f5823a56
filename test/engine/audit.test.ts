import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AuditEntry, AuditQuery, SyncEngine } from '../../src/index.ts'
import { bothChange, created, deletion, patch } from '../support/conflicts.ts'
import { elsewhere } from '../support/other-client.ts'
import { openDriver } from '../../src/adapters/sqlite/driver.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const audited = { audit: {} }

async function entriesOf(engine: SyncEngine, query: AuditQuery = {}): Promise<readonly AuditEntry[]> {
  const { entries } = await engine.audit.list({ first: 'oldest', limit: 1_000, ...query })
  return entries
}

describe('C7 the audit', () => {
  it('C7 tells of each operation what was asked, and what became of the entity, field by field', async () => {
    const engine = await world.started(audited)
    await created(engine, { title: 'old', address: { street: 'A', city: 'B' } })
    const operation = await engine.enqueue(patch({ title: 'new', address: { street: null } }))
    await operation.settled
    const entries = await entriesOf(engine)
    expect(entries.map(({ number, action, outcome }) => [number, action, outcome])).toEqual([
      [1, 'enqueued', 'queued'],
      [2, 'ended', 'done'],
      [3, 'enqueued', 'queued'],
      [4, 'ended', 'done'],
    ])
    const who = {
      user: 'default',
      client: expect.any(String),
      entity: 'note',
      entityId: 'a',
      operation: operation.id,
      type: 'update',
    }
    const changes = [
      { path: 'title', from: 'old', to: 'new' },
      { path: 'address.street', from: 'A' },
    ]
    expect(entries[2]).toMatchObject({ ...who, by: 'application', changes })
    expect(entries[3]).toEqual({
      ...who,
      number: 4,
      at: expect.any(Number),
      by: 'engine',
      action: 'ended',
      outcome: 'done',
      version: '2',
      changes,
    })
  })

  it('S26 leaves out what the options name, also where the name of a field is no plain word', async () => {
    const note = { unaudited: ['credit card', 'address.house no', '["a.b"]'] }
    const engine = await world.started({ ...audited, entities: { note } })
    await created(engine, { 'title text': 'seen', 'credit card': 'secret', address: { 'house no': 'secret' }, 'a.b': 'secret' })
    await (
      await engine.enqueue(patch({ 'credit card': 'secret too', 'title text': 'new' }))
    ).settled
    const entries = await entriesOf(engine)
    expect(JSON.stringify(entries)).not.toContain('secret')
    expect(entries.at(-1)?.changes).toEqual([{ path: '["title text"]', from: 'seen', to: 'new' }])
  })

  it('C7 tells of what is enqueued while the server is away what it was before, also where that is not sent yet', async () => {
    const engine = await world.started({ ...audited, coalesce: false })
    engine.pause('outage')
    await Promise.all([
      engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'one' } }),
      engine.enqueue(patch({ title: 'two' })),
    ])
    await engine.enqueue(patch({ title: 'three' }))
    await engine.enqueue(deletion)
    expect((await entriesOf(engine)).map(({ changes }) => changes)).toEqual([
      [{ path: 'title', to: 'one' }],
      [{ path: 'title', from: 'one', to: 'two' }],
      [{ path: 'title', from: 'two', to: 'three' }],
      [{ path: 'title', from: 'three' }],
    ])
  })

  it('C7 tells of what others have changed, and not of what a first pull brings', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'old' })
    const engine = await world.started(audited)
    await engine.synchronize()
    expect(await entriesOf(engine)).toEqual([])
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
    await elsewhere(world, 'POST', '/note', { id: 'b', title: 'new' })
    await engine.synchronize()
    await elsewhere(world, 'DELETE', '/note/a')
    await engine.synchronize()
    const server = { by: 'server', action: 'pulled', entity: 'note' }
    expect(await entriesOf(engine)).toMatchObject([
      { ...server, entityId: 'a', outcome: 'changed', changes: [{ path: 'title', from: 'old', to: 'theirs' }] },
      { ...server, entityId: 'b', outcome: 'created', changes: [{ path: 'title', to: 'new' }] },
      { ...server, entityId: 'a', outcome: 'deleted', changes: [{ path: 'title', from: 'theirs' }] },
    ])
  })

  it('C7 tells of a conflict, what decided it and what a person did', async () => {
    const engine = await world.started({ ...audited, entities: { note: { conflict: 'manual' } } })
    const operation = await bothChange(world, engine)
    await expect.poll(async () => (await engine.conflicts.list()).length).toBe(1)
    const [pending] = await engine.conflicts.list()
    await engine.conflicts.resolve(pending!.id, 'local')
    await operation.settled
    const conflict = { id: pending!.id, type: 'update-update', fields: ['title'] }
    expect(await entriesOf(engine, { operation: operation.id })).toMatchObject([
      { action: 'enqueued' },
      { action: 'parked', by: 'engine', error: 'conflict', conflict: { ...conflict, resolution: 'pending' } },
      { action: 'retried', by: 'application', conflict: { ...conflict, resolution: 'local', strategy: 'person' } },
      { action: 'ended', outcome: 'done', changes: [{ path: 'title', from: 'theirs', to: 'ours' }] },
    ])
    const theirs = { action: 'pulled', by: 'server', outcome: 'changed', changes: [{ path: 'title', from: 'old', to: 'theirs' }] }
    expect((await entriesOf(engine)).filter(({ action }) => action === 'pulled')).toMatchObject([theirs])
  })

  it('C7 tells of a refusal and its rollback, of an edit, and of a dead letter that was seen to', async () => {
    const engine = await world.started(audited)
    const refused = await engine.enqueue({ type: 'update', entity: 'note', id: 'absent', payload: { title: 'x' } })
    await refused.settled
    await engine.operations.discard(refused.id)
    engine.pause('test')
    const edited = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'x' } })
    await engine.operations.edit(edited.id, { title: 'y' })
    await engine.operations.discard(edited.id)
    expect(await entriesOf(engine, { operation: refused.id })).toMatchObject([
      { action: 'enqueued' },
      { action: 'rollingBack', error: expect.any(String) },
      { action: 'ended', outcome: 'rejected', error: expect.any(String) },
      { action: 'dismissed', by: 'application' },
    ])
    expect(await entriesOf(engine, { operation: edited.id })).toMatchObject([
      { action: 'enqueued' },
      { action: 'edited', by: 'application', changes: [{ path: 'title', from: 'x', to: 'y' }] },
      { action: 'ended', outcome: 'cancelled', by: 'application', error: 'discarded' },
    ])
  })

  it('C7 finds entries by entity, by time and by operation, in pages, in both directions', async () => {
    const engine = await world.started({ ...audited, entities: { note: {}, task: {} } })
    for (const id of ['a', 'b', 'c'])
      await (
        await engine.enqueue({ type: 'create', entity: 'note', id, payload: { title: id } })
      ).settled
    await (
      await engine.enqueue({ type: 'create', entity: 'task', id: 'a', payload: {} })
    ).settled
    await (
      await engine.enqueue(deletion)
    ).settled
    const all = await entriesOf(engine)
    expect(all.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect((await entriesOf(engine, { entity: 'task' })).map(({ number }) => number)).toEqual([7, 8])
    expect((await entriesOf(engine, { entity: 'note', id: 'a' })).map(({ number }) => number)).toEqual([1, 2, 9, 10])
    const numbers: number[] = []
    let after: number | undefined
    do {
      const page = await engine.audit.list({ limit: 3, after })
      numbers.push(...page.entries.map(({ number }) => number))
      after = page.next
    } while (after !== undefined)
    expect(numbers).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
    const since = all[4]!.at
    const later = all.filter(({ at }) => at >= since)
    expect(await entriesOf(engine, { since })).toEqual(later)
    expect(await entriesOf(engine, { until: since })).toEqual(all.filter(({ at }) => at < since))
    expect(await entriesOf(engine, { since, entity: 'note' })).toEqual(later.filter(({ entity }) => entity === 'note'))
  })

  it('C7 writes nothing where it is not asked for, and says how to ask', async () => {
    const engine = await world.started()
    await created(engine, { title: 'x' })
    await expect(engine.audit.list()).rejects.toMatchObject({ code: 'audit-off', message: expect.stringContaining('audit: {}') })
    const next = await world.started(audited)
    expect(await entriesOf(next)).toEqual([])
  })

  it('C7 leaves fields out, wherever they stand', async () => {
    const note = { unaudited: ['password', 'people.pin', 'address'] }
    const engine = await world.started({ ...audited, entities: { note } })
    await created(engine, { password: 'secret-1', people: [{ name: 'n', pin: 'secret-2' }], address: { street: 'secret-3' } })
    await (
      await engine.enqueue(patch({ password: 'secret-4', address: { street: 'secret-5' }, title: 'x' }))
    ).settled
    const entries = await entriesOf(engine)
    expect(JSON.stringify(entries)).not.toContain('secret')
    expect(entries[3]!.changes).toEqual([{ path: 'title', to: 'x' }])
    expect(entries[0]!.changes).toEqual([{ path: 'people', to: [{ name: 'n' }] }])
  })

  it('C7 keeps an entry small, and says what it leaves out', async () => {
    const engine = await world.started(audited)
    const fields = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`f${n}`, n]))
    await created(engine, { long: 'x'.repeat(5_000), ...fields })
    const [asked] = await entriesOf(engine)
    expect(asked!.changes[0]).toEqual({ path: 'long', tooLarge: ['to'] })
    expect(asked!.changes).toHaveLength(100)
    expect(asked!.more).toBe(51)
  })

  it('S26 entries of one user are not shown to another', async () => {
    const one = await world.started({ ...audited, user: 'one' })
    const operation = await one.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    await operation.settled
    const two = await world.started({ ...audited, user: 'two' })
    expect(await entriesOf(two)).toEqual([])
    expect(await entriesOf(two, { operation: operation.id })).toEqual([])
  })

  it('L9 keeps no more than it was told to, the newest, without a gap, also while the server is away', async () => {
    const engine = await world.started({ audit: { keepCount: 20 } })
    engine.pause('outage')
    for (let n = 0; n < 60; n++) await engine.enqueue({ type: 'create', entity: 'note', id: `n${n}`, payload: {} })
    await expect.poll(async () => (await entriesOf(engine)).length).toBeLessThanOrEqual(22)
    const numbers = (await entriesOf(engine)).map(({ number }) => number)
    expect(numbers.at(-1)).toBe(60)
    expect(numbers).toEqual(numbers.map((_, at) => numbers[0]! + at))
  })
})

describe('C7 what an entry says has changed', () => {
  it('S26 C7 leaves out what is not to be audited, with all below it, and tells the rest', async () => {
    const engine = await world.started({
      audit: {},
      entities: { note: { unaudited: ['password', 'address.street', 'cards'], conflict: 'manual' } },
    })
    const secret = { password: 's3cret', address: { street: 's3cret', city: 'Bonn' }, cards: [{ number: 's3cret' }] }
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'Hi', ...secret } })
    await operation.settled
    await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs', password: 's3cret again' })
    await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { title: 'ours', password: 's3cret too' } })
    await eventOf(engine, 'sync:parked')
    const entries = await entriesOf(engine)
    expect(JSON.stringify(entries)).not.toContain('s3cret')
    expect(entries[0]?.changes).toEqual([
      { path: 'title', to: 'Hi' },
      { path: 'address', to: { city: 'Bonn' } },
    ])
    expect(entries.slice(-2)).toMatchObject([
      { outcome: 'parked', conflict: { fields: ['title'], type: 'update-update' } },
      { action: 'pulled', changes: [{ path: 'title', from: 'Hi', to: 'theirs' }] },
    ])
  })

  it('C7 tells what an action asks for, what an edit changed of it, and of what is too large that it was', async () => {
    const engine = await world.started({ audit: {} })
    engine.pause('test')
    const action = await engine.enqueue({ type: 'publish', entity: 'note', id: 'a', payload: { where: 'here' } })
    await engine.enqueue({ type: 'count', entity: 'note', id: 'b', payload: 7 })
    await engine.enqueue({ type: 'ping', entity: 'note', id: 'c', payload: null })
    const large = { text: 'x'.repeat(5_000), [`k${'y'.repeat(300)}`]: 1 }
    await engine.enqueue({ type: 'create', entity: 'note', id: 'd', payload: large })
    await engine.operations.discard(action.id)
    const [published, counted, pinged, made, discarded] = await entriesOf(engine)
    expect(published).toMatchObject({ action: 'enqueued', changes: [{ path: 'where', to: 'here' }] })
    expect(counted).toMatchObject({ changes: [{ path: '', to: 7 }] })
    expect(pinged).toMatchObject({ changes: [] })
    expect(made?.changes).toEqual([
      { path: 'text', tooLarge: ['to'] },
      { path: `k${'y'.repeat(199)}…`, to: 1 },
    ])
    expect(discarded).toMatchObject({ action: 'ended', outcome: 'cancelled', operation: action.id })
  })

  it('C7 tells of a row that nobody could read and somebody removed, of what is merged, and of a whole transaction', async () => {
    const engine = await world.started({ audit: {} })
    engine.pause('test')
    const { id, operations } = await engine.transaction((tx) => {
      tx.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
      tx.enqueue({ type: 'create', entity: 'note', id: 'b', payload: {} })
    })
    const broken = await engine.enqueue({ type: 'create', entity: 'note', id: 'c', payload: {} })
    const driver = await openDriver(world.path)
    driver.exec(`UPDATE operations SET value = '{' WHERE id = '${broken.id}'`)
    await driver.close()
    await engine.operations.discard('#3')
    const [first, last] = await engine.enqueueAll([
      { type: 'create', entity: 'note', id: 'd', payload: { n: 1 } },
      { type: 'update', entity: 'note', id: 'd', payload: { n: 2 } },
    ])
    engine.resume('test')
    for (const { settled } of operations) await settled
    await engine.flush()
    const entries = await entriesOf(engine)
    expect(entries.filter(({ transaction }) => transaction === id).length).toBeGreaterThanOrEqual(2)
    expect(entries).toContainEqual(expect.objectContaining({ action: 'removed', operation: '#3', changes: [] }))
    expect(entries).toContainEqual(
      expect.objectContaining({ outcome: 'superseded', operation: expect.stringMatching(`${first!.id}|${last!.id}`) }),
    )
  })
})
