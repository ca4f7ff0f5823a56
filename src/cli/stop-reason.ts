import { LONGEST_TIMER_MS } from '../core/longest-timer.ts'
import { onSignal } from './signals.ts'

/** Why a push ended before everything was sent. */
export type StopReason =
  | { readonly type: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly type: 'timeout'; readonly afterMs: number }
  | { readonly type: 'credentials' }
  | { readonly type: 'store'; readonly error: unknown }

export interface Stopper {
  readonly reason: StopReason | undefined
  readonly signal: AbortSignal
  stop(reason: StopReason): void
  end(): void
}

/** The first reason to stop counts. */
export function createStopper(timeoutMs: number | undefined): Stopper {
  const controller = new AbortController()
  let reason: StopReason | undefined
  const stop = (given: StopReason): void => {
    reason ??= given
    controller.abort()
  }
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => stop({ type: 'timeout', afterMs: timeoutMs }), Math.min(timeoutMs, LONGEST_TIMER_MS))
  const forget = onSignal((signal) => stop({ type: 'signal', signal }))
  return {
    get reason() {
      return reason
    },
    signal: controller.signal,
    stop,
    end() {
      clearTimeout(timer)
      forget()
    },
  }
}
