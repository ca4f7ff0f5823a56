// The application's own tests: `node --test examples/testing/`. Every second of them is virtual.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryStorage } from 'synchart/storage/memory'
import { createSimulatedNetwork, createSimulatedServer, createSimulatedTime } from 'synchart/testing'
import { badgeText } from './badge.mjs'
import { createNotes } from './notes.mjs'

async function openNotes({ seed = 1, ...options } = {}) {
  const time = createSimulatedTime({ seed })
  const server = createSimulatedServer()
  const network = createSimulatedNetwork({ time, wire: server.wire, seed, ...options })
  const notes = createNotes({
    storage: memoryStorage(),
    transport: network.transport({ baseURL: server.baseURL, timeoutMs: 10_000 }),
    ports: { ...time.ports, connectivity: network.connectivity },
    clock: time.actorClock,
  })
  await time.runUntil(notes.open())
  return { time, server, network, notes, shown: () => badgeText(notes.badge.getSnapshot()) }
}

const outages = { upMs: [5_000, 60_000], downMs: [1_000, 30_000] }

for (let seed = 1; seed <= 25; seed++) {
  test(`every note reaches the server exactly once, whatever the network does (seed ${seed})`, async () => {
    const { time, server, network, notes } = await openNotes({ seed, latencyMs: [10, 300], faults: { rate: 0.3, outages } })
    const added = []
    for (let number = 1; number <= 10; number++) {
      added.push(await time.runUntil(notes.add(`n${number}`, `note ${number}`)))
      await time.run(2_000)
    }
    const ends = await time.runUntil(Promise.all(added.map(({ settled }) => settled)))

    const why = JSON.stringify(network.log(), undefined, 2)
    assert.ok(
      ends.every(({ status }) => status === 'done'),
      why,
    )
    const ids = server.effects().map(({ id }) => id)
    assert.deepEqual(ids.toSorted(), added.map((_, at) => `n${at + 1}`).toSorted(), why)
    assert.equal(server.get('note', 'n7').text, 'note 7')
  })
}

test('a note that was saved on a train is sent after the tunnel, and the badge says so', async () => {
  const { time, server, network, notes, shown } = await openNotes()
  network.setFaults(({ number }) => (number === 1 ? { type: 'request-lost' } : undefined))
  const operation = await time.runUntil(notes.add('n1', 'written in a tunnel'))
  network.setOnline(false)
  await time.run(30 * 60_000)
  assert.equal(shown(), 'Kept on this device until there is a network')
  assert.deepEqual(server.effects(), [])

  network.setOnline(true)
  await time.runUntil(operation.settled)
  assert.equal(shown(), 'Saved')
  await time.run(3_000)
  assert.equal(shown(), '')
  assert.equal(server.effects().length, 1)
})

test('an answer that is lost after its effect makes no second note', async () => {
  const { time, server, network, notes } = await openNotes()
  network.setFaults(({ attempt }) => (attempt === 1 ? { type: 'response-lost' } : undefined))
  const operation = await time.runUntil(notes.add('n1', 'once'))
  assert.deepEqual(await time.runUntil(operation.settled), { status: 'done' })
  assert.deepEqual(
    network.log().map(({ fault, answer }) => [fault?.type, answer]),
    [
      ['response-lost', 'ECONNRESET'],
      [undefined, 201],
    ],
  )
  assert.equal(server.effects().length, 1)
})

test('the app waits as long as an overloaded server asks', async () => {
  const { time, network, notes } = await openNotes()
  network.setFaults(({ number }) => (number === 1 ? { type: 'error-status', status: 429, retryAfter: '120' } : undefined))
  const operation = await time.runUntil(notes.add('n1', 'patient'))
  await time.runUntil(operation.settled)
  const [first, second] = network.log()
  assert.ok(second.atMs - first.atMs >= 120_000)
})
