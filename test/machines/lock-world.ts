import { createActor, fromCallback, fromPromise, type AnyEventObject } from 'xstate'
import { lockMachine, type ClaimResult, type LockReport, type Sighting } from '../../machines/lock.ts'
import type { LeaseRow } from '../../src/core/schema.ts'
import { machineClock } from '../../src/engine/machine-clock.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

export const lockOptions = { heartbeatMs: 100, staleMs: 1_000, pollMs: 50 }

type Effect = 'look' | 'claim' | 'beat' | 'release'

/** A lease record in a variable, compared and set in one go. */
export function leaseRecord(lease?: LeaseRow) {
  return { lease }
}

export function leaseOf(owner: string, rev = 1): LeaseRow {
  return { name: 'lease', owner, epoch: rev, beat: 0, rev }
}

/** A lock machine with effects on the record, which may be made to fail or to wait, and a parent that keeps what it is told. */
export function candidate(record: { lease: LeaseRow | undefined }, owner = 'me') {
  const clock = createVirtualClock()
  const reports: LockReport[] = []
  const calls: Effect[] = []
  const failing = new Set<Effect>()
  const waiting = new Map<Effect, Promise<void>>()
  const watched: (LeaseRow | undefined)[] = []
  let gone = (): void => {}

  async function act<T>(effect: Effect, work: () => T): Promise<T> {
    calls.push(effect)
    await waiting.get(effect)
    if (failing.has(effect)) throw new Error(`${effect} failed`)
    return work()
  }

  function write(seen: LeaseRow | undefined, next: LeaseRow): ClaimResult {
    if (record.lease?.rev !== seen?.rev) return { type: 'lost' }
    record.lease = next
    return { type: 'held', lease: next, takeover: seen !== undefined && seen.owner !== '' }
  }

  const logic = lockMachine.provide({
    actors: {
      look: fromPromise(() =>
        act('look', (): Sighting => ({ lease: record.lease, isMine: record.lease?.owner === owner, at: clock.monotonic() })),
      ),
      awaitGone: fromPromise<void, { lease: LeaseRow | undefined }>(({ input }) => {
        watched.push(input.lease)
        return new Promise((resolve) => (gone = resolve))
      }),
      claim: fromPromise<ClaimResult, { lease: LeaseRow | undefined }>(({ input: { lease } }) =>
        act('claim', () => write(lease, { ...leaseOf(owner, (lease?.rev ?? 0) + 1), epoch: (lease?.epoch ?? 0) + 1 })),
      ),
      beat: fromPromise<ClaimResult, { lease: LeaseRow | undefined }>(({ input: { lease } }) =>
        act('beat', () => write(lease, { ...lease!, beat: lease!.beat + 1, rev: lease!.rev + 1 })),
      ),
      release: fromPromise<void>(() =>
        act('release', () => {
          if (record.lease?.owner === owner) record.lease = { ...record.lease, owner: '', rev: record.lease.rev + 1 }
        }),
      ),
    },
  })
  const parent = createActor(
    fromCallback<AnyEventObject>(({ receive }) => receive((event) => void reports.push(event as LockReport))),
  )
  parent.start()
  const actor = createActor(logic, { input: { ...lockOptions, parent }, clock: machineClock(clock) })
  actor.start()

  return {
    actor,
    clock,
    reports,
    calls,
    failing,
    waiting,
    watched,
    /** The holder that was last watched is certainly gone. */
    gone: () => gone(),
    state: () => actor.getSnapshot().value,
    told: () => reports.map(({ type }) => type),
  }
}

export type Candidate = ReturnType<typeof candidate>

/** Lets the same time pass for all, in small steps. */
export async function together(candidates: readonly Candidate[], ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10) for (const { clock } of candidates) await clock.advance(10)
}
