import { AUDIT } from '../core/audit-collection.ts'
import { readAudit, type AuditEntry } from '../core/audit.ts'
import type { AuditOptions } from '../core/audit-options.ts'
import type { Entry, IndexKey, ScanQuery, Write } from '../core/ports.ts'
import type { RowStorage } from './shaped-storage.ts'
import { PAGE_LIMIT } from './store.ts'

export interface AuditQuery {
  readonly entity?: string | undefined
  /** Of one entity; needs `entity`. */
  readonly id?: string | undefined
  /** The id of an operation. */
  readonly operation?: string | undefined
  /** From this time on, milliseconds since 1970. */
  readonly since?: number | undefined
  /** Before this time. */
  readonly until?: number | undefined
  /** What comes after this entry in the order of the list: `next` of the page before. */
  readonly after?: number | undefined
  /** Default `newest`: those first. Of an entity or an operation in the order of their numbers, else by their time. */
  readonly first?: 'newest' | 'oldest' | undefined
  /** Default 100, at most 1,000. */
  readonly limit?: number | undefined
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[]
  /** The numbers of entries in this page that can not be read. */
  readonly unreadable: readonly number[]
  /** Where the next page begins (`after`), which may be empty; absent where there is no more for certain. */
  readonly next?: number
}

/** Reads by an index, a page at a time. */
export async function auditPage(storage: RowStorage, user: string, query: AuditQuery): Promise<AuditPage> {
  const { limit = 100, first = 'newest' } = query
  const isWanted = wantedBy(user, query)
  const scan = await scanOf(storage, user, query, first === 'newest')
  const [entries, unreadable]: [AuditEntry[], number[]] = [[], []]
  for (let last: IndexKey | undefined; ;) {
    const page = scan === undefined ? [] : await storage.scan(AUDIT, { ...scan, ...beyond(last, scan.reverse), limit })
    for (const [at, entry] of page.entries()) {
      const [read, number] = [readAudit(entry), Number(entry.key)]
      if (read === undefined) unreadable.push(number)
      else if (isWanted(read)) entries.push(read)
      const isLast = at === page.length - 1 && page.length < limit
      if (entries.length === limit) return { entries, unreadable, ...(isLast ? {} : { next: number }) }
    }
    if (page.length < limit) return { entries, unreadable }
    // Also of one that can't be read.
    last = page.at(-1)?.position
  }
}

/** Undefined where nothing can be left. */
async function scanOf(
  storage: RowStorage,
  user: string,
  { entity, id, operation, since, until, after }: AuditQuery,
  reverse: boolean,
): Promise<Omit<ScanQuery, 'limit'> | undefined> {
  const under = (index: string, prefix: IndexKey) => {
    return { index, prefix, reverse, ...beyond(after === undefined ? undefined : [...prefix, after], reverse) }
  }
  if (operation !== undefined) return under('operation', [operation])
  if (entity !== undefined) return id === undefined ? under('entity', [user, entity]) : under('subject', [user, entity, id])
  const range = {
    index: 'time',
    prefix: [user],
    reverse,
    ...(since === undefined ? {} : { gt: [user, since] }),
    ...(until === undefined ? {} : { lt: [user, until] }),
  }
  if (after === undefined) return range
  const last = await storage.get(AUDIT, after)
  const at = last === undefined ? undefined : readAudit(last)?.at
  // Forgotten meanwhile, and with it all before it.
  if (at === undefined) return reverse ? undefined : range
  return { ...range, ...beyond([user, at, after], reverse) }
}

function beyond(position: IndexKey | undefined, reverse = false): Pick<ScanQuery, 'gt' | 'lt'> {
  if (position === undefined) return {}
  return reverse ? { lt: position } : { gt: position }
}

/** What the index does not tell apart. */
function wantedBy(user: string, { entity, id, since = 0, until = Infinity }: AuditQuery): (entry: AuditEntry) => boolean {
  return (entry) =>
    entry.user === user &&
    (entity ?? entry.entity) === entry.entity &&
    (id ?? entry.entityId) === entry.entityId &&
    entry.at >= since &&
    entry.at < until
}

/** Deletes from the oldest on, so that no number is missing between those that stay. */
export async function forgetAudit(storage: RowStorage, options: AuditOptions, now: number): Promise<void> {
  const [newest] = await storage.scan(AUDIT, { limit: 1, reverse: true })
  if (newest === undefined) return
  for (;;) {
    const page = await storage.scan(AUDIT, { limit: PAGE_LIMIT })
    const end = endOfOld(page, Number(newest.key), options, now)
    const writes = page.slice(0, end).map(({ key }): Write => ({ type: 'delete', collection: AUDIT, key }))
    if (writes.length > 0) await storage.commit(writes, { durability: 'relaxed' })
    if (writes.length < PAGE_LIMIT) return
  }
}

/** How many at the beginning may go. Of one that can't be read the next tells how old it is. */
function endOfOld(page: readonly Entry[], newest: number, { keepMs, keepCount }: AuditOptions, now: number): number {
  let end = 0
  for (const [index, entry] of page.entries()) {
    const at = readAudit(entry)?.at
    const isOld = newest - Number(entry.key) >= keepCount || (at !== undefined && now - at > keepMs)
    if (isOld) end = index + 1
    else if (at !== undefined) break
  }
  return end
}
