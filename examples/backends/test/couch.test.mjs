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
  return { engine, proxy, read, write, revisions: async () => (await read('/_changes')).results }
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
