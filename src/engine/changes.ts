/** Who wants to know that operations in the store have changed, or may have. */
export function createChanges() {
  const listeners = new Set<() => void>()
  return {
    /** Returns the function that ends it. */
    onChange(listener: () => void): () => void {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tell(): void {
      for (const listener of listeners) listener()
    },
  }
}
