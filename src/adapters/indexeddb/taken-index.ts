import type { StoreSchema, Write } from '../../core/ports.ts'
import { positionOf, rowOf } from '../rows.ts'
import { begin } from './connection.ts'
import { result } from './request.ts'

/** Which unique index refused the write, if that can still be told: IndexedDB itself does not name it. */
export async function takenIndex(db: IDBDatabase, schema: StoreSchema, write: Write): Promise<string | undefined> {
  const collection = schema.collections[write.collection]
  if (!collection || write.type === 'delete') return undefined
  const unique = Object.entries(collection.indexes).filter(([, index]) => index.unique)
  if (unique.length < 2) return unique[0]?.[0]
  const row = rowOf(write.value, write.collection)
  try {
    const store = begin(db, [write.collection], 'readonly').objectStore(write.collection)
    for (const [name, { fields }] of unique) {
      const position = positionOf(row, fields)
      if (!position) continue
      const holder = await result(store.index(name).getKey([...position]))
      if (holder !== undefined && (write.type === 'append' || holder !== row[collection.key])) return name
    }
  } catch {
    return undefined
  }
  return undefined
}
