import { EDITS, META, isCounter, isRecord, readEdits } from '../core/schema.ts'
import type { RowStorage } from './shaped-storage.ts'

/** Higher than edits were ever counted. */
const AFRESH = 2 ** 40

/**
 * How often operations were edited behind the owner's back. A row that can't be counted on is written anew: what is expected of it would never hold, and the
 * owner would look again for ever.
 */
export async function editsIn(storage: Pick<RowStorage, 'get' | 'commit'>): Promise<number> {
  const entry = await storage.get(META, EDITS)
  if (entry === undefined || (isRecord(entry.value) && isCounter(entry.value['rev']) && entry.value['rev'] !== 0))
    return readEdits(entry)
  await storage.commit([{ type: 'put', collection: META, value: { name: EDITS, rev: AFRESH } }])
  return AFRESH
}
