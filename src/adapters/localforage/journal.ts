import type { KeyValueStore } from './forage.ts'
import type { Change, Head } from './head.ts'
import { writeHead } from './head.ts'

export interface Journal {
  readonly before: Head
  readonly after: Head
  readonly changes: readonly Change[]
  /** What the changed keys held before. */
  readonly images: readonly Change[]
}

/**
 * Makes many writes one: the head with all of them in it is the commit, the rest only brings the rows up to it and may be
 * done again by anyone. Throws if nothing was written.
 */
export async function persist(store: KeyValueStore, { before, after, changes, images }: Journal): Promise<void> {
  await writeHead(store, { ...after, redo: changes })
  try {
    await apply(store, changes)
  } catch (error) {
    if (await undo(store, { ...before, by: after.by, redo: images })) throw error
    return
  }
  // If this fails, the next operation does the same writes once more.
  await writeHead(store, after).catch(() => {})
}

/** Finishes what an earlier handle began. */
export async function recover(store: KeyValueStore, { redo, ...head }: Head): Promise<Head> {
  if (!redo) return head
  await apply(store, redo)
  await writeHead(store, head)
  return head
}

/**
 * Replaces the redo record by its opposite. It has room where the rows had: what they freed before the failure is at least
 * what their images need beyond the redo record. False if even that can't be written: then the commit stands.
 */
async function undo(store: KeyValueStore, head: Head): Promise<boolean> {
  try {
    await writeHead(store, head)
  } catch {
    return false
  }
  await recover(store, head).catch(() => {})
  return true
}

async function apply(store: KeyValueStore, changes: readonly Change[]): Promise<void> {
  const results = await Promise.allSettled(changes.map(([key, record]) => (record ? store.set(key, record) : store.remove(key))))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}
