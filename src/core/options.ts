import { AUDIT_DEFAULTS, auditOptions, type AuditOptions } from './audit-options.ts'
import type { EntityOptions } from './conflict.ts'
import { checkEntities } from './entity-options.ts'
import { ValidationError } from './errors.ts'
import type { RetryOptions } from './backoff.ts'
import type { Priority } from './operation.ts'
import { LOG_LEVELS, type Logger } from './logger.ts'
import type { Storage, SystemPorts, Transport } from './ports.ts'
import type { Ageing } from './rows.ts'
import { checkBudget, checkSystemPorts, count, DAY_MS, refuseUnknown, share, span, STRATEGIES } from './option-checks.ts'
import type { RecorderOptions } from './recorder-options.ts'
import { checkInvariants, type Invariants } from './invariants.ts'
import { checkRealtime, type RealtimeOptions } from './realtime-options.ts'
import { isRecord } from './schema.ts'

export type { AuditOptions, EntityOptions, RealtimeOptions }

export interface BreakerOptions {
  /** Failures (network, timeout, 5xx) within the window that open the breaker. */
  readonly failureThreshold: number
  readonly windowMs: number
  /** How long it stays open before a probe is let through. */
  readonly cooldownMs: number
  /** Probes in flight at once while half-open. */
  readonly halfOpenProbes: number
  /** A probe without an answer after this counts as failed. */
  readonly probeTimeoutMs: number
}

export interface LockOptions {
  readonly heartbeatMs: number
  /** A lease that shows no beat for this long, on the observer's own clock, is taken over. */
  readonly staleMs: number
  /** How often a follower looks at the lease. */
  readonly pollMs: number
}

export interface LimitOptions {
  readonly payloadBytes: number
  readonly payloadDepth: number
}

export interface RetentionOptions {
  /** Completed operations (done, cancelled, superseded) are forgotten after this; rejected ones stay until they are discarded. */
  readonly completedMs: number
  /** And the oldest as soon as there are more of them than this. */
  readonly completedCount: number
  /** Conflicts that were settled are forgotten after this; those that wait for a person stay. */
  readonly conflictMs: number
  /** And the oldest as soon as there are more of them than this. */
  readonly conflictCount: number
}

export interface AlertOptions {
  /** An operation that has not ended for so long is told of, unless it was parked for a person to decide. */
  readonly stuckMs: number
  /** The share of the store's quota above which it is told of, 0 to 1. */
  readonly quotaShare: number
}

export interface PullOptions {
  /** Pause between pulls of everything, ± 25 % so that a fleet does not come all at once. 0 (default): only what is asked for is pulled. */
  readonly everyMs: number
  /** Most changes in one page. */
  readonly pageSize: number
}

export interface Settings {
  readonly user: string
  readonly entities: Readonly<Record<string, EntityOptions>>
  /** Requests in flight at once. */
  readonly concurrency: number
  /** Operations in one request, where the transport can send batches. 1 sends each alone. */
  readonly batchSize: number
  /** Merges what is queued for one entity before it is sent. */
  readonly coalesce: boolean
  readonly retry: RetryOptions
  readonly breaker: BreakerOptions
  readonly lock: LockOptions
  readonly limits: LimitOptions
  readonly retention: RetentionOptions
  readonly pull: PullOptions
  readonly realtime: RealtimeOptions
  /** By name, what must hold over several kinds of entities: for `check()`. Default: none. */
  readonly invariants: Invariants
  readonly alerts: AlertOptions
  /** Keeps a log of every change, as {} with the defaults. Without it nothing of that is written. */
  readonly audit: AuditOptions | undefined
  /** The head start of each priority over the next: an operation waits at most this much longer than one of the highest priority. */
  readonly ageingMs: Ageing
  /** An attempt without any outcome after this is aborted; what became of it is unknown. */
  readonly sendTimeoutMs: number
  /** How often an operation may be refused for a conflict and sent anew before it is parked. */
  readonly maxReconciliations: number
  /** How long `stop()` waits for requests in flight before it aborts them. */
  readonly stopTimeoutMs: number
  /** After a 401 that a refresh did not cure, sending pauses for this long or until `resume('auth')`. */
  readonly authPauseMs: number
}

type Partially<T> = { readonly [K in keyof T]?: T[K] | undefined }

type SettingsInput = {
  readonly [K in keyof Settings]?: K extends
    | 'retry'
    | 'breaker'
    | 'lock'
    | 'limits'
    | 'retention'
    | 'pull'
    | 'realtime'
    | 'alerts'
    | 'audit'
    | 'ageingMs'
    ? Partially<Settings[K]> | undefined
    : Settings[K] | undefined
}

export interface SyncEngineOptions extends SettingsInput {
  readonly storage: Storage
  readonly transport: Transport
  /** Names of the entities that operations may be about. */
  readonly entities: Readonly<Record<string, EntityOptions>>
  /** Replaces clock, randomness, ids or connectivity: for simulation and tests. */
  readonly ports?: Partial<SystemPorts> | undefined
  /** Records what happens, in a ring without payloads and secrets: `engine.recorder`. Left out: nothing is recorded. */
  readonly recorder?: RecorderOptions | undefined
  /** Is told of every event, without payloads. */
  readonly logger?: Logger | undefined
}

/** Of `audit` those that hold where it is given. */
export const DEFAULTS: Settings = {
  user: 'default',
  entities: {},
  concurrency: 6,
  batchSize: 1,
  coalesce: true,
  retry: { strategy: 'exponential', baseMs: 500, capMs: 60_000, maxAttempts: 20, maxAgeMs: 30 * DAY_MS, budget: undefined },
  breaker: { failureThreshold: 10, windowMs: 60_000, cooldownMs: 60_000, halfOpenProbes: 1, probeTimeoutMs: 30_000 },
  lock: { heartbeatMs: 10_000, staleMs: 120_000, pollMs: 1_000 },
  limits: { payloadBytes: 262_144, payloadDepth: 32 },
  retention: { completedMs: DAY_MS, completedCount: 1_000, conflictMs: 30 * DAY_MS, conflictCount: 1_000 },
  pull: { everyMs: 0, pageSize: 500 },
  invariants: {},
  realtime: {
    heartbeatMs: 15_000,
    connectTimeoutMs: 15_000,
    retry: { strategy: 'exponential', baseMs: 1_000, capMs: 60_000, maxAttempts: 10 },
    fallbackMs: 300_000,
    channel: undefined,
  },
  alerts: { stuckMs: 3_600_000, quotaShare: 0.8 },
  audit: AUDIT_DEFAULTS,
  ageingMs: { critical: 0, high: 10_000, medium: 60_000, low: 300_000 } satisfies Record<Priority, number>,
  sendTimeoutMs: 60_000,
  maxReconciliations: 5,
  stopTimeoutMs: 5_000,
  authPauseMs: 60_000,
}

/** The names of lanes and keys, which hold the user, are encoded. */
const LONE_SURROGATE = /\p{Cs}/u

/** The settings with defaults filled in. Throws `ValidationError` naming the option that is out of range. */
export function settingsOf(options: SyncEngineOptions): Settings {
  const settings: Settings = {
    user: orDefault(options.user, DEFAULTS.user),
    entities: options.entities,
    concurrency: orDefault(options.concurrency, DEFAULTS.concurrency),
    batchSize: orDefault(options.batchSize, DEFAULTS.batchSize),
    coalesce: orDefault(options.coalesce, DEFAULTS.coalesce),
    retry: guarded(merged('retry', DEFAULTS.retry, options.retry)),
    breaker: merged('breaker', DEFAULTS.breaker, options.breaker),
    lock: merged('lock', DEFAULTS.lock, options.lock),
    limits: merged('limits', DEFAULTS.limits, options.limits),
    retention: merged('retention', DEFAULTS.retention, options.retention),
    pull: merged('pull', DEFAULTS.pull, options.pull),
    invariants: orDefault(options.invariants, DEFAULTS.invariants),
    realtime: merged('realtime', DEFAULTS.realtime, options.realtime),
    alerts: merged('alerts', DEFAULTS.alerts, options.alerts),
    audit: auditOptions(options.audit),
    ageingMs: merged('ageingMs', DEFAULTS.ageingMs, options.ageingMs),
    sendTimeoutMs: orDefault(options.sendTimeoutMs, DEFAULTS.sendTimeoutMs),
    maxReconciliations: orDefault(options.maxReconciliations, DEFAULTS.maxReconciliations),
    stopTimeoutMs: orDefault(options.stopTimeoutMs, DEFAULTS.stopTimeoutMs),
    authPauseMs: orDefault(options.authPauseMs, DEFAULTS.authPauseMs),
  }
  refuseUnknown('options', [...Object.keys(DEFAULTS), 'storage', 'transport', 'ports', 'recorder', 'logger'], options)
  checkPorts(options)
  checkEntities(settings.entities)
  checkNumbers(settings)
  return settings
}

function checkPorts({ storage, transport, logger, ports }: SyncEngineOptions): void {
  if (!isRecord(storage) || typeof storage.commit !== 'function')
    throw new ValidationError('storage', "must be a storage, as sqliteStorage({ path }) from 'synchart/storage/sqlite'.")
  if (!isRecord(transport) || typeof transport.send !== 'function')
    throw new ValidationError('transport', "must be a transport, as httpTransport({ baseURL }) from 'synchart/transport/http'.")
  if (logger !== undefined && !LOG_LEVELS.every((level) => typeof logger?.[level] === 'function'))
    throw new ValidationError('logger', `must have the functions ${LOG_LEVELS.join(', ')}.`)
  checkSystemPorts(ports)
}

function checkNumbers(settings: Settings): void {
  const { retry, breaker, lock, limits, retention, pull, ageingMs } = settings
  if (typeof settings.user !== 'string' || settings.user === '' || LONE_SURROGATE.test(settings.user))
    throw new ValidationError('user', 'must be a non-empty string without half surrogate pairs.')
  if (typeof settings.coalesce !== 'boolean') throw new ValidationError('coalesce', 'must be true or false.')
  count('concurrency', settings.concurrency, 1, 256)
  count('batchSize', settings.batchSize, 1, 1_000)
  if (typeof retry.strategy !== 'function' && !STRATEGIES.includes(retry.strategy))
    throw new ValidationError('retry.strategy', `must be ${STRATEGIES.join(', ')} or a function.`)
  span('retry.baseMs', retry.baseMs, 1)
  span('retry.capMs', retry.capMs, retry.baseMs)
  count('retry.maxAttempts', retry.maxAttempts, 1, 1_000_000)
  span('retry.maxAgeMs', retry.maxAgeMs, 1)
  checkBudget(retry.budget)
  count('breaker.failureThreshold', breaker.failureThreshold, 1, 100_000)
  span('breaker.windowMs', breaker.windowMs, 1)
  span('breaker.cooldownMs', breaker.cooldownMs, 1)
  count('breaker.halfOpenProbes', breaker.halfOpenProbes, 1, 256)
  span('breaker.probeTimeoutMs', breaker.probeTimeoutMs, 1)
  span('lock.heartbeatMs', lock.heartbeatMs, 1)
  span('lock.staleMs', lock.staleMs, 2 * lock.heartbeatMs)
  span('lock.pollMs', lock.pollMs, 1)
  count('limits.payloadBytes', limits.payloadBytes, 2, 64 * 1_048_576)
  count('limits.payloadDepth', limits.payloadDepth, 1, 64)
  span('retention.completedMs', retention.completedMs, 0)
  count('retention.completedCount', retention.completedCount, 0, 100_000_000)
  if (pull.everyMs !== 0) span('pull.everyMs', pull.everyMs, 100)
  count('pull.pageSize', pull.pageSize, 1, 1_000)
  checkRealtime(settings.realtime)
  checkInvariants(settings.invariants, Object.keys(settings.entities))
  span('retention.conflictMs', retention.conflictMs, 0)
  count('retention.conflictCount', retention.conflictCount, 0, 100_000_000)
  for (const [priority, ms] of Object.entries(ageingMs)) span(`ageingMs.${priority}`, ms, 0)
  span('sendTimeoutMs', settings.sendTimeoutMs, 1)
  count('maxReconciliations', settings.maxReconciliations, 0, 1_000)
  span('stopTimeoutMs', settings.stopTimeoutMs, 0)
  span('authPauseMs', settings.authPauseMs, 1)
  span('alerts.stuckMs', settings.alerts.stuckMs, 1)
  share('alerts.quotaShare', settings.alerts.quotaShare)
}

/** Only what is left out takes the default: `null` is a mistake that should be told of. */
function orDefault<T>(value: T | undefined, fallback: T): T {
  return value === undefined ? fallback : value
}

export function merged<T extends object>(path: string, defaults: T, given: Partially<T> | undefined): T {
  if (given === undefined) return defaults
  if (!isRecord(given)) throw new ValidationError(path, 'must be an object.')
  refuseUnknown(path, Object.keys(defaults), given)
  const set = Object.entries(given).filter(([, value]) => value !== undefined)
  return Object.assign({ ...defaults }, Object.fromEntries(set))
}

/** A strategy of the application that throws waits for the cap. */
function guarded(retry: RetryOptions): RetryOptions {
  const { strategy } = retry
  if (typeof strategy !== 'function') return retry
  const safe = (attempt: number): number => {
    try {
      return strategy(attempt)
    } catch {
      return retry.capMs
    }
  }
  return { ...retry, strategy: safe }
}
