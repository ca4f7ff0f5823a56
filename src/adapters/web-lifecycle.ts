export interface LifecycleListeners {
  /** The page will run no more until it is resumed, if ever: it is frozen, or kept to be shown again. There is no time for promises. */
  suspended(): void
  resumed(): void
}

/**
 * Watches for the page being frozen (`freeze`, `resume`) or kept in the back/forward cache (`pagehide`, `pageshow`).
 * Workers are told of nothing. Returns the function that ends it.
 */
export function watchLifecycle({ suspended, resumed }: LifecycleListeners): () => void {
  if (typeof document === 'undefined') return () => {}
  const hidden = ({ persisted }: PageTransitionEvent): void => {
    if (persisted) suspended()
  }
  const shown = ({ persisted }: PageTransitionEvent): void => {
    if (persisted) resumed()
  }
  document.addEventListener('freeze', suspended)
  document.addEventListener('resume', resumed)
  globalThis.addEventListener('pagehide', hidden)
  globalThis.addEventListener('pageshow', shown)
  return () => {
    document.removeEventListener('freeze', suspended)
    document.removeEventListener('resume', resumed)
    globalThis.removeEventListener('pagehide', hidden)
    globalThis.removeEventListener('pageshow', shown)
  }
}
