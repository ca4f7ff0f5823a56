import type { StoreListener } from '../core/ports.ts'
import { watchLifecycle } from './web-lifecycle.ts'

/** Tells the other handles on a store, in this page and in others, that something was committed. */
export interface Channel {
  open(): void
  post(collections: readonly string[]): void
  watch(listener: StoreListener): () => void
  close(): void
}

/** Uses BroadcastChannel `synchart:<name>`; where there is none, nobody is told. */
export function createChannel(name: string): Channel {
  const listeners = new Set<StoreListener>()
  const isPossible = 'BroadcastChannel' in globalThis
  let channel: BroadcastChannel | undefined
  let unwatch = (): void => {}

  function tell(collections: readonly string[] | undefined): void {
    for (const listener of listeners) listener(collections)
  }

  function make(): BroadcastChannel {
    return new BroadcastChannel(`synchart:${name}`)
  }

  function connect(): void {
    channel = make()
    channel.onmessage = ({ data }: MessageEvent<unknown>) => tell(isNames(data) ? data : undefined)
  }

  function disconnect(): void {
    channel?.close()
    channel = undefined
  }

  return {
    open() {
      if (channel || !isPossible) return
      connect()
      unwatch = watchLifecycle({
        // A message would put the page out of the back/forward cache.
        suspended: disconnect,
        resumed() {
          disconnect()
          connect()
          // It heard nothing of what others have written since.
          tell(undefined)
        },
      })
    },
    post(collections) {
      if (channel) return channel.postMessage(collections)
      if (!isPossible) return
      // The commit was under way when its handle was closed, or its page suspended.
      const once = make()
      once.postMessage(collections)
      once.close()
    },
    watch(listener) {
      // Wrapped, so that the same function may watch twice.
      const own: StoreListener = (collections) => listener(collections)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    close() {
      unwatch()
      disconnect()
      listeners.clear()
    },
  }
}

/** Anything else comes from a page of another version, which says only that something was committed. */
function isNames(data: unknown): data is readonly string[] {
  return Array.isArray(data) && data.every((name) => typeof name === 'string')
}
