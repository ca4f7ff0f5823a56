import type { Settings } from './options.ts'
import type { Store } from './store.ts'

const hourMs = 60 * 60 * 1000

/** Forgets the answers whose time is over, at most once an hour or once in their lifetime. */
export function sweeper(store: Store, settings: Settings): () => void {
  const everyMs = Math.min(settings.idempotencyTtlMs, hourMs)
  let nextAtMs = settings.now() + everyMs
  return () => {
    const nowMs = settings.now()
    if (nowMs < nextAtMs) return
    nextAtMs = nowMs + everyMs
    store.forgetAnswers(nowMs - settings.idempotencyTtlMs)
  }
}
