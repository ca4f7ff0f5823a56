// json-server 0.17: no idempotency keys, no conditions, JSON merge by PATCH. What holds all the same is told by its test.
import { httpTransport } from '../../dist/src/adapters/http/index.js'

/** `entities` names the collection of each entity. */
export function jsonServerTransport({ entities, ...options }) {
  const routes = Object.fromEntries(Object.entries(entities).map(([entity, collection]) => [entity, routesOf(collection)]))
  return httpTransport({ ...options, batch: false, routes })
}

function routesOf(collection) {
  const path = `/${encodeURIComponent(collection)}`
  // Its body parser takes application/json and nothing else.
  const update = ({ entityId, payload }) => ({ method: 'PATCH', path: `${path}/${encodeURIComponent(entityId)}`, body: payload })
  return { path, update }
}
