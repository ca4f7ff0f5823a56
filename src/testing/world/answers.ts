import type { Json, JsonObject } from '../../core/json.ts'
import type { ServerResponse } from './messages.ts'
import type { Place } from './places.ts'
import type { Effect } from './server-state.ts'

type Problem =
  | 'unauthorized'
  | 'not-found'
  | 'already-exists'
  | 'cursor-expired'
  | 'invalid-cursor'
  | 'precondition-failed'
  | 'invalid-body'
  | 'idempotency-key-missing'
  | 'idempotency-key-reused'
  | 'batch-aborted'
  | 'invalid-parameter'

const STATUS: Readonly<Record<Problem, number>> = {
  unauthorized: 401,
  'not-found': 404,
  'already-exists': 409,
  'cursor-expired': 410,
  'invalid-cursor': 400,
  'precondition-failed': 412,
  'invalid-body': 422,
  'idempotency-key-missing': 400,
  'idempotency-key-reused': 422,
  'batch-aborted': 424,
  'invalid-parameter': 400,
}

/** As a page of changes tells of it. */
export function changeOf({ path, resource: { version, value }, isMember }: Place): Json {
  const own = { id: decodeURIComponent(path.slice(path.lastIndexOf('/') + 1)), version: String(version) }
  return value === undefined || !isMember
    ? { ...own, deleted: true }
    : { ...own, value: { id: own.id, ...value, version: own.version } }
}

/** The same, and after it once more what it was before it was changed. */
export function changesOf(place: Place, ledger: readonly Effect[], undone: ReadonlySet<Effect>): readonly Json[] {
  const { path, resource, isMember } = place
  const isBefore = (effect: Effect): boolean =>
    path === `/${effect.entity}/${encodeURIComponent(effect.id)}` && effect.version < resource.version && !undone.has(effect)
  const older = ledger.findLast(isBefore)
  if (older === undefined) return [changeOf(place)]
  const { version, after: value } = older
  return [changeOf(place), changeOf({ path, resource: { version, value }, position: version, isMember })]
}

export function found(status: number, path: string, value: JsonObject, version: number): ServerResponse {
  const id = decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
  return {
    status,
    headers: { 'content-type': 'application/json', etag: `"${version}"` },
    body: JSON.stringify({ id, ...value, version: String(version) }),
  }
}

export function problem(
  type: Problem | 'idempotency-in-progress',
  status = type === 'idempotency-in-progress' ? 409 : STATUS[type],
): ServerResponse {
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: JSON.stringify({ type: `urn:synchart:problem:${type}`, title: type, status }),
  }
}
