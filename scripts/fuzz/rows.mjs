import { memoryDisk, memoryStorage } from '../../dist/src/adapters/memory.js'
import { createSyncEngine } from '../../dist/src/index.js'
import { STORE_SCHEMA } from '../../dist/src/core/schema.js'
import { createSimulatedNetwork, createSimulatedServer } from '../../dist/src/testing/index.js'
import { damage, draw } from './values.mjs'
import { engineOn, wrongs } from './world.mjs'

/** So many rows of one store are damaged. */
const AT_ONCE = 5
const COLLECTIONS = Object.keys(STORE_SCHEMA.collections)
const STATUSES = ['live', 'done', 'rejected', 'cancelled', 'superseded']

let sound

/** Rows as something that is no engine of ours might leave them, beneath an engine that then starts on them. */
export async function fuzzRows(seed, size) {
  sound ??= await soundRows()
  const all = draw(damage, size, seed)
  const found = []
  for (let at = 0; at < size && found.length === 0; at += AT_ONCE) found.push(...(await startOn(all.slice(at, at + AT_ONCE))))
  return found
}

/** What the first release of an application has stored: operations of every kind, pulled entities, a conflict. */
async function soundRows() {
  const disk = memoryDisk()
  const server = createSimulatedServer()
  for (const id of ['a', 'b', 'c']) server.put('note', id, { title: id, n: 1 })
  const transport = createSimulatedNetwork({ wire: server.wire }).transport({ baseURL: server.baseURL })
  const engine = createSyncEngine({
    storage: memoryStorage({ disk }),
    transport,
    entities: { note: { conflict: 'manual' }, task: {} },
  })
  await engine.start()
  await engine.synchronize()
  server.put('note', 'a', { title: 'theirs', n: 2 })
  await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { title: 'ours' } })
  await engine.enqueue({ type: 'create', entity: 'task', id: 'done', payload: { n: 1 } })
  await engine.enqueue({ type: 'update', entity: 'task', id: 'nowhere', payload: { n: 1 } })
  await engine.flush()
  engine.pause('fuzz')
  const first = await engine.enqueue({ type: 'create', entity: 'note', id: 'd', payload: { title: 'd' } })
  await engine.enqueue({ type: 'update', entity: 'note', id: 'd', payload: { n: 5 }, dependsOn: [first.id] })
  await engine.transaction((tx) => {
    tx.enqueue({ type: 'create', entity: 'note', id: 'e', payload: { title: 'e' } })
    tx.enqueue({ type: 'create', entity: 'task', id: 'e', payload: { title: 'e' } })
  })
  await engine.enqueue({
    type: 'update',
    entity: 'note',
    id: 'b',
    payload: { title: 'b2' },
    idempotencyKey: 'key',
    dedupeKey: 'one',
  })
  await engine.stop()
  return rowsOf(disk)
}

async function rowsOf(disk) {
  const storage = memoryStorage({ disk })
  await storage.open(STORE_SCHEMA)
  const rows = []
  for (const collection of COLLECTIONS)
    for (const { value } of await storage.scan(collection, { limit: 1_000 })) rows.push({ collection, value })
  await storage.close()
  return rows
}

async function startOn(damages) {
  const disk = memoryDisk()
  const storage = memoryStorage({ disk })
  await storage.open(STORE_SCHEMA)
  const damaged = new Map(damages.map((one) => [one.row % sound.length, one]))
  for (const [at, { collection, value }] of sound.entries()) {
    const one = damaged.get(at)
    const wanted = { type: 'put', collection, value: one === undefined ? value : damagedBy(value, one) }
    // A row without the key of its collection no store takes.
    await storage.commit([wanted]).catch(() => storage.commit([{ ...wanted, value }]))
  }
  await storage.close()
  const engine = engineOn(memoryStorage({ disk }))
  const ids = sound.flatMap(({ collection, value }) => (collection === 'operations' ? value.id : []))
  const found = [
    ...(await wrongs({ start: () => engine.start() })),
    ...(await wrongs({
      ...Object.fromEntries(STATUSES.map((status) => [`list(${status})`, () => engine.operations.list({ status })])),
      ...Object.fromEntries(ids.map((id) => [`explain(${id})`, () => engine.explain(id)])),
      explain: () => engine.explain(),
      view: () => engine.view('note').list(),
      tasks: () => engine.view('task').list(),
      conflicts: () => engine.conflicts.list({ status: 'all' }),
      statistics: () => engine.statistics.get(),
      check: () => engine.check(),
      flush: () => engine.flush(),
      synchronize: () => engine.synchronize(),
    })),
    ...(await wrongs({ stop: () => engine.stop() })),
  ]
  return [...found, ...(await lost(disk, damaged))]
}

/** What nobody damaged is there still, whatever became of it. */
async function lost(disk, damaged) {
  const left = new Set((await rowsOf(disk)).flatMap(({ collection, value }) => (collection === 'operations' ? value?.id : [])))
  return sound.flatMap(({ collection, value }, at) =>
    collection !== 'operations' || damaged.has(at) || left.has(value.id) ? [] : [`operation ${value.id} is lost.`],
  )
}

function damagedBy(value, { place, how, by }) {
  const names = Object.keys(value)
  if (how === 'whole') return typeof by === 'object' && by !== null ? { ...value, ...by } : by
  const name = names[place % names.length]
  if (how === 'remove') return Object.fromEntries(Object.entries(value).filter(([field]) => field !== name))
  return { ...value, [name]: by }
}
