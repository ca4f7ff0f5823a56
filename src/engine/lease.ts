import { fromPromise } from 'xstate'
import { lockMachine, type ClaimResult, type Sighting } from '../../machines/lock.ts'
import { StorageConflictError, StorageFencedError } from '../core/errors.ts'
import type { Entry, Expectation, Storage, SystemPorts } from '../core/ports.ts'
import { LEASE, META, readLease, type LeaseRow, type Versions } from '../core/schema.ts'
import { isOlder } from '../core/shapes.ts'

export interface LeaseIdentity {
  readonly owner: string
  readonly user: string
  /** Which shapes of the application it knows. */
  readonly versions: Versions
  /** How others can tell that this owner is gone, where the store's platform can. */
  holder(): string | undefined
  /** A row of `meta`. */
  read(key: string): Promise<Entry | undefined>
}

/** The first lease of a store counts from one of so many. What grows with an epoch, as the revisions of entities do, stays a safe integer. */
const BEGINNINGS = 2 ** 30

/** The lock machine over the store's lease record: every change is one compare-and-set. */
export function leaseLock(storage: Storage, { clock, random }: Pick<SystemPorts, 'clock' | 'random'>, identity: LeaseIdentity) {
  let writing: Promise<unknown> = Promise.resolve()

  async function look(): Promise<Sighting> {
    const lease = readLease(await identity.read(LEASE))
    const isMine = lease?.owner === identity.owner
    return { lease: isMine ? lease : asSeen(lease), isMine, at: clock.monotonic() }
  }

  /** An older build sends nothing of what this one writes: so its lease counts as released. What it has under way is fenced off like that of any earlier owner. */
  function asSeen(lease: LeaseRow | undefined): LeaseRow | undefined {
    return lease !== undefined && isOlder(lease.versions, identity.versions) ? { ...lease, owner: '' } : lease
  }

  function write(seen: LeaseRow | undefined, next: Omit<LeaseRow, 'name' | 'rev'>): Promise<ClaimResult> {
    const written = compareAndSet(seen, next)
    writing = written.catch(() => {})
    return written
  }

  async function compareAndSet(seen: LeaseRow | undefined, next: Omit<LeaseRow, 'name' | 'rev'>): Promise<ClaimResult> {
    const lease: LeaseRow = { ...next, name: LEASE, rev: (seen?.rev ?? next.epoch) + 1 }
    try {
      await storage.commit([{ type: 'put', collection: META, value: lease }], { expect: [unchanged(seen)] })
      return { type: 'held', lease, takeover: seen !== undefined && seen.owner !== '' && seen.owner !== identity.owner }
    } catch (error) {
      if (error instanceof StorageConflictError || error instanceof StorageFencedError) return { type: 'lost' }
      throw error
    }
  }

  /** The first counts from anywhere: who owned a store that was emptied and begun anew must be able to write nothing in it. */
  function claim(seen: LeaseRow | undefined): Promise<ClaimResult> {
    const holder = identity.holder()
    const former = seen?.epoch ?? Math.floor(random() * BEGINNINGS)
    return write(seen, {
      owner: identity.owner,
      epoch: former + 1,
      beat: 0,
      user: identity.user,
      ...(Object.keys(identity.versions).length === 0 ? {} : { versions: identity.versions }),
      ...(holder === undefined ? {} : { holder }),
    })
  }

  /** A claim or a beat that is still under way would undo it: that is awaited first. */
  async function release(): Promise<void> {
    await writing
    const { lease, isMine } = await look()
    if (lease === undefined || !isMine) return
    const { holder: _holder, ...kept } = lease
    await write(lease, { ...kept, owner: '' })
  }

  const logic = lockMachine.provide({
    actors: {
      look: fromPromise(look),
      awaitGone: fromPromise<void, { lease: LeaseRow | undefined }>(({ input, signal }) =>
        whenGone(storage, input.lease, signal),
      ),
      claim: fromPromise<ClaimResult, { lease: LeaseRow | undefined }>(({ input }) => claim(input.lease)),
      beat: fromPromise<ClaimResult, { lease: LeaseRow | undefined }>(async ({ input: { lease } }) =>
        lease === undefined ? { type: 'lost' } : write(lease, { ...lease, beat: lease.beat + 1 }),
      ),
      release: fromPromise(release),
    },
  })
  return { logic, release }
}

function unchanged(seen: LeaseRow | undefined): Expectation {
  if (seen === undefined) return { collection: META, key: LEASE, absent: true }
  return { collection: META, key: LEASE, field: 'rev', equals: seen.rev }
}

async function whenGone(storage: Storage, lease: LeaseRow | undefined, signal: AbortSignal): Promise<void> {
  if (storage.presence !== undefined && lease?.holder !== undefined) return storage.presence.whenGone(lease.holder, signal)
  await new Promise<never>(() => {})
}
