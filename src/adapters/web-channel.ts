/** Tells the other handles on a store, in this page and in others, that something was committed. */
export interface Channel {
  open(): void
  post(): void
  watch(listener: () => void): () => void
  close(): void
}

/** Uses BroadcastChannel `synchart:<name>`; where there is none, nobody is told. */
export function createChannel(name: string): Channel {
  const listeners = new Set<() => void>()
  let channel: BroadcastChannel | undefined

  return {
    open() {
      if (channel || !('BroadcastChannel' in globalThis)) return
      channel = new BroadcastChannel(`synchart:${name}`)
      channel.onmessage = () => {
        for (const listener of listeners) listener()
      }
    },
    post: () => channel?.postMessage('committed'),
    watch(listener) {
      // Wrapped, so that the same function may watch twice.
      const own = (): void => listener()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    close() {
      channel?.close()
      channel = undefined
      listeners.clear()
    },
  }
}
