import { StorageCorruptError } from '../../core/errors.ts'
import type { Entry, IndexKey, Scalar } from '../../core/ports.ts'
import { isRow } from '../rows.ts'
import type { Row } from '../rows.ts'

export type Decoded = Entry & { readonly value: Row | undefined }

function corrupt(key: Scalar, position: IndexKey, text: unknown, cause: unknown): Decoded {
  const message = `The row ${JSON.stringify(key)} can't be decoded. Restore it, replace it or delete it.`
  const error = new StorageCorruptError(message, { cause })
  return { key, position, value: undefined, corrupt: error, ...(typeof text === 'string' ? { raw: text } : {}) }
}

function parse(text: unknown): unknown {
  return typeof text === 'string' ? JSON.parse(text) : undefined
}

/** The stored text as an entry, with the key in its field if the text lacks it. A text that is no JSON object makes a corrupt one. */
export function decode(key: Scalar, position: IndexKey, text: unknown, missingKey?: string): Decoded {
  try {
    const value = parse(text)
    if (!isRow(value)) return corrupt(key, position, text, undefined)
    if (missingKey !== undefined) value[missingKey] = key
    return { key, position, value }
  } catch (cause) {
    return corrupt(key, position, text, cause)
  }
}
