import { createDigest, cutAt, isWithin } from '../../core/digest.ts'
import { laneOf } from '../../core/operation.ts'
import type { DigestRange, RangeDigest } from '../../core/ports.ts'
import { ENTITIES, readEntity, type EntityRow } from '../../core/schema.ts'
import { keyParts, rangeOf } from './entities.ts'
import { pagesOf } from './pages.ts'
import type { ServerSide } from './server-side.ts'
import type { Task } from './site.ts'

/** Ranges in one request, and into how many one is cut that differs. */
const FAN = 64
/** So long is a request with them: what servers take of a URL. */
const MOST_CHARACTERS = 7_000
/** What stands in it around the ids of a range. */
const FRAME = 24
/** A range with no more than these is asked for as a list. */
const LISTED = 256
/** What the server lists at most. */
const LISTED_THERE = 1_000
/** As the longest character stands in a URL. */
const ENCODED = '%'.repeat(12)
const NOT_LISTED = 'the server did not list what is there. Check once more: it may have grown too much meanwhile'
/** Of more that differ only that they are more is told. */
export const MOST_DIFFERENT = 100

export type Difference =
  | { readonly type: 'ids'; readonly ids: readonly string[]; readonly isMore: boolean; readonly isWide: boolean }
  | { readonly type: 'undecided'; readonly why: string }

/** All of an entity, or one of the parts that are followed. */
export interface Part {
  readonly entity: string
  readonly scope?: string
}

interface Local {
  readonly range: DigestRange
  readonly count: number
  readonly hash: string
  /** Where it can be cut. */
  readonly cuts: readonly string[]
}

/** Ids whose versions differ between the replica and the server: ranges that differ are cut until they are small enough to be listed. */
export async function differingIds(task: Task, { digest }: ServerSide, user: string, part: Part): Promise<Difference> {
  if (digest === undefined) return { type: 'undecided', why: 'the transport has no digest()' }
  let ranges: readonly DigestRange[] = [{}]
  const listed: DigestRange[] = []
  const wide: DigestRange[] = []

  const ask = async (asked: readonly DigestRange[], isListed: boolean): Promise<readonly RangeDigest[] | string> => {
    const found: RangeDigest[] = []
    for (const some of requestsOf(asked)) {
      const answer = await digest({ ...part, ranges: some, isListed })
      if (answer.type !== 'digests') return answer.error.message
      found.push(...answer.digests)
    }
    return found
  }

  while (ranges.length > 0 && listed.length + wide.length < MOST_DIFFERENT) {
    const here = await digestsOf(task, user, part, ranges)
    const there = await ask(ranges, false)
    if (typeof there === 'string') return { type: 'undecided', why: there }
    const next: DigestRange[] = []
    for (const [at, { range, count, hash, cuts }] of here.entries()) {
      const other = there[at]
      if (other === undefined || (other.count === count && other.hash === hash)) continue
      if (count <= LISTED && other.count <= LISTED_THERE) listed.push(range)
      else if (cuts.length > 0) next.push(...cutAt(range, cuts))
      else wide.push(range)
    }
    ranges = next
  }
  const lists = await ask(listed, true)
  if (typeof lists === 'string') return { type: 'undecided', why: lists }
  if (lists.some(({ entries }) => entries === undefined)) return { type: 'undecided', why: NOT_LISTED }
  const ids = await differingIn(task, user, part, listed, lists)
  const isWide = wide.length > 0
  const isMore = isWide || ids.length > MOST_DIFFERENT || ranges.length > 0
  return { type: 'ids', ids: ids.slice(0, MOST_DIFFERENT), isMore, isWide }
}

function requestsOf(ranges: readonly DigestRange[]): readonly (readonly DigestRange[])[] {
  const requests: DigestRange[][] = []
  let room = 0
  for (const range of ranges) {
    const length = FRAME + inUrl(range.from) + inUrl(range.to)
    const last = requests.at(-1)
    if (last === undefined || last.length === FAN || length > room) {
      requests.push([range])
      room = MOST_CHARACTERS - length
    } else {
      last.push(range)
      room -= length
    }
  }
  return requests
}

/** As many characters as it has there at most. */
function inUrl(id = ''): number {
  return id.replaceAll(/[^\w.~-]/gu, ENCODED).length
}

/** What the server has told of, page by page. */
async function* rowsOf(task: Task, user: string, part: Part) {
  const { entity, scope } = part
  for await (const page of pagesOf(task.store.storage, ENTITIES, rangeOf(laneOf(user, entity, ''))))
    for (const entry of page) {
      const row = readEntity(entry)
      const isThere =
        row !== undefined && row.deletedAt === undefined && (scope === undefined || row.scopes?.[scope] !== undefined)
      if (row !== undefined && isThere) yield { id: keyParts(row.key).id, row }
    }
}

async function digestsOf(task: Task, user: string, part: Part, ranges: readonly DigestRange[]): Promise<readonly Local[]> {
  const sums = ranges.map((range) => ({ range, digest: createDigest(), ids: createSample() }))
  for await (const { id, row } of rowsOf(task, user, part)) {
    const sum = sums.find(({ range }) => isWithin(range, id))
    sum?.digest.add(id, row.version ?? '')
    sum?.ids.add(id)
  }
  return sums.map(({ range, digest, ids }) => ({ range, ...digest.read(), cuts: ids.read() }))
}

/** Ids at about the same distances, of a stream whose length is not known: when there are too many, every second one is left out. */
function createSample() {
  let [every, seen] = [1, 0]
  let kept: string[] = []
  return {
    add(id: string): void {
      if (seen++ % every === 0) kept.push(id)
      if (kept.length < FAN) return
      kept = kept.filter((_, at) => at % 2 === 0)
      every *= 2
    },
    read: (): readonly string[] => kept.slice(1),
  }
}

async function differingIn(
  task: Task,
  user: string,
  part: Part,
  ranges: readonly DigestRange[],
  lists: readonly RangeDigest[],
): Promise<readonly string[]> {
  const there = new Map(lists.flatMap(({ entries = [] }) => entries))
  const ids = new Set(there.keys())
  for await (const { id, row } of rowsOf(task, user, part)) {
    if (there.get(id) === row.version && row.version !== undefined) ids.delete(id)
    else if (ranges.some((range) => isWithin(range, id))) ids.add(id)
  }
  return [...ids]
}

export function isSame(row: EntityRow | undefined, version: string | undefined): boolean {
  const held = row?.deletedAt === undefined ? row?.version : undefined
  return held === version
}
