import type { OperationRow } from '../core/operation.ts'
import type { Clock, IndexKey } from '../core/ports.ts'
import { readOperation } from '../core/schema.ts'
import { PAGE_LIMIT, putOperation, type Store } from './store.ts'
import { editsUnchanged } from './store-edit.ts'

/** Corrections that are no more than this only delay what waits. */
const TOLERANCE_MS = 1_000

/**
 * Waits are kept as wall-clock times, so that they outlive a restart. If the clock is set back, perhaps by a year, they would last as much
 * longer: what waits longer than its own delay is dated anew, from now on.
 */
export function createClockCheck(store: Store, user: string, clock: Clock) {
  /** By how much the wall clock was ahead of the monotonic one when waits were dated last; infinite where nothing is known of that. */
  let lead = Infinity

  async function redate(epoch: number): Promise<boolean> {
    const edits = await store.edits()
    const now = clock.now()
    let found = false
    for (let gt: IndexKey | undefined = [user, now + 1]; gt !== undefined;) {
      const page = await store.waitingAfter(user, gt, PAGE_LIMIT)
      const late = page
        .flatMap((entry) => readOperation(entry) ?? [])
        .filter((row) => row.aside?.why !== 'newer' && waitsTooLong(row, now))
      const writes = late.map((row) => putOperation({ ...row, rev: row.rev + 1, dueAt: now + (row.backoffMs ?? 0) }))
      if (writes.length > 0) await store.commitAs(epoch, writes, { expect: [editsUnchanged(edits)] })
      found ||= writes.length > 0
      gt = page.length < PAGE_LIMIT ? undefined : page.at(-1)?.position
    }
    return found
  }

  return {
    /** Begins an ownership. */
    begin(): void {
      lead = Infinity
    },
    /**
     * True if something is due at another time than before. Fails like the store; then it is done again. So it is while a wait has not been
     * written: that may have been dated before the clock was set back.
     */
    async correct(epoch: number, unwritten: readonly { readonly row: OperationRow }[]): Promise<boolean> {
      const leadNow = clock.now() - clock.monotonic()
      const waits = unwritten.filter(({ row }) => row.status === 'waiting')
      if (waits.length > 0) {
        lead = waits.some(({ row }) => waitsTooLong(row, clock.now())) ? Infinity : Math.max(lead, leadNow)
        return false
      }
      const wasSetBack = leadNow < lead - TOLERANCE_MS
      const found = wasSetBack && (await redate(epoch))
      lead = leadNow
      return found
    },
  }
}

function waitsTooLong({ status, dueAt, backoffMs }: OperationRow, now: number): boolean {
  return status === 'waiting' && dueAt !== undefined && backoffMs !== undefined && dueAt - now > backoffMs
}
