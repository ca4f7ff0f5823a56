import assert from 'node:assert/strict'
import { test } from 'node:test'
import jsonServer from 'json-server'
import { jsonServerTransport } from '../json-server.mjs'
import { listen, lossyProxy, settled, startEngine } from './world.mjs'

async function world() {
  const app = jsonServer.create()
  const router = jsonServer.router({ notes: [] })
  app.use(jsonServer.bodyParser)
  app.use(router)
  const direct = await listen(app)
  const proxy = await lossyProxy(direct)
  const engine = await startEngine(jsonServerTransport({ baseURL: proxy.url, entities: { note: 'notes' } }))
  const write = (id, body) =>
    fetch(`${direct}/notes/${id}`, {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
  return { engine, proxy, write, notes: () => router.db.get('notes').value() }
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
