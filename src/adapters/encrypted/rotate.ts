import { StorageConflictError, ValidationError } from '../../core/errors.ts'
import type { Storage, StoreSchema } from '../../core/ports.ts'
import { replace } from './admission.ts'
import type { Cipher } from './cipher.ts'
import { readRecord, stillCurrent, verify } from './key-record.ts'
import { sealAnew } from './passes.ts'
import type { Opened } from './sealed-row.ts'

export interface RotateOptions {
  /** How many rows are sealed anew in one commit. Default 200. */
  readonly batchSize?: number
  /** Called after each of these commits. */
  readonly onProgress?: (progress: { readonly resealed: number }) => void
  /** Ends it early, between two commits. What is done stays done. */
  readonly signal?: AbortSignal
}

export interface Rotation {
  /** How many rows were sealed with an older key. */
  readonly resealed: number
  /** How many can't be opened with any key, and stay as they are. */
  readonly unreadable: number
}

export interface Rotated {
  readonly storage: Storage
  readonly schema: StoreSchema
  readonly cipher: Cipher
}

/** So often it takes the place of another handle's key. Where two of them do so to each other, neither would come to an end. */
const MOST_TAKES = 20

/**
 * Seals with the current key what an older one has sealed, then strikes the older ones off the record. From its begin on no commit
 * seals with another key, so what is behind it needs no second look. Killed, it is simply called again.
 */
export async function rotateKeys(rotated: Rotated, options: RotateOptions): Promise<Rotation> {
  const { storage, schema, cipher } = rotated
  const { batchSize = 200, onProgress, signal } = options
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 1_000)
    throw new ValidationError('batchSize', 'must be a whole number of rows from 1 to 1,000.')
  const { current: key } = cipher
  let resealed = 0
  const committed = (rows: number): void => {
    resealed += rows
    onProgress?.({ resealed })
  }

  for (let takes = 0; ;) {
    const known = await readRecord(storage)
    if (known === undefined) throw new StorageConflictError('The record of the keys is gone. Close the store, and open it again.')
    await verify(known, cipher)
    if (known.current !== key) {
      takes += 1
      if (takes > MOST_TAKES) throw duel()
      await replace(
        storage,
        known,
        { ...known, rev: known.rev + 1, current: key, ids: [...new Set([...known.ids, key])] },
        cipher,
      )
      continue
    }
    try {
      const wants = (opened: Opened): boolean => opened.type === 'row' && opened.sealedBy !== key
      const expect = stillCurrent(key)
      const unreadable = await sealAnew({ storage, schema, cipher, key, wants, expect, batchSize, signal, committed })
      const last = await readRecord(storage)
      // Between the two another handle may have sealed with its own key, or have struck off the older ones.
      if (last?.rev !== known.rev) continue
      const isDone = last.ids.length === 1
      if (isDone || (await replace(storage, last, { ...last, rev: last.rev + 1, ids: [key] }, cipher)))
        return { resealed, unreadable }
    } catch (error) {
      // Another handle has made its own key the current one meanwhile.
      if (!(error instanceof StorageConflictError)) throw error
    }
  }
}

function duel(): StorageConflictError {
  return new StorageConflictError(
    'Other handles make another key the current one, again and again. See that all have the same current key, then call rotate() once more.',
  )
}
