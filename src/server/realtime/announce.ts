import type { Store } from '../store.ts'

/** The store, telling which entities a transaction changed, after its commit. */
export function announcing(store: Store, changed: (entity: string) => void): Store {
  const touched = new Set<string>()
  return {
    ...store,
    put(entity, resource) {
      touched.add(entity)
      store.put(entity, resource)
    },
    transaction(work) {
      touched.clear()
      const result = store.transaction(work)
      touched.forEach(changed)
      return result
    },
  }
}
