import { httpTransport } from '../adapters/http/index.ts'
import type { Storage } from '../core/ports.ts'
import type { SyncEngine } from '../engine/types.ts'
import { createSyncEngine } from '../index.ts'
import { UsageError } from './errors.ts'
import type { PushOptions } from './push-options.ts'

const YEAR_MS = 365 * 86_400_000

/** An engine for a person who waits: quick to try again, quick to take over, and it gives nothing up by itself. */
export function pushEngine(options: PushOptions, storage: Storage, entities: readonly string[]): SyncEngine {
  const { concurrency, batchSize, coalesce, user, conflict, maxAttempts = 1_000_000 } = options
  return createSyncEngine({
    storage,
    transport: httpTransport({ baseURL: options.to, ...authOf(options), ...(batchSize === undefined ? { batch: false } : {}) }),
    entities: Object.fromEntries(entities.map((name) => [name, conflict === undefined ? {} : { conflict }])),
    user,
    coalesce,
    concurrency,
    batchSize,
    retry: { baseMs: 100, capMs: 5_000, maxAttempts, maxAgeMs: 10 * YEAR_MS },
    breaker: { failureThreshold: 200, windowMs: 10_000, cooldownMs: 1_000 },
    lock: { heartbeatMs: 1_000, staleMs: 10_000, pollMs: 200 },
    // A push that is run again must find what it has done.
    retention: { completedMs: 10 * YEAR_MS, completedCount: 100_000_000 },
  })
}

function authOf({ tokenEnv }: PushOptions): { auth?: { token: () => Promise<string | undefined> } } {
  if (tokenEnv === undefined) return {}
  if (!process.env[tokenEnv])
    throw new UsageError(`The environment variable ${tokenEnv} is not set. Put the bearer token into it.`)
  return { auth: { token: async () => process.env[tokenEnv] } }
}
