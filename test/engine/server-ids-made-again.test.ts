import { afterEach, beforeEach, expect, it } from 'vitest'
import type { EnqueueInput, EntityOptions, SyncEngine } from '../../src/index.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ server: { assignedIds: ['note'] } })
})
afterEach(() => world.close())

const started = (conflict: EntityOptions['conflict']): Promise<SyncEngine> =>
  world.started({ entities: { note: { ids: 'server', conflict }, comment: { references: { noteId: 'note' } } } })

const update = (id: string, payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id, payload })

/** A note that is deleted by somebody else. Gives its id. */
async function deleted(engine: SyncEngine): Promise<string> {
  await (
    await engine.enqueue({ type: 'create', entity: 'note', id: 'temp-1', payload: { title: 'old' } })
  ).settled
  const { id } = (await engine.view('note').get('temp-1'))!
  await elsewhere(world, 'DELETE', `/note/${id}`)
  return id
}

it('B8 an entity that is created again after it was deleted there has the id that the server gives it then, and is one', async () => {
  const engine = await started('localWins')
  const id = await deleted(engine)
  const renamed = eventOf(engine, 'entity:renamed')
  const operations = await engine.enqueueAll([
    update(id, { title: 'new' }),
    { type: 'create', entity: 'comment', id: 'c1', payload: { noteId: id } },
  ])
  await Promise.all(operations.map((operation) => operation.settled))
  const [note] = world.server.state('note') as { id: string }[]
  expect(await renamed).toMatchObject({ formerId: id, id: note!.id })
  await (
    await engine.enqueue(update(id, { done: true }))
  ).settled
  await (
    await engine.enqueue(update('temp-1', { body: 'too' }))
  ).settled
  await engine.synchronize()
  expect(world.server.state('note')).toMatchObject([{ id: note!.id, title: 'new', done: true, body: 'too' }])
  expect(await engine.view('note').list()).toMatchObject([
    { id: note!.id, status: 'synced', value: { title: 'new', done: true } },
  ])
})

it('B8 what waits behind it is sent to that, though a person had to decide', async () => {
  const engine = await started('manual')
  const id = await deleted(engine)
  const parked = eventOf(engine, 'sync:parked')
  const first = await engine.enqueue(update(id, { title: 'new' }))
  await parked
  const next = await engine.enqueue(update(id, { done: true }))
  await engine.operations.retry(first.id)
  expect(await Promise.all([first.settled, next.settled])).toEqual([{ status: 'done' }, { status: 'done' }])
  expect(world.server.state('note')).toMatchObject([{ title: 'new', done: true }])
  expect(await engine.view('note').list()).toMatchObject([{ value: { title: 'new', done: true } }])
})
