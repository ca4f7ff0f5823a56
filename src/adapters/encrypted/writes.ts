import { ValidationError } from '../../core/errors.ts'
import type { CommitOptions, StoreSchema, Write } from '../../core/ports.ts'
import { checkAppendable, collectionIn, isRow, keyOf, rowOf } from '../rows.ts'
import type { Cipher } from './cipher.ts'
import { after, type Maybe } from './maybe.ts'
import { openRow, plainFieldsOf, plainOf, sealRow } from './sealed-row.ts'

/** The write is checked and read before this returns. */
export function sealWrite(schema: StoreSchema, cipher: Cipher, id: string, write: Write): Maybe<Write> {
  const name = write.collection
  const collection = collectionIn(schema, name)
  if (write.type === 'delete') return write
  const row = rowOf(write.value, name)
  const sealing = { cipher, id, name, collection }
  if (write.type === 'append') {
    checkAppendable(name, collection)
    return after(sealRow(sealing, row, undefined), (value) => ({ type: 'append', collection: name, value }))
  }
  const was = isRow(write.was) ? { was: plainOf(collection, write.was) } : {}
  const sealed = sealRow(sealing, row, keyOf(row, name, collection))
  return after(sealed, (value) => ({ type: 'put', collection: name, value, ...was }))
}

/** With which key of which cipher. */
interface With {
  readonly cipher: Cipher
  readonly key: string
}

/** The same write, which the former cipher has sealed, sealed with another key. */
export async function sealWriteAnew(schema: StoreSchema, former: Cipher, next: With, write: Write): Promise<Write> {
  if (write.type === 'delete') return write
  const name = write.collection
  const collection = collectionIn(schema, name)
  const sealed = rowOf(write.value, name)
  const key = write.type === 'put' ? keyOf(sealed, name, collection) : undefined
  const opened = await openRow(former, name, collection, { key: key ?? 0, position: [], value: sealed })
  if (opened.type !== 'row') throw new ValidationError(name, 'could not be sealed with the new key. Try again.')
  return { ...write, value: await sealRow({ cipher: next.cipher, id: next.key, name, collection }, opened.row, key) }
}

/** @throws ValidationError where the store would be asked to compare what it can't read. */
export function checkComparable(schema: StoreSchema, { expect = [], fence }: CommitOptions): void {
  for (const one of expect) if ('field' in one) checkPlain(schema, one.collection, one.field)
  if (fence !== undefined) checkPlain(schema, fence.collection, 'epoch')
}

function checkPlain(schema: StoreSchema, name: string, field: string): void {
  if (plainFieldsOf(collectionIn(schema, name)).has(field)) return
  throw new ValidationError(
    `${name}.${field}`,
    'is sealed, so the store can not compare it. Name it in "compared" of the collection\'s schema.',
  )
}
