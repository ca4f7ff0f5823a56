import type { OperationRow } from '../core/operation.ts'
import type { Entry, IndexKey } from '../core/ports.ts'
import { readOperation } from '../core/schema.ts'
import { DUE_RANK } from './plays.ts'
import { PAGE_LIMIT, type Store } from './store.ts'

/** Lanes to come back to are kept in memory up to this; beyond it they are found again in the store. */
const REVISIT_LIMIT = 1_000
const BLOCKED_LIMIT = 10_000
const DUE_LIMIT = 256

/** A lane with something queued, and the turn of what is queued. */
interface Candidate {
  readonly lane: string
  readonly rank: number
}

/**
 * Finds the lanes whose turn it is, without ever holding the queue in memory: a cursor runs over the queued operations in the order
 * of their turn, and lanes that were left with more to do, or have become due, are kept beside it. Lanes in play are passed over; `laneInPlay` is told of what
 * waits there, so that the lane is come back to.
 */
export function createLaneFinder(
  store: Store,
  user: string,
  laneInPlay: (lane: string, rank: number, sequence?: number) => boolean,
  unreadable: (entry: Entry) => void,
) {
  let cursor: IndexKey | undefined
  let exhausted = false
  let page: Candidate[] = []
  let revisits: Candidate[] = []
  const blocked = new Set<string>()
  /** When the next waiting operation is due; 0 = look now, undefined = none is known to wait. */
  let nextDueAt: number | undefined = 0
  /** How far what is due was found: what can't go yet is not to be found again and again. Undefined: from the first on. */
  let dueFrom: IndexKey | undefined
  /** Raised by `forget`: what was read before it is not to be relied on. */
  let generation = 0
  /** What was queued while a page is read: whether the page has it is not known. Undefined between reads. */
  let arrivals: Candidate[] | undefined
  /** How far the operations that an earlier owner left in play were found. */
  let orphans: { readonly from: IndexKey | undefined } | 'found' = 'found'

  function read(entry: Entry): OperationRow | undefined {
    const row = readOperation(entry)
    if (row === undefined) unreadable(entry)
    return row
  }

  function restart(from?: IndexKey): void {
    cursor = from
    exhausted = false
    page = []
  }

  async function readPage(): Promise<void> {
    const before = generation
    const meanwhile: Candidate[] = []
    arrivals = meanwhile
    const entries = await store.ranked(user, cursor, PAGE_LIMIT)
    if (generation !== before) return
    arrivals = undefined
    // What is no number comes last in the index, and its turn never comes: what is queued later stands before it.
    const ranked = entries.filter(({ position }) => typeof position[1] === 'number')
    if (ranked.length < PAGE_LIMIT) exhausted = true
    cursor = ranked.at(-1)?.position ?? cursor
    page = ranked.flatMap((entry) => {
      const row = read(entry)
      return row?.lane === undefined || row.rank === undefined || blocked.has(row.lane)
        ? []
        : [{ lane: row.lane, rank: row.rank }]
    })
    for (const { lane, rank } of meanwhile) queued(lane, rank)
  }

  function queued(lane: string, rank: number): void {
    arrivals?.push({ lane, rank })
    if (cursor !== undefined && rank <= Number(cursor[1])) revisit(lane, rank)
    else exhausted = false
  }

  async function readOrphans(): Promise<OperationRow[]> {
    if (orphans === 'found') return []
    const search = orphans
    const entries = await store.inPlay(user, search.from, DUE_LIMIT)
    const last = entries.at(-1)
    if (orphans === search) orphans = last === undefined || entries.length < DUE_LIMIT ? 'found' : { from: last.position }
    return entries.flatMap((entry) => read(entry) ?? [])
  }

  async function readDue(now: number): Promise<OperationRow[]> {
    if (nextDueAt === undefined || nextDueAt > now) return []
    // What becomes known while this is read is not to be overwritten by it.
    nextDueAt = undefined
    const { entries, nextAt } = await store.due(user, now, dueFrom, DUE_LIMIT)
    dueFrom = entries.length < DUE_LIMIT ? undefined : entries.at(-1)?.position
    goBackTo(nextDueAt)
    lookAt(entries.length < DUE_LIMIT ? nextAt : now)
    const rows = entries.flatMap((entry) => read(entry) ?? [])
    for (const { lane = '' } of rows) blocked.delete(lane)
    return rows
  }

  function lookAt(at: number | undefined): void {
    if (at !== undefined) nextDueAt = Math.min(nextDueAt ?? at, at)
  }

  function goBackTo(at = Infinity): void {
    if (dueFrom !== undefined && at <= Number(dueFrom[1])) dueFrom = undefined
  }

  function waitUntil(at: number): void {
    lookAt(at)
    goBackTo(at)
  }

  function revisit(lane: string, rank: number): void {
    blocked.delete(lane)
    if (revisits.length >= REVISIT_LIMIT) return restart()
    const at = revisits.findIndex((other) => other.rank > rank)
    revisits.splice(at === -1 ? revisits.length : at, 0, { lane, rank })
  }

  /** The next lane by rank: from those to come back to or from the store, whichever is first. */
  async function nextByRank(): Promise<Candidate | undefined> {
    while (page.length === 0 && !exhausted) await readPage()
    const [fromPage, fromRevisits] = [page[0], revisits[0]]
    if (fromPage === undefined || (fromRevisits !== undefined && fromRevisits.rank <= fromPage.rank)) return revisits.shift()
    return page.shift()
  }

  return {
    revisit,

    /** About `limit` lanes that are not in play, each once. */
    async next(limit: number, now: number): Promise<string[]> {
      const urgent = [...(await readOrphans()), ...(await readDue(now))]
      const found = new Set(
        urgent.flatMap(({ lane, seq }) => (lane === undefined || laneInPlay(lane, DUE_RANK, seq) ? [] : [lane])),
      )
      while (found.size < limit) {
        const candidate = await nextByRank()
        if (candidate === undefined) break
        const { lane, rank } = candidate
        if (!laneInPlay(lane, rank) && !blocked.has(lane)) found.add(lane)
      }
      return [...found]
    },

    /** The head of the lane can't go now: its other operations need not be looked at. */
    block(lane: string): void {
      if (blocked.size >= BLOCKED_LIMIT) blocked.clear()
      blocked.add(lane)
    },

    /** A row was queued in this process. */
    queued,
    waitUntil,

    /** Begins an ownership: what an earlier owner left in play is in doubt. */
    begin(): void {
      orphans = { from: undefined }
    },

    /** Anything may have changed: look at everything again. */
    forget(): void {
      generation += 1
      arrivals = undefined
      restart()
      revisits = []
      blocked.clear()
      nextDueAt = 0
      dueFrom = undefined
    },

    generation: (): number => generation,
    nextDueAt: (): number | undefined => nextDueAt,
    /** True if, as far as is known, nothing is left to find now. */
    isExhausted: (now: number): boolean =>
      exhausted &&
      orphans === 'found' &&
      page.length === 0 &&
      revisits.length === 0 &&
      (nextDueAt === undefined || nextDueAt > now),
  }
}
