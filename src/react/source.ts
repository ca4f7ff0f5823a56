import type { Observable, Subscription } from 'rxjs'
import { useSyncExternalStore } from 'react'

/** What `useSyncExternalStore` reads: the last value of a stream that is followed as long as somebody listens. */
export interface Source<T> {
  subscribe(listener: () => void): () => void
  last(): T
}

/** `initial` stands until the stream has told something. */
export function sourceOf<T>(stream: Observable<T>, initial: T): Source<T> {
  const listeners = new Set<() => void>()
  let last = initial
  let subscription: Subscription | undefined

  function next(value: T): void {
    last = value
    for (const listener of listeners) listener()
  }

  return {
    last: () => last,
    subscribe(listener) {
      listeners.add(listener)
      subscription ??= stream.subscribe(next)
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        subscription?.unsubscribe()
        subscription = undefined
      }
    },
  }
}

/** What a stream tells at once. */
export function currentOf<T>(stream: Observable<T>, otherwise: T): T {
  let current = otherwise
  stream.subscribe((value) => (current = value)).unsubscribe()
  return current
}

/** On a server nothing is followed. */
export function useSource<T>({ subscribe, last }: Source<T>, onServer: T): T {
  return useSyncExternalStore(subscribe, last, () => onServer)
}
