import type { RetryOptions } from '../core/backoff.ts'
import type { Clock } from '../core/ports.ts'

export type RetryBudget = ReturnType<typeof createRetryBudget>

/**
 * Keeps retries from adding to what a server suffers from (as gRPC A6): each failure costs a token, each success gives back a share of one, and retries go on only
 * while more than half of the tokens are left. First attempts always go. It refills with time too, wholly within `capMs`, so that retries alone come to an
 * end of their waiting.
 */
export function createRetryBudget({ budget, capMs }: RetryOptions, clock: Clock) {
  let tokens = budget?.tokens ?? 0
  let at = clock.monotonic()

  function refilled(max: number): number {
    const now = clock.monotonic()
    tokens = Math.min(max, tokens + (max * (now - at)) / Math.max(1, capMs))
    at = now
    return tokens
  }

  function add(amount: number): void {
    if (budget !== undefined) tokens = Math.max(0, Math.min(budget.tokens, refilled(budget.tokens) + amount))
  }

  return {
    failed: (): void => add(-1),
    succeeded: (): void => add(budget?.ratio ?? 0),
    /** Until retries may go on; 0 if they may now. */
    waitMs(): number {
      if (budget === undefined) return 0
      const missing = budget.tokens / 2 - refilled(budget.tokens)
      return missing < 0 ? 0 : Math.ceil((missing * capMs) / budget.tokens) + 1
    },
  }
}
