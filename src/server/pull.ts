import { jsonAnswer } from './answer.ts'
import type { Answer } from './answer.ts'
import { etagOf, isNotModified } from './conditions.ts'
import type { Conditions } from './conditions.ts'
import { readCursor, writeCursor } from './cursor.ts'
import type { Bound, Position } from './cursor.ts'
import type { Settings } from './options.ts'
import { problemAnswer, Refusal } from './problems.ts'
import { readScope } from './scope.ts'
import type { Scope } from './scope.ts'
import type { Resource, Store } from './store.ts'

const defaultLimit = 100
const maxLimit = 1000

/** One resource. */
export function get(store: Store, entity: string, id: string, conditions: Conditions): Answer {
  const found = store.find(entity, id)
  if (found === undefined || found.body === null) return problemAnswer('not-found', 'There is no resource with this id.')
  const etag = etagOf(found.version)
  return isNotModified(conditions, etag) ? notModified(etag) : jsonAnswer(200, found.body, etag)
}

/** A page of the changes after a cursor. @throws Refusal 400 or 410. */
export function pull(store: Store, settings: Settings, entity: string, query: URLSearchParams, conditions: Conditions): Answer {
  const { scope, cursor, limit } = readQuery(query)
  const part = scope === undefined ? undefined : readScope(scope)
  const bound: Bound = { databaseId: store.databaseId, entity, scope }
  const known = cursor === '' ? undefined : readCursor(cursor, bound)
  if (part !== undefined) store.keepScopes(entity, part.field)
  // Looked at before the changes: what is committed meanwhile comes with the next page.
  const head = store.head(entity)
  const from: Position = known ?? { after: 0, completeAt: head }
  checkAge(from, head, settings.changeLogLimit)
  const etag = `"${store.databaseId.slice(0, 8)}-${head}"`
  if (isNotModified(conditions, etag)) return notModified(etag)
  const total = cursor === '' ? `,"total":${store.count(entity, part)}` : ''
  return jsonAnswer(200, `{${page(store, bound, part, from, head, limit)}${total}}`, etag)
}

/** The cursor that a pull ends with when it has all changes. */
export function headCursor(store: Store, entity: string): string {
  const head = store.head(entity)
  return writeCursor({ after: head, completeAt: head }, { databaseId: store.databaseId, entity, scope: undefined })
}

/** The members of its object. */
function page(store: Store, bound: Bound, scope: Scope | undefined, from: Position, head: number, limit: number): string {
  const { entity } = bound
  // Of what had left the scope before a first pull began, it has brought nothing.
  const leftAfter = Math.max(from.after, from.completeAt)
  const found =
    scope === undefined
      ? store.changesAfter(entity, from.after, limit + 1)
      : store.changesIn(entity, scope, from.after, leftAfter, limit + 1)
  const hasMore = found.length > limit
  const changes = hasMore ? found.slice(0, limit) : found
  const last = changes.at(-1)?.position ?? from.after
  // The changes of a scope may be few among those of the entity: its cursor must not grow old by that.
  const after = hasMore || scope === undefined ? last : Math.max(last, head)
  const completeAt = hasMore && after < from.completeAt ? from.completeAt : after
  const cursor = writeCursor({ after, completeAt }, bound)
  return `"changes":[${changes.map(change).join(',')}],"cursor":"${cursor}","hasMore":${hasMore}`
}

function change({ id, version, body }: Resource): string {
  const rest = body === null ? '"deleted":true' : `"value":${body}`
  return `{"id":${JSON.stringify(id)},"version":"${version}",${rest}}`
}

function checkAge({ completeAt }: Position, head: number, changeLogLimit: number): void {
  if (completeAt <= head && completeAt >= head - changeLogLimit) return
  throw new Refusal('cursor-expired', 'Changes since this cursor are no longer kept. Pull again without a cursor.')
}

function readQuery(query: URLSearchParams): { scope: string | undefined; cursor: string; limit: number } {
  const seen = new Set<string>()
  for (const name of query.keys()) {
    if (name !== 'cursor' && name !== 'limit' && name !== 'scope')
      throw new Refusal('invalid-parameter', `Use scope, cursor and limit, not ${JSON.stringify(name.slice(0, 64))}.`)
    if (seen.has(name)) throw new Refusal('invalid-parameter', `Send ${name} once.`)
    seen.add(name)
  }
  return { scope: query.get('scope') ?? undefined, cursor: query.get('cursor') ?? '', limit: readLimit(query.get('limit')) }
}

function readLimit(value: string | null): number {
  if (value === null || value === '') return defaultLimit
  const limit = /^\d{1,4}$/.test(value) ? Number(value) : 0
  if (limit >= 1 && limit <= maxLimit) return limit
  throw new Refusal('invalid-parameter', `limit must be an integer from 1 to ${maxLimit}.`)
}

function notModified(etag: string): Answer {
  return { status: 304, headers: { etag }, body: null }
}
