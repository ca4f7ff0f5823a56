import type { Presence } from '../../core/ports.ts'
import { never, type Life } from './life.ts'
import type { Scheduler } from './scheduler.ts'

/** The locks of one device's processes: whoever dies loses its own at once, whoever is frozen keeps it. */
export interface PresenceBoard {
  presenceOf(tab: string, life: Life): Presence
}

const NOTICE_MS = 5

export function createPresenceBoard(scheduler: Scheduler): PresenceBoard {
  const held = new Set<string>()
  const waiting = new Map<string, Set<() => void>>()
  let announced = 0

  function free(holder: string): void {
    held.delete(holder)
    const tell = waiting.get(holder) ?? []
    waiting.delete(holder)
    for (const listener of tell) scheduler.after(NOTICE_MS, listener)
  }

  function whenGone(life: Life, holder: string, signal: AbortSignal): Promise<void> {
    if (!life.reaches('presence')) return never()
    return new Promise((resolve) => {
      const tell = (): void => life.enter(resolve)
      if (!held.has(holder)) return void scheduler.after(NOTICE_MS, tell)
      const listeners = waiting.get(holder) ?? new Set()
      waiting.set(holder, listeners.add(tell))
      signal.addEventListener('abort', () => listeners.delete(tell))
    })
  }

  return {
    presenceOf: (tab, life) => ({
      announce() {
        if (!life.reaches('presence')) return never()
        const holder = `${tab}/${++announced}`
        held.add(holder)
        life.onDeath(() => free(holder))
        return Promise.resolve({ holder, release: async () => free(holder) })
      },
      whenGone: (holder, signal) => whenGone(life, holder, signal),
    }),
  }
}
