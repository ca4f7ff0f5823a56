import type { CollectionSchema, IndexSchema, StoreSchema } from '../../core/ports.ts'
import { StorageCorruptError } from '../../core/errors.ts'

/** Brings the object stores and indexes to the schema, inside the upgrade's own transaction. Rows stay as they are. */
export function upgradeStores(db: IDBDatabase, transaction: IDBTransaction, schema: StoreSchema): void {
  for (const [name, collection] of Object.entries(schema.collections)) {
    const store = db.objectStoreNames.contains(name) ? transaction.objectStore(name) : createStore(db, name, collection)
    for (const stale of [...store.indexNames].filter((index) => !fits(store, index, collection))) store.deleteIndex(stale)
    for (const [index, { fields, unique }] of Object.entries(collection.indexes)) {
      if (!store.indexNames.contains(index)) store.createIndex(index, [...fields], { unique: unique === true })
    }
  }
}

/** Throws if a database of this very version lacks a part of the schema: another application made it, or the version was not raised. */
export function checkStores(db: IDBDatabase, schema: StoreSchema): void {
  const names = Object.keys(schema.collections)
  const missing = names.find((name) => !db.objectStoreNames.contains(name))
  if (missing !== undefined) throw misfit(db, missing)
  if (names.length === 0) return
  const transaction = db.transaction(names, 'readonly')
  for (const [name, collection] of Object.entries(schema.collections)) {
    const store = transaction.objectStore(name)
    const absent = Object.keys(collection.indexes).find((index) => !fits(store, index, collection))
    if (absent !== undefined || store.keyPath !== collection.key)
      throw misfit(db, absent === undefined ? name : `${name}.${absent}`)
  }
}

function createStore(db: IDBDatabase, name: string, { key, autoIncrement }: CollectionSchema): IDBObjectStore {
  return db.createObjectStore(name, { keyPath: key, autoIncrement: autoIncrement === true })
}

function fits(store: IDBObjectStore, name: string, collection: CollectionSchema): boolean {
  const wanted = Object.hasOwn(collection.indexes, name) ? collection.indexes[name] : undefined
  return wanted !== undefined && store.indexNames.contains(name) && alike(store.index(name), wanted)
}

function alike(index: IDBIndex, { fields, unique }: IndexSchema): boolean {
  return index.unique === (unique === true) && JSON.stringify(index.keyPath) === JSON.stringify(fields)
}

function misfit(db: IDBDatabase, part: string): StorageCorruptError {
  return new StorageCorruptError(
    `The database "${db.name}" has version ${db.version} but not ${part} as the schema has it. Raise the schema's version, or use another name.`,
  )
}
