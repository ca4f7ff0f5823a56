import type { CollectionSchema, Entry, ScanQuery, Storage } from '../../core/ports.ts'
import { comparePositions, indexIn, positionOf } from '../rows.ts'
import type { Cipher } from './cipher.ts'
import { missingKey, readRecord } from './key-record.ts'
import { corruptEntry, openRow } from './sealed-row.ts'

/** Opens what was read of one collection; what can't be opened keeps its place and says why. */
export function createReader(storage: Storage, cipher: Cipher, name: string, collection: CollectionSchema) {
  async function one(entry: Entry, fields?: readonly string[]): Promise<Entry> {
    if (entry.corrupt !== undefined) return entry
    const { key, position } = entry
    const opened = await openRow(cipher, name, collection, entry)
    if (opened.type === 'unsealed') return corruptEntry(entry, name, 'it is not sealed', undefined)
    if (opened.type === 'unreadable') {
      await checkKey(opened.key)
      return corruptEntry(entry, name, opened.why, opened.cause)
    }
    // A store may keep an index apart from its rows.
    const place = fields && positionOf(opened.row, fields)
    if (fields !== undefined && (place === undefined || comparePositions(place, position) !== 0))
      return corruptEntry(entry, name, 'it stands in an index where it does not belong', undefined)
    return { key, position, value: opened.row }
  }

  /** If other handles seal with this key, nothing is wrong with the row: this handle lacks the key. */
  async function checkKey(id: string | undefined): Promise<void> {
    if (id !== undefined && (await readRecord(storage))?.ids.includes(id)) throw missingKey(id)
  }

  function page(entries: readonly Entry[], query: ScanQuery | undefined): Promise<readonly Entry[]> {
    const fields = query?.index === undefined ? undefined : indexIn(collection, query.index).fields
    return Promise.all(entries.map((entry) => one(entry, fields)))
  }

  return { one: (entry: Entry) => one(entry), page }
}
