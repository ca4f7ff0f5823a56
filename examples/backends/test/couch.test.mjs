import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import express from 'express'
import expressPouchDB from 'express-pouchdb'
import memoryAdapter from 'pouchdb-adapter-memory'
import PouchDB from 'pouchdb-core'
import { couchTransport } from '../couch.mjs'
import { listen, lossyProxy, settled, startEngine } from './world.mjs'

let databases = 0

/** A real database server of its own for each test. */
async function couch(options) {
  const prefix = `test-${++databases}-`
  const Memory = PouchDB.plugin(memoryAdapter).defaults({ adapter: 'memory', prefix })
  const logPath = join(mkdtempSync(join(tmpdir(), 'synchart-couch-')), 'log.txt')
  const app = express().use(expressPouchDB(Memory, { mode: 'minimumForPouchDB', inMemoryConfig: true, logPath }))
  const direct = await listen(app)
  await fetch(`${direct}/notes`, { method: 'PUT' })
  const proxy = await lossyProxy(direct)
  const engine = await startEngine(couchTransport({ baseURL: proxy.url, entities: { note: 'notes' } }), options)
  const read = async (path) => (await fetch(`${direct}/notes${path}`, { headers: { Accept: 'application/json' } })).json()
  const write = (id, body) =>
    fetch(`${direct}/notes/${id}`, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
  const drop = () => fetch(`${direct}/notes`, { method: 'DELETE' })
  return { engine, proxy, read, write, drop, revisions: async () => (await read('/_changes')).results }
}

test('A10 C6 every write of a document arrives once, though its answer is lost', async () => {
  const { engine, proxy, read, revisions } = await couch()
  proxy.loseFirstAnswers()
  assert.equal(await settled(engine, { type: 'create', id: 'a', payload: { title: 'one' } }), 'done')
  assert.equal(await settled(engine, { type: 'replace', id: 'a', payload: { title: 'two' } }), 'done')
  const { title, _rev } = await read('/a')
  assert.equal(title, 'two')
  assert.match(_rev, /^2-/)
  assert.equal(await settled(engine, { type: 'delete', id: 'a' }), 'done')
  assert.deepEqual(
    (await revisions()).map(({ id, deleted, changes }) => [id, deleted, changes[0].rev.split('-')[0]]),
    [['a', true, '3']],
  )
  assert.ok(proxy.seen.filter(({ status }) => status === 409).length >= 2, 'the lost writes were sent again, and refused')
})

test('A3 C6 a conflict is found by its _rev, and settled as the entity says', async () => {
  const met = []
  const merge = ({ base, local, remote }) => {
    met.push({ base, local, remote })
    return { value: { ...remote, ...local, seen: 'by both' } }
  }
  const { engine, read, write } = await couch({ entities: { note: { conflict: merge } } })
  assert.equal(await settled(engine, { type: 'create', id: 'a', payload: { title: 'one' } }), 'done')
  const { _rev } = await read('/a')
  assert.equal((await write('a', { _rev, title: 'theirs', from: 'another device' })).status, 201)
  assert.equal(await settled(engine, { type: 'replace', id: 'a', payload: { title: 'ours' } }), 'done')
  assert.equal(met.length, 1)
  assert.deepEqual([met[0].local.title, met[0].remote.title], ['ours', 'theirs'])
  const { title, from, seen, _rev: merged } = await read('/a')
  assert.deepEqual({ title, from, seen }, { title: 'ours', from: 'another device', seen: 'by both' })
  assert.match(merged, /^3-/)
})

test('A3 C6 another device’s change is never overwritten unseen: with remoteWins ours is rejected', async () => {
  const { engine, read, write } = await couch({ entities: { note: { conflict: 'remoteWins' } } })
  assert.equal(await settled(engine, { type: 'create', id: 'a', payload: { title: 'one' } }), 'done')
  const { _rev } = await read('/a')
  await write('a', { _rev, title: 'theirs' })
  assert.equal(await settled(engine, { type: 'replace', id: 'a', payload: { title: 'ours' } }), 'rejected')
  assert.equal((await read('/a')).title, 'theirs')
})

test('D5 C6 what CouchDB can not do is refused before anything is sent', async () => {
  const { engine, proxy } = await couch()
  assert.equal(await settled(engine, { type: 'create', id: 'a', payload: { title: 'one' } }), 'done')
  const sent = proxy.seen.length
  assert.equal(await settled(engine, { type: 'update', id: 'a', payload: { title: 'two' } }), 'rejected')
  assert.equal(proxy.seen.length, sent)
})

const titles = async (engine) => (await engine.view('note').list()).map(({ id, value }) => `${id} ${value.title}`).sort()
const asked = (proxy) =>
  proxy.seen.filter(({ path }) => path.includes('_changes')).map(({ path }) => /since=(\w+)/.exec(path)?.[1])

test('B11 B12 brings what others wrote page by page, then what is new alone, tombstones too', async () => {
  const { engine, proxy, read, write } = await couch({ pull: { pageSize: 2 } })
  for (const id of ['a', 'b', 'c', 'd', 'e']) await write(id, { title: 'one' })
  assert.deepEqual((await engine.synchronize()).pulled, [{ entity: 'note', isComplete: true }])
  assert.deepEqual(await titles(engine), ['a one', 'b one', 'c one', 'd one', 'e one'])
  assert.deepEqual(asked(proxy), [undefined, '2', '4'])
  const [{ _rev: revisionOfA }, { _rev: revisionOfB }] = [await read('/a'), await read('/b')]
  await write('a', { _rev: revisionOfA, title: 'two' })
  await write('b', { _rev: revisionOfB, _deleted: true })
  await engine.synchronize()
  assert.deepEqual(await titles(engine), ['a two', 'c one', 'd one', 'e one'])
  assert.equal(asked(proxy)[3], '5')
  const { value, version } = await engine.view('note').get('a')
  assert.deepEqual(value, { id: 'a', title: 'two' })
  assert.match(version, /^2-/)
})

test('B12 S19 what was pulled is the base of what is written next, and our own writes come back once', async () => {
  const { engine, read, write } = await couch()
  await write('a', { title: 'theirs' })
  await engine.synchronize()
  const { version } = await engine.view('note').get('a')
  assert.equal(await settled(engine, { type: 'replace', id: 'a', payload: { title: 'ours' }, baseVersion: version }), 'done')
  await engine.synchronize()
  assert.deepEqual(await titles(engine), ['a ours'])
  const { version: pulled, status } = await engine.view('note').get('a')
  const { _rev } = await read('/a')
  assert.deepEqual([pulled, status], [_rev, 'synced'])
})

test('B1 a database that is not there is an error that says so, and loses nothing', async () => {
  const { engine, write, drop } = await couch()
  await write('a', { title: 'one' })
  await engine.synchronize()
  await drop()
  const { pulled } = await engine.synchronize()
  assert.deepEqual([pulled[0].isComplete, pulled[0].error.code, pulled[0].error.status], [false, 'server', 404])
  assert.deepEqual(await titles(engine), ['a one'])
})
