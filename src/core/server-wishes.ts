import type { ServerWishes } from './ports.ts'

/** Longest pause that a server may ask for. */
export const PAUSE_CAP_MS = 60 * 60 * 1000
/** Longest rest between polls that a server may ask for. */
export const MIN_POLL_CAP_MS = 24 * 60 * 60 * 1000
/** As many operations as a batch may have. */
const MAX_BATCH_CAP = 1_000

/**
 * What the headers of an answer ask of its client beside the answer itself: `synchart-min-poll` and `synchart-pause` in whole seconds, `synchart-max-batch`
 * as a number of operations. Digits and nothing else; what is malformed is not there, what is too much is taken for the most that may be asked for.
 */
export function parseServerWishes(headers: Readonly<Record<string, string | undefined>>): ServerWishes | undefined {
  const minPollMs = secondsOf(headers['synchart-min-poll'], MIN_POLL_CAP_MS)
  const pauseMs = secondsOf(headers['synchart-pause'], PAUSE_CAP_MS)
  const maxBatch = digitsOf(headers['synchart-max-batch'])
  const wishes = {
    ...(minPollMs === undefined ? {} : { minPollMs }),
    ...(pauseMs === undefined ? {} : { pauseMs }),
    ...(maxBatch === undefined ? {} : { maxBatch: Math.min(Math.max(1, maxBatch), MAX_BATCH_CAP) }),
  }
  return Object.keys(wishes).length === 0 ? undefined : wishes
}

/** The same of a transport of an application: what is no number is not there. */
export function clampWishes({ minPollMs, pauseMs, maxBatch }: ServerWishes): ServerWishes {
  return {
    ...(isAmount(minPollMs) ? { minPollMs: Math.min(minPollMs, MIN_POLL_CAP_MS) } : {}),
    ...(isAmount(pauseMs) ? { pauseMs: Math.min(pauseMs, PAUSE_CAP_MS) } : {}),
    ...(isAmount(maxBatch) ? { maxBatch: Math.min(Math.max(1, Math.floor(maxBatch)), MAX_BATCH_CAP) } : {}),
  }
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0
}

function secondsOf(value: string | undefined, capMs: number): number | undefined {
  const seconds = digitsOf(value)
  return seconds === undefined ? undefined : Math.min(seconds * 1000, capMs)
}

function digitsOf(value: string | undefined): number | undefined {
  return value !== undefined && /^[0-9]+$/.test(value) ? Number(value) : undefined
}
