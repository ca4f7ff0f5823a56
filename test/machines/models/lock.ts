import { createActor, fromCallback } from 'xstate'
import { lockMachine, type ClaimResult, type LockInput, type Sighting } from '../../../machines/lock.ts'
import type { LeaseRow } from '../../../src/core/schema.ts'
import { testModel, type ModelOptions } from '../../../src/testing/model/index.ts'

const parent = createActor(
  fromCallback(() => {}),
  { id: 'parent' },
)

/** Stale after a few polls, so that a walk gets there. */
export const lockInput: LockInput = { parent, heartbeatMs: 400, staleMs: 200, pollMs: 50 }

export const leases = {
  others: { name: 'lease', owner: 'other', epoch: 4, beat: 9, rev: 7 },
  released: { name: 'lease', owner: '', epoch: 4, beat: 9, rev: 8 },
  mine: { name: 'lease', owner: 'me', epoch: 5, beat: 0, rev: 9 },
} satisfies Record<string, LeaseRow>

/** What a look finds so long after the one before. */
export function sighting(lease: LeaseRow | undefined, lookedAt: number, afterMs = lockInput.pollMs): Sighting {
  return { lease, isMine: lease?.owner === 'me', at: lookedAt + afterMs }
}

export const claims = {
  held: { type: 'held', lease: leases.mine, takeover: true },
  lost: { type: 'lost' },
} satisfies Record<string, ClaimResult>

export const lockOptions: ModelOptions<typeof lockMachine> = {
  inputs: [lockInput],
  events: {
    POKE: [{ type: 'POKE' }],
    FENCED: [{ type: 'FENCED' }],
    RELEASE: [{ type: 'RELEASE' }],
  },
  outputs: {
    look: ({ context: { lookedAt } }) =>
      [undefined, leases.others, leases.released, leases.mine].map((lease) => sighting(lease, lookedAt)),
    claim: [claims.held, claims.lost],
    beat: [claims.held, claims.lost],
  },
  key: ({ context: { lease, unchangedMs } }) => [lease?.owner, Math.min(unchangedMs, lockInput.staleMs)],
}

export const lockModel = testModel(lockMachine, lockOptions)
