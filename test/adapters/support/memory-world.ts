import { memoryDisk, memoryStorage } from '../../../src/adapters/memory.ts'
import type { StorageWorld } from '../storage-contract.ts'

export async function makeMemoryWorld(): Promise<StorageWorld> {
  const disk = memoryDisk()
  return {
    handle: () => memoryStorage({ disk }),
    async failWritesOf(collection, key) {
      disk.beforeWrite = (writtenTo, written) => {
        if (writtenTo === collection && written === key) throw new Error('the disk failed')
      }
      return async () => {
        disk.beforeWrite = undefined
      }
    },
    async fillQuota() {
      disk.quotaBytes = disk.usedBytes + 1000
      return async () => {
        disk.quotaBytes = undefined
      }
    },
    async corruptRow(collection, key) {
      disk.corrupt(collection, key)
    },
    async destroy() {
      disk.tables.clear()
    },
  }
}
