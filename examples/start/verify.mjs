import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { isDeepStrictEqual } from 'node:util'

/**
 * Compares a server (with `inspect`) with a plain replay of the file that was pushed to it, entity by entity:
 * - `lost`: what is missing, too much or different on the server;
 * - `doubled`: idempotency keys, and operations, with more than one effect in the server's ledger;
 * - `outOfOrder`: effects on an entity that came after one of a later operation.
 */
export async function verify(file, url) {
  const expected = await replay(file)
  const { entries } = await json(`${url}/_ledger`)
  const lost = []
  let compared = 0
  for (const [entity, resources] of expected) {
    const { resources: found } = await json(`${url}/_state/${entity}`)
    const ids = new Set([...resources.keys(), ...found.map(({ id }) => id)])
    const onServer = new Map(found.map(({ version: _version, ...value }) => [value.id, value]))
    compared += ids.size
    for (const id of ids) if (!isDeepStrictEqual(onServer.get(id), resources.get(id))) lost.push(`${entity}/${id}`)
  }
  return { compared, effects: entries.length, lost, doubled: doubledIn(entries), outOfOrder: outOfOrderIn(entries) }
}

/** What the file amounts to when its operations are applied one after the other. */
async function replay(file) {
  const entities = new Map()
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (line.trim() === '') continue
    const { type, entity, id, payload } = JSON.parse(line)
    if (!entities.has(entity)) entities.set(entity, new Map())
    const resources = entities.get(entity)
    if (type === 'delete') resources.delete(id)
    else if (type === 'create') resources.set(id, { ...payload, id })
    else resources.set(id, mergePatch(resources.get(id), payload))
  }
  return entities
}

/** RFC 7396 */
function mergePatch(target, patch) {
  if (!isObject(patch)) return patch
  const result = isObject(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name]
    else result[name] = mergePatch(result[name], value)
  }
  return result
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function doubledIn(entries) {
  const byKey = counted(entries.map(({ user, key }) => `key ${user} ${key}`))
  const byOperation = counted(entries.map(({ client, sequence }) => `operation ${client} ${sequence}`))
  return [...byKey, ...byOperation].filter(([, count]) => count > 1).map(([name]) => name)
}

function counted(names) {
  const counts = new Map()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

function outOfOrderIn(entries) {
  const last = new Map()
  const found = []
  for (const { entity, id, sequence } of entries) {
    const name = `${entity}/${id}`
    if (sequence <= (last.get(name) ?? 0)) found.push(`${name} #${sequence}`)
    last.set(name, sequence)
  }
  return found
}

async function json(url) {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url} answered ${response.status}.`)
  return response.json()
}
