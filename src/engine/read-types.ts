import type { Observable } from 'rxjs'
import type { JsonObject } from '../core/json.ts'
import type { StoredError } from '../core/operation.ts'
import type { DrainSummary } from './types.ts'

/** An entity as it is seen: what the server last confirmed, with the operations that live on top of it. */
export interface Entity<T extends object = JsonObject> {
  readonly id: string
  readonly value: T
  /** `pending`: operations on it live; `conflict`: one of them waits for a decision on a conflict. */
  readonly status: 'synced' | 'pending' | 'conflict'
  /** That the server last confirmed; absent if it has confirmed none, or tells none. */
  readonly version?: string
  /** The operations whose effect is shown on top, in their order. */
  readonly operationIds: readonly string[]
}

/** How what is seen of an entity has changed. */
export interface EntityChange<T extends object = JsonObject> {
  /** `renamed`: the server has given it its id; what else has changed with that is told with it. */
  readonly type: 'created' | 'updated' | 'deleted' | 'renamed'
  readonly entity: string
  readonly id: string
  /** The temporary id by which a renamed one was known. */
  readonly formerId?: string
  /** Paths of the fields that differ, as `address.street`; none if only status or version do. */
  readonly fields: readonly string[]
  readonly before?: Entity<T>
  readonly after?: Entity<T>
}

/** One kind of entity, kept in memory from its first use on. */
export interface EntityView<T extends object = JsonObject> {
  get(id: string): Promise<Entity<T> | undefined>
  /** All, or those that match. */
  list(matches?: (entity: Entity<T>) => boolean): Promise<readonly Entity<T>[]>
  /** The list now and after each change. Waits for the engine to start. */
  watch(): Observable<readonly Entity<T>[]>
  /** One entity now and after each change of it; undefined while it does not exist. */
  watch(id: string): Observable<Entity<T> | undefined>
  /** What has changed, each time that something has. Tells nothing until the view is first used otherwise. */
  readonly changes$: Observable<readonly EntityChange<T>[]>
}

export interface PullProgress {
  /** Changes that this run has brought so far. */
  readonly done: number
  /** How many there are in all, if the server tells. */
  readonly total?: number
}

/** Where a synchronisation stands. */
export interface SyncProgress {
  readonly phase: 'idle' | 'pushing' | 'pulling'
  readonly entity?: string
  readonly done: number
  readonly total?: number
  /** 0–100, if the server tells how many changes there are. */
  readonly percentage?: number
  /** By the pace so far. */
  readonly remainingMs?: number
}

export interface RealtimeState {
  /** `polling`: the line was given up for some time; `off`: it is not wanted, or another tab holds it. */
  readonly phase: 'off' | 'connecting' | 'connected' | 'polling'
  /** From a beat to its answer. */
  readonly latencyMs: number | undefined
  readonly missedBeats: number
}

export interface PullSummary {
  readonly entity: string
  /** False: it has failed, or is held; it is tried again by itself. */
  readonly isComplete: boolean
  readonly error?: StoredError
}

/** What `synchronize` did: what was sent, then what was brought. */
export interface SyncResult {
  readonly pushed: DrainSummary
  readonly pulled: readonly PullSummary[]
}

export interface SyncQuery {
  /** One kind of entity. Default: all. */
  readonly entity?: string | undefined
  /** True pulls from the beginning; what is seen stays meanwhile, and what the server does not have any more is gone at the end. */
  readonly full?: boolean | undefined
}
