import { OPERATIONS, isRecord } from '../../src/core/schema.ts'
import { StorageUnavailableError, type CommitOptions, type Storage, type Write } from '../../src/index.ts'

type Read = 'get' | 'getMany' | 'scan' | 'scanMany' | 'count'

export interface FaultyStorage extends Storage {
  /** Every commit from now on fails as long as this gives an error. */
  failCommits(fault: ((writes: readonly Write[], options: CommitOptions | undefined) => Error | undefined) | undefined): void
  /** A commit that this gives an error for is made, and fails all the same. */
  loseAnswers(fault: ((writes: readonly Write[]) => Error | undefined) | undefined): void
  /** Every read from now on fails as long as this gives an error; told the method and its collection. */
  failReads(fault: ((method: Read, collection: string) => Error | undefined) | undefined): void
  /** How many commits came through. */
  commits(): number
}

/** A real storage that refuses what the test says, before anything of it is written or read. */
export function faultyStorage(storage: Storage): FaultyStorage {
  let commitFault: Parameters<FaultyStorage['failCommits']>[0]
  let lostAnswer: Parameters<FaultyStorage['loseAnswers']>[0]
  let readFault: Parameters<FaultyStorage['failReads']>[0]
  let commits = 0

  function checkRead(method: Read, collection: string): void {
    const error = readFault?.(method, collection)
    if (error !== undefined) throw error
  }

  return {
    ...storage,
    async get(collection, key) {
      checkRead('get', collection)
      return storage.get(collection, key)
    },
    async getMany(collection, keys) {
      checkRead('getMany', collection)
      return storage.getMany(collection, keys)
    },
    async scan(collection, query) {
      checkRead('scan', collection)
      return storage.scan(collection, query)
    },
    async scanMany(collection, queries) {
      checkRead('scanMany', collection)
      return storage.scanMany(collection, queries)
    },
    async count(collection, query) {
      checkRead('count', collection)
      return storage.count(collection, query)
    },
    async commit(writes, options) {
      const error = commitFault?.(writes, options)
      if (error !== undefined) throw error
      const keys = await storage.commit(writes, options)
      commits += 1
      const lost = lostAnswer?.(writes)
      if (lost !== undefined) throw lost
      return keys
    },
    failCommits(fault) {
      commitFault = fault
    },
    loseAnswers(fault) {
      lostAnswer = fault
    },
    failReads(fault) {
      readFault = fault
    },
    commits: () => commits,
  }
}

/** Whether an operation gets this status by it. */
export function records(writes: readonly Write[], status: string): boolean {
  return writes.some(
    (write) =>
      write.type === 'put' && write.collection === OPERATIONS && isRecord(write.value) && write.value['status'] === status,
  )
}

/** A fault that comes once. */
export function unavailableOnce(): () => Error | undefined {
  let isLeft = true
  return () => {
    if (!isLeft) return undefined
    isLeft = false
    return new StorageUnavailableError('Not now.')
  }
}

/** Nothing but such a fault is passed over. */
export function passedOver(error: unknown): undefined {
  if (!(error instanceof StorageUnavailableError)) throw error
}
