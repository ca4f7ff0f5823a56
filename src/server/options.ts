import { ValidationError } from '../core/errors.ts'
import { LONGEST_TIMER_MS } from '../core/longest-timer.ts'
import type { Random } from '../core/ports.ts'
import type { FaultOptions } from './faults.ts'
import type { WishOptions } from './wishes.ts'

export interface RealtimeServerOptions {
  /** How often a line is asked for a sign of life; one that gave none since is cut. Default 15,000. */
  readonly heartbeatMs?: number
  /** How long a ticket is good. Default 30,000. */
  readonly ticketTtlMs?: number
  /** Lines at once. Default 1,000. */
  readonly maxConnections?: number
  /** A line that has this much to read yet is ended. Default 1 MiB. */
  readonly maxBufferedBytes?: number
  /** How long clients are asked to stay away when the server stops, or has too much to do. Default 1,000. */
  readonly restartAfterMs?: number
}

export interface ServerOptions {
  /** A SQLite file, or `:memory:` (default). */
  readonly database?: string
  /** The entities that exist. Default: every name like `note` or `work-order` (a letter, then up to 63 letters, digits, `_`, `-`). */
  readonly entities?: readonly string[]
  /** Those of which the server says what the ids are: `POST` answers with one, and an `id` in its body is left out. Default none. */
  readonly assignedIds?: readonly string[]
  /** Largest body of a request, and largest resource, in bytes. Default 1 MiB. */
  readonly bodyLimitBytes?: number
  /** Turns the bearer token into the user, or undefined for 401. Without it everybody is the user `anonymous`. */
  readonly auth?: { readonly users: (token: string) => string | undefined }
  /** How long the answer to a key is kept. Default 7 days. */
  readonly idempotencyTtlMs?: number
  /** A cursor more than this many changes of its entity behind is expired, and the tombstones before are forgotten. Default: nothing expires. */
  readonly changeLogLimit?: number
  /** Faults for development and tests. Default none. */
  readonly faults?: FaultOptions
  /** What every answer asks of clients. Default nothing. */
  readonly wishes?: WishOptions
  /** Serves `GET /_ledger` and `GET /_state/{entity}`, to everybody. For tests. Default false. */
  readonly inspect?: boolean
  /** The origins whose pages may call this server, or `*`. Default none. */
  readonly corsOrigins?: '*' | readonly string[]
  /** Limits of the realtime lines. */
  readonly realtime?: RealtimeServerOptions
  /** Gets what went wrong behind a 500. Default: nobody is told. */
  readonly onError?: (error: unknown) => void
  readonly clock?: { now(): number }
  /** Decides on faults. Default: a sequence from `faults.seed`. */
  readonly random?: Random
}

export interface Settings {
  readonly entityAllowed: (name: string) => boolean
  readonly assignsId: (name: string) => boolean
  readonly bodyLimitBytes: number
  readonly idempotencyTtlMs: number
  readonly changeLogLimit: number
  readonly realtime: Required<RealtimeServerOptions>
  readonly now: () => number
}

const dayMs = 24 * 60 * 60 * 1000
const entityName = /^[a-zA-Z][\w-]{0,63}$/
const reserved = new Set(['batch', 'realtime'])

/** @throws ValidationError that names the option. */
export function resolveOptions(options: ServerOptions): Settings {
  return {
    entityAllowed: entityRule(options.entities),
    assignsId: assignmentRule(options),
    bodyLimitBytes: positive('bodyLimitBytes', options.bodyLimitBytes ?? 1024 * 1024),
    idempotencyTtlMs: positive('idempotencyTtlMs', options.idempotencyTtlMs ?? 7 * dayMs),
    changeLogLimit: options.changeLogLimit === undefined ? Infinity : positive('changeLogLimit', options.changeLogLimit),
    realtime: realtimeSettings(options.realtime ?? {}),
    now: wholeMs(options.clock ?? Date),
  }
}

function realtimeSettings(options: RealtimeServerOptions): Required<RealtimeServerOptions> {
  const { heartbeatMs = 15_000, ticketTtlMs = 30_000, maxConnections = 1_000 } = options
  const { maxBufferedBytes = 1024 * 1024, restartAfterMs = 1_000 } = options
  return {
    heartbeatMs: timer('realtime.heartbeatMs', heartbeatMs),
    ticketTtlMs: positive('realtime.ticketTtlMs', ticketTtlMs),
    maxConnections: positive('realtime.maxConnections', maxConnections),
    maxBufferedBytes: positive('realtime.maxBufferedBytes', maxBufferedBytes),
    restartAfterMs: positive('realtime.restartAfterMs', restartAfterMs),
  }
}

function entityRule(names: readonly string[] | undefined): (name: string) => boolean {
  if (names === undefined) return (name) => entityName.test(name) && !reserved.has(name)
  for (const name of names) {
    if (!entityName.test(name))
      throw new ValidationError('entities', `${JSON.stringify(name)} is no name; use a letter, then letters, digits, _ or -.`)
    if (reserved.has(name)) throw new ValidationError('entities', `${name} is a route of its own; choose another name.`)
  }
  const allowed = new Set(names)
  return (name) => allowed.has(name)
}

function assignmentRule({ assignedIds = [], entities }: ServerOptions): (name: string) => boolean {
  const isKnown = entityRule(entities)
  const unknown = assignedIds.find((name) => !isKnown(name))
  if (unknown !== undefined) throw new ValidationError('assignedIds', `${JSON.stringify(unknown)} is no entity of this server.`)
  const assigned = new Set(assignedIds)
  return (name) => assigned.has(name)
}

function positive(path: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new ValidationError(path, `must be a positive integer, not ${value}.`)
}

function timer(path: string, ms: number): number {
  if (ms <= LONGEST_TIMER_MS) return positive(path, ms)
  throw new ValidationError(path, `must be below 2^31, not ${ms}.`)
}

function wholeMs(clock: { now(): number }): () => number {
  return () => Math.floor(clock.now())
}
