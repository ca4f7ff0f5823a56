// CouchDB and what speaks its protocol (here express-pouchdb): `_rev` is the version, and a stale write is a 409.
import { NetworkError, ValidationError } from '../../dist/src/index.js'
import { httpTransport } from '../../dist/src/adapters/http/index.js'
import { readJson, unreadable, unusable } from './read-json.mjs'

/**
 * `entities` names the database of each entity. Changes are whole documents: `create`, `replace` and `delete`. CouchDB knows no merge patch,
 * so an `update` is refused before anything is sent.
 */
export function couchTransport({ entities, ...options }) {
  const routes = Object.fromEntries(Object.entries(entities).map(([entity, database]) => [entity, routesOf(database)]))
  const http = httpTransport({ ...options, batch: false, routes })
  return {
    prepare: http.prepare,
    send: async (request, context) => confirmed(await http.send(request, context)),
    fetch: async (entity, id, context) => read(await http.fetch(entity, id, context)),
    pull: (request, { signal }) => pull(options, entities[request.entity], request, signal),
  }
}

function routesOf(database) {
  const path = `/${encodeURIComponent(database)}`
  const at = (id) => `${path}/${encodeURIComponent(id)}`
  const put = ({ entityId, payload, baseVersion }) => ({
    method: 'PUT',
    path: at(entityId),
    body: { ...payload, ...(baseVersion === undefined ? {} : { _rev: baseVersion }) },
  })
  return {
    path,
    create: put,
    replace: put,
    update() {
      throw new ValidationError('type', 'CouchDB has no merge patch: enqueue a replace with the whole document')
    },
    delete: ({ entityId, baseVersion }) => ({
      method: 'DELETE',
      path: baseVersion === undefined ? at(entityId) : `${at(entityId)}?rev=${encodeURIComponent(baseVersion)}`,
    }),
  }
}

/** The answer to a write is a receipt, not the document. */
function confirmed(outcome) {
  if (outcome.type !== 'applied') return outcome
  const version = typeof outcome.value?.rev === 'string' ? outcome.value.rev : outcome.version
  return { type: 'applied', version }
}

/** Version and identity stand in the document, under names of their own. */
function read(fetched) {
  if (fetched.type !== 'found') return fetched
  const { _id, _rev: version, ...value } = fetched.value
  if (typeof version === 'string') return { type: 'found', value: { ...value, id: _id }, version }
  return { type: 'failed', error: new NetworkError('The document has no _rev: this is no CouchDB.') }
}

/** Its list of changes has a place for each document, at its newest revision, and tombstones for ever: nothing expires. */
async function pull(options, database, { cursor, limit }, signal) {
  const since = cursor === undefined ? '' : `&since=${encodeURIComponent(cursor)}`
  const path = `/${encodeURIComponent(database)}/_changes?include_docs=true&limit=${limit}${since}`
  const { value, ...failure } = await readJson(options, path, signal)
  return value === undefined ? failure : pageFrom(value, limit, cursor)
}

function pageFrom({ results, last_seq: last, pending }, limit, cursor) {
  if (!Array.isArray(results)) return unreadable('"results" is not a list')
  if (typeof last !== 'number' && (typeof last !== 'string' || last === '')) return unreadable('"last_seq" is missing')
  // Designs of views are documents too, but none of the application's.
  const read = results.filter((result) => !String(result?.id).startsWith('_design/')).map(changeFrom)
  // CouchDB tells how many are left; PouchDB does not.
  const hasMore = typeof pending === 'number' ? pending > 0 : results.length >= limit
  return {
    type: 'page',
    changes: read.filter((change) => !('error' in change)),
    unusable: read.filter((change) => 'error' in change),
    cursor: String(last),
    hasMore,
    ...(cursor === undefined && typeof pending === 'number' ? { total: results.length + pending } : {}),
  }
}

function changeFrom(result) {
  const { id, deleted, doc } = result ?? {}
  if (typeof id !== 'string') return unusable(undefined, 'it has no id')
  const { _id, _rev: version, ...value } = doc ?? {}
  if (typeof version !== 'string') return unusable(id, 'its document has no _rev')
  return deleted === true ? { id, version, deleted: true } : { id, version, value: { ...value, id } }
}
