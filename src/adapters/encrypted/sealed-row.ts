import { StorageCorruptError, ValidationError } from '../../core/errors.ts'
import type { CollectionSchema, Entry, Scalar } from '../../core/ports.ts'
import { isRow, isScalar, type Row } from '../rows.ts'
import { fromBase64, toBase64 } from './base64.ts'
import type { Bytes, Cipher } from './cipher.ts'

/**
 * A row as it is stored: the fields that the store works with, and all others in `sealed`, a text `<format><kind>.<key id>.<base64>`.
 *
 * Associated data bind it to its format, key, collection, primary key and plain fields: moved elsewhere, or with one of these changed, it
 * can't be opened. Of an appended row (kind `a`) the primary key is not known when it is sealed. It is bound to its other plain fields,
 * among them one that is unique, so no copy of it can stand beside it; the first put of it (kind `p`) binds the key too. Whoever can write
 * the file could thus only change the order of rows that were never put again.
 */
export const SEALED = 'sealed'

const FORMAT = '1'
type Kind = 'a' | 'p'

export interface Sealed {
  readonly kind: Kind
  readonly key: string
  readonly text: string
}

export type Opened =
  | { readonly type: 'row'; readonly row: Row; readonly sealedBy: string; readonly plain: Row }
  | { readonly type: 'unsealed'; readonly row: Row }
  /** Undefined `key`: it can't be opened by any. */
  | { readonly type: 'unreadable'; readonly why: string; readonly key?: string; readonly cause?: unknown }

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })
const plainFields = new WeakMap<CollectionSchema, ReadonlySet<string>>()

/** The fields of a collection that stay readable: its key, those of its indexes, and those that are compared. */
export function plainFieldsOf(collection: CollectionSchema): ReadonlySet<string> {
  const known = plainFields.get(collection)
  if (known !== undefined) return known
  const { key, indexes, compared = [] } = collection
  const fields = new Set([key, ...Object.values(indexes).flatMap((index) => index.fields), ...compared])
  if (fields.has(SEALED)) throw new ValidationError(SEALED, 'is the name of the field that holds what is sealed. Rename the field.')
  plainFields.set(collection, fields)
  return fields
}

/** What of a row stays readable. A value that is no scalar stands in no index, and is sealed. */
export function plainOf(collection: CollectionSchema, row: Row): Row {
  const fields = plainFieldsOf(collection)
  return Object.fromEntries(Object.entries(row).filter(([field, value]) => fields.has(field) && isScalar(value)))
}

/** Two steps, so that the row is read at once and sealed when that has its turn. */
export function sealable(name: string, collection: CollectionSchema, row: Row, key: Scalar | undefined) {
  const fields = plainFieldsOf(collection)
  const entries = Object.entries(row).filter(([field]) => key !== undefined || field !== collection.key)
  const isPlain = ([field, value]: [string, unknown]): boolean => fields.has(field) && isScalar(value)
  const plain: Row = Object.fromEntries(entries.filter(isPlain))
  const rest = encode(name, Object.fromEntries(entries.filter((entry) => !isPlain(entry))))

  return async (cipher: Cipher, id: string): Promise<Row> => {
    const head = `${FORMAT}${key === undefined ? 'a' : 'p'}.${id}`
    const sealed = await cipher.seal(id, rest, associated(head, name, key, plain))
    return { ...plain, [SEALED]: `${head}.${toBase64(sealed)}` }
  }
}

export async function openRow(cipher: Cipher, name: string, collection: CollectionSchema, entry: Entry): Promise<Opened> {
  if (!isRow(entry.value)) return { type: 'unreadable', why: 'it is no row', cause: entry.corrupt }
  if (!Object.hasOwn(entry.value, SEALED)) return { type: 'unsealed', row: entry.value }
  const { [SEALED]: text, ...plain } = entry.value
  const sealed = parse(text)
  const bytes = sealed && fromBase64(sealed.text)
  if (sealed === undefined || bytes === undefined) return { type: 'unreadable', why: 'what it holds is in no known form' }
  if (!cipher.ids.includes(sealed.key)) return { type: 'unreadable', why: `there is no key "${sealed.key}"`, key: sealed.key }
  const key = sealed.kind === 'p' ? entry.key : undefined
  const bound = key === undefined ? without(plain, collection.key) : plain
  try {
    const head = `${FORMAT}${sealed.kind}.${sealed.key}`
    const rest: unknown = JSON.parse(decoder.decode(await cipher.open(sealed.key, bytes, associated(head, name, key, bound))))
    if (isRow(rest)) return { type: 'row', row: { ...plain, ...rest }, sealedBy: sealed.key, plain: entry.value }
    return { type: 'unreadable', why: 'what it holds is no row' }
  } catch (cause) {
    return { type: 'unreadable', why: 'it was changed, moved or cut off, or sealed with another key', cause }
  }
}

export function corruptEntry({ key, position }: Entry, name: string, why: string, cause: unknown): Entry {
  const message = `The row ${JSON.stringify(key)} of "${name}" can't be opened: ${why}. Restore it, replace it or delete it.`
  return { key, position, value: undefined, corrupt: new StorageCorruptError(message, { cause }) }
}

/** The id of the key that the row says it is sealed with. */
export function keyIdOf(value: unknown): string | undefined {
  return isRow(value) && Object.hasOwn(value, SEALED) ? parse(value[SEALED])?.key : undefined
}

export function encode(name: string, row: Row): Bytes {
  try {
    return encoder.encode(JSON.stringify(row))
  } catch (cause) {
    throw new ValidationError(name, 'The row has no form in JSON: remove cycles and values such as BigInt.', { cause })
  }
}

/** JSON, which nothing but these very values gives. */
function associated(head: string, name: string, key: Scalar | undefined, plain: Row): Bytes {
  const fields = Object.entries(plain).toSorted(([left], [right]) => (left < right ? -1 : 1))
  return encoder.encode(JSON.stringify([head, name, key ?? null, fields]))
}

function parse(text: unknown): Sealed | undefined {
  const [, kind, key, base64] = typeof text === 'string' ? (/^1([ap])\.([\w-]{1,64})\.([^.]+)$/.exec(text) ?? []) : []
  if (key === undefined || base64 === undefined) return undefined
  return { kind: kind === 'a' ? 'a' : 'p', key, text: base64 }
}

function without(row: Row, field: string): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => name !== field))
}
