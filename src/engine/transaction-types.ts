import type { EnqueueInput, Operation, Settlement } from './types.ts'

/** What the body of a transaction has. */
export interface Transaction {
  /** Adds an operation; at most 100, each on an entity of its own. Gives its id, for `dependsOn` of others of the same transaction. */
  enqueue(input: EnqueueInput): { readonly id: string }
}

export interface TransactionHandle {
  readonly id: string
  /** In the order in which they were enqueued. */
  readonly operations: readonly Operation[]
  /** Resolves when all have ended: `done` if all were applied, else as the one that failed ended. Never rejects. */
  readonly settled: Promise<Settlement>
}
