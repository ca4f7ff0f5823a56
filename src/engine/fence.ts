import { StorageConflictError, StorageFencedError } from '../core/errors.ts'
import type { CommitOptions, Fence, Write } from '../core/ports.ts'
import { LEASE, META, type LeaseRow } from '../core/schema.ts'
import type { Occasion } from './audit-writer.ts'

type Commit = (writes: readonly Write[], options: CommitOptions, occasion: Occasion) => Promise<readonly number[]>

/**
 * Writes of the owner: refused once a newer owner exists, or his lease is gone. In a store that was emptied they would take the place of what stands there
 * by now.
 */
export function fencedCommit(commit: Commit, lease: () => Promise<LeaseRow | undefined>) {
  return async function commitAs(
    epoch: number,
    writes: readonly Write[],
    options: CommitOptions = {},
    occasion: Occasion = 'turn',
  ): Promise<readonly number[]> {
    const expect = [...(options.expect ?? []), { collection: META, key: LEASE, field: 'epoch', equals: epoch }]
    try {
      return await commit(writes, { ...options, expect, fence: fenceOf(epoch) }, occasion)
    } catch (error) {
      const current = error instanceof StorageConflictError ? (await lease())?.epoch : epoch
      throw current === epoch ? error : new StorageFencedError(epoch, current)
    }
  }
}

/** Lets only the owner of this epoch write. */
export function fenceOf(epoch: number): Fence {
  return { collection: META, key: LEASE, epoch }
}
