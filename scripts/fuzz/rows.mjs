import { memoryDisk, memoryStorage } from '../../dist/src/adapters/memory.js'
import { StorageConflictError } from '../../dist/src/index.js'
import { STORE_SCHEMA } from '../../dist/src/core/schema.js'
import { rowsOf, soundStores } from './sound.mjs'
import { damage, draw } from './values.mjs'
import { engineOn, phaseOf, wrongs } from './world.mjs'

/** So many rows of one store are damaged. */
const AT_ONCE = 5
/** Every such group is of a store whose last owner was killed, and has a second tab. */
const KILLED_EVERY = 4
const STATUSES = ['live', 'done', 'rejected', 'cancelled', 'superseded']

let stores

/** Rows as something that is no engine of ours might leave them, beneath an engine that then starts on them. */
export async function fuzzRows(seed, size, isAt) {
  stores ??= await soundStores()
  const all = draw(damage, size, seed)
  const found = []
  for (let at = 0; at < size && found.length === 0; at += AT_ONCE) {
    isAt(at)
    const isKilled = (at / AT_ONCE) % KILLED_EVERY === 0
    found.push(...(await startOn(stores[isKilled ? 1 : 0], all.slice(at, at + AT_ONCE), isKilled)))
    if (found.length > 0) found.push(`the cases are ${at} to ${at + AT_ONCE - 1}.`)
  }
  return found
}

async function startOn(sound, damages, hasFollower) {
  const disk = memoryDisk()
  const damaged = new Map(damages.map((one) => [rowOf(one, sound), one]))
  await write(disk, sound, damaged)
  const undamaged = operationsIn(await rowsOf(disk), sound, damaged)
  const engine = engineOn(memoryStorage({ disk }), undefined, { audit: {} })
  const follower = hasFollower ? engineOn(memoryStorage({ disk })) : undefined
  const found = await wrongs({ start: () => engine.start(), follow: () => follower?.start() })
  found.push(...(await reads(engine, sound)), ...(follower === undefined ? [] : await reads(follower, sound)))
  found.push(...(await works(engine, follower)))
  found.push(...(await wrongs({ stop: () => engine.stop(), leave: () => follower?.stop() })))
  return [...found, ...(await lost(disk, undamaged))]
}

/** The audit is longer than all else, and comes last. */
function rowOf({ row, other }, sound) {
  const audited = sound.findIndex(({ collection }) => collection === 'audit')
  return row % (other % 8 === 0 ? sound.length : audited)
}

async function write(disk, sound, damaged) {
  const storage = memoryStorage({ disk })
  await storage.open(STORE_SCHEMA)
  const put = ({ collection, value }) => ({ type: 'put', collection, value })
  await storage.commit(sound.filter((_, at) => !damaged.has(at)).map(put))
  for (const [at, one] of damaged) {
    const { collection, value } = sound[at]
    // A row without the key of its collection no store takes, nor two that share what is unique: then it is as it was, or, where its place is taken, not there.
    const commit = (row) => storage.commit([put({ collection, value: row })])
    await commit(damagedBy(value, one, sound)).catch(() => commit(value).catch(unlessTaken))
  }
  await storage.close()
}

function unlessTaken(error) {
  if (!(error instanceof StorageConflictError)) throw error
}

function reads(engine, sound) {
  const ids = sound.flatMap(({ collection, value }) => (collection === 'operations' ? value.id : []))
  return wrongs({
    ...Object.fromEntries(STATUSES.map((status) => [`list(${status})`, () => engine.operations.list({ status })])),
    ...Object.fromEntries(ids.map((id) => [`explain(${id})`, () => engine.explain(id)])),
    explain: () => engine.explain(),
    ...Object.fromEntries(['note', 'task', 'folder', 'page', 'letter'].map((name) => [name, () => engine.view(name).list()])),
    named: () => engine.view('folder').get('temporary'),
    scopes: () => engine.scopes.list('letter'),
    conflicts: () => engine.conflicts.list({ status: 'all' }),
    inbox: () => engine.conflicts.statistics(),
    statistics: () => engine.statistics.get(),
    audit: () => engine.audit.list(),
    check: () => engine.check(),
  })
}

/** What it owes to whoever goes on working. */
async function works(engine, follower) {
  const found = []
  const fresh = { type: 'create', entity: 'task', id: 'fresh', payload: {} }
  let accepted
  found.push(...(await wrongs({ enqueue: async () => void (accepted = await engine.enqueue(fresh)) })))
  found.push(...(await wrongs({ flush: () => engine.flush(), followed: () => follower?.flush() })))
  found.push(...(await wrongs({ synchronize: () => engine.synchronize(), asked: () => follower?.synchronize({ full: true }) })))
  found.push(...(await wrongs({ repair: () => engine.check({ repair: true }) })))
  found.push(...(await wrongs({ 'flush after it': () => engine.flush(), 'all anew': () => engine.synchronize({ full: true }) })))
  const isDraining = (await phaseOf(engine)) === 'draining'
  if (!isDraining || accepted === undefined) return found
  const status = await accepted.status()
  return status === 'done' ? found : [...found, `what was enqueued after it is ${status}.`]
}

/** Those that nobody damaged: neither them, nor by what was written over them. */
function operationsIn(rows, sound, damaged) {
  const there = idsOf(rows)
  return idsOf(sound.filter((_, at) => !damaged.has(at))).filter((id) => there.includes(id))
}

function idsOf(rows) {
  return rows.flatMap(({ collection, value }) => (collection === 'operations' && typeof value?.id === 'string' ? value.id : []))
}

/** They are there still, whatever became of them. */
async function lost(disk, undamaged) {
  const left = new Set(idsOf(await rowsOf(disk)))
  return undamaged.filter((id) => !left.has(id)).map((id) => `operation ${id} is lost.`)
}

function damagedBy(value, { place, how, by, other }, sound) {
  const names = Object.keys(value)
  const name = names[place % names.length]
  if (how === 'whole') return typeof by === 'object' && by !== null ? { ...value, ...by } : by
  if (how === 'remove') return Object.fromEntries(Object.entries(value).filter(([field]) => field !== name))
  if (how === 'within') return { ...value, [name]: within(value[name], by, other) }
  if (how === 'taken') return { ...value, ...takenFrom(sound[other % sound.length].value, place) }
  if (how === 'own') return { ...value, [NAMES[place % NAMES.length]]: ownOf(value, sound, other) }
  return { ...value, [name]: by }
}

/** Where rows name others. */
const NAMES = ['supersededBy', 'dependsOn', 'entityId', 'movedTo', 'operationId', 'lane']

function ownOf(value, sound, other) {
  const { id = value.key } = other % 2 === 0 ? value : sound[other % sound.length].value
  return other % 3 === 0 ? [id] : id
}

function takenFrom(value, place) {
  const all = Object.entries(value)
  return Object.fromEntries([all[place % all.length]])
}

/** One level deeper, where there is one. */
function within(value, by, at) {
  if (Array.isArray(value)) return value.length === 0 ? [by] : value.with(at % value.length, by)
  if (typeof value === 'number') return typeof by === 'number' ? by : value + (at % 3) - 1
  if (typeof value !== 'object' || value === null) return by
  const names = Object.keys(value)
  return names.length === 0 ? by : { ...value, [names[at % names.length]]: by }
}
