import { memoryDisk, memoryStorage } from '../../dist/src/adapters/memory.js'
import { createSyncEngine } from '../../dist/src/index.js'
import { STORE_SCHEMA } from '../../dist/src/core/schema.js'
import { createSimulatedNetwork, createSimulatedServer } from '../../dist/src/testing/index.js'

const COLLECTIONS = Object.keys(STORE_SCHEMA.collections)
const HOUR_MS = 3_600_000

/** The application in its first release. */
const ENTITIES = {
  note: { conflict: 'manual' },
  task: {},
  folder: { ids: 'server' },
  page: { references: { folder: 'folder' } },
  letter: { scopes: ['to:me'], version: 2, migrations: { 2: {} } },
}

/**
 * What the first release of an application has stored, as rows: operations of every kind, pulled entities and parts, conflicts, names of folders, an audit,
 * totals, a row that a check set aside, an earlier log-in. Once at rest, and once as a process leaves it that is killed while it sends.
 */
export async function soundStores() {
  const disk = memoryDisk()
  const server = createSimulatedServer({ assignedIds: ['folder'] })
  for (const id of ['a', 'b', 'c', 'f', 'g']) server.put('note', id, { title: id, n: 1 })
  for (const id of ['l1', 'l2']) server.put('letter', id, { to: 'me' })
  let isSilent = false
  const wire = (request) => (isSilent && request.method !== 'GET' ? new Promise(() => {}) : server.wire(request))
  const open = () => opened(disk, createSimulatedNetwork({ wire }).transport({ baseURL: server.baseURL, batch: false }))

  const first = open()
  await first.start()
  await first.enqueue({ type: 'create', entity: 'task', id: 'kept', payload: {} })
  await first.flush()
  await first.logOut({ pending: 'keep' })

  const engine = open()
  await engine.start()
  await engine.synchronize()
  await engine.scopes.set('letter', ['to:me', 'to:you'])
  await engine.synchronize()
  for (const id of ['a', 'f', 'g']) server.put('note', id, { title: 'theirs', n: 2 })
  for (const id of ['a', 'f', 'g']) await engine.enqueue({ type: 'update', entity: 'note', id, payload: { title: 'ours' } })
  await engine.enqueue({ type: 'create', entity: 'folder', id: 'temporary', payload: { name: 'x' } })
  await engine.enqueue({ type: 'create', entity: 'page', id: 'p', payload: { folder: 'temporary' } })
  await engine.enqueue({ type: 'create', entity: 'task', id: 'done', payload: { n: 1 } })
  await engine.enqueue({ type: 'update', entity: 'task', id: 'nowhere', payload: { n: 1 } })
  await engine.enqueue({ type: 'create', entity: 'task', id: 'gone', payload: {} })
  await engine.flush()
  await engine.enqueue({ type: 'delete', entity: 'task', id: 'gone' })
  await engine.flush()
  await decided(engine)
  await setAside(disk, engine)

  engine.pause('fuzz')
  await waiting(engine)
  await engine.stop()
  await forgotten(disk)
  const rest = await rowsOf(disk)

  const killed = open()
  await killed.start()
  isSilent = true
  const sending = killed.enqueue({ type: 'create', entity: 'task', id: 'sending', payload: {} })
  await sending
  void killed.flush()
  await new Promise((resolve) => {
    killed.on('sync:attempted', () => resolve())
    killed.on('sync:*', () => resolve())
  })
  const crashed = await rowsOf(disk)
  await killed.stop()
  return [rest, crashed]
}

function opened(disk, transport) {
  return createSyncEngine({
    storage: memoryStorage({ disk }),
    transport,
    entities: ENTITIES,
    audit: {},
    retention: { completedMs: 24 * HOUR_MS, completedCount: 1_000, conflictMs: 24 * HOUR_MS, conflictCount: 1 },
    stopTimeoutMs: 50,
  })
}

/** One conflict of three waits on; one was settled and is forgotten. */
async function decided(engine) {
  const [, second, third] = await engine.conflicts.list({})
  await engine.conflicts.resolve(second.id, 'local')
  await engine.conflicts.resolve(third.id, 'remote')
  await engine.flush()
}

/** A note that can't be read, which a check brings anew. */
async function setAside(disk, engine) {
  const storage = memoryStorage({ disk })
  await storage.open(STORE_SCHEMA)
  await storage.commit([{ type: 'put', collection: 'entities', value: { key: 'default/note/c', version: 5 } }])
  await storage.close()
  await engine.check({ repair: true })
  await engine.synchronize({ full: true })
}

async function waiting(engine) {
  const first = await engine.enqueue({ type: 'create', entity: 'note', id: 'd', payload: { title: 'd' } })
  await engine.enqueue({ type: 'update', entity: 'note', id: 'd', payload: { n: 5 }, dependsOn: [first.id] })
  await engine.enqueue({ type: 'update', entity: 'note', id: 'c', payload: { n: 5 } })
  await engine.enqueue({ type: 'update', entity: 'note', id: 'c', payload: { n: 6 } })
  await engine.enqueue({ type: 'create', entity: 'folder', id: 'later', payload: { name: 'y' } })
  await engine.enqueue({ type: 'create', entity: 'page', id: 'q', payload: { folder: 'later' } })
  await engine.enqueue({ type: 'create', entity: 'task', id: 'tomorrow', payload: {}, notBefore: Date.now() + HOUR_MS })
  await engine.transaction((tx) => {
    tx.enqueue({ type: 'create', entity: 'note', id: 'e', payload: { title: 'e' } })
    tx.enqueue({ type: 'create', entity: 'task', id: 'e', payload: { title: 'e' } })
  })
  const given = { payload: { title: 'b2' }, idempotencyKey: 'key', dedupeKey: 'one' }
  await engine.enqueue({ type: 'update', entity: 'note', id: 'b', ...given })
}

/** The totals of conflicts that were forgotten. */
async function forgotten(disk) {
  const counts = {
    byType: { version: 1 },
    bySeverity: { low: 1 },
    byStrategy: {},
    byEntity: { note: 1 },
    byResolution: { local: 1 },
  }
  const storage = memoryStorage({ disk })
  await storage.open(STORE_SCHEMA)
  await storage.commit([{ type: 'put', collection: 'meta', value: { name: 'conflicts/default', total: 1, ...counts } }])
  await storage.close()
}

export async function rowsOf(disk) {
  const storage = memoryStorage({ disk })
  await storage.open(STORE_SCHEMA)
  const rows = []
  for (const collection of COLLECTIONS)
    for (const { value } of await storage.scan(collection, { limit: 1_000 })) rows.push({ collection, value })
  await storage.close()
  return rows
}
