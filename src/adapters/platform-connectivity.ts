import type { Connectivity } from '../core/ports.ts'

type Word = 'online' | 'offline'

/**
 * What the platform says: of a page, and of workers and service workers too. Where it says nothing (Node), the network is taken to
 * be there, and failing requests tell otherwise.
 */
export const platformConnectivity: Connectivity = {
  online: () => !isKnown(globalThis) || globalThis.navigator.onLine,
  watch(listener) {
    if (typeof globalThis.addEventListener !== 'function') return () => {}
    const listeners: Readonly<Record<Word, () => void>> = { online: () => listener(true), offline: () => listener(false) }
    globalThis.addEventListener('online', listeners.online)
    globalThis.addEventListener('offline', listeners.offline)
    return () => {
      globalThis.removeEventListener('online', listeners.online)
      globalThis.removeEventListener('offline', listeners.offline)
    }
  },
}

/** Node has a `navigator` without `onLine`, or none. */
function isKnown(scope: object): boolean {
  return 'navigator' in scope && typeof scope.navigator === 'object' && scope.navigator !== null && 'onLine' in scope.navigator
}
