import { systemClock } from '../adapters/system-clock.ts'
import { advanceTraced, type Traced } from '../core/trace-alerts.ts'
import type { TraceLine } from '../core/trace.ts'
import type { SyncEngine } from '../engine/types.ts'
import { createGap } from './gap.ts'
import { statusOf } from './status.ts'
import type { EngineStatus } from './wire.ts'

export interface Follower {
  /** Where lines were left out (`dropped` of them) there is what leads over the gap instead. */
  lines(lines: readonly TraceLine[], dropped: number): void
  status(status: EngineStatus): void
  /** Whether it can take more now. */
  hasRoom(): boolean
}

const EVERY_MS = 100
const STATUS_EVERY_MS = 500
/** What waits to be delivered at most, where the engine leaves no time for it: as much as a page keeps. */
const MAX_WAITING = 200_000

/** Tells of an engine, in bundles: what it has recorded, what it records from now on, and how it stands. Returns the function that ends it. */
export function follow(engine: SyncEngine, follower: Follower): () => void {
  const now: Traced = { actors: new Map(), alerts: new Map() }
  const gap = createGap()
  let waiting: TraceLine[] = []
  let dropped = 0
  let lastAt = 0
  let hasNews = true
  let isAsked = false
  let isOver = false

  const unwatch = engine.recorder.watch((line) => {
    // To be asked how it stands makes it read the store, which is no news.
    hasNews ||= line.type !== 'port'
    if (waiting.length < MAX_WAITING && follower.hasRoom()) {
      waiting.push(...overGap(line.at), line)
    } else {
      gap.widen(now, 1)
    }
    advanceTraced(now, line)
    lastAt = line.at
  })

  function overGap(at: number): readonly TraceLine[] {
    dropped += gap.missing()
    return gap.close(now, at)
  }

  function deliver(): void {
    if (waiting.length < MAX_WAITING && follower.hasRoom()) waiting.push(...overGap(lastAt))
    if (waiting.length === 0) return
    const [lines, missing] = [waiting, dropped]
    waiting = []
    dropped = 0
    follower.lines(lines, missing)
  }

  async function ask(): Promise<void> {
    if (isAsked || !hasNews || !follower.hasRoom()) return
    isAsked = true
    hasNews = false
    try {
      const status = await statusOf(engine)
      if (!isOver) follower.status(status)
    } catch {
      // It is not open yet, or no more: it is asked again when something has happened.
    } finally {
      isAsked = false
    }
  }

  const ends = [every(EVERY_MS, deliver), every(STATUS_EVERY_MS, () => void ask())]
  return () => {
    isOver = true
    unwatch()
    for (const end of ends) end()
    deliver()
  }
}

function every(ms: number, act: () => void): () => void {
  let cancel = systemClock.schedule(again, ms)
  function again(): void {
    act()
    cancel = systemClock.schedule(again, ms)
  }
  return () => cancel()
}
