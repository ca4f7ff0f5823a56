import { StorageCorruptError, ValidationError } from '../../core/errors.ts'
import type { CollectionSchema, Entry, Scalar } from '../../core/ports.ts'
import { SEALED } from '../../core/sealed.ts'
import { isRow, isScalar, type Row } from '../rows.ts'
import { fromBase64, toBase64, toBytes, toText } from './bytes.ts'
import type { Bytes, Cipher } from './cipher.ts'
import { after, type Maybe } from './maybe.ts'

/**
 * A row as it is stored: the fields that the store works with, and all others in `sealed`, a text `<format><kind>.<key id>.<base64>`.
 *
 * Associated data bind it to its format, key, collection, primary key and plain fields: moved elsewhere, or with one of these changed, it
 * can't be opened. Of an appended row (kind `a`) the primary key is not known when it is sealed. It is bound to its other plain fields,
 * among them one that is unique, so no copy of it can stand beside it; the first put of it (kind `p`) binds the key too. Whoever can write
 * the file could thus only change the order of rows that were never put again; and double those of the audit, of which nothing is unique.
 */
const FORMAT = '1'
type Kind = 'a' | 'p'

interface Sealed {
  readonly kind: Kind
  readonly key: string
  readonly text: string
}

export type Opened =
  | { readonly type: 'row'; readonly row: Row; readonly sealedBy: string; readonly plain: Row }
  | { readonly type: 'unsealed'; readonly row: Row }
  /** Undefined `key`: it can't be opened by any. */
  | { readonly type: 'unreadable'; readonly why: string; readonly key?: string; readonly cause?: unknown }

const plainFields = new WeakMap<CollectionSchema, ReadonlySet<string>>()

/** The fields of a collection that stay readable: its key, those of its indexes, and those that are compared. */
export function plainFieldsOf(collection: CollectionSchema): ReadonlySet<string> {
  const known = plainFields.get(collection)
  if (known !== undefined) return known
  const { key, indexes, compared = [] } = collection
  const fields = new Set([key, ...Object.values(indexes).flatMap((index) => index.fields), ...compared].toSorted())
  if (fields.has(SEALED))
    throw new ValidationError(SEALED, 'is the name of the field that holds what is sealed. Rename the field.')
  plainFields.set(collection, fields)
  return fields
}

/** What of a row stays readable. A value that is no scalar stands in no index, and is sealed. */
export function plainOf(collection: CollectionSchema, row: Row): Row {
  return divided(collection, row, undefined)[0]
}

function divided(collection: CollectionSchema, row: Row, without: string | undefined): readonly [plain: Row, hidden: Row] {
  const [plain, hidden]: [Row, Row] = [{}, {}]
  for (const field of plainFieldsOf(collection)) {
    const value = field !== without && Object.hasOwn(row, field) ? row[field] : undefined
    if (isScalar(value)) set(plain, field, value)
  }
  for (const field of Object.keys(row)) if (field !== without && !Object.hasOwn(plain, field)) set(hidden, field, row[field])
  return [plain, hidden]
}

/** A field called `__proto__` is one like any other. */
function set(row: Row, field: string, value: unknown): void {
  if (field === '__proto__') Object.defineProperty(row, field, { value, enumerable: true, writable: true, configurable: true })
  else row[field] = value
}

export interface Sealing {
  readonly cipher: Cipher
  /** The id of the key. */
  readonly id: string
  readonly name: string
  readonly collection: CollectionSchema
}

/** The row is read before this returns. Without a key it is one that is appended. */
export function sealRow({ cipher, id, name, collection }: Sealing, row: Row, key: Scalar | undefined): Maybe<Row> {
  const [plain, hidden] = divided(collection, row, key === undefined ? collection.key : undefined)
  const head = `${FORMAT}${key === undefined ? 'a' : 'p'}.${id}`
  const sealed = cipher.seal(id, encode(name, hidden), associated(head, name, key, plain, collection.key))
  return after(sealed, (bytes) => {
    plain[SEALED] = `${head}.${toBase64(bytes)}`
    return plain
  })
}

export function openRow(cipher: Cipher, name: string, collection: CollectionSchema, entry: Entry): Maybe<Opened> {
  const { value } = entry
  if (!isRow(value)) return { type: 'unreadable', why: 'it is no row', cause: entry.corrupt }
  if (!Object.hasOwn(value, SEALED)) return { type: 'unsealed', row: value }
  const sealed = parse(value[SEALED])
  const bytes = sealed && fromBase64(sealed.text)
  if (sealed === undefined || bytes === undefined) return { type: 'unreadable', why: 'what it holds is in no known form' }
  if (!cipher.ids.includes(sealed.key)) return { type: 'unreadable', why: `there is no key "${sealed.key}"`, key: sealed.key }
  const key = sealed.kind === 'p' ? entry.key : undefined
  const failed = (cause: unknown): Opened => {
    return { type: 'unreadable', why: 'it was changed, moved or cut off, or sealed with another key', cause }
  }
  const succeeded = (text: Bytes): Opened => {
    const hidden: unknown = JSON.parse(toText(text))
    if (!isRow(hidden)) return { type: 'unreadable', why: 'what it holds is no row' }
    for (const field of Object.keys(value)) if (field !== SEALED) set(hidden, field, value[field])
    return { type: 'row', row: hidden, sealedBy: sealed.key, plain: value }
  }
  try {
    const head = `${FORMAT}${sealed.kind}.${sealed.key}`
    const found = after(cipher.open(sealed.key, bytes, associated(head, name, key, value, collection.key)), succeeded)
    return found instanceof Promise ? found.catch(failed) : found
  } catch (cause) {
    return failed(cause)
  }
}

export function corruptEntry(entry: Entry, name: string, why: string, cause: unknown): Entry {
  const { key, position, value, raw = isRow(value) ? JSON.stringify(value) : undefined } = entry
  const message = `The row ${JSON.stringify(key)} of "${name}" can't be opened: ${why}. Restore it, replace it or delete it.`
  const corrupt = new StorageCorruptError(message, { cause })
  return { key, position, value: undefined, corrupt, ...(raw === undefined ? {} : { raw }) }
}

export function encode(name: string, row: Row): Bytes {
  try {
    return toBytes(JSON.stringify(row))
  } catch (cause) {
    throw new ValidationError(name, 'The row has no form in JSON: remove cycles and values such as BigInt.', { cause })
  }
}

/** JSON, which nothing but these very values gives: all that the row leaves readable. Of an appended row without its primary key. */
function associated(head: string, name: string, key: Scalar | undefined, row: Row, keyField: string): Bytes {
  const parts: unknown[] = [head, name, key ?? null]
  const fields = Object.keys(row).filter((field) => field !== SEALED && (key !== undefined || field !== keyField))
  for (const field of inOrder(fields)) parts.push(field, row[field])
  return toBytes(JSON.stringify(parts))
}

/** As they were written they are in order already; a store may give them back in another. */
function inOrder(fields: readonly string[]): readonly string[] {
  return fields.every((field, at) => at === 0 || (fields[at - 1] ?? '') < field) ? fields : fields.toSorted()
}

function parse(text: unknown): Sealed | undefined {
  const [, kind, key, base64] = typeof text === 'string' ? (/^1([ap])\.([\w-]{1,64})\.([^.]+)$/.exec(text) ?? []) : []
  if (key === undefined || base64 === undefined) return undefined
  return { kind: kind === 'a' ? 'a' : 'p', key, text: base64 }
}
