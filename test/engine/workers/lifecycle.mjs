// Plays one scenario of an engine's life and then has no reason to stay: it must end by itself. Prints what still holds the process.
import assert from 'node:assert/strict'
import { chmod } from 'node:fs/promises'
import { argv, getuid, setgid, setuid, stdout } from 'node:process'
import { createSyncEngine, createSyncEngineLogic, syncEngineOf } from 'synchart'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { httpTransport } from 'synchart/transport/http'
import { createActor } from 'xstate'

const [, , name, path, url] = argv

process.on('unhandledRejection', (error) => {
  stdout.write(`unhandled: ${error?.stack ?? error}\n`)
  process.exitCode = 70
})

function make(options = {}) {
  return createSyncEngine({
    storage: sqliteStorage({ path }),
    transport: httpTransport({ baseURL: url }),
    entities: { note: {} },
    lock: { heartbeatMs: 100, staleMs: 1_000, pollMs: 50 },
    ...options,
  })
}

const never = () => new Promise(() => {})

/** A transport that answers as told, and lets the scenario know that a request came. */
function answering(answer) {
  const real = httpTransport({ baseURL: url })
  let arrive
  const arrived = new Promise((resolve) => (arrive = resolve))
  const send = (...request) => {
    arrive()
    return answer(...request)
  }
  return { arrived, transport: { prepare: real.prepare, fetch: real.fetch, send } }
}

function next(engine, type) {
  return new Promise((resolve) => {
    const end = engine.on(type, (event) => {
      end()
      resolve(event)
    })
  })
}

async function create(engine, id) {
  return engine.enqueue({ type: 'create', entity: 'note', id, payload: { id } })
}

async function createMany(engine, count) {
  return Promise.all(Array.from({ length: count }, (_, i) => create(engine, `n${i}`)))
}

const scenarios = {
  async 'never started'() {
    const engine = make()
    await engine.stop()
    await engine.stop()
  },

  async 'made and forgotten'() {
    make()
  },

  async 'after its work'() {
    const engine = make()
    await engine.start()
    const operation = await create(engine, 'a')
    assert.deepEqual(await operation.settled, { status: 'done' })
    await engine.stop()
  },

  async 'during a drain'() {
    const engine = make()
    await engine.start()
    await createMany(engine, 200)
    await next(engine, 'sync:completed')
    await engine.stop()
  },

  async 'while operations are being enqueued'() {
    const engine = make()
    await engine.start()
    const accepted = createMany(engine, 200)
    const stopped = engine.stop()
    await accepted.catch((error) => assert.equal(error.code, 'storage-closed'))
    await stopped
  },

  async 'during a backoff'() {
    const { transport } = answering(async () => ({ type: 'unknown', error: new Error('lost') }))
    const engine = make({ transport, retry: { strategy: 'constant', baseMs: 60_000 } })
    await engine.start()
    const told = next(engine, 'sync:retry')
    await create(engine, 'a')
    await told
    await engine.stop()
  },

  async 'while a request hangs'() {
    const { transport, arrived } = answering(never)
    const engine = make({ transport, stopTimeoutMs: 100 })
    await engine.start()
    await create(engine, 'a')
    await arrived
    await engine.stop()
  },

  async 'while a request on the wire hangs'() {
    const engine = make({ stopTimeoutMs: 100 })
    await engine.start()
    const told = next(engine, 'sync:started')
    await create(engine, 'hangs')
    await told
    await engine.stop()
  },

  async 'while flush waits'() {
    const { transport, arrived } = answering(never)
    const engine = make({ transport, stopTimeoutMs: 100 })
    await engine.start()
    await create(engine, 'a')
    const flushed = engine.flush()
    await arrived
    await engine.stop()
    assert.equal((await flushed).succeeded, 0)
  },

  async 'while a follower waits for flush'() {
    const { transport, arrived } = answering(never)
    const [owner, follower] = [make({ transport, stopTimeoutMs: 100 }), make()]
    await owner.start()
    await create(owner, 'a')
    await arrived
    await follower.start()
    const flushed = assert.rejects(follower.flush(), { code: 'storage-closed' })
    await follower.stop()
    await flushed
    await owner.stop()
  },

  async 'while it waits for credentials'() {
    const { transport } = answering(async () => ({ type: 'auth', error: new Error('who?') }))
    const engine = make({ transport })
    await engine.start()
    const paused = new Promise((resolve) => engine.state$.subscribe(({ pauses }) => pauses.includes('auth') && resolve()))
    await create(engine, 'a')
    await paused
    await engine.stop()
  },

  async 'while the breaker is open'() {
    const engine = make({ transport: httpTransport({ baseURL: 'http://127.0.0.1:1' }), breaker: { failureThreshold: 1 } })
    await engine.start()
    const opened = next(engine, 'breaker:opened')
    await create(engine, 'a')
    await opened
    await engine.stop()
  },

  async 'while paused'() {
    const engine = make()
    await engine.start()
    engine.pause('user')
    await create(engine, 'a')
    await engine.stop()
  },

  async 'twice at once'() {
    const engine = make()
    await engine.start()
    await Promise.all([engine.stop(), engine.stop()])
    await engine.stop()
  },

  async 'started twice at once'() {
    const engine = make()
    await Promise.all([engine.start(), engine.start()])
    await engine.start()
    assert.deepEqual(await (await create(engine, 'a')).settled, { status: 'done' })
    await engine.stop()
  },

  async 'started after a stop'() {
    const engine = make()
    for (const id of ['a', 'b', 'c']) {
      await engine.start()
      assert.deepEqual(await (await create(engine, id)).settled, { status: 'done' })
      await engine.stop()
      await assert.rejects(create(engine, 'late'), { code: 'not-started' })
    }
  },

  async 'stopped while it starts'() {
    const engine = make()
    const started = assert.rejects(engine.start(), { code: 'not-started' })
    await engine.stop()
    await started
    await engine.start()
    await engine.stop()
  },

  async 'started while it stops'() {
    const engine = make()
    await engine.start()
    const stopped = engine.stop()
    await engine.start()
    await stopped
    assert.deepEqual(await (await create(engine, 'a')).settled, { status: 'done' })
    await engine.stop()
  },

  async 'stopped, started and stopped at once'() {
    const engine = make()
    await engine.start()
    const [first, started, last] = [engine.stop(), assert.rejects(engine.start(), { code: 'not-started' }), engine.stop()]
    await Promise.all([first, started, last])
    await assert.rejects(create(engine, 'late'), { code: 'not-started' })
  },

  async 'two on one file'() {
    const engines = [make(), make()]
    await Promise.all(engines.map((engine) => engine.start()))
    const operations = await Promise.all(engines.map((engine, i) => create(engine, `n${i}`)))
    for (const operation of operations) assert.deepEqual(await operation.settled, { status: 'done' })
    await Promise.all(engines.map((engine) => engine.stop()))
  },

  async 'started while another stops'() {
    const [one, other] = [make(), make()]
    await one.start()
    const stopped = one.stop()
    await other.start()
    assert.deepEqual(await (await create(other, 'a')).settled, { status: 'done' })
    await stopped
    await other.stop()
  },

  async 'after it failed to open'() {
    const engine = make({ storage: sqliteStorage({ path: `${path}.absent/store.db` }) })
    await assert.rejects(engine.start(), { code: 'storage-unavailable', retryable: true })
    await engine.stop()
  },

  async 'that may only be read'() {
    // The libraries are loaded while they may be read for certain.
    const first = make({ storage: sqliteStorage({ path: `${path}.absent/store.db` }) })
    await first.start().catch(() => {})
    await first.stop()
    if (getuid() === 0) {
      setgid(65_534)
      setuid(65_534)
    }
    const engine = make()
    await assert.rejects(engine.start(), { code: 'storage-read-only' })
    await chmod(path, 0o644)
    await engine.start()
    await engine.stop()
  },

  async 'as an actor'() {
    const logic = createSyncEngineLogic({
      storage: sqliteStorage({ path }),
      transport: httpTransport({ baseURL: url }),
      entities: { note: {} },
    })
    const actor = createActor(logic)
    const started = new Promise((resolve) => actor.on('engine:started', resolve))
    const completed = new Promise((resolve) => actor.on('sync:completed', resolve))
    actor.start()
    await started
    actor.send({ type: 'enqueue', operation: { type: 'create', entity: 'note', id: 'a', payload: {} } })
    await completed
    const stopped = next(syncEngineOf(actor), 'engine:stopped')
    actor.stop()
    await stopped
  },
}

await scenarios[name]()
await new Promise((resolve) => setImmediate(resolve))
const held = process.getActiveResourcesInfo().filter((resource) => !/^(Pipe|TTY|FSReqPromise|Immediate|File)/.test(resource))
stdout.write(`${JSON.stringify(held)}\n`)
