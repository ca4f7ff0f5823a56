import type { RetentionOptions } from '../core/options.ts'
import type { Audit } from './audit.ts'
import { forgetEnded, forgetTombstones, type InTurn } from './maintenance.ts'
import type { Store } from './store.ts'

/** Ended operations are cleaned up after this many more, or so much later. */
const EVERY = 5_000
const EVERY_MS = 3_600_000

export interface ForgettingHooks {
  isOwner(): boolean
  epoch(): number
  now(): number
  monotonic(): number
  readonly inTurn: InTurn
  readonly audit: Audit | undefined
  failed(error: unknown): void
}

/** Cleans up what nobody needs any more: in a quiet moment, or when there is no such moment for long. */
export function createForgetting(store: Store, retention: RetentionOptions, hooks: ForgettingHooks) {
  const { isOwner, epoch, now, monotonic, failed, inTurn, audit } = hooks
  let [endedSince, lastAt] = [EVERY, monotonic()]

  async function forget(): Promise<void> {
    if (!isOwner()) return
    endedSince = 0
    lastAt = monotonic()
    try {
      await forgetEnded(store, retention, epoch(), now())
      await forgetTombstones(store, retention, epoch(), now(), inTurn)
      await audit?.forget()
    } catch (error) {
      failed(error)
    }
  }

  return {
    ended(): void {
      endedSince += 1
      if (endedSince >= 2 * EVERY) void forget()
    },
    quiet(): void {
      if (endedSince >= EVERY || monotonic() - lastAt >= EVERY_MS) void forget()
    },
  }
}
