import type { StoreListener } from '../../core/ports.ts'
import type { Life } from './life.ts'
import type { Scheduler } from './scheduler.ts'

interface Hearing {
  readonly scheduler: Scheduler
  readonly life: Life
  /** How long until a handle is told. */
  noticeMs(): number
}

/** Tells the other handles on one store what was written; what comes until then is told together. */
export interface Notices {
  post(from: object, collections: readonly string[]): void
  watch(handle: object, hearing: Hearing, listener: StoreListener): () => void
  end(handle: object): void
}

export function createNotices(): Notices {
  const listeners = new Map<object, (collections: readonly string[]) => void>()

  return {
    post(from, collections) {
      for (const [handle, tell] of listeners) if (handle !== from) tell(collections)
    },
    watch(handle, { scheduler, life, noticeMs }, listener) {
      const untold = new Set<string>()
      listeners.set(handle, (collections) => {
        const isDue = untold.size > 0
        for (const name of collections) untold.add(name)
        if (isDue) return
        scheduler.after(noticeMs(), () => {
          const names = [...untold]
          untold.clear()
          if (listeners.has(handle)) life.enter(() => listener(names))
        })
      })
      return () => void listeners.delete(handle)
    },
    end: (handle) => void listeners.delete(handle),
  }
}
