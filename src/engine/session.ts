import { LoggedOutError, StorageConflictError } from '../core/errors.ts'
import type { CommitOptions, Entry, Expectation, Storage, Write } from '../core/ports.ts'
import { INSTALL, META } from '../core/schema.ts'
import { readSession, sessionName, type SessionRow } from '../core/session.ts'
import type { RowStorage } from './shaped-storage.ts'

export type Session = ReturnType<typeof createSession>

export interface SessionHooks {
  /** The user has logged out. Told once. */
  ended(): void
  /** The row of the install id, as it was met. */
  met(install: Entry | undefined): void
}

/**
 * This engine's part in the log-in of its user: all it writes without being the owner of the lease is refused once the user has logged out, in
 * whichever tab.
 */
export function createSession(user: string, storage: Storage, { ended, met }: SessionHooks) {
  const name = sessionName(user)
  let epoch = 0
  /** There is a row. */
  let isStored = false
  let phase: 'closed' | 'open' | 'ended' = 'closed'

  async function stored(): Promise<SessionRow | undefined> {
    return readSession(await storage.get(META, name))
  }

  /** A store that was emptied or set back knows of no log-out. */
  function stateOf(row: SessionRow | undefined): 'open' | 'asked' | 'ended' {
    if (row?.stage === 'asked' && row.epoch === epoch + 1) return 'asked'
    if (row !== undefined && row.epoch > epoch) return 'ended'
    epoch = row?.epoch ?? 0
    isStored = row !== undefined
    return 'open'
  }

  function mine(): Expectation {
    return isStored
      ? { collection: META, key: name, field: 'epoch', equals: epoch }
      : { collection: META, key: name, absent: true }
  }

  function end(): void {
    if (phase !== 'open') return
    phase = 'ended'
    ended()
  }

  /** Undefined if somebody else was quicker. */
  async function change(was: SessionRow | undefined, next: Pick<SessionRow, 'epoch' | 'stage'>): Promise<SessionRow | undefined> {
    const row: SessionRow = { ...next, name, rev: (was?.rev ?? 0) + 1 }
    try {
      await storage.commit([{ type: 'put', collection: META, value: row }], { expect: [unchanged(name, was)] })
      return row
    } catch (error) {
      if (error instanceof StorageConflictError) return undefined
      throw error
    }
  }

  async function lookAgain(): Promise<void> {
    const row = await stored()
    const state = stateOf(row)
    if (state === 'asked') await change(row, { epoch })
    if (state !== 'ended') return
    end()
    throw new LoggedOutError()
  }

  /** What the owner of the lease writes is fenced by that. @throws LoggedOutError */
  async function commit(writes: readonly Write[], options: CommitOptions = {}): Promise<readonly number[]> {
    if (options.fence !== undefined) return storage.commit(writes, options)
    try {
      return await storage.commit(writes, { ...options, expect: [...(options.expect ?? []), mine()] })
    } catch (error) {
      if (error instanceof StorageConflictError && error.index === undefined) await lookAgain()
      throw error
    }
  }

  return {
    name,
    /** The store, as this log-in may write it. */
    rows: {
      get: (collection, key) => storage.get(collection, key),
      getMany: (collection, keys) => storage.getMany(collection, keys),
      scan: (collection, query) => storage.scan(collection, query),
      scanMany: (collection, queries) => storage.scanMany(collection, queries),
      count: (collection, query) => storage.count(collection, query),
      estimate: () => storage.estimate(),
      commit,
    } satisfies RowStorage,
    stored,
    stateOf,
    change,
    /** How many log-outs there were before this log-in. */
    epoch: (): number => epoch,
    /** Some other row of `meta`; that of the session, and of the install id, is looked at with it, which costs no read of its own. */
    async read(key: string): Promise<Entry | undefined> {
      const [entry, row, install] = await storage.getMany(META, [key, name, INSTALL])
      met(install)
      if (phase === 'open' && stateOf(readSession(row)) === 'ended') end()
      return entry
    },
    /** Another row as well: what must be read first of all. */
    async begin(key: string): Promise<{ readonly entry: Entry | undefined; readonly row: SessionRow | undefined }> {
      const [entry, found] = await storage.getMany(META, [key, name])
      return { entry, row: readSession(found) }
    },
    /** The user is logged in from now on. */
    opened(row: SessionRow | undefined): void {
      epoch = row === undefined ? 0 : row.stage === 'asked' ? row.epoch - 1 : row.epoch
      isStored = row !== undefined
      phase = 'open'
    },
    end,
    /** The user has logged out, and not in again. */
    hasEnded: (): boolean => phase === 'ended',
  }
}

/** Holds as long as the row is as it was. */
export function unchanged(name: string, row: SessionRow | undefined): Expectation {
  if (row === undefined) return { collection: META, key: name, absent: true }
  return { collection: META, key: name, field: 'rev', equals: row.rev }
}
