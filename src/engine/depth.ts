import type { Clock } from '../core/ports.ts'

/** What others write is counted so often at most: a drain elsewhere commits many times a second. */
const REST_MS = 1_000
/** So much longer than the count itself took: in a large store it takes its time. */
const REST_FACTOR = 10

export interface DepthHooks {
  /** False if what this engine did meanwhile may be among what was found, or not. */
  recount(): Promise<boolean>
  failed(error: unknown): void
}

/** Keeps the number of live operations true where other engines accept and end them, too. */
export function createDepth(clock: Clock, { recount, failed }: DepthHooks) {
  let cancel: (() => void) | undefined
  let tookMs = 0
  /** Counts the lives of the store: what one has begun leaves nothing behind in the next. */
  let life = 0

  async function look(): Promise<void> {
    cancel = undefined
    const [own, since] = [life, clock.monotonic()]
    try {
      const isCertain = await recount()
      tookMs = clock.monotonic() - since
      if (!isCertain && own === life) lookLater()
    } catch (error) {
      failed(error)
    }
  }

  function lookLater(): void {
    cancel ??= clock.schedule(() => void look(), Math.max(REST_MS, REST_FACTOR * tookMs))
  }

  return {
    look,
    /** Others have written operations, or may have. */
    changed: lookLater,
    closing(): void {
      life += 1
      cancel?.()
      cancel = undefined
    },
  }
}
