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
  let channel: BroadcastChannel | undefined
  let unwatch = (): void => {}

  function tell(collections: readonly string[] | undefined): void {
    for (const listener of listeners) listener(collections)
  }

  function connect(): void {
    channel = new BroadcastChannel(`synchart:${name}`)
    channel.onmessage = ({ data }: MessageEvent<unknown>) => tell(isNames(data) ? data : undefined)
  }

  function disconnect(): void {
    channel?.close()
    channel = undefined
  }

  return {
    open() {
      if (channel || !('BroadcastChannel' in globalThis)) return
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
    post: (collections) => channel?.postMessage(collections),
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
