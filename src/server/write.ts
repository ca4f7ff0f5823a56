import { jsonAnswer, replay } from './answer.ts'
import type { Answer } from './answer.ts'
import { mergePatch, storedObject } from './body.ts'
import { conditionsHold, etagOf } from './conditions.ts'
import type { Settings } from './options.ts'
import { problemAnswer } from './problems.ts'
import type { Resource, Store } from './store.ts'
import type { JsonObject } from '../core/json.ts'
import { UNASSIGNED, type WriteRequest } from './write-request.ts'

/**
 * Answers a write, once per user and key: the effect, its place in the change log, the ledger and the answer itself are
 * written in the transaction that the caller has open.
 */
export function executeWrite(store: Store, settings: Settings, request: WriteRequest): Answer {
  const { user, key, fingerprint } = request
  const atMs = settings.now()
  const stored = store.answer(user, key, atMs - settings.idempotencyTtlMs)
  if (stored !== undefined) return stored.fingerprint === fingerprint ? replay(stored) : reusedKey()
  const answer = apply(store, settings, identified(store, request), atMs)
  store.keepAnswer(user, key, atMs, {
    fingerprint,
    status: answer.status,
    etag: answer.headers['etag'] ?? null,
    body: answer.body,
  })
  return answer
}

function reusedKey(): Answer {
  return problemAnswer(
    'idempotency-key-reused',
    'This key belongs to a request with another method, path, body or condition. Use a new key.',
  )
}

/** Versions are never used twice, so neither is an id that is made of one. */
function identified(store: Store, request: WriteRequest): WriteRequest {
  const { entity, id } = request
  return id === UNASSIGNED ? { ...request, id: `${entity}-${store.head(entity) + 1}` } : request
}

function apply(store: Store, settings: Settings, request: WriteRequest, atMs: number): Answer {
  const { entity, id, method, conditions, value } = request
  const current = live(store.find(entity, id))
  if (method === 'POST' && current !== undefined)
    return problemAnswer('already-exists', 'Update the resource, or create one with another id.')
  if (method === 'DELETE' && current === undefined) return problemAnswer('not-found', 'There is nothing to delete.')
  if (method !== 'POST' && !conditionsHold(conditions, current?.version)) return stale(current)
  if (method === 'DELETE') return remove(store, settings, request, atMs)
  if (method !== 'PATCH') return save(store, settings, request, value, current === undefined ? 201 : 200, atMs)
  if (current === undefined) return problemAnswer('not-found', 'There is nothing to update. Create the resource first.')
  return save(store, settings, request, mergePatch(storedObject(current.body), value), 200, atMs)
}

function live(found: Resource | undefined): (Resource & { readonly body: string }) | undefined {
  return found === undefined || found.body === null ? undefined : { ...found, body: found.body }
}

function stale(current: Resource | undefined): Answer {
  const now = current === undefined ? 'It does not exist.' : `It is at version ${current.version}.`
  return problemAnswer('precondition-failed', `${now} Fetch the resource and decide again.`)
}

function save(store: Store, settings: Settings, request: WriteRequest, value: JsonObject, status: number, atMs: number): Answer {
  const { entity, id } = request
  const { id: _id, version: _version, ...fields } = value
  const text = JSON.stringify(fields)
  if (Buffer.byteLength(text) > settings.bodyLimitBytes)
    return problemAnswer('content-too-large', 'The resource would become too large.')
  const version = store.head(entity) + 1
  const body = `{"id":${JSON.stringify(id)}${text === '{}' ? '' : `,${text.slice(1, -1)}`},"version":"${version}"}`
  store.put(entity, { id, version, body })
  record(store, settings, request, version, atMs)
  return jsonAnswer(status, body, etagOf(version))
}

function remove(store: Store, settings: Settings, request: WriteRequest, atMs: number): Answer {
  const { entity, id } = request
  const version = store.head(entity) + 1
  store.put(entity, { id, version, body: null })
  record(store, settings, request, version, atMs)
  if (version > settings.changeLogLimit) store.forgetTombstones(entity, version - settings.changeLogLimit)
  return { status: 204, headers: {}, body: null }
}

function record(store: Store, settings: Settings, request: WriteRequest, version: number, at: number): void {
  const { user, client, sequence, key, entity, id, method } = request
  if (version > settings.changeLogLimit) store.forgetDepartures(entity, version - settings.changeLogLimit)
  store.log({ user, client, sequence, key, entity, id, method, version, at })
}
