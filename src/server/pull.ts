import { jsonAnswer } from './answer.ts'
import type { Answer } from './answer.ts'
import { etagOf, isNotModified } from './conditions.ts'
import type { Conditions } from './conditions.ts'
import { readCursor, writeCursor } from './cursor.ts'
import type { Position } from './cursor.ts'
import type { Settings } from './options.ts'
import { problemAnswer, Refusal } from './problems.ts'
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
  const { cursor, limit } = readQuery(query)
  const head = store.head(entity)
  const from: Position = cursor === '' ? { after: 0, completeAt: head } : readCursor(cursor, store.databaseId, entity)
  checkAge(from, head, settings.changeLogLimit)
  const etag = `"${store.databaseId.slice(0, 8)}-${head}"`
  if (isNotModified(conditions, etag)) return notModified(etag)
  const total = cursor === '' ? `,"total":${store.count(entity)}` : ''
  return jsonAnswer(200, `{${page(store, entity, from, limit)}${total}}`, etag)
}

/** The cursor that a pull ends with when it has all changes. */
export function headCursor(store: Store, entity: string): string {
  const head = store.head(entity)
  return writeCursor({ after: head, completeAt: head }, store.databaseId, entity)
}

/** The members of its object. */
function page(store: Store, entity: string, from: Position, limit: number): string {
  const found = store.changesAfter(entity, from.after, limit + 1)
  const hasMore = found.length > limit
  const changes = hasMore ? found.slice(0, limit) : found
  const after = changes.at(-1)?.version ?? from.after
  const completeAt = hasMore && after < from.completeAt ? from.completeAt : after
  const cursor = writeCursor({ after, completeAt }, store.databaseId, entity)
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

function readQuery(query: URLSearchParams): { cursor: string; limit: number } {
  const seen = new Set<string>()
  for (const name of query.keys()) {
    if (name !== 'cursor' && name !== 'limit')
      throw new Refusal('invalid-parameter', `Use cursor and limit, not ${JSON.stringify(name.slice(0, 64))}.`)
    if (seen.has(name)) throw new Refusal('invalid-parameter', `Send ${name} once.`)
    seen.add(name)
  }
  return { cursor: query.get('cursor') ?? '', limit: readLimit(query.get('limit')) }
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
