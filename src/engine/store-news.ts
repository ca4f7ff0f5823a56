import type { EngineEvent } from '../../machines/engine.ts'
import { ENTITIES, META, OPERATIONS, STORE_SCHEMA } from '../core/schema.ts'

export interface Told {
  send(event: EngineEvent): void
  readonly views: { storeChanged(): void; emptied(): void } | undefined
  readonly replica: { forget(): void }
  readonly readPath: { storeChanged(): void; emptied(): void }
  readonly dispatcher: { changed(): void }
  readonly handles: { lookAgain(): void }
  readonly depth: { changed(): void }
  readonly changes: { tell(): void }
}

const ALL: readonly string[] = Object.keys(STORE_SCHEMA.collections)

/** Who is told of what happens to the store by others. */
export function createStoreNews({ send, views, replica, readPath, dispatcher, handles, depth, changes }: Told) {
  /** Most commits of others are beats of the lease, or none of the lease at all. */
  function changed(collections: readonly string[] = ALL): void {
    if (collections.includes(OPERATIONS) || collections.includes(ENTITIES)) views?.storeChanged()
    if (collections.includes(META)) {
      send({ type: 'STORE.CHANGED' })
      readPath.storeChanged()
    }
    if (!collections.includes(OPERATIONS)) return
    dispatcher.changed()
    handles.lookAgain()
    depth.changed()
    changes.tell()
  }

  return {
    changed,
    emptied(): void {
      views?.emptied()
      replica.forget()
      readPath.emptied()
      changed()
    },
    /** Who owned the lease may have died between a commit and the news of it. */
    leftUntold(): void {
      views?.storeChanged()
      handles.lookAgain()
    },
  }
}
