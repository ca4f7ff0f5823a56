import assert from 'node:assert/strict'
import { test } from 'node:test'
import jsonServer from 'json-server'
import { jsonServerTransport } from '../json-server.mjs'
import { listen, lossyProxy, settled, startEngine } from './world.mjs'

async function world(options) {
  const app = jsonServer.create()
  const router = jsonServer.router({ notes: [] })
  app.use(jsonServer.bodyParser)
  app.use(router)
  const direct = await listen(app)
  const proxy = await lossyProxy(direct)
  const engine = await startEngine(jsonServerTransport({ baseURL: proxy.url, entities: { note: 'notes' } }), options)
  const sends = (method) => (path, body) =>
    fetch(direct + path, { method, headers: { 'Content-Type': 'application/json' }, ...(body && { body: JSON.stringify(body) }) })
  const [patch, post, drop] = ['PATCH', 'POST', 'DELETE'].map(sends)
  const write = (id, body) => patch(`/notes/${id}`, body)
  const add = (id, body) => post('/notes', { id, ...body })
  const remove = (id) => drop(`/notes/${id}`)
  return { engine, proxy, write, add, remove, notes: () => router.db.get('notes').value() }
}

test('A8 holds: writes arrive in order, by routes of their own', async () => {
  const { engine, notes } = await world()
  assert.equal(await settled(engine, { type: 'create', id: 'a', payload: { title: 'one' } }), 'done')
  assert.equal(await settled(engine, { type: 'update', id: 'a', payload: { title: 'two' } }), 'done')
  assert.deepEqual(notes(), [{ title: 'two', id: 'a' }])
  assert.equal(await settled(engine, { type: 'delete', id: 'a' }), 'done')
  assert.deepEqual(notes(), [])
})

test('A10 holds for updates and deletes: the same patch twice is the same state, and what is gone is gone', async () => {
  const { engine, proxy, notes } = await world()
  assert.equal(await settled(engine, { type: 'create', id: 'a', payload: { title: 'one' } }), 'done')
  proxy.loseFirstAnswers()
  assert.equal(await settled(engine, { type: 'update', id: 'a', payload: { title: 'two' } }), 'done')
  assert.deepEqual(notes(), [{ title: 'two', id: 'a' }])
  assert.equal(await settled(engine, { type: 'delete', id: 'a' }), 'done')
  assert.deepEqual(
    proxy.seen.filter(({ method }) => method === 'DELETE').map(({ status }) => status),
    [200, 404],
  )
})

test('A10 holds by half for creates: the note is there once, but the server says 500 to the second try, so the operation is parked', async () => {
  const { engine, proxy, notes } = await world()
  const parked = new Promise((resolve) => engine.on('sync:parked', ({ operation }) => resolve(operation)))
  let posts = 0
  proxy.loseFirstAnswers()
  await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'one' } })
  const { status, attempts, lastError } = await parked
  posts = proxy.seen.filter(({ method }) => method === 'POST').length
  assert.deepEqual([status, attempts, posts, lastError.code], ['parked', 5, 5, 'server'])
  assert.deepEqual(notes(), [{ title: 'one', id: 'a' }])
})

test('A3 does not hold: conditions are ignored, so another device’s change is overwritten unseen', async () => {
  const { engine, write, notes } = await world()
  assert.equal(await settled(engine, { type: 'create', id: 'a', payload: { title: 'one' } }), 'done')
  assert.equal((await write('a', { title: 'theirs' })).status, 200)
  assert.equal(await settled(engine, { type: 'update', id: 'a', payload: { title: 'ours' }, baseVersion: '1' }), 'done')
  assert.deepEqual([notes()[0].title, engine.metrics().operations.conflicts], ['ours', 0])
})

const titles = async (engine) => (await engine.view('note').list()).map(({ id, value }) => `${id} ${value.title}`).sort()
const pages = (proxy) => proxy.seen.filter(({ method, path }) => method === 'GET' && path.startsWith('/notes?')).length

test('B11 B12 holds by pulls from the beginning: pages by id, and what the server does not have any more is gone', async () => {
  const { engine, proxy, write, add, remove } = await world({ pull: { pageSize: 2 } })
  for (const id of ['c', 'a', 'e', 'b', 'd']) await add(id, { title: 'one' })
  assert.deepEqual((await engine.synchronize()).pulled, [{ entity: 'note', isComplete: true }])
  assert.deepEqual(await titles(engine), ['a one', 'b one', 'c one', 'd one', 'e one'])
  assert.equal(pages(proxy), 3)
  await write('a', { title: 'two' })
  await remove('b')
  await engine.synchronize()
  assert.deepEqual(await titles(engine), ['a two', 'c one', 'd one', 'e one'])
})

test('B11 a note that is deleted between two pages makes the pull skip no other', async () => {
  const { engine, proxy, add, remove } = await world({ pull: { pageSize: 2 } })
  for (const id of ['a', 'b', 'c', 'd', 'e']) await add(id, { title: 'one' })
  let removed
  engine.on('pull:progress', ({ done }) => {
    if (done === 2) removed = remove('b')
  })
  proxy.before(async () => removed)
  await engine.synchronize()
  assert.deepEqual(await titles(engine), ['a one', 'b one', 'c one', 'd one', 'e one'])
  await engine.synchronize()
  assert.deepEqual(await titles(engine), ['a one', 'c one', 'd one', 'e one'])
})

test('B9 the first page says how many there are', async () => {
  const { engine, add } = await world({ pull: { pageSize: 2 } })
  for (const id of ['a', 'b', 'c', 'd']) await add(id, { title: 'one' })
  await engine.synchronize()
  const told = engine.history().filter(({ type }) => type === 'pull:progress')
  assert.deepEqual(
    told.map(({ done, total }) => [done, total]),
    [
      [2, 4],
      [4, 4],
    ],
  )
})

test('B16 a note whose id is no text is left out and told of, and the others are taken', async () => {
  const { engine, add } = await world()
  await add('a', { title: 'one' })
  await add(7, { title: 'seven' })
  await engine.synchronize()
  assert.deepEqual(await titles(engine), ['a one'])
  assert.equal(engine.history().filter(({ type }) => type === 'pull:quarantined').length, 1)
})
