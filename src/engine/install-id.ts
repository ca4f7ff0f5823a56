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

function idOf(entry: Entry | undefined): string | undefined {
  return isRecord(entry?.value) && typeof entry.value['id'] === 'string' ? entry.value['id'] : undefined
}
