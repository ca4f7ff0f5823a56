import { indexedDbStorage } from '../../../../src/adapters/indexeddb/index.ts'
import { localforageStorage } from '../../../../src/adapters/localforage/index.ts'
import { StorageConflictError } from '../../../../src/core/errors.ts'
import type { Storage } from '../../../../src/core/ports.ts'
import { schema } from '../../../adapters/storage-world.ts'

export const ROUNDS = 100

export function storageOf(kind: string, name: string): Storage {
  return kind === 'indexeddb' ? indexedDbStorage({ name }) : localforageStorage({ name, driver: 'LOCALSTORAGE' })
}

/** Adds 1 to a counter that others add to as well, again and again, and appends an operation each time. */
export async function countTogether(storage: Storage, id: string): Promise<void> {
  await storage.open(schema)
  for (let round = 0; round < ROUNDS; round++) {
    while (!(await addOne(storage, `${id}-${round}`)));
  }
  await storage.close()
}

async function addOne(storage: Storage, operation: string): Promise<boolean> {
  const row = (await storage.get('notes', 'counter'))?.value as { count: number } | undefined
  const count = row?.count ?? 0
  const counter = { collection: 'notes', key: 'counter' } as const
  try {
    await storage.commit(
      [
        { type: 'put', collection: 'notes', value: { id: 'counter', count: count + 1 } },
        { type: 'append', collection: 'operations', value: { id: operation } },
      ],
      { expect: [row ? { ...counter, field: 'count', equals: count } : { ...counter, absent: true }] },
    )
    return true
  } catch (error) {
    if (error instanceof StorageConflictError) return false
    throw error
  }
}
