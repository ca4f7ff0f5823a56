import { ValidationError } from '../../core/errors.ts'
import type { CommitOptions, StoreSchema, Write } from '../../core/ports.ts'
import { checkAppendable, collectionIn, isRow, keyOf, rowOf } from '../rows.ts'
import type { Cipher } from './cipher.ts'
import { plainFieldsOf, plainOf, sealable } from './sealed-row.ts'

/** Checks and reads a write at once; what it returns seals it. */
export function sealableWrite(schema: StoreSchema, write: Write): (cipher: Cipher, key: string) => Promise<Write> {
  const name = write.collection
  const collection = collectionIn(schema, name)
  if (write.type === 'delete') return async () => write
  const row = rowOf(write.value, name)
  if (write.type === 'append') {
    checkAppendable(name, collection)
    const seal = sealable(name, collection, row, undefined)
    return async (cipher, key) => ({ type: 'append', collection: name, value: await seal(cipher, key) })
  }
  const seal = sealable(name, collection, row, keyOf(row, name, collection))
  const was = isRow(write.was) ? { was: plainOf(collection, write.was) } : {}
  return async (cipher, key) => ({ type: 'put', collection: name, value: await seal(cipher, key), ...was })
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
