import type { Entry, Storage } from '../core/ports.ts'
import { INSTALL, META, isRecord } from '../core/schema.ts'

/** The id of this installation, made at the first start; `entry` is its row, if there is one. */
export async function installId(storage: Storage, newId: () => string, entry: Entry | undefined): Promise<string> {
  const known = idOf(entry)
  if (known !== undefined) return known
  const id = newId()
  try {
    await storage.commit([{ type: 'put', collection: META, value: { name: INSTALL, id } }], {
      expect: [{ collection: META, key: INSTALL, absent: true }],
    })
    return id
  } catch (error) {
    const other = idOf(await storage.get(META, INSTALL))
    if (other === undefined) throw error
    return other
  }
}

/** Each request names it in a header: what could not stand there is none, for by that every operation would be refused. */
export function idOf(entry: Entry | undefined): string | undefined {
  const id = isRecord(entry?.value) ? entry.value['id'] : undefined
  return typeof id === 'string' && /^[\x21-\x7e]{1,256}$/.test(id) ? id : undefined
}
