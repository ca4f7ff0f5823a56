import { changeOf, changesOf, problem } from './answers.ts'
import type { ServerRequest, ServerResponse } from './messages.ts'
import { placesIn, placesOf, type IsInPart, type Place } from './places.ts'
import type { Effect, Resource } from './server-state.ts'

/** What the server has, and by which changes. */
export interface Kept {
  readonly resources: ReadonlyMap<string, Resource>
  readonly ledger: readonly Effect[]
  readonly undone: ReadonlySet<Effect>
  /** The newest version. */
  head(): number
}

export interface ChangeLog {
  /** The answer to a pull, and the newest version that it could know of. */
  page(user: string, request: ServerRequest): { readonly response: ServerResponse; readonly asOf: number }
  /** What is of a kind of entity, or of a part of it, or was. */
  placesOf(entity: string, part?: string): readonly Place[]
  /** From now on no cursor that it gave before is good; of those of parts that holds for every second one, unless it is to hold for all. */
  expire(all?: boolean): void
  /** It says that there is more, and gives the same cursor again. */
  repeatsCursors: boolean
  /**
   * Pages are read from copies that lag behind: none lacks what the client was told by a page before, what there was when its pull began, or a delete,
   * whose answer names no version.
   */
  hasCopies: boolean
}

/** The change log of the wire contract. `tellsTwice`: pages name what was changed a second time as it was before, too. */
export function createChangeLog(kept: Kept, isInPart: IsInPart, tellsTwice: boolean): ChangeLog {
  const { resources, ledger, undone } = kept
  /** Of the change log; cursors of another one are expired. */
  let log = 1
  /** Of each part that was asked for. */
  const partLogs = new Map<string, number>()
  /** By user, where the newest pull from the beginning began. */
  const begun = new Map<string, number>()
  let pages = 0

  function page(user: string, { path, headers }: ServerRequest): { response: ServerResponse; asOf: number } {
    const { pathname, searchParams } = new URL(path, 'http://server.test')
    const [cursor, part] = [searchParams.get('cursor'), searchParams.get('scope') ?? undefined]
    const ofNow = part === undefined ? log : (partLogs.get(part) ?? 1)
    if (part !== undefined) partLogs.set(part, ofNow)
    if (cursor === null) begun.set(user, kept.head())
    const [ofLog = '', after = '', leftAfter = '0', ...of] = cursor?.split(':') ?? firstCursor(ofNow, part)
    const asOf = copyFor(user, Number(after))
    const answered = (response: ServerResponse) => ({ response, asOf })
    if (of.join(':') !== (part ?? '')) return answered(problem('invalid-cursor'))
    if (ofLog !== String(ofNow)) return answered(problem('cursor-expired'))
    const news = placesAt(pathname.slice(1), part, asOf)
      .filter(({ position, isMember }) => position > Number(after) && (isMember || position > Number(leftAfter)))
      .toSorted((a, b) => a.position - b.position)
    const etag = `"${ofNow}-${news.at(-1)?.position ?? after}"`
    if (headers['If-None-Match'] === etag) return answered({ status: 304, headers: { etag }, body: '' })
    const listed = news.slice(0, Number(searchParams.get('limit')))
    const next = [ofNow, listed.at(-1)?.position ?? after, ...(part === undefined ? [] : [leftAfter, part])].join(':')
    const body = {
      changes: tellsTwice ? listed.flatMap((place) => changesOf(place, ledger, undone)) : listed.map(changeOf),
      cursor: changes.repeatsCursors && cursor !== null ? cursor : next,
      hasMore: changes.repeatsCursors || listed.length < news.length,
    }
    return answered({ status: 200, headers: { 'content-type': 'application/json', etag }, body: JSON.stringify(body) })
  }

  /** What left a part before it was first asked for is not told. */
  function firstCursor(ofLog: number, part: string | undefined): readonly string[] {
    return [String(ofLog), '0', ...(part === undefined ? [] : [String(kept.head()), part])]
  }

  /** Up to which version the copy knows that the next page is read from. */
  function copyFor(user: string, after: number): number {
    pages += 1
    if (!changes.hasCopies) return kept.head()
    const lastDelete = ledger.findLast((effect) => effect.after === undefined && !undone.has(effect))
    return Math.max(after, begun.get(user) ?? 0, lastDelete?.version ?? 0, kept.head() - (pages % MOST_BEHIND))
  }

  function placesAt(entity: string, part: string | undefined, asOf = kept.head()): readonly Place[] {
    const isBehind = asOf < kept.head()
    if (part === undefined && !isBehind) return placesOf(resources, entity)
    const effects = ledger.filter((effect) => !undone.has(effect) && effect.version <= asOf)
    const all = placesOf(isBehind ? resourcesBy(effects) : resources, entity)
    return part === undefined ? all : placesIn(all, effects, (value) => isInPart(value, part))
  }

  const changes: ChangeLog = {
    page,
    placesOf: placesAt,
    expire(all = false) {
      log += 1
      for (const [at, [part, ofPart]] of [...partLogs].entries()) if (all || at % 2 === log % 2) partLogs.set(part, ofPart + 1)
    },
    repeatsCursors: false,
    hasCopies: false,
  }
  return changes
}

/** Behind by so many changes no copy is. */
const MOST_BEHIND = 5

function resourcesBy(effects: readonly Effect[]): ReadonlyMap<string, Resource> {
  return new Map(
    effects.map(({ entity, id, version, after }) => [`/${entity}/${encodeURIComponent(id)}`, { version, value: after }]),
  )
}
