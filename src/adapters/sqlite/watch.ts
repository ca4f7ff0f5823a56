import type { StoreListener } from '../../core/ports.ts'
import type { Connection } from './connection.ts'

export interface Watchers {
  add(listener: StoreListener, connection: Connection): () => void
  clear(): void
}

/** SQLite changes this number when another connection has committed. */
function dataVersion({ driver }: Connection): unknown {
  try {
    return driver.prepare('PRAGMA data_version').row([])?.[0]
  } catch {
    // Let the listeners read, and see the error for themselves.
    return undefined
  }
}

/** Looks for commits of other connections every `everyMs`, as long as somebody listens. Keeps no process alive. */
export function createWatchers(everyMs: number): Watchers {
  const listeners = new Set<StoreListener>()
  let timer: NodeJS.Timeout | undefined

  function start(connection: Connection): void {
    let seen = dataVersion(connection)
    timer = setInterval(() => {
      const found = dataVersion(connection)
      if (found === seen && found !== undefined) return
      seen = found
      for (const listener of [...listeners]) if (listeners.has(listener)) listener(undefined)
    }, everyMs).unref()
  }

  function stop(): void {
    clearInterval(timer)
    timer = undefined
  }

  return {
    add(listener, connection) {
      const own: StoreListener = (collections) => listener(collections)
      listeners.add(own)
      if (!timer) start(connection)
      return () => {
        listeners.delete(own)
        if (listeners.size === 0) stop()
      }
    },
    clear() {
      listeners.clear()
      stop()
    },
  }
}
