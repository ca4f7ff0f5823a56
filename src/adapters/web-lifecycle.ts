export interface LifecycleListeners {
  /** The page runs no more until it is resumed, if ever: it is frozen, kept to be shown again, or left for good. There is no time for promises. */
  suspended(): void
  resumed(): void
}

/**
 * Watches for the page being frozen (`freeze`, `resume`), or left and, from the back/forward cache, shown again (`pagehide`, `pageshow`).
 * Workers are told of nothing. Returns the function that ends it.
 */
export function watchLifecycle({ suspended, resumed }: LifecycleListeners): () => void {
  if (typeof document === 'undefined') return () => {}
  const shown = ({ persisted }: PageTransitionEvent): void => {
    if (persisted) resumed()
  }
  document.addEventListener('freeze', suspended)
  document.addEventListener('resume', resumed)
  globalThis.addEventListener('pagehide', suspended)
  globalThis.addEventListener('pageshow', shown)
  return () => {
    document.removeEventListener('freeze', suspended)
    document.removeEventListener('resume', resumed)
    globalThis.removeEventListener('pagehide', suspended)
    globalThis.removeEventListener('pageshow', shown)
  }
}
