import { StorageConflictError, StorageFencedError } from '../core/errors.ts'
import { keyOfUser, laneOf, type NewOperationRow, type OperationRow, type OperationStatus } from '../core/operation.ts'
import { text } from '../core/option-checks.ts'
import type { CommitOptions, Entry, IndexKey, Scalar, ScanQuery, Write } from '../core/ports.ts'
import {
  ENTITIES,
  IN_PLAY,
  LEASE,
  META,
  NEVER_DUE,
  OPERATIONS,
  readEntity,
  readLease,
  readOperation,
  type EntityRow,
  type LeaseRow,
} from '../core/schema.ts'
import type { Audit } from './audit.ts'
import type { MadeOn, Occasion } from './audit-writer.ts'
import { fencedCommit } from './fence.ts'
import { pullRowsIn } from './pull-rows.ts'
import { editIn } from './store-edit.ts'
import { editsIn } from './edits-counter.ts'
import { revOf } from './revisions.ts'
import type { RowStorage } from './shaped-storage.ts'

/** The store in terms of the domain: rows of operations, entities and the install id. */
export type Store = ReturnType<typeof createStore>

/** `keys` are those of the appended rows, in order. */
export type Committed = (writes: readonly Write[], keys: readonly number[]) => void

export interface EntityPage {
  readonly rows: readonly EntityRow[]
  /** Where the next page begins; undefined after the last. */
  readonly last: string | undefined
}

export const PAGE_LIMIT = 1_000

/** Who shows what is in the store. */
export interface Watcher {
  /** By this handle, what changes operations or entities. */
  readonly committed: Committed
  /** By others; or by this handle, though the commit seemed to fail. */
  storeChanged(): void
}

/** `audit` says what is written with each commit. */
export function createStore(storage: RowStorage, audit?: Audit, watcher: () => Watcher | undefined = () => undefined) {
  async function commit(writes: readonly Write[], options?: CommitOptions, occasion: Occasion = 'call', madeOn?: MadeOn) {
    const entries = audit?.entriesOf(writes, occasion, madeOn) ?? []
    // Last, so that the keys of what else is appended come first.
    const keys = await storage.commit(entries.length === 0 ? writes : [...writes, ...entries], options).catch(failed)
    watcher()?.committed(writes, keys)
    audit?.written(entries.length)
    return keys
  }

  function failed(error: unknown): never {
    if (!(error instanceof StorageConflictError || error instanceof StorageFencedError)) watcher()?.storeChanged()
    throw error
  }

  async function lease(): Promise<LeaseRow | undefined> {
    return readLease(await storage.get(META, LEASE))
  }

  async function byIndex(index: string, value: string): Promise<OperationRow | undefined> {
    text('id', value, 'the id of an operation, as operations.list() tells it')
    const [entry] = await storage.scan(OPERATIONS, { index, prefix: [value], limit: 1 })
    return entry === undefined ? undefined : readOperation(entry)
  }

  /** In the order of the ids; undefined where there is no such operation. */
  async function entriesOf(ids: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    const found = await storage.scanMany(
      OPERATIONS,
      ids.map((id) => ({ index: 'id', prefix: [id], limit: 1 })),
    )
    return found.map(([entry]) => entry)
  }

  /** Operations that wait for a time after this position. */
  function waitingAfter(user: string, gt: IndexKey, limit: number): Promise<readonly Entry[]> {
    return storage.scan(OPERATIONS, waiting(user, gt, limit))
  }

  async function* pages(query: Omit<ScanQuery, 'limit'>): AsyncGenerator<readonly Entry[]> {
    for (let gt: IndexKey | undefined; ;) {
      const page = await storage.scan(OPERATIONS, { ...query, limit: PAGE_LIMIT, ...(gt === undefined ? {} : { gt }) })
      if (page.length > 0) yield page
      gt = page.at(-1)?.position
      if (page.length < PAGE_LIMIT || gt === undefined) return
    }
  }

  /**
   * The operation, or the one that stands for it now: what it was merged into, which is newer; what a row says that can't be goes no further. A number where
   * that can't be read: it is its `seq`.
   */
  async function successorOf(id: string, before?: OperationRow): Promise<OperationRow | number | undefined> {
    const [entry] = await storage.scan(OPERATIONS, { index: 'id', prefix: [id], limit: 1 })
    if (entry === undefined) return undefined
    const row = readOperation(entry)
    if (row === undefined) return Number(entry.key)
    if (before !== undefined && row.seq <= before.seq) return before
    return row.supersededBy === undefined ? row : successorOf(row.supersededBy, row)
  }

  return {
    storage,
    isAudited: audit !== undefined,
    commit,
    successorOf: (id: string) => successorOf(id),
    byId: (id: string) => byIndex('id', id),
    entriesOf,
    /** The same; undefined also where it can't be read. */
    byIds: async (ids: readonly string[]): Promise<readonly (OperationRow | undefined)[]> =>
      (await entriesOf(ids)).map((entry) => entry && readOperation(entry)),
    byChosenKey: (key: string) => byIndex('chosenKey', key),
    byDedupeKey: (key: string) => byIndex('dedupeKey', key),

    /** The live operations of a lane, head first; a corrupt row keeps its place. */
    lane: (lane: string, limit: number) => storage.scan(OPERATIONS, { index: 'lane', prefix: [lane], limit }),
    lanes: (lanes: readonly string[], limit: number) =>
      storage.scanMany(
        OPERATIONS,
        lanes.map((lane) => ({ index: 'lane', prefix: [lane], limit })),
      ),

    /** The newest live operation of each lane, by its `seq`. */
    async newestSeqs(lanes: readonly string[]): Promise<readonly (number | undefined)[]> {
      const newest = lanes.map((lane) => ({ index: 'lane', prefix: [lane], limit: 1, reverse: true }))
      return (await storage.scanMany(OPERATIONS, newest)).map(([entry]) => (entry === undefined ? undefined : Number(entry.key)))
    },

    /** Queued operations of a user in the order of their turn, from a position on. */
    ranked: (user: string, gt: IndexKey | undefined, limit: number) =>
      storage.scan(OPERATIONS, { index: 'rank', prefix: [user], limit, ...(gt === undefined ? {} : { gt }) }),

    /** Operations that wait for a time that has come, from a position on; and when the next one's time comes, if one waits. */
    async due(
      user: string,
      at: number,
      gt: IndexKey | undefined,
      limit: number,
    ): Promise<{ entries: readonly Entry[]; nextAt: number | undefined }> {
      const [entries = [], [next] = []] = await storage.scanMany(OPERATIONS, [
        { index: 'due', prefix: [user], gt: gt ?? [user, IN_PLAY + 1], lt: [user, at + 1], limit },
        waiting(user, [user, at + 1], 1),
      ])
      const nextAt = next?.position[1]
      return { entries, nextAt: typeof nextAt === 'number' ? nextAt : undefined }
    },

    /** Operations in play, from a position on. */
    inPlay: (user: string, gt: IndexKey | undefined, limit: number) =>
      storage.scan(OPERATIONS, {
        index: 'due',
        prefix: [user],
        lt: [user, IN_PLAY + 1],
        limit,
        ...(gt === undefined ? {} : { gt }),
      }),

    waitingAfter,

    /** What has ended with this status, the oldest first. */
    finishedPages: (status: OperationStatus) => pages({ index: 'finished', prefix: [status] }),
    /** What is queued, of all users. */
    queuedPages: () => pages({ index: 'rank' }),
    /** What waits or is in play, of all users. */
    waitingPages: () => pages({ index: 'due' }),
    /** What is parked, the first to be enqueued first. */
    parkedPages: (user: string) => pages({ index: 'due', prefix: [user], gt: [user, NEVER_DUE] }),
    countFinished: (status: OperationStatus) => storage.count(OPERATIONS, { index: 'finished', prefix: [status] }),

    /** Live operations by entity, and of one entity in their order. One that lives all the while is met, wherever it moves meanwhile. */
    async live(
      user: string,
      limit: number,
      wanted: (status: OperationStatus) => boolean,
      entity?: string,
    ): Promise<OperationRow[]> {
      const found: OperationRow[] = []
      const prefix = entity === undefined ? keyOfUser(user, '') : laneOf(user, entity, '')
      const lt: IndexKey = [`${prefix.slice(0, -1)}0`]
      for (let gt: IndexKey = [prefix]; found.length < limit;) {
        const page = await storage.scan(OPERATIONS, { index: 'lane', gt, lt, limit: PAGE_LIMIT })
        found.push(...page.flatMap((entry) => readOperation(entry) ?? []).filter((row) => wanted(row.status)))
        const last = page.at(-1)?.position
        if (page.length < PAGE_LIMIT || last === undefined) break
        gt = last
      }
      return found.slice(0, limit)
    },

    countLive: async (user: string) =>
      (await storage.count(OPERATIONS, { index: 'rank', prefix: [user] })) +
      (await storage.count(OPERATIONS, { index: 'due', prefix: [user] })),

    /** What has ended with this status and was not seen to, the newest first. */
    async finishedOf(user: string, status: OperationStatus, limit: number): Promise<OperationRow[]> {
      const found: OperationRow[] = []
      for (let lt: IndexKey | undefined; found.length < limit;) {
        const query = { index: 'finished', prefix: [status], limit: PAGE_LIMIT, reverse: true }
        const page: readonly Entry[] = await storage.scan(OPERATIONS, lt === undefined ? query : { ...query, lt })
        const rows = page.flatMap((entry) => readOperation(entry) ?? [])
        found.push(...rows.filter((row) => row.user === user && row.dismissed === undefined))
        lt = page.at(-1)?.position
        if (page.length < PAGE_LIMIT || lt === undefined) break
      }
      return found.slice(0, limit)
    },

    /** The `rev` of each of these rows; undefined where there is none that can be read. */
    async revisions(seqs: readonly number[]): Promise<readonly (number | undefined)[]> {
      const entries = await storage.getMany(OPERATIONS, seqs)
      return entries.map((entry) => (entry === undefined ? undefined : readOperation(entry)?.rev))
    },

    async entities(lanes: readonly string[]): Promise<readonly (EntityRow | undefined)[]> {
      return (await storage.getMany(ENTITIES, lanes)).map(readEntity)
    },

    async entity(lane: string): Promise<EntityRow | undefined> {
      return readEntity(await storage.get(ENTITIES, lane))
    },

    /** Entities of one kind in the order of their ids, from one on. */
    async entityPage(user: string, entity: string, after: string, limit: number): Promise<EntityPage> {
      const prefix = laneOf(user, entity, '')
      const query = { gt: [after === '' ? prefix : after], lt: [`${prefix.slice(0, -1)}0`], limit }
      const page = await storage.scan(ENTITIES, query)
      const rows = page.flatMap((entry) => readEntity(entry) ?? [])
      return { rows, last: page.length < limit ? undefined : String(page.at(-1)?.key) }
    },

    /** Entities that stand after this revision, in that order, and after which more may stand. By damage one may stand where its own revision does not belong. */
    async entitiesAfter(
      place: number,
      limit: number,
    ): Promise<{ readonly rows: readonly EntityRow[]; readonly next: number | undefined }> {
      const page = await storage.scan(ENTITIES, { index: 'changed', gt: [place], limit })
      const next = page.length < limit ? undefined : placeOf(page.at(-1))
      return { rows: page.flatMap((entry) => readEntity(entry) ?? []), next }
    },

    /** What stands in the store as gone up to this time, the oldest first. */
    tombstonesUntil: (at: number, limit: number) => storage.scan(ENTITIES, { index: 'deleted', lt: [at], limit }),

    /** The entity that was written last, by its key and where it stands; `seen` is its own revision, which is lower where it stands there by damage. Both are 0 before the first. */
    async newestEntity(): Promise<{ readonly key: Scalar | undefined; readonly rev: number; readonly seen: number }> {
      const [entry] = await storage.scan(ENTITIES, { index: 'changed', limit: 1, reverse: true })
      const rev = placeOf(entry)
      return { key: entry?.key, rev, seen: Math.min(rev, revOf(readEntity(entry), rev)) }
    },

    ...pullRowsIn(storage),

    commitAs: fencedCommit(commit, lease),

    lease,

    edits: (): Promise<number> => editsIn(storage),

    edit: editIn(storage, { commit, byId: (id) => byIndex('id', id) }),
  }
}

function placeOf(entry: Entry | undefined): number {
  return Number(entry?.position[0] ?? 0)
}

function waiting(user: string, gt: IndexKey, limit: number): ScanQuery {
  return { index: 'due', prefix: [user], gt, lt: [user, NEVER_DUE], limit }
}

export function appendOperation(row: NewOperationRow): Write {
  return { type: 'append', collection: OPERATIONS, value: row }
}

export function putOperation(row: OperationRow): Write {
  return { type: 'put', collection: OPERATIONS, value: row }
}

/** The same, by a writer who knows how the row is stored now. */
export function updateOperation(row: OperationRow, was: OperationRow): Write {
  return { type: 'put', collection: OPERATIONS, value: row, was }
}
