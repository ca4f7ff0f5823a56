import type { CollectionSchema, Entry, ScanQuery, Storage } from '../../core/ports.ts'
import { comparePositions, indexIn, positionOf } from '../rows.ts'
import type { Cipher } from './cipher.ts'
import { missingKey, readRecord } from './key-record.ts'
import { together, type Maybe } from './maybe.ts'
import { corruptEntry, openRow, type Opened } from './sealed-row.ts'

type Unreadable = Extract<Opened, { type: 'unreadable' }>

/** Opens what was read of one collection; what can't be opened keeps its place and says why. */
export function createReader(storage: Storage, cipher: Cipher, name: string, collection: CollectionSchema) {
  function one(entry: Entry, fields?: readonly string[]): Maybe<Entry> {
    if (entry.corrupt !== undefined) return entry
    const opened = openRow(cipher, name, collection, entry)
    return opened instanceof Promise ? opened.then((now) => judged(entry, now, fields)) : judged(entry, opened, fields)
  }

  function judged(entry: Entry, opened: Opened, fields: readonly string[] | undefined): Maybe<Entry> {
    const { key, position } = entry
    if (opened.type === 'unsealed') return corruptEntry(entry, name, 'it is not sealed', undefined)
    if (opened.type === 'unreadable') return unreadable(entry, opened)
    // A store may keep an index apart from its rows.
    const place = fields && positionOf(opened.row, fields)
    if (fields !== undefined && (place === undefined || comparePositions(place, position) !== 0))
      return corruptEntry(entry, name, 'it stands in an index where it does not belong', undefined)
    return { key, position, value: opened.row }
  }

  /** If other handles seal with this key, nothing is wrong with the row: this handle lacks the key. */
  async function unreadable(entry: Entry, { key, why, cause }: Unreadable): Promise<Entry> {
    if (key !== undefined && (await readRecord(storage))?.ids.includes(key)) throw missingKey(key)
    return corruptEntry(entry, name, why, cause)
  }

  function page(entries: readonly Entry[], query: ScanQuery | undefined): Maybe<readonly Entry[]> {
    const fields = query?.index === undefined ? undefined : indexIn(collection, query.index).fields
    return together(entries.map((entry) => one(entry, fields)))
  }

  return { one: (entry: Entry) => one(entry), page }
}
