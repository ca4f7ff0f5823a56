import { join } from 'node:path'
import { createSyncEngine } from 'synchart'
import { webSocketChannel } from 'synchart/realtime/websocket'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { createSimulatedNetwork } from 'synchart/testing'
import { axiosWire } from '../../dist/src/adapters/http/wire.js'

const ENTITIES = 50
/** Of each kind of entity some are edited; each settles its conflicts in another way. */
export const KINDS = {
  article: { conflict: 'merge' },
  task: { conflict: 'lastWriteWins', stamp: { field: 'editedAt', write: true } },
  draft: { conflict: 'localWins' },
  price: { conflict: 'remoteWins' },
}
const FIELDS = ['title', 'body', 'owner', 'state']
const PAUSE_MS = 40
const FAULTS = {
  rate: 0.1,
  types: ['request-lost', 'response-lost', 'late', 'error-status', 'duplicated'],
  delayMaxMs: 300,
  retryAfterMaxSeconds: 1,
}

const kindOf = (at) => Object.keys(KINDS)[at % Object.keys(KINDS).length]

/**
 * An engine with a file of its own and a network that fails it. The requests are real ones; `writes` keeps what the server made of each that it
 * applied, also where the answer was lost. One that is told by the server of changes pulls at once, another now and then.
 */
export async function openDevice({ name, folder, url, seed, random, isTold }) {
  const writes = new Map()
  const network = createSimulatedNetwork({ seed, faults: FAULTS, wire: observed(axiosWire(), writes) })
  const engine = createSyncEngine({
    storage: sqliteStorage({ path: join(folder, `${name}.db`) }),
    transport: network.transport({ baseURL: url }),
    entities: KINDS,
    retry: { baseMs: 50, capMs: 1_000, maxAttempts: 100 },
    breaker: { windowMs: 5_000, cooldownMs: 500 },
    maxReconciliations: 50,
    retention: { completedCount: 1_000_000, conflictCount: 1_000_000 },
    pull: { everyMs: 1_000 },
    ...(isTold && { realtime: { channel: webSocketChannel({ url: `${url.replace('http', 'ws')}/realtime` }) } }),
  })
  const device = { name, engine, network, writes, random, handles: [], detected: new Set() }
  engine.on('conflict:detected', ({ conflict }) => device.detected.add(conflict.id))
  await engine.start()
  return device
}

/** Edits one entity after the other until the signal comes, as a person would who sees what this device sees. */
export async function editUntil(signal, device) {
  while (!signal.aborted) {
    await edit(device)
    await new Promise((resolve) => setTimeout(resolve, device.random() * PAUSE_MS))
  }
}

async function edit({ name, engine, random, handles }) {
  // Some are edited more than others, so that the devices meet.
  const at = Math.floor(random() ** 2 * ENTITIES)
  const target = { entity: kindOf(at), id: `e${at}` }
  const isThere = async () => (await engine.view(target.entity).get(target.id)) !== undefined
  const content = (await isThere()) ? change(random, `${name}${handles.length}`) : creation(`${name}${handles.length}`)
  const operation = await engine.enqueue({ ...target, ...content })
  const wasGone = content.type === 'update' && !(await isThere())
  handles.push({ ...target, type: content.type, operation, wasGone })
}

function creation(text) {
  return { type: 'create', payload: Object.fromEntries(FIELDS.map((field) => [field, `${field} of ${text}`])) }
}

function change(random, text) {
  if (random() < 0.08) return { type: 'delete' }
  const from = Math.floor(random() * FIELDS.length)
  const fields = FIELDS.slice(from, from + 1 + Math.floor(random() * 2))
  return { type: 'update', payload: Object.fromEntries(fields.map((field) => [field, `${field} of ${text}`])) }
}

function observed(wire, writes) {
  return async (request) => {
    const response = await wire(request)
    const key = request.headers['Idempotency-Key']?.slice(1, -1)
    const applied = key !== undefined && response.status >= 200 && response.status < 300
    const ifMatch = request.headers['If-Match']?.slice(1, -1)
    if (applied) writes.set(key, { ifMatch, value: response.data === '' ? undefined : JSON.parse(response.data) })
    return response
  }
}

/** What the judge is to know of this device, once everything has come to an end. */
export async function evidenceOf({ name, engine, network, writes, handles, detected }) {
  const operations = handles.map(async ({ entity, id, type, operation, wasGone }) => {
    const { idempotencyKey: key, lastError } = await engine.operations.get(operation.id)
    return { entity, id, type, key, operationId: operation.id, ...(await operation.settled), lastError, wasGone }
  })
  const conflicts = Array.from({ length: ENTITIES }, (_, at) =>
    engine.conflicts.history({ entity: kindOf(at), entityId: `e${at}`, limit: 1_000 }),
  )
  const views = Object.keys(KINDS).map(async (entity) => [entity, await engine.view(entity).list()])
  const log = network.log()
  return {
    name,
    writes,
    detected,
    operations: await Promise.all(operations),
    conflicts: (await Promise.all(conflicts)).flat(),
    views: Object.fromEntries(await Promise.all(views)),
    requests: log.length,
    faults: log.filter(({ fault }) => fault !== undefined).length,
    trips: engine.metrics().breaker.trips,
  }
}
