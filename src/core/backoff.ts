export type BackoffStrategy = 'exponential' | 'linear' | 'constant' | 'decorrelated' | ((attempt: number) => number)

export interface RetryOptions {
  /**
   * How the delay grows. A function gets the number of the retry (1 = first) and returns milliseconds, which are clamped to [0, capMs].
   * If it throws, so do `backoffMs` and `retryDelayMs`.
   */
  readonly strategy: BackoffStrategy
  /** Window of the first retry. */
  readonly baseMs: number
  /** No delay of ours is longer; a server's Retry-After may be. */
  readonly capMs: number
  readonly maxAttempts: number
  readonly maxAgeMs: number
  /**
   * Retries wait while half of these tokens or more are gone: a failure of the server or the network costs one, a success gives `ratio` of one back, and within `capMs`
   * all come back by themselves. First attempts always go, and none counts as made. Default: no budget.
   */
  readonly budget?: { readonly tokens: number; readonly ratio: number } | undefined
}

/** What a single delay depends on. */
export type BackoffOptions = Pick<RetryOptions, 'strategy' | 'baseMs' | 'capMs'>

export interface BackoffInput {
  /** 1 = the first retry. */
  readonly attempt: number
  /** The previous delay; only `decorrelated` looks at it. Default: `baseMs`. */
  readonly previousMs?: number | undefined
  /** Uniform in [0, 1). */
  readonly random: number
}

/** 2^52 ms are 142,000 years: more doublings would only overflow. */
const MAX_DOUBLINGS = 52

/**
 * Whole milliseconds to wait before a retry, in [0, capMs].
 * - `exponential`, full jitter: U(0, min(cap, base · 2^(attempt − 1)))
 * - `linear`: U(0, min(cap, base · attempt))
 * - `constant`: min(cap, base), without jitter
 * - `decorrelated`: min(cap, U(base, 3 · previous))
 * - a function: its result, without jitter; NaN counts as the cap
 *
 * Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
 */
export function backoffMs(options: BackoffOptions, input: BackoffInput): number {
  return clampMs(drawMs(options, input), options.capMs)
}

/**
 * Whole milliseconds to wait before a retry, where the server may have asked for a pause: then its time is a floor, never undercut
 * and not subject to the cap, plus U(0, the strategy's window), so that the clients that it put off don't come back all at once.
 * Source: RFC 9110 §10.2.3 (Retry-After).
 */
export function retryDelayMs(
  options: BackoffOptions,
  input: BackoffInput & { readonly retryAfterMs?: number | undefined },
): number {
  const { retryAfterMs } = input
  if (retryAfterMs === undefined || !Number.isFinite(retryAfterMs)) return backoffMs(options, input)
  const spreadMs = clampMs(input.random * windowMs(options, input), options.capMs)
  return Math.ceil(Math.max(0, retryAfterMs)) + spreadMs
}

function drawMs(options: BackoffOptions, input: BackoffInput): number {
  const upperMs = windowMs(options, input)
  if (options.strategy === 'exponential' || options.strategy === 'linear') return input.random * upperMs
  if (options.strategy === 'decorrelated') return options.baseMs + input.random * (upperMs - options.baseMs)
  return upperMs
}

/** The longest delay that the strategy could give now. */
function windowMs({ strategy, baseMs, capMs }: BackoffOptions, { attempt, previousMs }: BackoffInput): number {
  if (typeof strategy === 'function') return clampMs(strategy(attempt), capMs)
  if (strategy === 'exponential') return Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, MAX_DOUBLINGS))
  if (strategy === 'linear') return Math.min(capMs, baseMs * attempt)
  if (strategy === 'decorrelated') return Math.max(baseMs, 3 * (previousMs ?? baseMs))
  return Math.min(capMs, baseMs)
}

/** A delay that can't be computed must not become a hammer, so NaN is the cap. */
function clampMs(ms: number, capMs: number): number {
  return Number.isNaN(ms) ? Math.floor(capMs) : Math.floor(Math.max(0, Math.min(capMs, ms)))
}
