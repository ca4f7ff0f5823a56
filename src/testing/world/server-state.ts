import type { JsonObject } from '../../core/json.ts'
import type { ServerResponse } from './messages.ts'

/** A change that the server made, once. */
export interface Effect {
  readonly user: string
  readonly client: string
  readonly sequence: number
  readonly key: string
  readonly method: string
  readonly entity: string
  readonly id: string
  readonly version: number
  /** What it had, and what it has; undefined where there was nothing, or is nothing any more. */
  readonly before: JsonObject | undefined
  readonly after: JsonObject | undefined
}

/** What the server takes no longer. */
export interface Retired {
  readonly field?: string
  readonly entity?: string
  readonly status: 400 | 422
}

export interface Resource {
  readonly version: number
  /** Undefined after a delete. */
  readonly value: JsonObject | undefined
}

export interface KeptAnswer {
  readonly fingerprint: string
  readonly response: ServerResponse
}

export interface Served {
  readonly response: ServerResponse
  readonly effects: readonly Effect[]
  /** Some of it was answered from what is kept of an earlier request. */
  readonly replayed: boolean
  /** Of a pull: the newest version that its page could know of. */
  readonly asOf?: number
}

/** Everything that the server knows; it can be copied and put back, as a backup is. */
export interface ServerState {
  readonly resources: ReadonlyMap<string, Resource>
  readonly answers: ReadonlyMap<string, KeptAnswer>
  /** What it had in it. */
  readonly effects: ReadonlySet<Effect>
}
