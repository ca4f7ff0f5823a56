import type { Storage } from '../../src/index.ts'
import { OPERATIONS, STORE_SCHEMA, readOperation } from '../../src/core/schema.ts'
import type { OperationRow } from '../../src/core/operation.ts'

/** Every operation that a store holds, in order, as another handle reads it. */
export async function rowsOf(storage: Storage): Promise<OperationRow[]> {
  await storage.open(STORE_SCHEMA)
  try {
    return await readRows(storage)
  } finally {
    await storage.close()
  }
}

/** The same through a handle that is open. */
export async function readRows(storage: Storage): Promise<OperationRow[]> {
  const entries = await storage.scan(OPERATIONS, { limit: 1_000 })
  return entries.flatMap((entry) => readOperation(entry) ?? [])
}
