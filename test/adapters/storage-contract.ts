import { describe } from 'vitest'
import type { StorageWorld } from './storage-world.ts'
import { describeCommits } from './storage-contract-commits.ts'
import { describeFaults } from './storage-contract-faults.ts'
import { describeLife } from './storage-contract-life.ts'
import { describeScans } from './storage-contract-scans.ts'

export type { StorageWorld } from './storage-world.ts'

/** What every storage adapter must do. `makeWorld` gives an empty store of its own to each test. */
export function describeStorage(name: string, makeWorld: () => Promise<StorageWorld>): void {
  describe(`storage contract: ${name}`, () => {
    describeScans(makeWorld)
    describeCommits(makeWorld)
    describeFaults(makeWorld)
    describeLife(makeWorld)
  })
}
