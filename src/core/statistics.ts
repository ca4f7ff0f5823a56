import { mergeHistograms, NO_DURATIONS, readHistogram, type Histogram } from './histogram.ts'
import { decodedUser } from './operation.ts'
import type { Entry } from './ports.ts'
import { isRecord } from './schema.ts'

/** What is counted. */
const ZERO = {
  /** Operations that were stored. */
  enqueued: 0,
  done: 0,
  rejected: 0,
  /** Attempts after which the operation was put off. */
  retried: 0,
  coalesced: 0,
  cancelled: 0,
  /** Answers that the server has another state than the operation was made on (409, 412). */
  refused: 0,
  /** Both sides had changed the same. */
  conflicts: 0,
  conflictsResolved: 0,
  /** With operations, alone or in batches. */
  requests: 0,
  /** Pulls that came to their end: of an entity, or of a part of one. */
  pulls: 0,
  pulledChanges: 0,
  takeovers: 0,
  breakerTrips: 0,
}

export type Counter = keyof typeof ZERO
export const COUNTERS: readonly Counter[] = Object.keys(ZERO).filter((name): name is Counter => Object.hasOwn(ZERO, name))

export type Counts = Readonly<Record<Counter, number>> & {
  /** From enqueue to done. */
  readonly latencyMs: Histogram
}

/** What every engine on a store has counted for a user. */
export interface Statistics extends Counts {
  /** When counting began; milliseconds since 1970. */
  readonly since: number
}

/** A row of `meta`. */
export interface StatisticsRow extends Statistics {
  readonly name: string
  /** Counts the changes. */
  readonly rev: number
  /** The batches that were added last, so that none is added twice where it is not known whether its commit succeeded. */
  readonly added: readonly string[]
}

const PREFIX = 'statistics/'

export function statisticsName(user: string): string {
  return `${PREFIX}${encodeURIComponent(user)}`
}

/** Whose statistics a row of `meta` holds, if it holds any. */
export function statisticsUser(name: string): string | undefined {
  return name.startsWith(PREFIX) ? decodedUser(name.slice(PREFIX.length)) : undefined
}

export const NOTHING: Counts = { ...ZERO, latencyMs: NO_DURATIONS }

export function addCounts(a: Counts, b: Counts): Counts {
  return { ...countsOf((name) => a[name] + b[name]), latencyMs: mergeHistograms(a.latencyMs, b.latencyMs) }
}

export function countsOf(read: (name: Counter) => number): Record<Counter, number> {
  const counts = { ...ZERO }
  for (const name of COUNTERS) counts[name] = read(name)
  return counts
}

/** What in it can't be read counts nothing. */
export function readStatistics(entry: Entry | undefined): StatisticsRow | undefined {
  const value = entry?.value
  if (!isRecord(value)) return undefined
  const { name, rev, added } = value
  if (typeof name !== 'string' || typeof rev !== 'number') return undefined
  return {
    name,
    rev,
    added: Array.isArray(added) ? added.filter((one) => typeof one === 'string') : [],
    since: numberIn(value, 'since'),
    ...countsOf((counter) => numberIn(value, counter)),
    latencyMs: readHistogram(value['latencyMs']) ?? NO_DURATIONS,
  }
}

function numberIn(value: Record<string, unknown>, field: string): number {
  const found = value[field]
  return typeof found === 'number' ? found : 0
}
