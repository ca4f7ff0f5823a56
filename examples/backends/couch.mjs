// CouchDB and what speaks its protocol (here express-pouchdb): `_rev` is the version, and a stale write is a 409.
import { NetworkError, ValidationError } from '../../dist/src/index.js'
import { httpTransport } from '../../dist/src/adapters/http/index.js'

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
