import type { Digested, DigestRequest } from './digest.ts'
import type { Json, JsonObject } from './json.ts'
import type { SyncError } from './errors.ts'
import type { Fetched, Outcome } from './outcome-port.ts'
import type { Wished } from './server-wishes-port.ts'

export type { Digest, Digested, DigestRange, DigestRequest, RangeDigest } from './digest.ts'
export type { Fetched, Outcome } from './outcome-port.ts'
export type { ServerWishes } from './server-wishes-port.ts'
export type { ChannelClosed, ChannelConnection, ChannelListener, OpenChannel } from './channel-port.ts'

/** A value that a key or an index may hold. Numbers sort before strings. */
export type Scalar = string | number

/** The position of a row in an index: the indexed fields in order. `[a]` sorts before `[a, b]`. */
export type IndexKey = readonly Scalar[]

export interface IndexSchema {
  /** Top-level fields of the row. A row that lacks one of them is not in the index. */
  readonly fields: readonly string[]
  readonly unique?: true
}

export interface CollectionSchema {
  /** The field that holds the primary key. */
  readonly key: string
  /** The store assigns integer keys to appended rows, each the next after the last, and never reuses one. A commit that fails takes none. */
  readonly autoIncrement?: true
  /** Fields beside those of the key and the indexes that expectations and fences name: a store that hides rows leaves these readable. */
  readonly compared?: readonly string[]
  readonly indexes: Readonly<Record<string, IndexSchema>>
}

export interface StoreSchema {
  /** A store of a higher version than this is refused with `StorageNewerError`. */
  readonly version: number
  readonly collections: Readonly<Record<string, CollectionSchema>>
}

/** A row as it was read. A row that can't be read keeps its place and says why. */
export interface Entry {
  readonly key: Scalar
  /** Where the row stands in the index that was scanned (`[key]` without an index). */
  readonly position: IndexKey
  /** The decoded row; undefined if it is corrupt. Its shape is the reader's to check. */
  readonly value: unknown
  readonly corrupt?: Error
  /** What is there instead of a row that is corrupt, where it is a text, or can be made one. */
  readonly raw?: string
}

export interface ScanQuery {
  /** Without an index the scan runs in the order of the primary key. */
  readonly index?: string
  /** Only rows whose index position starts with these values. */
  readonly prefix?: IndexKey
  /** Only rows after this position (exclusive; the whole position, prefix included). */
  readonly gt?: IndexKey
  /** Only rows before this position (exclusive; the whole position, prefix included). */
  readonly lt?: IndexKey
  /** At most 1,000. */
  readonly limit: number
  readonly reverse?: boolean
}

export interface CountQuery {
  readonly index: string
  readonly prefix: IndexKey
}

export type Write =
  /** `was` is the row as the writer knows it: an adapter may spare the indexes that stay the same, if the store agrees. */
  | { readonly type: 'put'; readonly collection: string; readonly value: object; readonly was?: object }
  /** Adds a row whose primary key the store assigns (collections with `autoIncrement`). */
  | { readonly type: 'append'; readonly collection: string; readonly value: object }
  | { readonly type: 'delete'; readonly collection: string; readonly key: Scalar }

/** What must hold inside the commit's own transaction; otherwise nothing is written and `StorageConflictError` is thrown. */
export type Expectation =
  | { readonly collection: string; readonly key: Scalar; readonly absent: true }
  | { readonly collection: string; readonly key: Scalar; readonly field: string; readonly equals: Scalar }

/** Refuses the commit with `StorageFencedError` if that row's field `epoch` is higher than this one. */
export interface Fence {
  readonly collection: string
  readonly key: Scalar
  readonly epoch: number
}

export interface CommitOptions {
  readonly expect?: readonly Expectation[]
  readonly fence?: Fence
  /** `strict` (default): resolves when the writes survive a loss of power, as far as the adapter declares. `relaxed`: when they survive a crash of the process. */
  readonly durability?: 'strict' | 'relaxed'
}

export interface StorageCapabilities {
  readonly atomicBatch: boolean
  readonly fencing: 'enforced' | 'advisory'
  readonly range: 'native' | 'scan'
  readonly durability: 'memory' | 'os' | 'fsync'
}

/** Gets the collections that were written; undefined where that is not known. */
export type StoreListener = (collections: readonly string[] | undefined) => void

/**
 * Where operations, leases and the replica live.
 * Every method fails with a `StorageError` (Conflict, Fenced, Quota, Closed, Blocked, Corrupt, ReadOnly, Newer, Unavailable).
 */
export interface Storage {
  readonly capabilities: StorageCapabilities
  /** Opens or creates the store. May be called again after `close`. */
  open(schema: StoreSchema): Promise<void>
  get(collection: string, key: Scalar): Promise<Entry | undefined>
  /** In the order of `keys`; undefined where there is no such row. */
  getMany(collection: string, keys: readonly Scalar[]): Promise<readonly (Entry | undefined)[]>
  scan(collection: string, query: ScanQuery): Promise<readonly Entry[]>
  /** Several scans of one collection at one moment of the store; the results in the order of the queries. */
  scanMany(collection: string, queries: readonly ScanQuery[]): Promise<readonly (readonly Entry[])[]>
  /** How many rows of an index stand under a prefix, without reading them. */
  count(collection: string, query: CountQuery): Promise<number>
  /** All or nothing. Resolves, when committed, with the keys of the appended rows in order. */
  commit(writes: readonly Write[], options?: CommitOptions): Promise<readonly number[]>
  /** Calls the listener after another handle, tab or process may have committed. Returns the function that ends it. */
  watch(listener: StoreListener): () => void
  estimate(): Promise<{ readonly usedBytes: number; readonly quotaBytes: number | undefined }>
  /** Leaves nothing of what was deleted or replaced where others can read it, as far as the adapter can. Where there is no such method nothing is known. */
  compact?(): Promise<void>
  close(): Promise<void>
  /** Tells when the holder of a lease in this store is certainly gone, so that takeover need not wait until it is stale. */
  readonly presence?: Presence
}

export interface Presence {
  /** Makes this holder visible to others; returns the description that goes into the lease, and the function that ends it. */
  announce(): Promise<{ readonly holder: string; release(): Promise<void> }>
  /** Resolves when that holder is certainly gone; never, if that can't be known. Stops at `signal`. */
  whenGone(holder: string, signal: AbortSignal): Promise<void>
}

/** What the transport needs to know of an operation to make its request. */
export interface OutgoingOperation {
  readonly id: string
  readonly type: string
  readonly entity: string
  readonly entityId: string
  readonly payload: Json
  /** The server's version that the operation was made on, if known. */
  readonly baseVersion?: string | undefined
  /** The server's answer says what the id is: `entityId` is the application's own, until then. */
  readonly isIdTemporary?: true
}

/** A request as it is frozen into the operation's row before its first attempt, and sent byte for byte at each one. Holds no credentials. */
export interface PreparedRequest {
  readonly method: string
  /** Relative to the base URL, starting with `/`. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

export interface SendContext {
  readonly idempotencyKey: string
  readonly clientId: string
  readonly sequence: number
  readonly signal: AbortSignal
}

/** What became of an entity, as the server tells. */
export type Change =
  | { readonly id: string; readonly version: string | undefined; readonly value: JsonObject }
  | { readonly id: string; readonly version: string | undefined; readonly deleted: true }

export interface PullRequest {
  readonly entity: string
  /** Only the part of it where this holds, as `project:p1`; the cursor is of that part. What has left the part is told as deleted. */
  readonly scope?: string | undefined
  /** Where the last page ended; absent: from the beginning. */
  readonly cursor?: string | undefined
  readonly limit: number
  /** Of the last complete answer to this very cursor. */
  readonly etag?: string | undefined
}

/** A part of a page that can't be used: its id, if that much is known. */
export interface UnusableChange {
  readonly id: string | undefined
  readonly error: SyncError
}

export type Pulled = Wished &
  (
    | {
        readonly type: 'page'
        readonly changes: readonly Change[]
        readonly unusable: readonly UnusableChange[]
        readonly cursor: string
        readonly hasMore: boolean
        readonly etag?: string | undefined
        /** How many changes a pull from the beginning has in all, if the server tells. */
        readonly total?: number | undefined
      }
    /** Nothing has changed since the answer with that ETag. */
    | { readonly type: 'unchanged' }
    /** The server no longer knows what has changed since this cursor: everything must be pulled again. */
    | { readonly type: 'expired'; readonly error: SyncError }
    | { readonly type: 'failed'; readonly error: SyncError; readonly retryAfterMs?: number | undefined }
    | { readonly type: 'auth'; readonly error: SyncError }
  )

export interface BatchItem {
  readonly request: PreparedRequest
  readonly idempotencyKey: string
  readonly sequence: number
}

/** How operations reach the server. No method throws or rejects: what goes wrong is an outcome. */
export interface Transport {
  /** Pure: the same operation gives the same request. */
  prepare(operation: OutgoingOperation): PreparedRequest
  send(request: PreparedRequest, context: SendContext): Promise<Outcome>
  /** Several requests in one; the outcomes in the same order. */
  sendBatch?(
    items: readonly BatchItem[],
    context: { readonly clientId: string; readonly signal: AbortSignal },
  ): Promise<readonly Outcome[]>
  /** Several requests in one, of which all are applied or none; the outcomes in the same order. Absent: the API has no such endpoint. */
  sendAtomic?(
    items: readonly BatchItem[],
    context: { readonly clientId: string; readonly signal: AbortSignal },
  ): Promise<readonly Outcome[]>
  fetch(entity: string, entityId: string, context: { readonly signal: AbortSignal }): Promise<Fetched>
  /** The same, for an engine of this user: it sends nothing with the credentials of another one. */
  forUser?(user: string): Transport
  /** A page of what has changed. */
  pull?(request: PullRequest, context: { readonly signal: AbortSignal }): Promise<Pulled>
  /** Fingerprints of ranges of entities, for `check({ server: true })`. Absent: the API has no such endpoint. */
  digest?(request: DigestRequest, context: { readonly signal: AbortSignal }): Promise<Digested>
}

export interface Clock {
  /** Wall-clock time, milliseconds since 1970. May jump. */
  now(): number
  /** Milliseconds since some fixed instant. Never goes back. */
  monotonic(): number
  /** Runs `task` once after `delayMs` (any size; long delays are chunked). Returns the function that cancels it. */
  schedule(task: () => void, delayMs: number): () => void
}

/** Uniform in [0, 1). */
export type Random = () => number

/** A new globally unique id. */
export type NewId = () => string

export interface Connectivity {
  /** Whether the platform believes to be online now. */
  online(): boolean
  /** Calls the listener when that changes. Returns the function that ends it. */
  watch(listener: (online: boolean) => void): () => void
  /** Asks the network itself. Without it the platform's word is taken. */
  probe?(signal: AbortSignal): Promise<boolean>
}

/** The sources of nondeterminism that every engine gets, real or simulated. */
export interface SystemPorts {
  readonly clock: Clock
  readonly random: Random
  readonly newId: NewId
  readonly connectivity: Connectivity
}
