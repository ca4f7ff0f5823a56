// json-server 0.17: no idempotency keys, no conditions, JSON merge by PATCH. What holds all the same is told by its test.
import { ServerError } from '../../dist/src/index.js'
import { httpTransport } from '../../dist/src/adapters/http/index.js'
import { readJson, unreadable, unusable } from './read-json.mjs'

/** `entities` names the collection of each entity. */
export function jsonServerTransport({ entities, ...options }) {
  const routes = Object.fromEntries(Object.entries(entities).map(([entity, collection]) => [entity, routesOf(collection)]))
  const http = httpTransport({ ...options, batch: false, routes })
  return { ...http, pull: (request, { signal }) => pull(options, routes[request.entity].path, request, signal) }
}

function routesOf(collection) {
  const path = `/${encodeURIComponent(collection)}`
  // Its body parser takes application/json and nothing else.
  const update = ({ entityId, payload }) => ({ method: 'PATCH', path: `${path}/${encodeURIComponent(entityId)}`, body: payload })
  return { path, update }
}

const END = 'end'

/**
 * It has no list of changes, so each pull is one from the beginning, at whose end is gone what it has not met. A page begins where the last one
 * ended by id: pages by number would skip a note whenever one before it is deleted meanwhile.
 */
async function pull(options, path, { cursor, limit }, signal) {
  if (cursor === END) return { type: 'expired', error: new ServerError('This server keeps no changes: all is read anew.') }
  const last = cursor === undefined ? undefined : cursor.slice(1)
  const from = last === undefined ? '' : `&id_gte=${encodeURIComponent(last)}`
  // One more tells whether there are more, and the last of the page before comes once again.
  const size = limit + (last === undefined ? 1 : 2)
  const { value, headers, ...failure } = await readJson(options, `${path}?_sort=id&_order=asc&_limit=${size}${from}`, signal)
  if (value === undefined) return failure
  if (!Array.isArray(value)) return unreadable('it is not a list')
  const total = Number(headers.get('x-total-count') ?? NaN)
  return pageFrom(value, last, limit, last === undefined && Number.isSafeInteger(total) ? { total } : {})
}

function pageFrom(found, last, limit, told) {
  const fresh = found.filter((value) => value?.id !== last)
  const page = fresh.slice(0, limit)
  const hasMore = fresh.length > limit
  const end = page.at(-1)?.id
  if (hasMore && typeof end !== 'string') return unreadable('its ids are not texts, so no page can begin after one')
  const read = page.map(changeFrom)
  return {
    type: 'page',
    changes: read.filter((change) => !('error' in change)),
    unusable: read.filter((change) => 'error' in change),
    cursor: hasMore ? `>${end}` : END,
    hasMore,
    ...told,
  }
}

/** Without a version: whatever comes is newer than what was there. */
function changeFrom(value) {
  return typeof value?.id === 'string' ? { id: value.id, version: undefined, value } : unusable(undefined, 'its id is not a text')
}
