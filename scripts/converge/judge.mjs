import { isDeepStrictEqual } from 'node:util'

/** By strategy and kind of conflict: how it may have been resolved. */
const RESOLUTIONS = {
  merge: { 'update-update': ['merged'], 'create-create': ['merged'], 'update-delete': ['remote'], 'delete-update': ['local'] },
  lastWriteWins: {
    'update-update': ['merged', 'remote'],
    'create-create': ['merged', 'remote'],
    'update-delete': ['local'],
    'delete-update': ['local', 'remote'],
  },
  localWins: all('local'),
  remoteWins: all('remote'),
}

function all(resolution) {
  const types = ['update-update', 'create-create', 'update-delete', 'delete-update']
  return Object.fromEntries(types.map((type) => [type, [resolution]]))
}

/**
 * What is wrong, in sentences, after devices have edited the same entities and everything has come to an end. `kinds` are the entities' options, `state` what the server
 * has of each, `ledger` its effects, `devices` what `evidenceOf` tells.
 */
export function judge({ kinds, state, ledger, devices }) {
  const effects = new Map(ledger.map(({ key }) => [operationKey(key), []]))
  for (const effect of ledger) effects.get(operationKey(effect.key)).push(effect)
  return [
    ...devices.flatMap((device) => Object.keys(kinds).flatMap((entity) => disagreements(device, entity, state[entity]))),
    ...[...effects].filter(([, { length }]) => length > 1).map(([key, { length }]) => `doubled: ${key} had ${length} effects`),
    ...devices.flatMap((device) => device.operations.flatMap((operation) => misfortunes(device, operation, effects))),
    ...devices.flatMap((device) => device.conflicts.flatMap((conflict) => misjudged(conflict, kinds[conflict.entity]))),
    ...devices.flatMap(missing),
    ...devices.flatMap((device) => device.operations.flatMap((operation) => misapplied(device, operation, kinds, effects))),
  ]
}

/** Each definite refusal is followed by a request with a derived key. */
function operationKey(key) {
  return key.replace(/\.\d+$/, '')
}

function disagreements({ name, views }, entity, resources) {
  const there = new Map(resources.map(({ id, version, ...fields }) => [id, { fields, version, status: 'synced' }]))
  const here = new Map(
    views[entity].map(({ id, value, version, status }) => [id, { fields: withoutOwn(value), version, status }]),
  )
  const ids = new Set([...there.keys(), ...here.keys()])
  const differ = [...ids].filter((id) => !isDeepStrictEqual(here.get(id), there.get(id)))
  const text = (seen) => JSON.stringify(seen) ?? 'nothing'
  return differ.map(
    (id) => `different: ${name} shows ${entity}/${id} as ${text(here.get(id))}, the server has ${text(there.get(id))}`,
  )
}

function withoutOwn({ id: _id, version: _version, ...fields }) {
  return fields
}

function misfortunes({ name, conflicts }, operation, effects) {
  const { key, status, type, operationId, lastError, wasGone } = operation
  const count = effects.get(key)?.length ?? 0
  const what = `${name}'s ${type} ${key}`
  if (status === 'done') return count === 0 && type !== 'delete' ? [`lost: ${what} is done, and had no effect`] : []
  if (count > 0) return [`wrong end: ${what} is ${status}, and had an effect`]
  if (status === 'superseded' || status === 'cancelled') return []
  const gaveWay = conflicts.some((conflict) => conflict.operationId === operationId && conflict.resolution === 'remote')
  // Between the look at it and the edit it was learnt that others had deleted it.
  const isOnNothing = wasGone && lastError?.status === 404
  return status === 'rejected' && (gaveWay || isOnNothing)
    ? []
    : [`wrong end: ${what} is ${status}: ${lastError?.message ?? 'no error'}`]
}

function misjudged({ id, entity, type, strategy, resolution, resolvedAt }, { conflict: wanted }) {
  if (strategy !== wanted) return [`wrong strategy: conflict ${id} of ${entity} was settled by ${strategy}`]
  if (resolvedAt !== undefined && RESOLUTIONS[wanted][type]?.includes(resolution)) return []
  return [`wrong resolution: conflict ${id} of ${entity} (${type}, ${wanted}) is ${resolution}`]
}

function missing({ name, detected, conflicts }) {
  const kept = new Set(conflicts.map(({ id }) => id))
  return [...detected].filter((id) => !kept.has(id)).map((id) => `missing: conflict ${id} is not in the inbox of ${name}`)
}

/** The conflict that an effect came of was on the very version that the effect replaced: its fields are as the strategy says. */
function misapplied({ conflicts, writes }, { key, operationId, entity }, kinds, effects) {
  const [effect] = effects.get(key) ?? []
  const write = writes.get(effect?.key)
  if (write?.value === undefined || write.ifMatch === undefined) return []
  const conflict = conflicts.find((one) => one.operationId === operationId && one.remoteVersion === write.ifMatch)
  return (conflict?.fields ?? [])
    .map((field) => ({ ...field, wanted: field[winner(conflict, kinds[entity])], found: write.value[field.path] }))
    .filter(({ wanted, found }) => !isDeepStrictEqual(wanted, found))
    .map(
      ({ path, wanted, found }) =>
        `misapplied: ${path} of ${entity}/${conflict.entityId} became ${found}, not ${wanted} (${key})`,
    )
}

/** Stamps are texts that sort as they were made. Who has none was overwritten by who came last. */
function winner({ payload, remote }, { conflict: strategy, stamp }) {
  if (strategy !== 'lastWriteWins') return 'local'
  const [ours, theirs] = [payload[stamp.field], remote?.[stamp.field]]
  return theirs !== undefined && ours < theirs ? 'remote' : 'local'
}
