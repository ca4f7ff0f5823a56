// Runs engines as it is told over IPC, and tells what happens to them. A request for an entity whose id begins with "held" leaves only
// when "go" was said, whoever may have called it off meanwhile.
import { argv } from 'node:process'
import { createSyncEngine } from 'synchart'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { httpTransport } from 'synchart/transport/http'
import { STORE_SCHEMA } from '../../../dist/src/core/schema.js'

const [, , url] = argv
const engines = new Map()
const held = []

process.on('unhandledRejection', (error) => tell({ type: 'unhandled', error: String(error?.stack ?? error) }))
process.on('disconnect', () => process.exit())

function tell(message) {
  process.send?.(message)
}

function holdingTransport() {
  const transport = httpTransport({ baseURL: url })
  return {
    ...transport,
    async send(request, context) {
      if (!request.body?.includes('"held')) return transport.send(request, context)
      tell({ type: 'departing' })
      await new Promise((go) => held.push(go))
      const outcome = await transport.send(request, { ...context, signal: new AbortController().signal })
      tell({ type: 'late-answer', outcome: outcome.type })
      return outcome
    },
  }
}

const commands = {
  async start({ path, lock, at }) {
    const engine = createSyncEngine({
      storage: sqliteStorage({ path, watchMs: 20 }),
      transport: holdingTransport(),
      entities: { note: {} },
      lock: { pollMs: 50, ...lock },
      retry: { strategy: 'constant', baseMs: 20 },
      stopTimeoutMs: 2_000,
    })
    engines.set(path, engine)
    for (const type of ['lock:acquired', 'lock:lost', 'sync:completed', 'engine:error'])
      engine.on(type, ({ epoch, takeover, operation }) => tell({ type, path, epoch, takeover, entityId: operation?.entityId }))
    // All start at the same instant, as exactly as processes can.
    if (at !== undefined) spinUntil(at)
    await engine.start()
  },
  async stop({ path }) {
    await engines.get(path).stop()
  },
  async enqueue({ path, ids }) {
    const operations = await Promise.all(
      ids.map((id) => engines.get(path).enqueue({ type: 'create', entity: 'note', id, payload: { by: process.pid } })),
    )
    operations.forEach((operation, i) =>
      operation.settled.then(({ status }) => tell({ type: 'settled', path, entityId: ids[i], status })),
    )
  },
  /** Writes as the owner of an epoch would, `times` times; says how often it was refused. */
  async writeAs({ path, epoch, times }) {
    const storage = sqliteStorage({ path })
    await storage.open(STORE_SCHEMA)
    const codes = []
    for (let i = 0; i < times; i++) {
      await storage
        .commit([{ type: 'put', collection: 'meta', value: { name: 'late', i } }], {
          fence: { collection: 'meta', key: 'lease', epoch },
        })
        .then(
          () => codes.push('written'),
          ({ code }) => codes.push(code),
        )
    }
    await storage.close()
    return codes
  },
  async go() {
    for (const go of held.splice(0)) go()
  },
  async metrics({ path }) {
    return engines.get(path).metrics()
  },
}

function spinUntil(at) {
  for (let now = Date.now(); now < at; now = Date.now());
}

process.on('message', (message) => void obey(message))

async function obey({ call, type, ...parameters }) {
  try {
    tell({ type: 'reply', call, result: await commands[type](parameters) })
  } catch (error) {
    tell({ type: 'reply', call, error: String(error?.stack ?? error) })
  }
}
tell({ type: 'ready' })
