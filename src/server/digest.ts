import { createDigest, type DigestRange } from '../core/digest.ts'
import { jsonAnswer, type Answer } from './answer.ts'
import { Refusal } from './problems.ts'
import { readScope } from './scope.ts'
import type { Scope } from './scope.ts'
import type { Store } from './store.ts'

const mostRanges = 100
const mostListed = 1000
const longestId = 1024

/** The segment after the entity where digests are asked for; without `ranges` it is an id like any other. */
export function isDigestQuery(id: string | undefined, query: URLSearchParams): boolean {
  return id === 'digest' && query.has('ranges')
}

/** Of each range how many resources there are and their fingerprint; with `list` also their ids and versions. @throws Refusal 400 */
export function digest(store: Store, entity: string, query: URLSearchParams): Answer {
  const unknown = [...query.keys()].find((name) => name !== 'ranges' && name !== 'list' && name !== 'scope')
  if (unknown !== undefined)
    throw new Refusal('invalid-parameter', `Use ranges, list and scope, not ${JSON.stringify(unknown.slice(0, 64))}.`)
  const scope = query.get('scope')
  const part = scope === null ? undefined : readScope(scope)
  if (part !== undefined) store.keepScopes(entity, part.field)
  const isListed = query.get('list') === '1'
  const ranges = readRanges(query.get('ranges') ?? '')
  const texts = ranges.map((range) => digestText(store, entity, part, range, isListed))
  return jsonAnswer(200, `{"digests":[${texts.join(',')}]}`)
}

function digestText(store: Store, entity: string, scope: Scope | undefined, range: DigestRange, isListed: boolean): string {
  const summary = createDigest()
  const found = store.within(entity, range, scope)
  for (const { id, version } of found) summary.add(id, String(version))
  const { count, hash } = summary.read()
  const entries =
    isListed && count <= mostListed ? `,"entries":${JSON.stringify(found.map(({ id, version }) => [id, String(version)]))}` : ''
  return `{"count":${count},"hash":"${hash}"${entries}}`
}

function readRanges(text: string): readonly DigestRange[] {
  const ranges = parsed(text)
  if (Array.isArray(ranges) && ranges.length > 0 && ranges.length <= mostRanges && ranges.every(isPair))
    return ranges.map(([from, to]) => ({ ...(from === null ? {} : { from }), ...(to === null ? {} : { to }) }))
  throw new Refusal(
    'invalid-parameter',
    `ranges must be JSON: 1 to ${mostRanges} pairs of ids or null, as [[null,"m"],["m",null]].`,
  )
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    return undefined
  }
}

function isPair(value: unknown): value is readonly [string | null, string | null] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((id) => id === null || (typeof id === 'string' && id.length <= longestId))
  )
}
