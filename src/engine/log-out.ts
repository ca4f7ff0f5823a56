import { LoggedOutError, PendingOperationsError, StorageConflictError, SyncError, ValidationError } from '../core/errors.ts'
import type { Settings } from '../core/options.ts'
import type { Clock, Entry, Expectation, Storage } from '../core/ports.ts'
import { INSTALL, isRecord, LEASE, META, type LeaseRow } from '../core/schema.ts'
import { unchanged, type Session } from './session.ts'
import type { SessionRow } from '../core/session.ts'
import type { Store } from './store.ts'
import { createWipe, type Wiped } from './wipe.ts'

/** What becomes of operations that are not done: they stay for the next log-in, are given up, or nobody is logged out as long as there are any. */
export type PendingPolicy = 'keep' | 'wipe' | 'block'

export interface LogOutOptions {
  /** Default `block`. */
  readonly pending?: PendingPolicy | undefined
}

export interface LoggedOut extends Wiped {
  /** Operations that wait in the store for the next log-in of this user. */
  readonly kept: number
}

export interface LogOutHooks {
  /** The name of this engine in a lease. */
  readonly owner: string
  /** A wipe that a log-out had left unfinished was finished. */
  wiped(wiped: Wiped): void
  /** Whoever waits for an operation of the user waits in vain. */
  forgotten(): void
}

const TRIES = 20
const STAGE_OF = { keep: {}, wipe: { stage: 'wiping' } } as const

/** Ends the log-in of a user on a store, in all tabs, and removes what is his. */
export function createLogOut(
  settings: Settings,
  clock: Clock,
  storage: Storage,
  store: Store,
  session: Session,
  hooks: LogOutHooks,
) {
  const { user, lock, stopTimeoutMs } = settings
  /** An owner has stopped by then, unless it does not run. */
  const patienceMs = 2 * stopTimeoutMs + lock.pollMs

  async function current(): Promise<SessionRow | undefined> {
    const row = await session.stored()
    if (session.stateOf(row) === 'ended') throw new LoggedOutError()
    return row
  }

  async function changed(change: (row: SessionRow | undefined) => Promise<SessionRow | undefined>): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) if ((await change(await current())) !== undefined) return
    throw new SyncError('busy', 'Other tabs write too often for a log-out. Try again.', { retryable: true })
  }

  /** What is enqueued after the question calls it off: so nothing comes between the count and the end. */
  async function endIfDone(row: SessionRow | undefined): Promise<SessionRow | undefined> {
    const epoch = session.epoch()
    const asked = await session.change(row, { epoch: epoch + 1, stage: 'asked' })
    if (asked === undefined) return undefined
    const count = await store.countLive(user)
    if (count === 0) return session.change(asked, { epoch: epoch + 1, stage: 'wiping' })
    await session.change(asked, { epoch })
    throw new PendingOperationsError(count)
  }

  /**
   * The log-out and the lease, once no engine of this user owns that: then none writes as its owner. One that does not run is deposed. Undefined once another
   * tab has finished the wipe: who owns the lease then has logged in since.
   */
  async function unowned(): Promise<{ readonly row: SessionRow; readonly lease: LeaseRow | undefined } | undefined> {
    for (const since = clock.monotonic(); ;) {
      const [row, lease] = [await session.stored(), await store.lease()]
      if (row?.stage !== 'wiping') return undefined
      if (lease === undefined || lease.owner === '' || (lease.user ?? user) !== user) return { row, lease }
      if (lease.owner === hooks.owner || clock.monotonic() - since >= patienceMs) await depose(row, lease)
      else await new Promise<void>((resolve) => clock.schedule(resolve, Math.min(lock.pollMs, patienceMs)))
    }
  }

  async function depose(row: SessionRow, { holder: _holder, ...lease }: LeaseRow): Promise<void> {
    await ifUnchanged(() =>
      storage.commit(
        [{ type: 'put', collection: META, value: { ...lease, owner: '', epoch: lease.epoch + 1, rev: lease.rev + 1 } }],
        { expect: [unchanged(session.name, row), leaseUnchanged(lease, 'rev')] },
      ),
    )
  }

  /** False if the store was no longer as it was seen. */
  async function ifUnchanged(task: () => Promise<unknown>): Promise<boolean> {
    try {
      await task()
      return true
    } catch (error) {
      if (error instanceof StorageConflictError) return false
      throw error
    }
  }

  /** Until nothing of the user is left, or another tab has finished it. */
  async function wipe(): Promise<Wiped> {
    const work = createWipe(user, storage)
    for (let isDone = false; !isDone;) {
      const left = await unowned()
      if (left === undefined) break
      const { row, lease } = left
      const expect = [unchanged(session.name, row), leaseUnchanged(lease, 'epoch')]
      isDone = await ifUnchanged(async () => {
        await work.run(expect)
        await finish(row, lease, expect)
      })
    }
    return work.result()
  }

  /** Nor does the lease tell any more whose it was. */
  async function finish(row: SessionRow, lease: LeaseRow | undefined, expect: readonly Expectation[]): Promise<void> {
    const { stage: _stage, ...ended } = row
    const { user: owner, ...free } = lease ?? { user: undefined }
    const isHis = lease !== undefined && owner === user
    await storage.commit(
      [
        { type: 'put', collection: META, value: { ...ended, rev: row.rev + 1 } },
        ...(isHis ? [{ type: 'put', collection: META, value: { ...free, rev: lease.rev + 1 } } as const] : []),
      ],
      { expect: isHis ? [...expect, leaseUnchanged(lease, 'rev')] : expect },
    )
  }

  return {
    /** From when it resolves nothing of the user is accepted, in no tab, and a wipe is finished by whoever comes next. @throws PendingOperationsError with `block` */
    async begin(pending: PendingPolicy): Promise<void> {
      if (pending === 'block') await changed(endIfDone)
      else await changed((row) => session.change(row, { epoch: session.epoch() + 1, ...STAGE_OF[pending] }))
      session.end()
    },
    /** In a store that is open, when this engine has stopped. */
    async finish(pending: PendingPolicy): Promise<LoggedOut> {
      if (pending === 'keep') return { ...createWipe(user, storage).result(), kept: await store.countLive(user) }
      const wiped = await wipe()
      hooks.forgotten()
      return { ...wiped, kept: 0 }
    },
    /** The user logs in: what an earlier log-out left to remove is removed first. Gives the row of the install id, which is read along. */
    async logIn(): Promise<Entry | undefined> {
      const { entry, row } = await session.begin(INSTALL)
      if (row?.stage === 'wiping') hooks.wiped(await wipe())
      session.opened(row?.stage === 'wiping' ? await session.stored() : row)
      return entry
    },
  }
}

function leaseUnchanged(lease: LeaseRow | undefined, field: 'rev' | 'epoch'): Expectation {
  if (lease === undefined) return { collection: META, key: LEASE, absent: true }
  return { collection: META, key: LEASE, field, equals: lease[field] }
}

/** @throws ValidationError */
export function policyOf(options: LogOutOptions): PendingPolicy {
  const pending = isRecord(options) ? (options.pending ?? 'block') : undefined
  if (pending === 'keep' || pending === 'wipe' || pending === 'block') return pending
  throw new ValidationError('pending', "must be 'keep', 'wipe' or 'block'.")
}
