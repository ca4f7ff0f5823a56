import { isVersion } from '../../core/entity-version.ts'
import { SyncError, ValidationError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import type { OutgoingOperation, PreparedRequest, DigestRequest, PullRequest } from '../../core/ports.ts'
import { isRecord } from '../../core/schema.ts'
import type { HttpSettings, Route } from './options.ts'
import { isJsonObject, isJsonType } from './read-body.ts'
import { checkHeaders, checkPath, isWriteMethod, segment } from './safety.ts'

type Routing = Pick<HttpSettings, 'entities'>

/**
 * The request of an operation, fixed to its last byte. Pure, as long as the application's own routes are.
 * @throws ValidationError where an id, a payload, a version or a route of the application can't be made into a request.
 */
export function prepareRequest(settings: Routing, operation: OutgoingOperation): PreparedRequest {
  const route = settings.entities.get(operation.entity)?.routes.get(operation.type)
  return route === undefined ? prepareDefault(settings, operation) : prepareOwn(operation, route)
}

function collectionPath(settings: Routing, entity: string): string {
  return settings.entities.get(entity)?.path ?? `/${segment('entity', entity)}`
}

export function entityPath(settings: Routing, entity: string, entityId: string): string {
  return `${collectionPath(settings, entity)}/${segment('id', entityId)}`
}

/** Where the changes of an entity are asked for. */
export function pullPath(settings: Routing, { entity, scope, cursor, limit }: PullRequest): string {
  const part = scope === undefined ? '' : `scope=${encodeURIComponent(scope)}&`
  const from = cursor === undefined ? '' : `cursor=${encodeURIComponent(cursor)}&`
  return `${collectionPath(settings, entity)}?${part}${from}limit=${limit}`
}

/** Where fingerprints are asked for. */
export function digestPath(settings: Routing, { entity, scope, ranges, isListed }: DigestRequest): string {
  const part = scope === undefined ? '' : `scope=${encodeURIComponent(scope)}&`
  const pairs = JSON.stringify(ranges.map(({ from = null, to = null }) => [from, to]))
  return `${collectionPath(settings, entity)}/digest?${part}ranges=${encodeURIComponent(pairs)}${isListed ? '&list=1' : ''}`
}

function prepareDefault(settings: Routing, operation: OutgoingOperation): PreparedRequest {
  const { entity, entityId, type, payload, isIdTemporary } = operation
  const path = entityPath(settings, entity, entityId)
  if (type === 'create') {
    const body = isIdTemporary === true ? withoutId(payload) : withId(payload, entityId)
    return json('POST', collectionPath(settings, entity), {}, 'application/json', body)
  }
  const precondition = ifMatch(operation.baseVersion)
  if (type === 'update') return json('PATCH', path, precondition, 'application/merge-patch+json', payload)
  if (type === 'replace') return json('PUT', path, precondition, 'application/json', payload)
  if (type === 'delete') return { method: 'DELETE', path, headers: precondition, body: null }
  return json('POST', `${path}/${segment('type', type)}`, precondition, 'application/json', payload)
}

function json(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  contentType: string,
  body: Json,
): PreparedRequest {
  return { method, path, headers: { 'Content-Type': contentType, ...headers }, body: JSON.stringify(body) }
}

function withId(payload: Json, id: string): Json {
  if (payload === null) return { id }
  if (isJsonObject(payload)) return { ...payload, id }
  throw new ValidationError('payload', 'of a create must be an object, so that the id can be sent with it')
}

/** The server says what the id is. */
function withoutId(payload: Json): Json {
  if (payload === null) return {}
  if (!isJsonObject(payload)) throw new ValidationError('payload', 'of a create must be an object')
  const { id: _id, ...rest } = payload
  return rest
}

function ifMatch(version: string | undefined): Readonly<Record<string, string>> {
  if (version === undefined) return {}
  if (!isVersion(version))
    throw new ValidationError('baseVersion', 'must be printable ASCII without spaces and quotes, to be sent as an ETag')
  return { 'If-Match': `"${version}"` }
}

function prepareOwn(operation: OutgoingOperation, route: (operation: OutgoingOperation) => Route): PreparedRequest {
  const where = `routes.${operation.entity}.${operation.type}`
  const made = call(where, () => route(operation))
  if (!isRecord(made)) throw new ValidationError(where, 'must return { method, path }')
  if (!isWriteMethod(made.method)) throw new ValidationError(`${where}.method`, 'must be POST, PUT, PATCH or DELETE')
  const path = checkPath(`${where}.path`, made.path)
  const headers = checkHeaders(`${where}.headers`, made.headers ?? {}, 'stored')
  if (made.body === undefined) return { method: made.method, path, headers, body: null }
  const body: unknown = call(`${where}.body`, () => JSON.stringify(made.body))
  if (typeof body !== 'string') throw new ValidationError(`${where}.body`, 'must be a value that JSON can hold')
  return { method: made.method, path, headers: withJsonType(where, headers), body }
}

function withJsonType(where: string, headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const own = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')
  if (own === undefined) return { 'Content-Type': 'application/json', ...headers }
  if (isJsonType(own[1])) return headers
  throw new ValidationError(`${where}.headers.${own[0]}`, 'must be a JSON type, as application/json: bodies are sent as JSON')
}

function call<T>(where: string, task: () => T): T {
  try {
    return task()
  } catch (cause) {
    if (cause instanceof SyncError) throw cause
    throw new ValidationError(where, 'the route function failed; correct it', { cause })
  }
}
